# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sequences by chance; the same seed gives the same one."""

from __future__ import annotations

import random
import typing as t

from infrastructure.packs import bodies

from .catalogue import REFS, SOURCES, sources_of
from .steps import HOSTS, ByHand, Run, Sequence, Step, Trouble

_CONFIGS: t.Sequence[t.Mapping[str, t.Any]] = (
    {"a": 1},
    {"a": 2, "b": "x"},
    {"a": "text"},
    {"key": "k"},
    {"c": [1]},
    {},
)
_ITEM_CONFIGS = (*_CONFIGS[:2], {"a": 3, "key": "secret"}, {"key": "k"}, {"a": "text"})
_NAMES = {
    "alpha": {
        "actions": ("report", "old", "new", "dormant"),
        "sensors": ("AlphaSensor",),
        "rules": ("on_beat", "extra"),
        "aliases": ("alpha_report",),
    },
    "beta": {"actions": ("relay",), "rules": ("on_beat", "on_tick")},
    "gamma": {"sensors": ("GammaEastSensor", "GammaWestSensor")},
}
_BROKEN = ("actions:\n  defaults:\n", "[]\n", "", 'sensors: {defaults: {enabled: "no"}}\n')
_RIGHT = ("actions: {defaults: {enabled: false}}\n", "rules: {exceptions: {on_beat: {enabled: false}}}\n")


def sequence(seed: int) -> Sequence:
    """The sequence of a seed."""
    return _Generator(random.Random(seed)).sequence(seed)


