# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of packs, configs and overrides in the database, what it is told, and how it is put back."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.known import KnownConfig, KnownPack
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records, Told
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import InstalledPack
from ansible_collections.stackstorm.st2.plugins.module_utils._content.working_copy import Head
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    ForbiddenError,
    UnreachableError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Resource
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

COMMIT, OTHER = "1" * 40, "2" * 40
BY = "api"
WHOLE = ("pack", "config", "overrides")


def installed(version="1.0.0"):
    return InstalledPack("sensu", "sensu", "/packs/sensu", "/packs/sensu", "/packs", version, Head(COMMIT, None))


@pytest.fixture
def records(tmp_path):
    return Records(str(tmp_path / "state"))


def database(records, registrar, **how):
    asked = []

    def choose(_deadline):
        asked.append(registrar)
        return registrar, ["said once"]

    made = Database(choose, Deadline(60), records, **how)
    made.asked = asked
    return made


def local():
    return PretendedDatabase("local", reads=False, unloads=False)


# What it has


@pytest.mark.parametrize(
    ("has", "told", "expected"),
    [
        ("1.0.0", Told(COMMIT, BY), "current"),
        ("1.0.0", None, "current"),  # registered by something else, in this version
        ("1.0.0", Told(OTHER, BY), "stale"),  # of the same version, other code
        ("1.0.0", Told("", BY), "stale"),  # under way, or not told of a change
        ("1.0.0", Told(COMMIT, BY, ("action",)), "stale"),  # only in part
        ("1.0.0", Told(COMMIT, BY, (), True), "unknown"),  # what could not be registered was left out
        ("0.9.0", Told(COMMIT, BY), "stale"),
        (None, Told(COMMIT, BY), "absent"),
        (None, None, "absent"),
    ],
)
def test_a_pack_that_is_there_and_a_database_that_can_be_asked(records, has, told, expected):
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": has} if has else {}
    records.write("sensu", {"pack": told})
    known = database(records, registrar).pack("sensu", installed())
    assert (known.tells, known.state, known.unloads, known.version) == (True, expected, True, has or "")
    assert known.settled == (expected == "current")


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (Told(COMMIT, "local"), "current"),
        (Told(OTHER, "local"), "stale"),
        (Told(COMMIT, "https://another/api"), "unknown"),
        (Told("", "https://another/api"), "stale"),
        (Told(), "stale"),
        (None, "unknown"),
    ],
)
def test_a_database_that_cannot_be_asked_is_known_by_the_record(records, told, state):
    records.write("sensu", {"pack": told})
    known = database(records, local()).pack("sensu", installed())
    assert (known.state, known.settled, known.unloads, known.version) == (state, state == "current", False, "")


@pytest.mark.parametrize(("has", "state", "settled"), [(None, "absent", True), ("1.0.0", "stale", False)])
def test_a_pack_that_is_not_there(records, has, state, settled):
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": has} if has else {}
    known = database(records, registrar).pack("sensu", None)
    assert (known.state, known.settled) == (state, settled)


def test_where_nobody_is_told_nothing_is_known(records):
    records.write("sensu", {"pack": Told(COMMIT, BY), "config": Told("x", BY)})
    made = database(records, NoRegistrar())
    assert made.pack("sensu", installed()) == KnownPack()
    assert made.config("sensu", "x") == KnownConfig()


@pytest.mark.parametrize(
    ("told", "how", "settled"),
    [
        (Told(COMMIT, BY, ("action",)), {"types": ["action"]}, True),
        (Told(COMMIT, BY, ("action", "rule")), {"types": ["action"]}, True),
        (Told(COMMIT, BY), {"types": ["action"]}, True),
        (Told(COMMIT, BY, ("action",)), {"types": ["rule"]}, False),
        (Told(OTHER, BY, ("action",)), {"types": ["action"]}, False),
        (Told(COMMIT, "elsewhere", ("action",)), {"types": ["action"]}, False),
        (Told(COMMIT, BY, (), True), {"fail_on_failure": False}, True),
        (Told(COMMIT, BY, (), True), {}, False),
    ],
)
@pytest.mark.parametrize("reads", [True, False])
def test_a_task_that_registers_less_than_everything_is_settled_when_it_has_done_that(
    records, told, how, settled, reads
):
    registrar = PretendedDatabase(reads=reads)
    registrar.rows = {"sensu": "1.0.0"}
    records.write("sensu", {"pack": told})
    assert database(records, registrar, **how).pack("sensu", installed()).settled is settled
    if reads:
        registrar.rows = {"sensu": "0.9.0"}
        assert not database(records, registrar, **how).pack("sensu", installed()).settled


@pytest.mark.parametrize(
    ("how", "becomes"), [({}, "current"), ({"types": ["action"]}, "stale"), ({"fail_on_failure": False}, "unknown")]
)
def test_what_a_registration_will_make_of_it(records, how, becomes):
    assert database(records, PretendedDatabase(), **how).pack("sensu", installed()).becomes == becomes


