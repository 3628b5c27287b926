# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The work of st2_pack with backend=api, against the stand-in StackStorm; its files and database are looked at."""

from __future__ import annotations

import json

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_stub import OBSERVER, gateway_timeout, reset, server_error

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DeadlineError,
    DependencyError,
    ForbiddenError,
    HostError,
    IndexError_,
    InvalidPackError,
    OptionError,
    RegistrationError,
    SourceError,
    UnauthorisedError,
    UnreachableError,
    VerifyError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.observe import observe
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task

from .remote_site import RemoteSite, rows

pytest.importorskip("requests")
CANARY = "c4n4ry-k3y"


def pack(ref, version, **more):
    return PackTree(ref, version, minimal=True, **more)


@pytest.fixture
def make(tmp_path):
    """Makes a site of packs."""
    made = []

    def make_site(*packs, **stub):
        made.append(RemoteSite(tmp_path, *packs, **stub))
        return made[-1]

    yield make_site
    for site in made:
        site.stub.stop()


@pytest.fixture
def sensu(make):
    return make([pack("sensu", "1.0.1"), pack("sensu", "1.0.2")])


# From nothing to a version, to another, to nothing


@pytest.mark.parametrize(
    ("state", "asked", "before", "after", "action", "line"),
    [
        ("present", "sensu", None, "1.0.2", "install", "sensu absent -> 1.0.2"),
        ("present", "sensu=1.0.1", None, "1.0.1", "install", "sensu absent -> 1.0.1"),
        ("present", "sensu=v1.0.2", "1.0.1", "1.0.2", "upgrade", "sensu 1.0.1 -> 1.0.2"),
        ("latest", "sensu", "1.0.1", "1.0.2", "upgrade", "sensu 1.0.1 -> 1.0.2"),
        ("present", "sensu=1.0.1", "1.0.2", "1.0.1", "downgrade", "sensu 1.0.2 -> 1.0.1"),
        ("absent", "sensu", "1.0.2", None, "remove", "sensu 1.0.2 -> absent"),
    ],
)
def test_what_check_mode_says_is_what_happens_and_then_all_is_as_asked(
    sensu, state, asked, before, after, action, line
):
    if before:
        sensu.change(f"sensu={before}")
    told = len(sensu.told())
    predicted = sensu.change(asked, state=state, check=True)
    assert len(sensu.told()) == told and sensu.world() == ({"sensu": before} if before else {})
    done = sensu.change(asked, state=state)
    assert sensu.world() == ({"sensu": after} if after else {})
    assert rows(predicted) == rows(done) == {"sensu": (before, after, action, True)}
    assert predicted.diff == done.diff and predicted.msg == done.msg == line
    assert predicted.returned == done.returned
    again = sensu.keep(asked, state=state)
    assert rows(again) == {"sensu": (after, after, "none", False)} and again.diff == []
    assert again.returned["database_state"] == ("current" if after else "absent")


def test_a_row_claims_nothing_that_the_api_does_not_tell(sensu):
    result = sensu.change("sensu=1.0.1")
    (row,) = result.returned["packs"]
    source = f"file://{sensu.repositories['sensu'].path}"
    assert row == {
        "ref": "sensu",
        "name": "sensu",
        "requested": ["sensu=1.0.1"],
        "source": source,
        "before": None,
        "after": {"version": "1.0.1"},
        "action": "install",
        "changed": True,
        "virtualenv": "unknown",
        "edits": [],
        "database_state": "current",
        "pruned": [],
        "step": None,
        "msg": "sensu absent -> 1.0.1",
    }
    assert result.returned["registration"] == {"by": "api", "counts": {}, "overridden": {}}
    assert result.diff[0]["after"] == f"version: 1.0.1\nsource: {source}\n"


def test_any_version_will_do_where_none_is_asked(sensu):
    sensu.change("sensu=1.0.1")
    sensu.stub.requests.clear()
    sensu.keep("sensu")
    assert not sensu.stub.asked("GET", "/packs/index"), "nobody needs the index for what is there"