class _Generator:
    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._two_hosts = chance.random() < 0.4
        self._registers = chance.choice(
            [("api",), ("api",), ("local",), ("api", "local"), ("api", "api", "none"), ("local", "none")]
        )
        self._made = 0

    def sequence(self, seed: int) -> Sequence:
        steps: t.List[Step] = [self._packs(state="present", good=True)]
        for _number in range(self._chance.randint(2, 5)):
            steps.extend(self._step())
        return Sequence(seed, tuple(steps))

    def _step(self) -> t.Iterator[Step]:
        if self._chance.random() < 0.25:
            yield self._by_hand()
        kind = self._chance.choices(["packs", "config", "override", "hand", "back", "phases"], [6, 3, 3, 1, 4, 3])[0]
        if kind == "hand":
            yield self._by_hand()
            return
        if kind == "phases":
            yield from self._phases()
            return
        made = {"packs": self._packs, "config": self._config, "override": self._override, "back": self._back}
        yield from self._troubled(made[kind]())

    def _troubled(self, run: Run) -> t.Iterator[Step]:
        """A task in which something may go wrong, with what people do then."""
        trouble = self._trouble(run.register) if self._chance.random() < 0.45 else None
        if trouble is None:
            yield run
            return
        yield Run(run.module, run.arguments, run.register, run.host, trouble)
        more = self._chance.random()
        if more < 0.4:
            yield self._run("st2_pack", {"packs": []})
        if more < 0.7:
            yield Run(run.module, run.arguments, run.register, self._host())

    def _run(self, module: str, arguments: t.Mapping[str, t.Any]) -> Run:
        return Run(module, arguments, self._chance.choice(self._registers), self._host())

    def _host(self) -> str:
        return self._chance.choice(HOSTS) if self._two_hosts else "a"

    # Tasks

    def _packs(self, state: str = "", good: bool = False) -> Run:
        chance = self._chance
        refs = chance.sample(REFS, chance.choice([1, 1, 2, 3]))
        if good:
            refs = ["alpha", *(ref for ref in refs if ref != "alpha")]
        state = state or chance.choices(["present", "latest", "absent"], [6, 1, 2])[0]
        arguments: t.Dict[str, t.Any] = {"packs": [self._item(ref, state, good) for ref in refs]}
        if state != "present":
            arguments["state"] = state
        if state == "absent" and chance.random() < 0.4:
            arguments["purge"] = True
        if chance.random() < 0.3:
            arguments["dependencies"] = "skip"
        if not good and chance.random() < 0.1:
            arguments.update(chance.choice([{"prune": True}, {"verify": "content"}, {"keep_releases": 0}]))
        return self._run("st2_pack", arguments)

    def _item(self, ref: str, state: str, good: bool) -> t.Dict[str, t.Any]:
        chance = self._chance
        if state == "absent":
            return {"name": ref}
        sources = [name for name in sources_of(ref) if not good or name.count("-") == 1]
        item: t.Dict[str, t.Any] = {"name": ref, "source": chance.choice(sources)}
        if not good and chance.random() < 0.1:
            return {"name": ref, "state": "absent"}
        if chance.random() < 0.3:
            item["config"] = chance.choice(_ITEM_CONFIGS)
        if chance.random() < 0.3:
            item["overrides"] = self._sections(ref)
        if chance.random() < 0.2:
            item["merge"] = "merge"
        return item

    def _config(self) -> Run:
        chance = self._chance
        arguments: t.Dict[str, t.Any] = {"pack": chance.choice(["alpha", "alpha", "gamma", "beta"])}
        if chance.random() < 0.25:
            arguments["state"] = "absent"
        else:
            arguments["config"] = chance.choice(_CONFIGS)
            if chance.random() < 0.3:
                arguments["merge"] = "merge"
        return self._run("st2_pack_config", arguments)

    def _override(self) -> Run:
        chance = self._chance
        pack = chance.choice(["alpha", "alpha", "beta", "gamma", "_global"])
        if chance.random() < 0.25:
            return self._run("st2_override", {"pack": pack, "state": "absent"})
        arguments: t.Dict[str, t.Any] = {"pack": pack, **self._sections(pack)}
        if chance.random() < 0.5:
            arguments["merge"] = "replace"
        return self._run("st2_override", arguments)

    def _sections(self, pack: str) -> t.Dict[str, t.Any]:
        chance = self._chance
        if pack == "_global":
            return {chance.choice(["actions", "rules", "sensors"]): {"defaults": {"enabled": chance.random() < 0.4}}}
        names = _NAMES[pack]
        found: t.Dict[str, t.Any] = {}
        for kind in chance.sample(sorted(names), min(len(names), chance.choice([1, 1, 2]))):
            section: t.Dict[str, t.Any] = {}
            if chance.random() < 0.3:
                section["defaults"] = {"enabled": chance.random() < 0.5}
            if not section or chance.random() < 0.5:
                section[chance.choice(["disabled", "disabled", "enabled"])] = [chance.choice(names[kind])]
            found[kind] = section
        return found

    def _back(self) -> Run:
        chance = self._chance
        arguments: t.Dict[str, t.Any] = {}
        if chance.random() < 0.25:
            arguments["change"] = str(chance.randint(1, 4))
        if chance.random() < 0.1:
            arguments["prune"] = True
        return self._run("st2_rollback", arguments)

    def _phases(self) -> t.Iterator[Step]:
        """Packs that are staged, put in place and registered, each by a task of its own."""
        chance = self._chance
        whole = self._packs()
        for phase in ("stage", "swap"):
            trouble = self._trouble("none") if chance.random() < 0.35 else None
            yield Run(whole.module, {**whole.arguments, "phase": phase}, "none", whole.host, trouble)
            if trouble is not None and chance.random() < 0.7:
                yield Run(whole.module, {**whole.arguments, "phase": phase}, "none", whole.host)
            if chance.random() < 0.2:
                yield self._back() if chance.random() < 0.5 else self._by_hand()
        told = [one for one in self._registers if one != "none"]
        if told and chance.random() < 0.7:
            refs = [item["name"] for item in whole.items]
            arguments: t.Dict[str, t.Any] = {} if chance.random() < 0.3 else {"packs": refs}
            yield from self._troubled(Run("st2_register", arguments, chance.choice(told), self._host()))

    # What goes wrong

    def _trouble(self, register: str) -> Trouble:
        chance = self._chance
        kinds = ["kill", "kill"]
        if register != "none":
            kinds += ["die"]
        if register == "api":
            kinds += ["error", "close", "reset", "timeout", "kill-request"]
        elif register == "local":
            kinds += ["error", "timeout"]
        kind = chance.choice(kinds)
        if kind == "kill":
            return Trouble(kind, int(2 ** (chance.random() * 6.3)))
        if kind == "die":
            where = chance.choice([("alpha", "actions"), ("alpha", "policies"), ("alpha", "rules"), ("beta", "rules"),
                                   ("gamma", "sensors")])  # fmt: skip
            return Trouble(kind, where=where)
        number = chance.randint(1, 3) if register == "local" else chance.randint(1, 14)
        return Trouble(
            kind, number, work=chance.random() < 0.5, lasting=not kind.startswith("kill") and chance.random() < 0.25
        )

    # What people do

    def _by_hand(self) -> ByHand:
        chance = self._chance
        if chance.random() < 0.3:
            return self._file_by_hand()
        self._made += 1
        name = f"mine_{self._made}"
        kind = chance.choice(["actions", "rules", "aliases", "policies"])
        pack = chance.choice(["alpha", "alpha", "beta", "gamma"])
        if kind == "actions":
            return ByHand("make", kind, {**bodies.command_action(name), "pack": pack})
        if kind == "aliases":
            return ByHand("make", kind, {**bodies.alias(name, "core.noop"), "pack": pack})
        if kind == "policies":
            return ByHand("make", kind, {**bodies.policy(name, "core.noop"), "pack": pack})
        trigger, parameters = chance.choice(
            [("alpha.beat", {}), ("alpha.tick", {"every": 7}), ("core.st2.webhook", {"url": name})]
        )
        owner = chance.choice(["default", "default", pack])
        return ByHand("make", kind, {**bodies.rule(owner, name, trigger, parameters), "enabled": True})

    def _file_by_hand(self) -> ByHand:
        chance = self._chance
        what = chance.choice(["config", "right", "broken", "broken", "remove"])
        if what == "config":
            return ByHand("write", path="configs/alpha.yaml", content=chance.choice(["a: 7\n", "a: text\n", "{}\n"]))
        path = f"overrides/{chance.choice(['alpha', 'alpha', '_global'])}.yaml"
        if what == "remove":
            return ByHand("remove", path=chance.choice([path, "configs/alpha.yaml"]))
        return ByHand("write", path=path, content=chance.choice(_RIGHT if what == "right" else _BROKEN))


__all__ = ["SOURCES", "sequence"]