def test_many_packs_are_asked_for_at_once_and_the_registrar_is_chosen_once(records):
    registrar = PretendedDatabase()
    made = database(records, registrar)
    made.look(["sensu", "jira"])
    for ref in ("sensu", "jira", "sensu"):
        made.pack(ref, None)
    assert registrar.calls == [("versions", ["jira", "sensu"])]
    assert len(made.asked) == 1 and made.warnings == ["said once"]
    assert made.summary() == {"by": "api", "counts": {}, "overridden": {}}
    registrar.rows["sensu"] = "1.0.0"
    made.look_again(["sensu"])
    assert made.pack("sensu", None).version == "1.0.0"
    made.close()
    assert registrar.closed


@pytest.mark.parametrize(
    ("registrar", "warned"),
    [(local(), True), (PretendedDatabase(), False), (PretendedDatabase("none", reads=False), False)],
)
def test_prune_without_the_api_is_a_warning(records, registrar, warned):
    made = database(records, registrar, prune=True)
    made.pack("sensu", installed())
    assert any(one.startswith("prune could remove nothing") for one in made.warnings) == warned


def test_nobody_is_chosen_while_nothing_is_asked(records):
    made = database(records, PretendedDatabase())
    made.close()
    assert made.asked == [] and made.summary()["by"] is None


def test_surplus_is_what_has_no_file_and_was_not_made_by_hand(records, tmp_path):
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "here.yaml").touch()
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": "1.0.0"}
    gone = [
        Resource("sensors", "Gone", "sensu.Gone", True, "sensors/gone.yaml"),
        Resource("actions", "gone", "sensu.gone", True, "actions/gone.yaml"),
    ]
    kept = [
        Resource("actions", "here", "sensu.here", True, "actions/here.yaml"),
        Resource("rules", "by_hand", "sensu.by_hand", True, ""),
        Resource("sensors", "Off", "sensu.Off", False, "sensors/off.yaml"),
    ]
    registrar.stored = {"sensu": {one.ref: one for one in (*gone, *kept)}}
    known = database(records, registrar, prune=True).pack("sensu", installed(), str(tmp_path))
    assert known.surplus == tuple(gone)
    assert database(records, registrar).pack("sensu", installed(), str(tmp_path)).surplus == ()


def test_a_config_is_known_by_its_values_where_they_can_be_read_and_by_the_record_anyway(records):
    registrar = PretendedDatabase()
    registrar.configured = {"sensu": {"a": 1}}
    records.write("sensu", {"config": Told("d", BY)})
    assert database(records, registrar).config("sensu", "e") == KnownConfig("api", True, {"a": 1}, "d", "e")
    assert database(records, registrar).config("jira", "") == KnownConfig("api", True, None, "", "")
    records.write("sensu", {"config": Told("d", "elsewhere")})
    assert database(records, registrar).config("sensu", "e").recorded == "", "of another database"
    records.write("sensu", {"config": Told("d", "local")})
    assert database(records, local()).config("sensu", "e") == KnownConfig("local", False, None, "d", "e")


def test_a_config_that_may_not_be_read_is_a_warning_and_one_that_does_not_answer_an_error(records):
    registrar = PretendedDatabase()

    def refuse(_ref):
        raise ForbiddenError("You may not look.")

    registrar.config = refuse
    made = database(records, registrar)
    assert not made.config("sensu", "e").reads
    assert "You may not look." in made.warnings

    def silent(_ref):
        raise UnreachableError("Nobody there.")

    registrar.config = silent
    assert not made.config("sensu", "e").reads, "asked once"
    made.forget()
    with pytest.raises(UnreachableError):
        made.config("sensu", "e")


@pytest.mark.parametrize(
    ("told", "known"),
    [
        (None, None),
        (Told("d", BY), True),
        (Told("e", BY), False),
        (Told("d", "elsewhere"), None),
        (Told("", "elsewhere"), False),
    ],
)
def test_overrides_are_known_by_the_record(records, told, known):
    records.write("sensu", {"overrides": told})
    assert database(records, PretendedDatabase()).overrides("sensu", "d") is known


def test_what_an_interrupted_run_was_telling_is_supposed_to_be_as_the_files_in_check_mode(records):
    records.write("sensu", dict.fromkeys(WHOLE, Told("", BY)))
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": "0.1.0"}
    made = database(records, registrar)
    made.suppose_healed({"sensu": ()})
    assert (made.pack("sensu", installed()).state, made.pack("sensu", None).state) == ("current", "absent")
    assert made.config("sensu", "d").recorded == "d" and made.overrides("sensu", "d") is True
    assert made.config("sensu", "").recorded == "", "without a file, nothing takes away what it has"
    assert made.pack("jira", installed()).state == "absent"


def test_what_was_told_in_part_is_supposed_to_be_right_in_that_part_only(records):
    records.write("sensu", dict.fromkeys(WHOLE, Told("", BY)))
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": "0.1.0"}
    made = database(records, registrar)
    made.suppose_healed({"sensu": ("config",)})
    assert made.config("sensu", "d").recorded == "d"
    assert made.pack("sensu", installed()).state == "stale" and made.overrides("sensu", "d") is False


def test_overrides_that_were_told_in_part_are_not_known(records):
    records.write("sensu", {"overrides": Told("d", BY, (), True)})
    assert database(records, PretendedDatabase()).overrides("sensu", "d") is None
    records.write("sensu", {"overrides": Told("d", BY)})
    assert database(records, PretendedDatabase()).overrides("sensu", "d") is True