@pytest.mark.parametrize("form", ["name", "packs"])
def test_a_url_is_known_by_its_pack(sensu, form):
    url = sensu.url("sensu")
    asked = {"name": [f"{url}=1.0.1"]} if form == "name" else {"packs": [{"source": url, "version": "1.0.1"}]}
    result = sensu.change(**asked)
    assert rows(result) == {"sensu": (None, "1.0.1", "install", True)}
    assert sensu.world() == {"sensu": "1.0.1"} and sensu.told() == [f"{url}=1.0.1"]
    sensu.keep(**asked)
    sensu.keep("sensu")


def test_the_version_of_a_url_shows_when_it_is_installed(sensu):
    predicted = sensu.change(sensu.url("sensu"), check=True)
    assert rows(predicted) == {"sensu": (None, None, "install", True)}
    assert predicted.msg == "sensu absent -> what the source has"
    assert sensu.change(sensu.url("sensu")).msg == "sensu absent -> 1.0.2"
    sensu.keep(sensu.url("sensu"))


def test_several_packs_are_installed_one_after_another(make):
    site = make([pack("one", "1.0.0")], [pack("two", "2.0.0")])
    site.change("two", "one")
    assert site.told() == ["two=2.0.0", "one=1.0.0"] and site.world() == {"one": "1.0.0", "two": "2.0.0"}
    assert all(request.body["skip_dependencies"] is True for request in site.stub.asked("POST", "/packs/install"))
    assert site.change("one", "two", state="absent").msg == "one 1.0.0 -> absent; two 2.0.0 -> absent"
    assert site.world() == {}
    site.keep("one", "two", state="absent")


def test_no_pack_at_all_is_nothing_to_do(sensu):
    sensu.keep()


def test_one_pack_asked_for_twice(sensu):
    assert sensu.change("sensu", "sensu=1.0.2").returned["packs"][0]["requested"] == ["sensu", "sensu=1.0.2"]
    result = sensu.fail("sensu=1.0.1", f"{sensu.url('sensu')}=1.0.1")
    assert isinstance(result.failure, OptionError) and sensu.url("sensu") in result.failure.message


def test_no_stackstorm_is_looked_for_on_this_machine(sensu):
    sensu.change("sensu")
    with pytest.raises(HostError, match="does not read the settings"):
        Task({}, None, False, {}, "", Redactor()).host.base_path.strip()


# Dependencies


def test_dependencies_of_the_index_are_planned_and_come_first(make):
    site = make(
        [pack("app", "1.0.0", dependencies=["middle=1.1.0"])],
        [pack("middle", "1.1.0", dependencies=["base", "core"])],
        [pack("base", "3.0.0")],
    )
    predicted = site.change("app", check=True)
    assert predicted.warnings == []
    done = site.change("app")
    assert [row["ref"] for row in done.returned["packs"]] == ["base", "middle", "app"]
    assert rows(done) == rows(predicted) and site.told() == ["base=3.0.0", "middle=1.1.0", "app=1.0.0"]
    assert site.world() == {"app": "1.0.0", "middle": "1.1.0", "base": "3.0.0"}
    site.keep("app")
    site.keep("app", state="latest")


def test_dependencies_that_show_only_afterwards_are_installed_then(make):
    site = make([pack("app", "1.0.0", dependencies=["base"])], [pack("base", "3.0.0")])
    predicted = site.change(f"{site.url('app')}=1.0.0", check=True)
    assert list(rows(predicted)) == ["app"]
    assert predicted.warnings[0].startswith(f"What {site.url('app')}=1.0.0 depends on shows only")
    done = site.change(f"{site.url('app')}=1.0.0")
    assert rows(done) == {"app": (None, "1.0.0", "install", True), "base": (None, "3.0.0", "install", True)}
    assert site.world() == {"app": "1.0.0", "base": "3.0.0"} and done.warnings == []
    site.keep(f"{site.url('app')}=1.0.0")


def test_a_circle_of_dependencies_ends(make):
    site = make([pack("one", "1.0.0", dependencies=["two"])], [pack("two", "1.0.0", dependencies=["one=1.0.0"])])
    site.change("one")
    assert site.world() == {"one": "1.0.0", "two": "1.0.0"}
    site.keep("one")


