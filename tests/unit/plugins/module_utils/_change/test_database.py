# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a pack in StackStorm's database, from what it says and from the record of what was registered."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import RegisteredRecords
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import InstalledPack
from ansible_collections.stackstorm.st2.plugins.module_utils._content.working_copy import Head
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import RegistrationError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.database import Database, identity_of
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import Known
from ansible_collections.stackstorm.st2.plugins.module_utils._process import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Resource
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

COMMIT, OTHER = "1" * 40, "2" * 40


def installed(path="/packs/sensu", commit=COMMIT):
    head = Head(commit, None) if commit else None
    return InstalledPack("sensu", "sensu", str(path), str(path), "/packs", "1.0.0", head)


@pytest.fixture
def records(tmp_path):
    return RegisteredRecords(str(tmp_path / "state"))


def database(records, registrar, **how):
    asked = []

    def choose(_deadline):
        asked.append(registrar)
        return registrar, ["said once"]

    made = Database(choose, Deadline(60), records, **how)
    made.asked = asked
    return made


@pytest.mark.parametrize(
    ("has", "recorded", "expected"),
    [
        ("1.0.0", COMMIT, True),
        ("1.0.0", None, True),  # registered by something else, in this version
        ("1.0.0", OTHER, False),  # of the same version, other code
        ("1.0.0", "under way", False),
        ("0.9.0", COMMIT, False),
        (None, COMMIT, False),
        (None, None, False),
    ],
)
def test_a_pack_that_is_there_and_a_database_that_can_be_asked(records, has, recorded, expected):
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": has} if has else {}
    if recorded:
        records.write("sensu", {"pack": recorded})
    known = database(records, registrar).known("sensu", installed())
    assert (known.told, known.current, known.present, known.version) == (True, expected, has is not None, has or "")


@pytest.mark.parametrize(
    ("recorded", "current", "present"), [(COMMIT, True, True), (OTHER, False, True), (None, False, None)]
)
def test_a_database_that_cannot_be_asked_is_known_by_the_record(records, recorded, current, present):
    if recorded:
        records.write("sensu", {"pack": recorded})
    known = database(records, PretendedDatabase("local", reads=False, unloads=False)).known("sensu", installed())
    assert (known.current, known.present, known.unloads) == (current, present, False)


@pytest.mark.parametrize(("has", "current"), [(None, True), ("1.0.0", False)])
def test_a_pack_that_is_not_there(records, has, current):
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": has} if has else {}
    assert database(records, registrar).known("sensu", None).current is current


def test_where_nobody_is_told_nothing_is_known(records):
    assert database(records, NoRegistrar()).known("sensu", installed()) == Known()


def test_many_packs_are_asked_for_at_once_and_the_registrar_is_chosen_once(records):
    registrar = PretendedDatabase()
    made = database(records, registrar)
    made.look(["sensu", "jira"])
    for ref in ("sensu", "jira", "sensu"):
        made.known(ref, None)
    assert registrar.calls == [("versions", ["jira", "sensu"])]
    assert len(made.asked) == 1 and made.warnings == ["said once"]
    assert made.summary() == {"by": "api", "counts": {}, "overridden": {}}


def test_nobody_is_chosen_while_nothing_is_asked(records):
    made = database(records, PretendedDatabase())
    made.close()
    assert made.asked == [] and made.interrupted() == () and made.summary()["by"] is None


def test_surplus_is_what_has_no_file_and_was_not_made_by_hand(records, tmp_path):
    (tmp_path / "actions").mkdir()
    (tmp_path / "actions" / "here.yaml").touch()
    registrar = PretendedDatabase()
    registrar.rows = {"sensu": "1.0.0"}
    gone = [
        Resource("actions", "gone", "sensu.gone", True, "actions/gone.yaml"),
        Resource("sensors", "Gone", "sensu.Gone", True, "sensors/gone.yaml"),
    ]
    kept = [
        Resource("actions", "here", "sensu.here", True, "actions/here.yaml"),
        Resource("rules", "by_hand", "sensu.by_hand", True, ""),
        Resource("sensors", "Off", "sensu.Off", False, "sensors/off.yaml"),
    ]
    registrar.stored = {"sensu": {one.ref: one for one in (*gone, *kept)}}
    known = database(records, registrar, prune=True).known("sensu", installed(), str(tmp_path))
    assert known.surplus == tuple(gone)
    assert database(records, registrar).known("sensu", installed(), str(tmp_path)).surplus == ()


def test_why_mending_failed_is_said_and_tried_again(records):
    class Refusing(PretendedDatabase):
        def unload(self, refs):
            raise RegistrationError("packs.unload failed.")

    class Nothing:
        @staticmethod
        def get(_ref):
            return None

    made = database(records, Refusing())
    assert made.mend(["sensu"], Nothing()) == "packs.unload failed."
    assert database(records, PretendedDatabase()).mend(["sensu"], Nothing()) == ""


def test_a_pack_without_commit_and_digest_is_known_by_its_metadata_file(tmp_path):
    (tmp_path / "pack.yaml").write_text("name: sensu\n")
    one = identity_of(installed(tmp_path, commit=""))
    (tmp_path / "pack.yaml").write_text("name: sensu2\n")
    assert identity_of(installed(tmp_path, commit="")) != one
    assert identity_of(installed(tmp_path / "nowhere", commit="")) == "unknown"
