# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of st2_pack_config from task to result, seen on the disk and in StackStorm's database."""

from __future__ import annotations

import os
import shutil
import stat

import pytest
from infrastructure.packs import bodies
from infrastructure.snapshot import compare

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._own_directory import STATE_DIRECTORY
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._tasks.config_site import (
    CANARY,
    OPTIONAL,
    SCHEMA,
    succeeded,
)

PUT_BACK = "Everything this task had changed was put back."
CREATE = {"config": {"url": "http://one"}, "secrets": {"token": CANARY}}
CHANGE = {"config": {"url": "http://two", "timeout": 5}, "secrets": {"token": f"{CANARY}-2"}}
STEPS = (
    (CREATE, {"url": "http://one", "token": CANARY}, "current"),
    (CHANGE, {"url": "http://two", "timeout": 5, "token": f"{CANARY}-2"}, "current"),
    ({"state": "absent"}, None, "absent"),
)


@pytest.mark.parametrize(
    "register, schema",
    [("api", SCHEMA), ("api", OPTIONAL), ("api", None), ("local", OPTIONAL), ("none", SCHEMA)],
    ids=["api", "api-optional", "api-no-schema", "local", "none"],
)
def test_create_change_and_remove_each_checked_and_repeated(make_site, register, schema):
    site = make_site(schema=schema, register=register)
    seen = []
    for given, wanted, state in STEPS:
        state = "unknown" if register == "none" else state
        before = (site.host.snapshot(identity=True), site.in_database())
        predicted = succeeded(site.run(check=True, **given))
        assert compare(before[0], site.host.snapshot(identity=True)) == ([], [], []), "check mode writes nothing"
        assert site.in_database() == before[1]
        done = succeeded(site.run(**given))
        assert site.on_disk() == wanted
        if register != "none":
            assert (site.in_database() or None) == wanted
        assert (predicted.changed, predicted.msg, predicted.diff) == (True, done.msg, done.diff)
        assert done.changed and done.returned["database_state"] == state
        assert predicted.returned["changes"] == done.returned["changes"]
        assert predicted.returned["database_state"] == state
        settled = site.host.snapshot(identity=True)
        for again in (succeeded(site.run(check=True, **given)), succeeded(site.run(**given))):
            assert (again.changed, again.diff, again.returned["database_state"]) == (False, [], state)
        assert compare(settled, site.host.snapshot(identity=True)) == ([], [], [])
        seen += [predicted, done]
    assert CANARY not in "".join(map(site.everything, seen))
    assert site.files() == []


def test_the_line_names_the_keys_and_what_became_of_them(site):
    assert site.run(**CREATE).msg == "sensu config created; registered"
    assert site.run(**CREATE).msg == "sensu config is as wanted"
    result = site.run(**CHANGE)
    assert result.msg == "sensu config: url, token changed, timeout added; registered"
    assert result.returned["changes"] == {"added": ["timeout"], "removed": [], "changed": ["url", "token"]}
    assert result.returned["registration"]["counts"]["configs"] == 1
    (diff,) = result.diff
    assert "token: '******** (old)'" in diff["before"] and "token: '******** (new)'" in diff["after"]
    assert site.run(state="absent").msg == "sensu config removed; cleared in StackStorm"
    assert site.run(state="absent").msg == "sensu config is not there"


def test_absent_takes_single_keys_away_and_keeps_the_rest_of_the_file(site):
    site.run(**CREATE)
    site.path.write_text(f"# ours\nurl: http://one  # where\ntoken: {CANARY}\ntimeout: 5\n")
    given = {"state": "absent", "config": {"timeout": None, "nothing": 1}, "secrets": {"token": "load"}}
    predicted = succeeded(site.run(check=True, **given))
    done = succeeded(site.run(**given))
    assert (predicted.changed, predicted.msg, predicted.diff) == (True, done.msg, done.diff)
    assert done.msg == "sensu config: token, timeout removed; registered"
    assert site.path.read_text() == "# ours\nurl: http://one  # where\n"
    assert site.in_database() == {"url": "http://one"} and CANARY not in site.everything(done)
    assert not succeeded(site.run(**given)).changed