def test_missing_dependencies_are_refused_or_left_out(make):
    site = make([pack("app", "1.0.0", dependencies=["base"])], [pack("base", "3.0.0")])
    failure = site.fail("app", dependencies="check").failure
    assert isinstance(failure, DependencyError) and "app 1.0.0 needs base" in failure.message
    assert failure.message.endswith("Nothing was changed.") and site.told() == []
    site.change("app", dependencies="skip")
    assert site.world() == {"app": "1.0.0"}
    assert rows(site.change("app")) == {
        "base": (None, "3.0.0", "install", True),
        "app": ("1.0.0", "1.0.0", "none", False),
    }


def test_dependencies_are_listed_in_every_run(make):
    site = make(
        [pack("top", "1.0.0", dependencies=["core", "app"])],
        [pack("app", "1.0.0", dependencies=["base"])],
        [pack("base", "3.0.0", dependencies=["top"])],
    )
    site.change("base", dependencies="skip")
    predicted, done = site.run("top", check=True), site.change("top")
    assert rows(predicted) == rows(done) and list(rows(done)) == ["app", "top", "base"]
    again = site.keep("top")
    assert list(rows(again)) == ["top", "app", "base"] and again.msg == "top 1.0.0 is there"
    assert set(rows(again).values()) == {("1.0.0", "1.0.0", "none", False), ("3.0.0", "3.0.0", "none", False)}
    assert list(rows(site.keep("top", dependencies="skip"))) == ["top"]


@pytest.fixture
def conflict(make):
    """conf 1.0.0 and rich 1.1.0 run; the index has conf 2.0.0, which StackStorm would delete for its dependency."""
    site = make(
        [pack("conf", "1.0.0"), pack("conf", "2.0.0", dependencies=["rich=1.0.0"])],
        [pack("rich", "1.0.0"), pack("rich", "1.1.0")],
    )
    site.change("conf=1.0.0", "rich")
    site.stub.requests.clear()
    return site


def test_stackstorm_would_delete_the_pack(conflict):
    """What the refusal is for: StackStorm's own way to do it."""
    import requests

    url, headers = f"{conflict.stub.api_url}/v1", {"St2-Api-Key": conflict.stub.api_key}
    body = {"packs": ["conf"]}
    number = requests.post(f"{url}/packs/install", json=body, headers=headers, timeout=20).json()["execution_id"]
    assert requests.get(f"{url}/executions/{number}", headers=headers, timeout=20).json()["status"] == "failed"
    assert conflict.files() == {"rich": "1.1.0"} and conflict.database() == {"conf": "1.0.0", "rich": "1.1.0"}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("asked", [{"name": ["conf"], "state": "latest"}, {"name": ["conf=2.0.0"]}])
def test_a_conflict_is_refused_and_nothing_is_deleted(conflict, asked, check):
    result = conflict.fail(check=check, **asked)
    assert isinstance(result.failure, DependencyError) and not result.changed
    assert "conf 2.0.0 needs rich=1.0.0, but rich 1.1.0 is installed" in result.failure.message
    assert rows(result) == {"conf": ("1.0.0", "1.0.0", "none", False)}
    assert conflict.told() == [] and conflict.world() == {"conf": "1.0.0", "rich": "1.1.0"}


def test_a_conflict_that_shows_afterwards_deletes_nothing(conflict):
    result = conflict.fail(f"{conflict.url('conf')}=2.0.0")
    assert isinstance(result.failure, DependencyError) and "Nothing was changed" not in result.failure.message
    assert result.changed and rows(result) == {"conf": ("1.0.0", "2.0.0", "upgrade", True)}
    assert result.returned["packs"][0]["database_state"] == "current"
    assert conflict.world() == {"conf": "2.0.0", "rich": "1.1.0"}
    # The task stays wrong until somebody decides.
    assert isinstance(conflict.fail(f"{conflict.url('conf')}=2.0.0").failure, DependencyError)
    conflict.keep(f"{conflict.url('conf')}=2.0.0", dependencies="skip")


