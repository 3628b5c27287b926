# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs against a StackStorm that registers by its own loader: check, run, check again, run again."""

from __future__ import annotations

import os
import stat
import threading

import pytest
from infrastructure.packs import PackTree
from infrastructure.snapshot import compare

from ansible_collections.stackstorm.st2.plugins.module_utils._change.lock import HostLock
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    HostError,
    InvalidContentError,
    LockError,
    OptionError,
    UnreachableError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override import converge_override
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override.scene import STATE, Scene, sensu
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)

PUT_BACK = "Everything this task had changed was put back."


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(params=["api", "local"])
def scene(request, tmp_path):
    """A host with sensu registered, whose database can be read, or cannot."""
    return Scene(tmp_path / "host", reads=request.param == "api")


@pytest.fixture
def api(tmp_path):
    return Scene(tmp_path / "host")


def told(result):
    assert result.failure is None, result.failure and result.failure.message
    # Which number the change set gets is only known by then.
    returned = {key: value for key, value in result.returned.items() if key != "change"}
    return result.changed, result.msg, result.diff, returned


def converge(scene, line, **given):
    """Check, run, check again, run again: only the first run changes anything, and check mode has said so."""
    scene.database.registered.clear()
    before, rows = scene.host.snapshot(identity=True), dict(scene.database.rows)
    predicted = scene.run(check=True, **given)
    assert compare(before, scene.host.snapshot(identity=True)) == ([], [], []), "check mode writes nothing"
    assert scene.database.registered == [] and scene.database.rows == rows
    done = scene.run(**given)
    assert told(done) == told(predicted)
    assert (done.changed, done.msg) == (True, line)
    scene.told = [ref for refs, _types in scene.database.registered for ref in refs]
    settled, rows = scene.host.snapshot(identity=True), dict(scene.database.rows)
    scene.database.registered.clear()
    for again in (scene.run(check=True, **given), scene.run(**given)):
        assert not told(again)[0] and not any(row["changed"] for row in again.returned["resources"])
        assert again.diff == [] and again.msg == f"{given.get('pack', 'sensu')}: overrides are as asked"
        assert again.returned["database_state"] == done.returned["database_state"]
    assert compare(settled, scene.host.snapshot(identity=True)) == ([], [], [])
    assert scene.database.registered == [] and scene.database.rows == rows
    return done


def test_the_twelve_steps(scene):
    line = "sensu: 2 actions disabled, 1 sensor disabled, 1 rule enabled; registered"
    rules = {"exceptions": {"unsaid": {"enabled": True}}}
    converge(scene, line, actions={"disabled": ["check", "list"]}, sensors={"disabled": ["pulse"]}, rules=rules)
    assert scene.document() == {
        "sensors": {"exceptions": {"PulseSensor": {"enabled": False}}},
        "actions": {"exceptions": {"check": {"enabled": False}, "list": {"enabled": False}}},
        "rules": {"exceptions": {"unsaid": {"enabled": True}}},
    }
    database = scene.database.enabled
    assert database("actions", "check") is database("actions", "list") is database("sensors", "PulseSensor") is False
    assert database("rules", "unsaid") is True and database("aliases", "ask") is True

    converge(
        scene, "sensu: 1 alias disabled, 1 action enabled; registered",
        actions={"enabled": ["check"]}, aliases={"enabled": False}, merge="merge",
    )  # fmt: skip
    assert scene.document()["actions"]["exceptions"] == {"check": {"enabled": True}, "list": {"enabled": False}}
    assert scene.document()["aliases"] == {"defaults": {"enabled": False}}
    assert database("actions", "check") is True and database("aliases", "ask") is False

    done = converge(scene, "sensu: 1 rule disabled, 1 action enabled, 1 sensor enabled, 1 alias enabled; registered",
                    state="absent")  # fmt: skip
    assert scene.document() is None
    assert database("sensors", "PulseSensor") is True and database("rules", "unsaid") is False
    assert {row["from"] for row in done.returned["resources"]} == {"metadata"}