def test_absent_with_keys_leaves_a_config_that_is_valid_or_none(make_site):
    site = make_site(schema=OPTIONAL)
    site.run(config={"url": "http://one"})
    assert succeeded(site.run(state="absent", config={})).changed is False
    done = succeeded(site.run(state="absent", config={"url": None}))
    assert done.msg == "sensu config removed; cleared in StackStorm" and site.files() == []
    assert not succeeded(site.run(state="absent", config={"url": None})).changed
    needy = make_site()
    needy.run(**CREATE)
    refused = needy.run(state="absent", config={"url": None})
    assert "url is required" in refused.failure.message and needy.on_disk() == {"url": "http://one", "token": CANARY}
    needy.path.write_text("url: [\n")
    assert "No key can be taken out of it" in needy.run(state="absent", config={"url": None}).failure.message


def test_a_stale_database_is_a_change_though_the_file_is_right(site):
    site.run(**CREATE)
    site.stub.database.put("configs", "sensu", {"pack": "sensu", "values": {"url": "http://old", "token": CANARY}})
    assert site.run(check=True, **CREATE).changed
    result = succeeded(site.run(**CREATE))
    assert result.changed and result.msg == "sensu config registered, as StackStorm did not have it"
    assert site.in_database() == {"url": "http://one", "token": CANARY}
    assert not site.run(**CREATE).changed


def test_without_reading_the_database_the_record_says_what_it_has(make_site):
    site = make_site(register="local")
    site.run(**CREATE)
    site.path.write_text(f"url: http://one\ntoken: {CANARY}\n# by hand\n")
    result = succeeded(site.run(**CREATE))
    assert result.changed and result.returned["database_state"] == "current"
    assert not site.run(**CREATE).changed
    records = [path.read_bytes() for path in site.host.base_path.rglob("registered/*.json")]
    assert records and CANARY.encode() not in b"".join(records)


def test_an_account_that_sees_no_secrets_finds_masked_ones_equal(make_site):
    site = make_site(rbac=True)
    succeeded(site.run(**CREATE))
    site.stub.accounts.rbac = True
    from infrastructure.st2_stub import OBSERVER

    observer = {"api_key": OBSERVER.api_key}
    assert not succeeded(site.run(**CREATE, **observer)).changed
    result = site.run(**CHANGE, **observer)
    assert result.failure is not None and PUT_BACK in result.failure.message and not result.changed
    assert site.on_disk() == {"url": "http://one", "token": CANARY}


def test_a_registration_that_fails_puts_the_file_back(make_site):
    from infrastructure.st2_stub import server_error

    site = make_site()
    site.run(**CREATE)
    os.chmod(site.path, 0o600)
    content, mode = site.path.read_bytes(), stat.S_IMODE(site.path.stat().st_mode)
    site.stub.faults.append(server_error(path="/packs/register"))
    result = site.run(**CHANGE)
    assert result.failure is not None and result.failure.step == "register"
    assert result.failure.message.endswith(PUT_BACK)
    assert (result.changed, result.returned["database_state"]) == (False, "current")
    assert site.in_database() == {"url": "http://one", "token": CANARY}
    assert (site.path.read_bytes(), stat.S_IMODE(site.path.stat().st_mode)) == (content, mode)
    site.stub.faults.clear()
    assert succeeded(site.run(**CHANGE)).changed
    assert CANARY not in site.everything(result)


def test_a_first_registration_that_fails_leaves_no_file(make_site):
    from infrastructure.st2_stub import server_error

    site = make_site()
    site.stub.faults.append(server_error(path="/packs/register"))
    assert site.run(**CREATE).failure is not None
    assert site.files() == []


def test_a_config_that_stackstorm_would_refuse_changes_nothing_and_names_every_key(site):
    site.run(**CREATE)
    before = site.path.read_bytes()
    result = site.run(config={"token": 5, "timeout": CANARY})
    assert result.failure is not None and result.failure.step == "validate"
    problems = {one["key"]: (one["rule"], one["schema_line"]) for one in result.returned["problems"]}
    assert problems == {"url": ("required", 1), "token": ("type", 6), "timeout": ("type", 10)}
    assert site.path.read_bytes() == before and CANARY not in site.everything(result)