def test_a_version_that_an_installed_pack_cannot_do_with_is_refused(conflict):
    conflict.change("conf=2.0.0", "rich=1.0.0")
    result = conflict.fail("rich=1.1.0")
    assert isinstance(result.failure, DependencyError)
    assert "conf 2.0.0 (installed) needs rich=1.0.0, but rich 1.1.0 is what this task installs" in result.msg
    assert conflict.world() == {"conf": "2.0.0", "rich": "1.0.0"}
    conflict.change("rich=1.1.0", dependencies="skip")


# Removal


def test_a_pack_that_another_one_needs_stays(make):
    site = make(
        [pack("app", "1.0.0", dependencies=["https://x.example.com/stackstorm-base.git"])], [pack("base", "3.0.0")]
    )
    site.change("base", "app")
    result = site.fail("base", state="absent")
    assert isinstance(result.failure, DependencyError) and "app 1.0.0 needs base" in result.msg
    assert site.world() == {"app": "1.0.0", "base": "3.0.0"}
    site.change("base", state="absent", dependencies="skip")
    assert site.world() == {"app": "1.0.0"}
    site.change("base")
    site.change("app", "base", state="absent")
    assert site.world() == {}


@pytest.mark.parametrize(
    "asked", [{"name": ["core"], "state": "absent"}, {"name": ["core=9.9.9"]}, {"name": ["linux"], "state": "latest"}]
)
def test_stackstorms_own_packs_are_left_alone(make, asked):
    site = make([pack("core", "9.9.9")], [pack("linux", "9.9.9")])
    assert isinstance(site.fail(**asked).failure, OptionError)
    assert site.told() == [] and site.stub.pack("core")["version"] == "3.9.0"
    site.keep("core")


def test_a_removal_that_fails_half_way_is_told(sensu):
    sensu.change("sensu")
    place = sensu.stub.packs_path / "sensu"
    place.rename(place.with_name("elsewhere"))
    place.symlink_to("elsewhere")  # StackStorm unloads such a pack, and cannot delete it.
    result = sensu.fail("sensu", state="absent")
    assert result.failure.step == "apply" and "packs.delete" in result.msg
    assert rows(result) == {"sensu": ("1.0.2", None, "remove", True)} and sensu.database() == {}
    assert result.returned["database_state"] == "absent"


# Failures


def test_a_partial_failure_says_which_packs_are_done(make):
    site = make([pack("one", "1.0.0"), pack("one", "1.1.0")], [pack("two", "1.0.0")], [pack("three", "1.0.0")])
    site.change("one=1.0.0", "two")
    result = site.fail("one", "two=6.6.6", "three", state="latest")
    assert isinstance(result.failure, SourceError) and result.failure.ref == "two" and result.changed
    assert '"6.6.6" is not a valid version, hash, tag or branch' in result.msg and "1.0.0" in result.msg
    assert rows(result) == {
        "one": ("1.0.0", "1.1.0", "upgrade", True),
        "two": ("1.0.0", "1.0.0", "upgrade", False),
        "three": (None, None, "install", False),
    }
    steps = {row["ref"]: row["step"] for row in result.returned["packs"]}
    assert steps == {"one": None, "two": "fetch", "three": None}
    assert result.returned["packs"][2]["msg"] == "three absent -> 1.0.0: not done, because of two"
    assert site.world() == {"one": "1.1.0", "two": "1.0.0"}
    assert [entry["before_header"] for entry in result.diff] == ["pack one"]


def test_the_index_offers_a_version_that_nobody_has_tagged(make):
    site = make([pack("sensu", "1.0.0")])
    site.repositories["sensu"].commit(pack("sensu", "2.0.0"))
    site.repositories["sensu"].build()
    result = site.fail("sensu")
    assert isinstance(result.failure, SourceError)
    assert '"2.0.0" is not a valid version, hash, tag or branch' in result.msg
    assert not result.changed and site.world() == {}
    site.change("sensu=1.0.0")


@pytest.fixture
def broken(make):
    """Releases 1.0.0, which is well, and 2.0.0, which cannot be registered."""
    bad = pack("sensu", "2.0.0")
    bad.add_yaml("actions/bad.yaml", {"name": "bad", "runner_type": "nosuch-runner", "enabled": True})
    return make([pack("sensu", "1.0.0"), bad])