def test_what_is_told_of_each_resource(api):
    done = api.run(actions={"enabled": False, "exceptions": {"list": {"enabled": True}}})
    assert done.returned["resources"] == [
        {"pack": "sensu", "kind": "actions", "name": "check", "before": True, "after": False, "from": "defaults",
         "changed": True},
        {"pack": "sensu", "kind": "actions", "name": "list", "before": True, "after": True, "from": "exception",
         "changed": False},
    ]  # fmt: skip
    assert done.returned["counts"]["actions"] == {"enabled": 0, "disabled": 1, "overridden": 1}
    assert done.diff[1] == {"prepared": "actions check: enabled -> disabled (defaults)\n"}
    assert api.database.registered == [(["sensu"], ("action",))], "nothing else is registered anew"


def test_for_all_packs(tmp_path):
    packs = {"sensu": sensu(), "other": PackTree("other"), "plain": PackTree("plain", minimal=True)}
    scene = Scene(tmp_path / "host", packs=packs)
    line = "_global: 2 sensors disabled in 2 packs; registered"
    done = converge(scene, line, pack="_global", sensors={"defaults": {"enabled": False}})
    assert scene.document("_global") == {"sensors": {"defaults": {"enabled": False}}}
    assert scene.database.enabled("sensors", "PulseSensor", "other") is False
    assert [row["pack"] for row in done.returned["resources"]] == ["other", "sensu"]
    assert scene.told == ["other", "sensu"]

    converge(scene, "sensu: 1 sensor enabled; registered", sensors={"enabled": ["PulseSensor"]})
    converge(scene, "_global: 1 sensor enabled in 1 pack; registered", pack="_global", state="absent")
    assert scene.document("_global") is None and scene.database.enabled("sensors", "PulseSensor", "other") is True


def test_for_all_packs_where_the_database_cannot_be_read(tmp_path):
    scene = Scene(tmp_path / "host", reads=False, packs={"sensu": sensu(), "other": PackTree("other")})
    converge(scene, "_global: 2 sensors disabled in 2 packs; registered", pack="_global", sensors={"enabled": False})
    converge(scene, "sensu: 1 sensor enabled; registered", sensors={"enabled": ["PulseSensor"]})
    converge(scene, "_global: 1 sensor enabled in 1 pack; registered", pack="_global", state="absent")


def test_a_database_that_disagrees_is_a_change(api):
    api.run(actions={"disabled": ["check"]})
    api.database.rows["sensu", "actions", "check"] = True
    converge(api, "sensu: 1 action disabled; registered", actions={"disabled": ["check"]})
    assert api.database.enabled("actions", "check") is False


def test_what_was_written_without_a_database_is_registered_later(scene):
    database, scene.database = scene.database, NoRegistrar()
    done = scene.run(actions={"disabled": ["check"]})
    assert done.msg == "sensu: 1 action disabled; not registered"
    assert done.returned["database_state"] == "unknown"
    assert not scene.run(actions={"disabled": ["check"]}).changed
    scene.database = database
    line = "sensu: 1 action disabled; registered" if database.reads else "sensu: registered"
    converge(scene, line, actions={"disabled": ["check"]})
    assert database.enabled("actions", "check") is False


def test_what_was_removed_without_a_database_is_registered_later(scene):
    scene.run(actions={"disabled": ["check"]})
    database, scene.database = scene.database, NoRegistrar()
    scene.run(state="absent")
    scene.database = database
    assert database.enabled("actions", "check") is False
    converge(scene, "sensu: 1 action enabled; registered" if database.reads else "sensu: registered", state="absent")
    assert database.enabled("actions", "check") is True


def test_what_no_override_concerns_may_be_switched_by_hand(api):
    api.run(actions={"disabled": ["check"]})
    api.database.rows["sensu", "rules", "on_pulse"] = True
    api.database.rows["sensu", "actions", "list"] = False
    assert not api.run(actions={"disabled": ["check"]}).changed
    done = api.run(actions={"enabled": ["check"]})
    assert done.msg == "sensu: 2 actions enabled; registered", "what goes along is told"
    assert api.database.enabled("rules", "on_pulse") is True and api.database.enabled("actions", "list") is True


def test_a_pack_that_the_database_has_not_is_registered(api):
    api.run(actions={"disabled": ["check"]})
    api.database.rows.clear()
    converge(api, "sensu: registered", actions={"disabled": ["check"]})