def test_a_mode_that_drifted_is_a_change_of_its_own(site):
    site.run(**CREATE)
    site.path.chmod(0o644)
    content = site.path.read_bytes()
    result = succeeded(site.run(**CREATE))
    assert result.msg == "sensu config: mode 0644 -> 0640"
    assert (stat.S_IMODE(site.path.stat().st_mode), site.path.read_bytes()) == (0o640, content)
    assert not site.run(**CREATE).changed


def test_merge_keeps_comments_and_other_values(site):
    site.path.write_text("# ours\nurl: http://one  # here\n\n# theirs\nmore:\n  a: 1\n")
    result = succeeded(site.run(merge="merge", config={"url": "http://two", "more": {"b": True}}))
    assert site.path.read_text() == "# ours\nurl: http://two  # here\n\n# theirs\nmore:\n  a: 1\n  b: true\n"
    assert site.in_database() == {"url": "http://two", "more": {"a": 1, "b": True}}
    assert any("does not contain more" in warning for warning in result.warnings)


def test_types_are_told_apart(make_site):
    site = make_site(schema=None, register="none")
    for value in (True, "true", 1, 1.0, None, "", [], {}):
        assert succeeded(site.run(config={"a": value})).changed
        assert not succeeded(site.run(config={"a": value})).changed
        assert site.on_disk() == {"a": value} and type(site.on_disk()["a"]) is type(value)


@pytest.mark.parametrize(
    "content", ["a: [1\n", "- a\n", "a: \x01\n", "a: 1\nb: 2\na: 3\n", "a: &x {b: 1}\nc: {<<: *x}\n"]
)
def test_a_broken_file_is_reported_and_only_replaced_when_asked(make_site, content):
    site = make_site(register="none")
    site.path.write_text(content)
    refused = site.run(merge="merge", **CREATE)
    assert refused.failure is not None and "Nothing can be merged" in refused.failure.message
    assert site.path.read_text() == content
    result = succeeded(site.run(**CREATE))
    assert site.on_disk()["url"] == "http://one" and any("replaced" in one for one in result.warnings)


def test_a_link_is_read_and_never_written_through(make_site, tmp_path):
    site = make_site(register="none")
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text(f"url: {CANARY}\n")
    site.path.symlink_to(elsewhere)
    for merge in ("merge", "replace"):
        satisfied = succeeded(site.run(config={"url": CANARY}, merge=merge, mode="0600"))
        assert not satisfied.changed and satisfied.warnings == []
    refused = site.run(config={"url": None}, state="absent")
    assert refused.failure is not None and "written through" in refused.failure.message
    refused = site.run(merge="merge", **CREATE)
    assert refused.failure is not None and "symbolic link" in refused.failure.message
    succeeded(site.run(config={"url": "http://one"}))
    assert not site.path.is_symlink() and elsewhere.read_text() == f"url: {CANARY}\n"
    assert CANARY not in site.everything(refused)


def test_a_directory_in_its_place_is_refused(make_site):
    site = make_site(register="none")
    site.path.mkdir()
    result = site.run(**CREATE)
    assert result.failure is not None and "is not a file" in result.failure.message


def test_a_backup_is_for_its_owner_alone(make_site):
    site = make_site(register="none")
    site.run(**CREATE)
    content = site.path.read_bytes()
    result = succeeded(site.run(backup=True, **CHANGE))
    path = site.host.configs / os.path.basename(result.returned["backup_file"])
    assert path.read_bytes() == content and stat.S_IMODE(path.stat().st_mode) == 0o600
    assert succeeded(site.run(backup=True, **CHANGE)).returned["backup_file"] is None


def test_a_pack_that_is_not_there_is_warned_of(site):
    result = succeeded(site.run(pack="other", config={"a": 1}))
    assert result.changed and result.returned["database_state"] == "absent"
    assert any("not on this host" in warning for warning in result.warnings)
    assert site.stub.config("other") is None and not site.run(pack="other", config={"a": 1}).changed


