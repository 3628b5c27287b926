# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The packs of the sequences: plain directories, one for each version, written once."""

from __future__ import annotations

import typing as t
from pathlib import Path

from infrastructure.packs import PackTree, Tree, bodies, to_yaml

REFS = ("alpha", "beta", "gamma")
Schema = t.Mapping[str, t.Any]

_OPTIONAL: Schema = {"a": {"type": "integer"}, "b": {"type": "string", "default": "usual"}}
_REQUIRING: Schema = {**_OPTIONAL, "key": {"type": "string", "required": True, "secret": True}}


def _action(name: str, enabled: bool = True, runner: str = "local-shell-cmd") -> str:
    return to_yaml({**bodies.command_action(name), "enabled": enabled, "runner_type": runner})


def _rule(ref: str, name: str, trigger: str, parameters: t.Optional[Schema] = None) -> str:
    return to_yaml({**bodies.rule(ref, name, trigger, parameters or {}), "enabled": True})


def _alpha(
    version: str,
    *,
    schema: t.Optional[Schema] = None,
    actions: t.Sequence[str] = ("report", "old"),
    more: t.Optional[t.Mapping[str, str]] = None,
) -> Tree:
    """A pack with all that a pack can have. Its triggers are what rules of C(beta), and of people, wait for."""
    tree = _pack("alpha", version)
    for name in actions:
        tree.add(f"actions/{name}.yaml", _action(name))
    tree.add("actions/dormant.yaml", _action("dormant", enabled=False))
    tree.add("sensors/pulse.yaml", to_yaml(bodies.sensor("alpha", "pulse", "AlphaSensor")))
    tree.add("sensors/pulse.py", bodies.SENSOR_SCRIPT)
    tree.add("triggers/beat.yaml", to_yaml(bodies.trigger("alpha", "beat")))
    ticks = {"type": "object", "properties": {"every": {"type": "integer"}}}
    tree.add("triggers/tick.yaml", to_yaml({**bodies.trigger("alpha", "tick"), "parameters_schema": ticks}))
    tree.add("rules/on_beat.yaml", _rule("alpha", "on_beat", "alpha.beat"))
    tree.add("aliases/report.yaml", to_yaml(bodies.alias("alpha_report", "alpha.report")))
    tree.add("policies/retry.yaml", to_yaml(bodies.policy("alpha_retry", "alpha.report")))
    return _finished(tree, schema, more)


def _beta(version: str, more: t.Optional[t.Mapping[str, str]] = None) -> Tree:
    """A pack that needs C(alpha), whose triggers its rules wait for."""
    tree = _pack("beta", version, dependencies=("alpha",))
    tree.add("actions/relay.yaml", _action("relay"))
    tree.add("rules/on_beat.yaml", _rule("beta", "on_beat", "alpha.beat"))
    tree.add("rules/on_tick.yaml", _rule("beta", "on_tick", "alpha.tick", {"every": 5}))
    return _finished(tree, None, more)


def _gamma(version: str, schema: t.Optional[Schema] = None) -> Tree:
    """A pack of sensors alone: it has no actions, and StackStorm lets nobody delete what it has."""
    tree = _pack("gamma", version)
    for name in ("east", "west")[: 2 if schema else 1]:
        tree.add(f"sensors/{name}.yaml", to_yaml(bodies.sensor("gamma", name, f"Gamma{name.title()}Sensor")))
        tree.add(f"sensors/{name}.py", bodies.SENSOR_SCRIPT)
    return _finished(tree, schema)


def _pack(ref: str, version: str, dependencies: t.Sequence[str] = ()) -> Tree:
    tree = PackTree(ref, version, minimal=True, actions=(), dependencies=dependencies)
    tree.remove("actions")
    return tree


def _finished(tree: Tree, schema: t.Optional[Schema], more: t.Optional[t.Mapping[str, str]] = None) -> Tree:
    if schema is not None:
        tree.add("config.schema.yaml", to_yaml(dict(schema)))
    for path, content in (more or {}).items():
        tree.add(path, content)
    return tree


_NEW_SENSOR = {"sensors/late.yaml": to_yaml(bodies.sensor("alpha", "late", "AlphaLateSensor")), "sensors/late.py": ""}
_NEW_RULE = {"rules/extra.yaml": _rule("alpha", "extra", "alpha.pulse_seen")}
_BAD_ACTION = {"actions/zz_bad.yaml": _action("zz_bad", runner="mistral-v2")}
_BAD_POLICY = {
    "policies/zz_bad.yaml": to_yaml({**bodies.policy("alpha_zz", "alpha.report"), "policy_type": "action.nosuch"})
}

SOURCES: t.Mapping[str, t.Callable[[], Tree]] = {
    "alpha-1.0.0": lambda: _alpha("1.0.0"),
    "alpha-1.1.0": lambda: _alpha("1.1.0", schema=_OPTIONAL, actions=("report", "new"), more=_NEW_RULE),
    "alpha-1.2.0": lambda: _alpha("1.2.0", schema=_REQUIRING, more={**_NEW_RULE, **_NEW_SENSOR}),
    "alpha-2.0.0-action": lambda: _alpha("2.0.0", schema=_OPTIONAL, more={**_NEW_SENSOR, **_NEW_RULE, **_BAD_ACTION}),
    "alpha-2.1.0-policy": lambda: _alpha("2.1.0", actions=("report", "new"), more={**_NEW_RULE, **_BAD_POLICY}),
    "beta-1.0.0": lambda: _beta("1.0.0"),
    "beta-1.1.0": lambda: _beta("1.1.0", {"rules/late.yaml": _rule("beta", "late", "alpha.tick", {"every": 9})}),
    "beta-2.0.0-rule": lambda: _beta("2.0.0", {"rules/zz_bad.yaml": _rule("beta", "zz_bad", "nowhere.nothing")}),
    "gamma-0.1.0": lambda: _gamma("0.1.0"),
    "gamma-0.2.0": lambda: _gamma("0.2.0", schema=_OPTIONAL),
}
"""By name of the directory; those with a word behind the version are what StackStorm refuses to register."""


def sources_of(ref: str) -> t.List[str]:
    """The versions of one pack."""
    return [name for name in SOURCES if name.startswith(f"{ref}-")]


class Upstream:
    """The directories that packs come from.

    :arg root: Where they are; nothing writes there but L(build).
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def build(self) -> Upstream:
        """Make them."""
        for name, tree in SOURCES.items():
            tree().write(self.root / name)
        (self.root / "index.json").write_text('{"metadata": {}, "packs": {}}')
        return self

    def path(self, name: str) -> Path:
        """The directory of one version."""
        return self.root / name