@pytest.mark.parametrize("form", ["sensu={}", "url"])
@pytest.mark.parametrize("before", ["1.0.0", None])
def test_content_that_cannot_be_registered_is_a_failure_whatever_stackstorm_says(broken, before, form):
    form = f"{broken.url('sensu')}={{}}" if form == "url" else form
    if before:
        broken.change(form.format(before))
    for _again in range(2):
        result = broken.fail(form.format("2.0.0"))
        assert isinstance(result.failure, RegistrationError) and result.failure.step == "register"
        assert "RunnerType nosuch-runner is not found" in result.msg
        put_back = f"{form.format(before)} was installed again." if before else "sensu was removed again."
        assert result.msg.endswith(put_back)
        assert broken.world() == ({"sensu": before} if before else {})
        action = "upgrade" if before else "install"
        assert rows(result) == {"sensu": (before, before, action, False)} and not result.changed
        assert result.returned["packs"][0]["step"] == "register"
        assert result.returned["database_state"] == ("current" if before else "absent")


def test_what_cannot_be_put_back_is_told(sensu):
    sensu.change("sensu=1.0.1")
    sensu.stub.refuse("sensu")
    result = sensu.fail("sensu=1.0.2")
    assert "RunnerType nosuch-runner is not found" in result.msg and "sensu could not be put back" in result.msg
    (row,) = result.returned["packs"]
    assert result.changed and row["changed"] and row["database_state"] == "unknown" and row["step"] == "register"
    assert row["after"]["version"] == sensu.database()["sensu"], "the row tells what the database has"


def test_a_pack_that_does_not_run_there(make):
    site = make([pack("old", "1.0.0", stackstorm_version=">=99.0.0")])
    failure = site.fail("old").failure
    assert isinstance(failure, InvalidPackError) and 'requires StackStorm ">=99.0.0"' in failure.message
    assert site.world() == {}
    site.change("old", force=True)
    assert site.stub.asked("POST", "/packs/install")[-1].body["force"] is True and site.world() == {"old": "1.0.0"}


def test_an_unknown_pack(sensu):
    result = sensu.fail("sensu", "sensuu")
    assert isinstance(result.failure, IndexError_) and "Did you mean sensu?" in result.msg
    assert sensu.told() == [] and rows(result)["sensu"] == (None, None, "none", False)


def test_an_index_that_stackstorm_cannot_read(sensu, unused_url):
    sensu.stub.index.urls[:] = [f"{unused_url}/index.json"]
    failure = sensu.fail("sensu").failure
    assert isinstance(failure, IndexError_) and "No results from the index" in failure.message
    sensu.change(f"{sensu.url('sensu')}=1.0.1", dependencies="skip")


@pytest.fixture
def unused_url():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # Bound and not listening: it refuses.
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def test_a_source_that_holds_another_pack(make):
    site = make([pack("sensu", "1.0.0")])
    asked = {"packs": [{"name": "other", "source": site.url("sensu"), "version": "1.0.0"}]}
    result = site.fail(**asked)
    assert isinstance(result.failure, VerifyError) and "holds the pack sensu, not other" in result.msg
    assert result.changed and site.world() == {"sensu": "1.0.0"}


def test_a_release_that_calls_itself_otherwise(make):
    site = make([pack("sensu", "1.0.0")])
    site.repositories["sensu"].tag("v2.0.0").build()
    result = site.fail("sensu=2.0.0")
    assert isinstance(result.failure, VerifyError) and "its pack.yaml calls it 1.0.0" in result.msg
    assert rows(result) == {"sensu": (None, "1.0.0", "install", True)} and site.world() == {"sensu": "1.0.0"}


def test_an_execution_that_never_ends_is_cancelled(sensu):
    sensu.stub.executions.endless = True
    result = sensu.fail("sensu", timeout=3)
    assert isinstance(result.failure, DeadlineError) and "was cancelled" in result.msg
    (execution,) = sensu.stub.executions.list(action="packs.install")
    assert execution["status"] in ("canceling", "canceled") and execution["id"] in result.msg
    assert rows(result) == {"sensu": (None, None, "install", True)}, "nobody knows what had begun"