def test_what_was_made_and_switched_by_hand_stays_when_a_config_is_cleared(site):
    site.run(**CREATE)
    site.stub.make("rules", bodies.rule("sensu", "mine", "core.st2.webhook"))
    result = succeeded(site.run(state="absent"))
    assert site.on_disk() is None and not site.in_database()
    assert (result.returned["database_state"], result.warnings) == ("absent", [])
    assert site.stub.database.find("rules", "sensu.mine") is not None


def test_rules_made_by_hand_keep_a_pack_from_being_unloaded(site):
    site.run(**CREATE)
    site.stub.make("rules", bodies.rule("sensu", "mine", "core.st2.webhook"))
    shutil.rmtree(site.host.packs / "sensu")
    result = succeeded(site.run(state="absent"))
    assert site.on_disk() is None and site.in_database() is not None
    assert result.returned["database_state"] == "stale"
    assert any("made by hand" in warning and "mine" in warning for warning in result.warnings)
    assert site.stub.database.find("rules", "sensu.mine") is not None


def test_an_empty_config_needs_a_schema_that_allows_it(make_site):
    allowed = make_site(schema=OPTIONAL, register="none")
    assert succeeded(allowed.run(config={})).changed and allowed.path.read_text() == "{}\n"
    refused = make_site(schema=None, register="none").run(config={})
    assert refused.failure is not None and "would be empty" in refused.failure.message


def test_expressions_go_through_as_they_are(site):
    expression = "{{ st2kv.system.url }}"
    succeeded(site.run(config={"url": expression}))
    assert site.on_disk() == {"url": expression}
    refused = site.run(config={"url": expression, "timeout": "{{ st2kv.system.timeout }}"})
    assert refused.failure is not None and "an expression" in refused.failure.message


def test_unknown_keys_are_a_warning_an_error_or_nothing(make_site):
    site = make_site(register="none")
    given = {"config": {"url": "http://one", "timeuot": 1}}
    assert any("timeuot (did you mean timeout?)" in one for one in site.run(**given).warnings)
    assert site.run(unknown_keys="ignore", **given).warnings == []
    refused = site.run(unknown_keys="fail", **given)
    assert refused.failure is not None and "timeuot" in refused.failure.message
    assert [one["rule"] for one in refused.returned["problems"]] == ["unknown"]


def test_another_schema_can_be_asked_for(make_site, tmp_path):
    site = make_site(register="none")
    other = tmp_path / "config.schema.yaml"
    other.write_text("region:\n  type: string\n  required: true\n")
    refused = site.run(schema=str(tmp_path), **CREATE)
    assert refused.failure is not None and str(other) in refused.failure.message
    assert succeeded(site.run(schema=str(other), config={"region": "eu"})).changed


@pytest.mark.parametrize(
    "given, message",
    [
        ({}, "nothing to write"),
        ({"pack": "../etc", "config": {}}, "../etc"),
        ({"config": {}, "mode": "rw"}, "octal"),
        ({"config": {}, "mode": "0240"}, "prevent the owner, and so StackStorm, from reading"),
        ({"config": {}, "owner": "no-such-account"}, "does not exist"),
    ],
)
def test_options_that_cannot_be_used_are_raised(make_site, given, message):
    with pytest.raises(OptionError) as raised:
        make_site(register="none").run(**given)
    assert message in raised.value.message


def test_a_host_without_configs_is_raised(make_site):
    site = make_site(register="none")
    site.host.configs.rmdir()
    with pytest.raises(HostError):
        site.run(**CREATE)


def test_what_a_killed_run_was_writing_is_removed(make_site):
    site = make_site(register="none")
    succeeded(site.run(**CREATE))
    left = site.host.configs / STATE_DIRECTORY / "staging" / "4711-dead" / "config"
    left.mkdir(parents=True)
    (left / "sensu.yaml").write_text(CANARY)
    os.utime(left.parent, (0, 0))  # Nobody says whose it is, so only its age tells that nobody is at work there.
    assert not succeeded(site.run(check=True, **CREATE)).changed and left.exists()
    assert not succeeded(site.run(**CREATE)).changed
    assert site.files() == ["sensu.yaml"] and not left.parent.exists()
