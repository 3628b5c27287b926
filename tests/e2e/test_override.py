# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides end to end: modules as processes, a StackStorm behind HTTP and behind st2-register-content.

What is there is read from the file by PyYAML, and from the database by its own reader.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from infrastructure.ansible_run import ModuleResult, run_module_directly, run_play
from infrastructure.packs import PackTree, bodies
from infrastructure.snapshot import compare
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub

STATE = ".stackstorm.st2"
Options = t.Dict[str, t.Any]


def pack(ref: str) -> PackTree:
    """Two actions, a sensor, a rule that is on and one that does not say, and an alias."""
    tree = PackTree(ref, minimal=True, actions=("check",))
    tree.add_yaml("actions/list_all.yaml", bodies.python_action("list", "check.py"))
    tree.add_yaml("sensors/pulse.yaml", bodies.sensor(ref, "pulse"))
    tree.add_yaml("rules/loud.yaml", dict(bodies.rule(ref, "loud", "core.st2.webhook"), enabled=True))
    unsaid = bodies.rule(ref, "unsaid", "core.st2.webhook")
    del unsaid["enabled"]
    tree.add_yaml("rules/unsaid.yaml", unsaid)
    tree.add_yaml("aliases/ask.yaml", bodies.alias("ask", f"{ref}.check"))
    return tree


class Site:
    """A host with the pack sensu, and the StackStorm that has it registered.

    :arg how: ``api`` or ``local``.
    """

    def __init__(self, root: Path, how: str, *packs: str) -> None:
        self.host = ScratchHost(root / "host")
        for ref in packs or ("sensu",):
            self.host.place(pack(ref), ref)
        self.st2 = StackStormStub(self.host)
        if how == "local":
            self.st2.install_register_content()
        keys = {"api_url": f"{self.st2.api_url}/v1", "api_key": self.st2.api_key}
        self.options: Options = {"register": how, **(keys if how == "api" else {})}

    def run(self, module: str = "st2_override", check: bool = False, **given: t.Any) -> ModuleResult:
        """Run a module as a process of its own."""
        given = {**({"pack": "sensu"} if module == "st2_override" else {}), **self.options, **given}
        return run_module_directly(module, given, check=check, diff=True, host=self.host)

    def document(self, ref: str = "sensu") -> t.Any:
        """What the override file says; None where there is none."""
        path = self.host.overrides / f"{ref}.yaml"
        return yaml.safe_load(path.read_bytes()) if path.exists() else None

    def enabled(self, ref: str = "sensu") -> t.Dict[str, bool]:
        """What the database has, by name."""
        kinds = ("sensors", "actions", "rules", "aliases")
        found = self.st2.resources(ref)
        return {name: bool(document["enabled"]) for kind in kinds for name, document in found[kind].items()}

    def registrations(self) -> int:
        """How many registrations the API was asked for."""
        return len(self.st2.asked("POST", "/packs/register"))

    def converge(self, msg: str, **given: t.Any) -> ModuleResult:
        """Check, run, check again, run again; only the first run changes anything, and the check has said so."""
        before, database = self.host.snapshot(identity=True), self.enabled()
        asked = self.registrations()
        predicted = self.run(check=True, **given)
        assert compare(before, self.host.snapshot(identity=True)) == ([], [], []) and self.enabled() == database
        assert self.registrations() == asked
        done = self.run(**given)
        assert not done.failed and done.changed and done["msg"] == msg, done.everything
        for key in ("msg", "changed", "path", "resources", "counts", "registered", "diff"):
            assert predicted.get(key) == done.get(key), key
        asked = self.registrations()
        settled, database = self.host.snapshot(identity=True), self.enabled()
        for check in (True, False):
            again = self.run(check=check, **given)
            assert not again.failed and not again.changed and not again["registered"], again.everything
            assert "diff" not in again and not any(row["changed"] for row in again["resources"])
        assert compare(settled, self.host.snapshot(identity=True)) == ([], [], []) and self.enabled() == database
        assert self.registrations() == asked, "what is right is not registered"
        return done


@pytest.fixture
def make_site(tmp_path: Path) -> t.Iterator[t.Callable[..., Site]]:
    made: t.List[Site] = []

    def make(how: str = "api", *packs: str) -> Site:
        made.append(Site(tmp_path / f"site-{len(made)}", how, *packs))
        return made[-1]

    yield make
    for site in made:
        site.st2.stop()


@pytest.mark.parametrize("how", ["api", "local"])
def test_create_change_and_remove(make_site: t.Callable[..., Site], how: str) -> None:
    site = make_site(how)
    start = site.enabled()
    done = site.converge(
        "sensu: 1 action disabled, 1 sensor disabled, 1 rule enabled; registered",
        actions={"disabled": ["list_all"]},
        sensors={"exceptions": {"sensu.PulseSensor": {"enabled": False}}},
        rules={"enabled": ["unsaid"]},
    )
    assert site.document() == {
        "sensors": {"exceptions": {"PulseSensor": {"enabled": False}}},
        "actions": {"exceptions": {"list": {"enabled": False}}},
        "rules": {"exceptions": {"unsaid": {"enabled": True}}},
    }
    assert site.enabled() == {**start, "list": False, "PulseSensor": False, "unsaid": True}
    assert done["counts"]["rules"] == {"enabled": 1, "disabled": 0, "overridden": 0}, "as StackStorm counts"
    assert done["counts"]["actions"]["overridden"] == 1
    assert {"prepared": "sensors PulseSensor: enabled -> disabled (exception)\n"
            "actions list: enabled -> disabled (exception)\nrules unsaid: disabled -> enabled (exception)\n"
            } in done["diff"]  # fmt: skip

    site.converge(
        "sensu: 1 rule disabled, 1 alias disabled, 1 action enabled; registered",
        actions={"enabled": ["list"]},
        rules={"defaults": {"enabled": False}},
        aliases={"enabled": False},
    )
    assert site.enabled() == {**start, "PulseSensor": False, "unsaid": True, "loud": False, "ask": False}

    done = site.converge("sensu: 1 rule disabled, 1 sensor enabled, 1 rule enabled, 1 alias enabled; registered",
                         state="absent")  # fmt: skip
    assert site.document() is None and site.enabled() == start
    assert done["path"] == str(site.host.overrides / "sensu.yaml")