def test_an_answer_that_gets_lost_while_the_work_goes_on(sensu):
    sensu.stub.executions.polls_until_done = 3
    sensu.stub.faults.append(gateway_timeout("/executions/", late=0))
    sensu.change("sensu")
    assert sensu.world() == {"sensu": "1.0.2"}


def test_a_connection_that_breaks_while_the_work_goes_on(sensu):
    sensu.stub.faults.append(reset("/executions/"))
    result = sensu.fail("sensu")
    assert isinstance(result.failure, UnreachableError) and "may still be running" in result.msg
    assert result.changed
    sensu.stub.executions.finish()
    assert sensu.world() == {"sensu": "1.0.2"}
    sensu.keep("sensu")


def test_tasks_that_cannot_be_listed(sensu):
    sensu.stub.refuse("sensu")
    sensu.stub.faults.append(server_error("/executions$", times=None))
    result = sensu.fail("sensu")
    assert "RunnerType nosuch-runner is not found" in result.msg, "the workflow's own result has it too"


def test_a_last_look_that_fails_is_told(sensu, monkeypatch):
    from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api import task

    sensu.change("sensu=1.0.1")
    sensu.stub.refuse("sensu")
    looks = []

    def look(client):
        looks.append(client)
        if len(looks) > 1:
            raise UnreachableError("It is gone.")
        return observe(client)

    monkeypatch.setattr(task, "observe", look)
    result = sensu.fail("sensu=1.0.2")
    assert "nosuch-runner" in result.msg
    assert result.msg.endswith("The current state in StackStorm is not known: It is gone.")
    assert rows(result) == {"sensu": ("1.0.1", "1.0.1", "upgrade", True)}


# Who may


def test_an_account_that_may_only_look(make):
    site = make([pack("sensu", "1.0.0")], rbac=True)
    assert site.change("sensu", check=True, api_key=OBSERVER.api_key)
    result = site.fail("sensu", api_key=OBSERVER.api_key)
    assert isinstance(result.failure, ForbiddenError) and result.failure.permission == "pack_install"
    assert not result.changed and site.world() == {}
    site.change("sensu")
    failure = site.fail("sensu", state="absent", api_key=OBSERVER.api_key).failure
    assert isinstance(failure, ForbiddenError) and failure.permission == "pack_uninstall"


@pytest.mark.parametrize(
    "given",
    [
        {"api_key": CANARY},
        {"auth_token": CANARY},
        {"api_username": "st2admin", "api_password": CANARY},
    ],
)
def test_a_stranger_is_turned_away_and_the_secret_stays_one(sensu, given):
    with pytest.raises(UnauthorisedError) as caught:
        sensu.run("sensu", auth_url=sensu.stub.auth_url, **given)
    assert CANARY not in caught.value.message and sensu.world() == {}
    assert CANARY not in sensu.redactor.text(f"x{CANARY}y")


def test_credentials_of_every_kind_and_place(sensu):
    stub = sensu.stub
    sensu.change("sensu", api_username=stub.username, api_password=stub.password, auth_url=stub.auth_url)
    sensu.keep("sensu", auth_token=stub.token())
    environment = {"HOME": "/nonexistent", "ST2_API_KEY": stub.api_key, "ST2_API_URL": f"{stub.api_url}/v1"}
    sensu.keep("sensu", api_key=None, api_url=None, environment=environment)


def test_what_stackstorm_repeats_of_a_secret_is_not_shown(make):
    site = make([pack("sensu", "1.0.0")])
    site.stub.refuse("sensu", f"the key {site.stub.api_key} is of no use here")
    result = site.fail("sensu")
    shown = json.dumps([result.msg, result.returned, result.diff, result.failure.message])
    assert "of no use here" in shown and site.stub.api_key not in shown


def test_nobody_answers(sensu, unused_url):
    with pytest.raises(UnreachableError):
        sensu.run("sensu", api_url=unused_url)
