# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides end to end: modules as processes, a StackStorm behind HTTP and behind st2-register-content.

What is there is read from the file by PyYAML, and from the database by its own reader.
"""

from __future__ import annotations

import contextlib
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.scene import warnings
from infrastructure.ansible_run import ModuleResult, run_module_directly, run_play
from infrastructure.packs import PackTree, bodies
from infrastructure.snapshot import compare
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub, stackstorm_under_test
from infrastructure.warm_modules import warm_modules

STATE = ".stackstorm.st2"
REF = "override_test"
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
    """A host with packs, and the StackStorm that has them registered; a real one when the environment names it.

    :arg how: ``api`` or ``local``.
    """

    def __init__(self, root: Path, how: str, *packs: str) -> None:
        self.host = ScratchHost(root / "host")
        self._open = contextlib.ExitStack()
        self.st2 = self._open.enter_context(stackstorm_under_test(self.host))
        base_path = self.st2.packs_path.parent
        self.host.configure("system", base_path=str(base_path))
        self.host.configure("content", system_packs_base_path=str(self.st2.packs_path))
        for ref in packs or (REF,):
            self._open.callback(self._remove, ref)
            pack(ref).write(self.st2.packs_path / ref)
            self.st2.register(ref)
        if how == "local":
            self.stub.install_register_content()
        keys = {"api_url": f"{self.st2.api_url}/v1", "api_key": self.st2.api_key}
        self.options: Options = {"register": how, **(keys if how == "api" else {})}

    def _remove(self, ref: str) -> None:
        self.path(ref).unlink(missing_ok=True)
        shutil.rmtree(self.st2.packs_path / ref, ignore_errors=True)

    def stop(self) -> None:
        """Take away what was there for the test."""
        self._open.close()

    @property
    def stub(self) -> StackStormStub:
        """The stand-in; a test that needs it is skipped for a real server."""
        if not isinstance(self.st2, StackStormStub):
            pytest.skip("this needs the stand-in for StackStorm")
        return self.st2

    def run(self, module: str = "st2_override", check: bool = False, **given: t.Any) -> ModuleResult:
        """Run a module as a process of its own."""
        given = {**({"pack": REF} if module == "st2_override" else {}), **self.options, **given}
        return run_module_directly(module, given, check=check, diff=True, host=self.host)

    def path(self, ref: str = REF) -> Path:
        """Where an override file is."""
        return self.st2.overrides_path / f"{ref}.yaml"

    def document(self, ref: str = REF) -> t.Any:
        """What the override file says; None where there is none."""
        return yaml.safe_load(self.path(ref).read_bytes()) if self.path(ref).exists() else None

    def enabled(self, ref: str = REF) -> t.Dict[str, bool]:
        """What the database has, by name."""
        kinds = ("sensors", "actions", "rules", "aliases")
        found = self.st2.resources(ref)
        return {name: bool(document["enabled"]) for kind in kinds for name, document in found[kind].items()}

    def everything(self) -> t.Any:
        """All that a run could change: files with inodes and times, the database, and what it was asked."""
        files = self.host.snapshot(identity=True)
        overrides = {
            path.name: (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
            for path in self.st2.overrides_path.rglob("*")
            if not path.is_dir()
        }
        asked = len(self.st2.asked("POST", "/packs/register")) if isinstance(self.st2, StackStormStub) else 0
        return files, overrides, self.enabled(), asked

    def converge(self, msg: str, **given: t.Any) -> ModuleResult:
        """Check, run, check again, run again; only the first run changes anything, and the check has said so."""
        before = self.everything()
        predicted = self.run(check=True, **given)
        assert self.everything() == before
        done = self.run(**given)
        assert not done.failed and done.changed and done["msg"] == msg, done.everything
        for key in ("msg", "changed", "path", "resources", "counts", "database_state", "diff"):
            assert predicted.get(key) == done.get(key), key
        settled = self.everything()
        for check in (True, False):
            again = self.run(check=check, **given)
            assert not again.failed and not again.changed and again["database_state"] == "current", again.everything
            assert "diff" not in again and not any(row["changed"] for row in again["resources"])
        assert self.everything() == settled, "what is right is neither written nor registered"
        return done


@pytest.fixture
def make_site(tmp_path: Path) -> t.Iterator[t.Callable[..., Site]]:
    made: t.List[Site] = []

    def make(how: str = "api", *packs: str) -> Site:
        made.append(Site(tmp_path / f"site-{len(made)}", how, *packs))
        return made[-1]

    yield make
    for site in made:
        site.stop()


@pytest.mark.parametrize("how", ["api", "local"])
def test_from_the_first_override_to_the_last(make_site: t.Callable[..., Site], how: str) -> None:
    site = make_site(how)
    start = site.enabled()
    done = site.converge(
        f"{REF}: 1 action disabled, 1 sensor disabled, 1 rule enabled; registered",
        actions={"disabled": ["list_all"]},
        sensors={"exceptions": {f"{REF}.PulseSensor": {"enabled": False}}},
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

    more: Options = {"rules": {"defaults": {"enabled": False}}, "aliases": {"enabled": False}, "merge": "merge"}
    done = site.run(actions={"enabled": ["list"]}, **more)
    assert done["msg"] == f"{REF}: 1 rule disabled, 1 alias disabled, 1 action enabled; registered", done.everything
    assert site.enabled() == {**start, "PulseSensor": False, "unsaid": True, "loud": False, "ask": False}

    done = site.converge(f"{REF}: 1 rule disabled, 1 sensor enabled, 1 rule enabled, 1 alias enabled; registered",
                         state="absent")  # fmt: skip
    assert site.document() is None and site.enabled() == start
    assert done["path"] == str(site.path())


def test_all_packs(make_site: t.Callable[..., Site]) -> None:
    site = make_site("api", REF, "other")
    assert site.stub, "a real server has other packs, too"
    given: Options = {"pack": "_global", "sensors": {"defaults": {"enabled": False}}}
    done = site.converge("_global: 2 sensors disabled in 2 packs; registered", **given)
    assert site.enabled("other")["PulseSensor"] is False and site.enabled()["PulseSensor"] is False
    assert {row["from"] for row in done["resources"]} == {"global"}
    done = site.run(pack="_global", state="absent")
    assert done["msg"] == "_global: 2 sensors enabled in 2 packs; registered", done.everything
    assert site.enabled("other")["PulseSensor"] is True


def test_a_stale_database_is_a_change(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    (site.path()).write_text("actions:\n  defaults:\n    enabled: false\n")
    info = site.run("st2_override_info", pack=REF)
    assert info["packs"][0]["database_state"] == "stale" and info["problems"] == []
    site.converge(f"{REF}: 2 actions disabled; registered", actions={"enabled": False})
    info = site.run("st2_override_info", pack=REF)
    assert info["packs"][0]["database_state"] == "current" and info["packs"][0]["overridden"]["actions"] == 2


def test_what_stackstorm_refuses_leaves_everything_as_it_was(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    path = site.path()
    path.write_text("# ours\nactions:\n  exceptions:\n    check:\n      enabled: true\n")
    before, database = site.host.snapshot(exclude=(STATE,)), site.enabled()
    site.stub.refuse(REF)
    failed = site.run(actions={"disabled": ["check"]})
    assert failed.failed and not failed.changed and failed["step"] == "register"
    assert failed["msg"].endswith("Everything this task had changed was put back.")
    assert failed["database_state"] == "current" and "Traceback" not in failed.everything
    assert compare(before, site.host.snapshot(exclude=(STATE,))) == ([], [], []) and site.enabled() == database
    site.stub.accept(REF)
    done = site.run(actions={"disabled": ["check"]})
    assert done.changed and path.read_text().startswith("# ours\n") and site.enabled()["check"] is False


def test_what_goes_by_the_default_of_merge_is_warned_of(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    site.run(actions={"enabled": ["list", "check"]})
    done = site.run(actions={"disabled": ["check"]})
    assert "no longer contains actions.exceptions.list" in str(done["warnings"])
    assert site.document() == {"actions": {"exceptions": {"check": {"enabled": False}}}}
    assert "warnings" not in site.run(actions={"disabled": ["check"]})


def test_what_would_break_stackstorm_is_never_written(make_site: t.Callable[..., Site]) -> None:
    site = make_site()
    assert site.stub, "a real server shall not get a broken file"
    site.path("_global").write_text("rules:\n")
    before = site.everything()
    for given, told in (
        ({"actions": {"defaults": {"enabled": "no"}}}, 'actions.defaults.enabled is the text "no"'),
        ({"actions": {"disabled": ["checks"]}}, "Did you mean check?"),
        ({"rules": {"disabled": ["loud"]}}, "_global.yaml:1: rules is empty (null)"),
    ):
        failed = site.run(**given)
        assert failed.failed and told in failed["msg"], failed.everything
    assert site.everything() == before


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
        {"name": "off", override: {"pack": REF, "actions": {"enabled": "{{ actions_enabled }}"}}},
        {"name": "again", override: {"pack": REF, "actions": {"enabled": False}}},
        {"name": "info", "stackstorm.st2.st2_override_info": {"pack": REF}},
        {"name": "quoted", override: {"pack": REF, "actions": {"defaults": {"enabled": "no"}}}, "ignore_errors": True},
        {"name": "remove", override: {"pack": REF, "state": "absent"}},
    ]
    block = [{"block": tasks, "module_defaults": defaults}]
    play = run_play(block, host=site.host, variables={"actions_enabled": False}, diff=True)
    assert play.rc == 0, play.stdout + play.stderr
    assert [found.result.get("changed") for found in play.tasks] == [True, False, False, False, True]
    assert play["info"]["msg"] == "2 of 6 resources of 1 pack decided by overrides"
    assert "actions check: enabled -> disabled (defaults)" in play.stdout
    assert 'is the text "no"' in play["quoted"]["msg"]
    assert site.document() is None and site.enabled()["check"] is True


def test_a_stackstorm_that_reads_no_overrides_is_named(tmp_path: Path) -> None:
    host = ScratchHost(tmp_path / "host", version="3.6.0")
    pack(REF).write(host.packs / REF)

    def warned(module: str, **options: t.Any) -> bool:
        done = warm_modules.run(module, {"register": "none", **options}, host=host)
        assert not done.failed, done.everything
        return any(
            "StackStorm 3.6.0, which this host has, does not read override files" in one for one in warnings(done)
        )

    assert not warned("st2_override_info", pack=[REF])
    wanted = {"actions": {"disabled": ["check"]}}
    # Whoever finds everything as asked has to know it, too.
    assert warned("st2_override", pack=REF, **wanted) and warned("st2_override", pack=REF, **wanted)
    assert warned("st2_pack", packs=[{"name": REF, "overrides": wanted}]) and warned("st2_override_info", pack=[REF])
    assert not warned("st2_override", pack=REF, state="absent")