def test_all_packs(make_site: t.Callable[..., Site]) -> None:
    site = make_site("api", "sensu", "other")
    given: Options = {"pack": "_global", "sensors": {"defaults": {"enabled": False}}}
    done = site.converge("_global: 2 sensors disabled in 2 packs; registered", **given)
    assert site.enabled("other")["PulseSensor"] is False and site.enabled()["PulseSensor"] is False
    assert {row["from"] for row in done["resources"]} == {"global"}
    done = site.run(pack="_global", state="absent")
    assert done["msg"] == "_global: 2 sensors enabled in 2 packs; registered", done.everything
    assert site.enabled("other")["PulseSensor"] is True


def test_a_stale_database_is_a_change(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    (site.host.overrides / "sensu.yaml").write_text("actions:\n  defaults:\n    enabled: false\n")
    info = site.run("st2_override_info", pack="sensu")
    assert info["packs"][0]["agrees"] is False and info["problems"] == []
    site.converge("sensu: 2 actions disabled; registered", actions={"enabled": False})
    info = site.run("st2_override_info", pack="sensu")
    assert info["packs"][0]["agrees"] is True and info["packs"][0]["overridden"]["actions"] == 2


def test_what_stackstorm_refuses_leaves_everything_as_it_was(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    path = site.host.overrides / "sensu.yaml"
    path.write_text("# ours\nactions:\n  exceptions:\n    check:\n      enabled: true\n")
    before, database = site.host.snapshot(exclude=(STATE,)), site.enabled()
    site.st2.refuse("sensu")
    failed = site.run(actions={"disabled": ["check"]})
    assert failed.failed and not failed.changed and failed["step"] == "register"
    assert "was put back as it was" in failed["msg"] and "Traceback" not in failed.everything
    assert compare(before, site.host.snapshot(exclude=(STATE,))) == ([], [], []) and site.enabled() == database
    site.st2.accept("sensu")
    done = site.run(actions={"disabled": ["check"]})
    assert done.changed and path.read_text().startswith("# ours\n") and site.enabled()["check"] is False


def test_what_would_break_stackstorm_is_never_written(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    (site.host.overrides / "_global.yaml").write_text("rules:\n")
    (site.host.overrides / "core.yaml").write_text("")
    before = site.host.snapshot(identity=True)
    for given, told in (
        ({"actions": {"defaults": {"enabled": "no"}}}, 'actions.defaults.enabled is the text "no"'),
        ({"actions": {}}, "actions says nothing"),
        ({"actions": {"disabled": ["chek"]}}, "Did you mean check?"),
        ({"pack": "_global", "rules": {"disabled": ["loud"]}}, "StackStorm ignores in _global.yaml"),
        ({"rules": {"disabled": ["loud"]}}, "_global.yaml:1: rules is empty (null)"),
        ({"pack": "core", "actions": {"enabled": False}}, "core.yaml:1: the file is empty"),
        ({"pack": "nosuch", "actions": {"enabled": False}}, "The pack nosuch is not installed"),
    ):
        failed = site.run(**given)
        assert failed.failed and told in failed["msg"], failed.everything
    assert compare(before, site.host.snapshot(identity=True)) == ([], [], [])
    assert site.registrations() == 0


def test_secrets_stay_secret(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    for given in ({"actions": {"disabled": ["check"]}}, {"actions": {"disabled": ["nosuch"]}}):
        assert site.st2.api_key not in site.run(**given).everything
    assert site.st2.api_key not in site.run("st2_override_info").everything


def test_a_play(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    defaults = {"group/stackstorm.st2.st2": {**site.options, "st2_conf": str(site.host.st2_conf)}}
    override = "stackstorm.st2.st2_override"
    tasks = [
        {"name": "off", override: {"pack": "sensu", "actions": {"enabled": "{{ actions_enabled }}"}}},
        {"name": "again", override: {"pack": "sensu", "actions": {"enabled": False}}},
        {"name": "info", "stackstorm.st2.st2_override_info": {"pack": "sensu"}},
        {
            "name": "quoted",
            override: {"pack": "sensu", "actions": {"defaults": {"enabled": "no"}}},
            "ignore_errors": True,
        },
        {"name": "remove", override: {"pack": "sensu", "state": "absent"}},
    ]
    block = [{"block": tasks, "module_defaults": defaults}]
    play = run_play(block, host=site.host, variables={"actions_enabled": False}, diff=True)
    assert play.rc == 0, play.stdout + play.stderr
    assert [found.result.get("changed") for found in play.tasks] == [True, False, False, False, True]
    assert play["info"]["msg"] == "2 of 6 resources of 1 pack decided by overrides"
    assert "actions check: enabled -> disabled (defaults)" in play.stdout
    assert 'is the text "no"' in play["quoted"]["msg"]
    assert site.document() is None and site.enabled()["check"] is True