def test_one_resource_that_the_database_has_not_is_told(api):
    api.run(actions={"disabled": ["check", "list"]})
    del api.database.rows["sensu", "actions", "list"]
    again = api.run(actions={"disabled": ["check", "list"]})
    assert not again.changed
    assert "database does not have all of the pack sensu: action list" in again.warnings[0]


def test_nothing_is_registered_that_switches_nothing(scene):
    if not scene.database.reads:  # Until something is known to be registered, everything is registered once.
        converge(scene, "sensu: 1 sensor disabled; registered", sensors={"disabled": ["PulseSensor"]})
    scene.database.registered.clear()
    done = converge(scene, "sensu: overrides written, nothing switched", actions={"enabled": ["check"]}, merge="merge")
    assert scene.database.registered == [] and done.returned["database_state"] == "current"


def refuse(scene, error, *told, **given):
    """A run that must fail and change nothing; check mode must say the same."""
    before, rows = scene.files(), dict(scene.database.rows)
    for check in (True, False):
        refused = scene.run(check=check, **given)
        assert isinstance(refused.failure, error) and not refused.changed
        for part in told:
            assert part in refused.failure.message
    assert compare(before, scene.files()) == ([], [], []) and scene.database.rows == rows
    assert scene.database.registered == []


def test_a_pack_that_is_not_installed(api):
    before = api.files()
    failed = api.run(pack="nosuch", rules={"enabled": True})
    assert isinstance(failed.failure, OptionError) and not failed.changed
    assert "The pack nosuch is not installed" in failed.failure.message and "allow_missing" in failed.failure.message
    predicted = api.run(check=True, pack="nosuch", rules={"enabled": True})
    assert predicted.failure is None and predicted.changed, "it may be there by the time of the run"
    assert predicted.msg == "nosuch: overrides written, the pack is not installed"
    assert predicted.diff[0]["after"] == "---\nrules:\n  defaults:\n    enabled: true\n"
    assert predicted.returned["database_state"] == "unknown" and "the run fails" in predicted.warnings[0]
    assert compare(before, api.files()) == ([], [], []) and api.database.registered == []
    done = api.run(pack="nosuch", rules={"enabled": True}, allow_missing=True)
    assert done.msg == "nosuch: overrides written, the pack is not installed"
    assert api.database.registered == [] and "nothing is registered" in done.warnings[0]
    assert api.document("nosuch") == {"rules": {"defaults": {"enabled": True}}}
    done = api.run(pack="nosuch", state="absent")
    assert done.changed and api.document("nosuch") is None


def test_names_are_checked(api):
    refuse(api, OptionError, "actions.disabled: the pack sensu has no action checks. Did you mean check?",
           actions={"disabled": ["checks"]})  # fmt: skip
    done = api.run(actions={"disabled": ["checks"]}, allow_missing=True)
    assert api.document() == {"actions": {"exceptions": {"checks": {"enabled": False}}}}
    assert done.msg == "sensu: overrides written, nothing switched"


@pytest.mark.parametrize("text, line", [("rules:\n", 1), ("policies: {}\n", 1), ("a: 1\nactions: {\n", 3), ("", 1)])
def test_a_file_that_others_broke_is_left_alone(api, text, line):
    path = api.write(text)
    refuse(api, HostError, str(path), "merge=replace", f"{line}", actions={"disabled": ["check"]}, merge="merge")
    refuse(api, HostError, str(path), state="absent", actions={})
    done = api.run(actions={"disabled": ["check"]}, merge="replace")
    assert done.failure is None and api.document() == {"actions": {"exceptions": {"check": {"enabled": False}}}}


def test_a_file_that_others_broke_can_be_removed(api):
    api.write("rules:\n")
    converge(api, "sensu: overrides removed, nothing switched", state="absent")
    assert not api.path().exists()


def test_the_file_for_all_must_be_right_before_a_pack_is_registered(api):
    path = api.write("actions:\n", "_global")
    refuse(api, HostError, f"{path}:1: actions is empty", "pack=_global", actions={"disabled": ["check"]})
    assert not api.run(pack="_global", actions={"enabled": True}, merge="replace").failure
    assert not api.run(actions={"disabled": ["check"]}).failure


def test_a_broken_pack_does_not_hold_up_the_others(tmp_path):
    scene = Scene(tmp_path / "host", packs={"sensu": sensu(), "other": PackTree("other")})
    path = scene.write("sensors:\n", "other")
    done = scene.run(pack="_global", sensors={"enabled": False})
    assert done.msg == "_global: 1 sensor disabled in 1 pack; registered"
    assert any(f"cannot register the pack other: {path}:1:" in warning for warning in done.warnings)


def test_comments_stay(api):
    text = "# ours\nactions:\n  exceptions:\n    check: # since the outage\n      enabled: true\n"
    api.write(text)
    done = api.run(actions={"disabled": ["check"]})
    assert api.path().read_text() == text.replace("true", "false") and done.warnings == []
    api.write("actions: {exceptions: {check: &on {enabled: true}, list: *on}} # ours\n")
    assert any("comments" in warning for warning in api.run(actions={"disabled": ["list"]}).warnings)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_file_keeps_its_mode(api, mode):
    api.write("actions: {exceptions: {check: {enabled: true}}}\n")
    api.path().chmod(mode)
    assert api.run(actions={"disabled": ["check"]}).changed
    assert stat.S_IMODE(api.path().stat().st_mode) == mode
    api.path().unlink()
    assert api.run(actions={"disabled": ["check"]}).changed
    assert stat.S_IMODE(api.path().stat().st_mode) == 0o644


def test_links(api):
    target = api.host.root / "elsewhere.yaml"
    target.write_text("actions:\n  defaults:\n    enabled: true\n")
    api.path().symlink_to(target)
    refuse(api, HostError, "is a symbolic link to", "merge=replace", actions={"disabled": ["check"]}, merge="merge")
    refuse(api, HostError, "is a symbolic link to", state="absent", actions={})
    api.run(actions={"disabled": ["check"]}, merge="replace")
    assert not api.path().is_symlink() and "true" in target.read_text()
    api.path().unlink()
    api.path().symlink_to(target)
    api.run(state="absent")
    assert not os.path.lexists(api.path()) and target.exists()


@pytest.mark.parametrize("content", ["actions: {defaults: {enabled: true}} # c4nary", "c4nary: [", "{c4nary: {a: 1}}"])
def test_nothing_is_shown_of_what_a_link_leads_to(api, content):
    target = api.host.root / "elsewhere.yaml"
    target.write_text(f"{content}\n")
    api.path().symlink_to(target)
    for given in ({"actions": {"disabled": ["check"]}}, {"state": "absent"}):
        done = api.run(check=True, **given)
        assert "c4nary" not in str((done.diff, done.warnings, done.msg, done.returned))
        assert done.diff[0]["before"] == f"# a symbolic link to {target}\n"
    refused = api.run(actions={"disabled": ["check"]}, merge="merge")
    assert "is a symbolic link to" in refused.failure.message and "c4nary" not in refused.failure.message


def test_a_directory_in_the_place_of_the_file(api):
    api.path().mkdir()
    refuse(api, HostError, "is a directory", state="absent")
    refuse(api, HostError, "is a directory", actions={"disabled": ["check"]}, merge="replace")


def test_the_other_ending_is_warned_of(api):
    (api.host.overrides / "sensu.yml").write_text("actions:\n")
    assert any("sensu.yml has no effect" in warning for warning in api.run(state="absent").warnings)


def test_a_refused_registration_puts_everything_back(scene):
    scene.run(actions={"disabled": ["check"]})
    content, rows = scene.path().read_bytes(), dict(scene.database.rows)
    scene.database.registered.clear()
    scene.database.refusals = [InvalidContentError("StackStorm refuses it.")]
    failed = scene.run(actions={"enabled": ["check"]}, sensors={"disabled": ["PulseSensor"]})
    assert failed.failure.message.startswith("StackStorm refuses it.") and failed.failure.step == "register"
    assert PUT_BACK in failed.failure.message and not failed.changed
    assert failed.returned["database_state"] == "current"
    assert scene.path().read_bytes() == content and scene.overrides() == ["sensu.yaml"]
    assert scene.database.rows == rows
    assert scene.database.registered == [(["sensu"], ("sensor", "action"))] * 2, "and nothing that was not told"
    assert scene.run(actions={"enabled": ["check"]}).failure is None


def test_what_cannot_be_registered_again_is_said_and_done_by_the_next_run(scene):
    register = scene.database.register

    def half(packs, types=(), **how):
        """Fail after it was taken, and then again."""
        if not scene.database.registered:
            register(packs, types, **how)
            scene.database.refusals = [UnreachableError("Down.")]
            raise InvalidContentError("No.")
        return register(packs, types, **how)

    scene.database.register = half
    failed = scene.run(actions={"disabled": ["check"]})
    assert failed.failure.message.startswith(f"No. {PUT_BACK} StackStorm's database could not be put back, which the ")
    assert "Down." in failed.failure.message
    assert failed.returned["database_state"] == ("stale" if scene.database.reads else "unknown")
    assert scene.document() is None and scene.records().read("sensu")["overrides"].digest == ""
    told = scene.database.registered[0]
    scene.database.register = register
    scene.database.registered.clear()
    done = scene.run(actions={"disabled": ["check"]})
    assert done.failure is None and scene.database.registered[0] == told, "healed first"
    assert (
        scene.database.enabled("actions", "check") is False and not scene.run(actions={"disabled": ["check"]}).changed
    )


def test_all_packs_get_back_what_they_had(tmp_path):
    scene = Scene(tmp_path / "host", packs={"sensu": sensu(), "other": PackTree("other")})
    rows = dict(scene.database.rows)
    scene.database.refusals = [InvalidContentError("No.")]
    failed = scene.run(pack="_global", sensors={"enabled": False})
    assert failed.failure.message == f"No. {PUT_BACK}" and scene.database.rows == rows
    assert scene.document("_global") is None
    assert scene.database.registered == [(["other", "sensu"], ("sensor",))] * 2


def test_a_failure_without_a_change_of_the_file_says_nothing_of_it(api):
    api.run(actions={"disabled": ["check"]})
    api.database.rows["sensu", "actions", "check"] = True
    api.database.refusals = [InvalidContentError("No.")]
    assert api.run(actions={"disabled": ["check"]}).failure.message == "No."


def test_an_interruption_puts_everything_back(scene):
    rows = dict(scene.database.rows)
    scene.database.refusals = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        scene.run(actions={"disabled": ["check"]})
    assert scene.document() is None and scene.overrides() == [] and scene.database.rows == rows


@pytest.mark.parametrize("text", ["actions: {", "", "rules:\n", "# caf\xe9: {\n"])
def test_a_broken_file_comes_back_when_its_replacement_is_refused(api, text):
    api.path().write_bytes(text.encode("latin-1"))
    api.database.refusals = [InvalidContentError("StackStorm refuses it.")]
    rows = dict(api.database.rows)
    failed = api.run(actions={"disabled": ["check"]}, merge="replace")
    assert failed.failure is not None and api.database.rows == rows and not failed.changed
    assert failed.failure.message == f"StackStorm refuses it. {PUT_BACK}"
    assert api.path().read_bytes() == text.encode("latin-1")


def test_a_database_that_keeps_its_opinion_is_a_failure(api):
    register = api.database.register

    def stubborn(packs, types=(), **how):
        done = register(packs, types, **how)
        api.database.rows["sensu", "actions", "check"] = True
        return done

    api.database.register = stubborn
    failed = api.run(actions={"disabled": ["check"]})
    assert failed.failure.step == "verify" and "action check (enabled)" in failed.failure.message
    assert failed.failure.message.endswith(PUT_BACK)
    assert api.document() is None and not failed.changed


def test_a_run_waits_for_the_lock_of_another(api):
    with HostLock(str(api.host.packs / STATE)) as lock:
        lock.acquire(Deadline(5), create=True)
        waited = api.run(actions={"disabled": ["check"]}, seconds=1)
        assert isinstance(waited.failure, LockError) and not waited.changed
        assert api.document() is None
        waiting = threading.Thread(target=api.run, kwargs={"actions": {"disabled": ["check"]}})
        waiting.start()
    waiting.join(30)
    assert api.document() == {"actions": {"exceptions": {"check": {"enabled": False}}}}


def test_a_host_without_packs(api):
    api.host.configure("content", system_packs_base_path=str(api.host.root / "nowhere"))
    with pytest.raises(HostError, match="does not exist"):
        converge_override(api.task({"state": "absent", "register": "none"}))


@pytest.mark.parametrize(
    "given, off",
    [({"actions": {"disabled": ["check"]}}, True), ({"state": "absent"}, False)],
    ids=["present", "absent"],
)
def test_whatever_a_kill_leaves_the_next_run_puts_right(scene, given, off):
    document = {"actions": {"exceptions": {"check": {"enabled": False}}}}
    scene.database.store = scene.host.tmp / "database"
    number = 1
    while True:
        assert scene.run(**({"state": "absent"} if off else {"actions": {"disabled": ["check"]}})).failure is None
        scene.register_all()
        if not is_killed(number, lambda: scene.run(**given)):
            break
        scene.database.load()
        assert scene.document() in (None, document)
        left, rows = scene.host.snapshot(identity=True), dict(scene.database.rows)
        predicted = scene.run(check=True, **given)
        assert compare(left, scene.host.snapshot(identity=True)) == ([], [], []) and scene.database.rows == rows
        done = scene.run(**given)
        assert told(done) == told(predicted), number
        assert scene.document() == (document if off else None) and scene.overrides() == (["sensu.yaml"] if off else [])
        assert scene.database.enabled("actions", "check") is not off
        assert not scene.run(**given).changed
        number += 1
    assert number > 8


def test_an_overrides_directory_that_cannot_be_looked_into(api, monkeypatch):
    def denied(path, *_more, **_named):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "lstat", denied)
    failed = api.run(state="absent")
    assert "Permission denied" in failed.failure.message and not failed.changed


LIST_TOO = {"actions": {"defaults": {"enabled": True}, "enabled": ["check", "list"]}}


def test_the_file_says_what_the_task_says_and_what_goes_is_named_once(api):
    api.run(**LIST_TOO, sensors={"disabled": ["PulseSensor"]})
    for check in (True, False):
        done = api.run(check=check, actions={"disabled": ["check"]})
        (warning,) = done.warnings
        gone = "sensors.exceptions.PulseSensor, actions.defaults, actions.exceptions.list"
        assert f"{api.path()} no longer contains {gone}. The default of merge is replace" in warning
    assert api.document() == {"actions": {"exceptions": {"check": {"enabled": False}}}}
    assert api.database.enabled("sensors", "PulseSensor") is True
    assert api.run(actions={"disabled": ["check"]}).warnings == []


@pytest.mark.parametrize("merge", ["merge", "replace"])
def test_who_says_how_is_not_warned(api, merge):
    api.run(**LIST_TOO)
    done = api.run(actions={"disabled": ["check"]}, merge=merge)
    assert done.warnings == [] and ("list" in api.document()["actions"]["exceptions"]) is (merge == "merge")


def test_to_remove_needs_no_merge_and_warns_of_nothing(api):
    api.run(**LIST_TOO)
    done = api.run(state="absent", actions={"exceptions": {"list": {}}})
    assert done.warnings == [] and list(api.document()["actions"]["exceptions"]) == ["check"]
    assert api.run(state="absent").warnings == [] and api.document() is None


@pytest.mark.parametrize("broken", [True, False], ids=["broken", "link"])
def test_a_file_that_is_written_anew_by_default_is_warned_of(api, broken):
    other = api.host.root / "elsewhere.yaml"
    if broken:
        api.write("rules:\n")
    else:
        other.write_text("rules: {defaults: {enabled: true}}\n")
        api.path().symlink_to(other)
    done = api.run(actions={"disabled": ["check"]})
    told = "The file is replaced." if broken else "It is replaced with a file."
    assert done.failure is None and told in done.warnings[0]
    assert api.document() == {"actions": {"exceptions": {"check": {"enabled": False}}}} and not api.path().is_symlink()
