# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the database has of packs that lack a file for it: noted before, compared and put back afterwards."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._change.fileless import (
    Fileless,
    carriers,
    fileless_from,
    note,
    remains,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import RegistrationError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Configs
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import is_open, is_open_for
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._change.scratch_files import ScratchFiles
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

SCHEMA = {"a": {"type": "integer"}}


class Hiding(PretendedDatabase):
    """Shows no config."""

    def configs(self, refs):
        return Configs({}, {ref: "You may not." for ref in refs if ref in self.configured})


@pytest.fixture
def files(tmp_path):
    return ScratchFiles(tmp_path)


@pytest.fixture
def database():
    return PretendedDatabase()


# What is noted


def test_only_what_has_no_file_is_noted(files, database):
    files.pack("whole", schema="a: {type: integer}\n")
    files.config("whole", "a: 1\n")
    files.pack("bare")
    database.schemas = {"whole": SCHEMA, "bare": SCHEMA}
    database.configured = {"whole": {"a": 1}, "bare": {"a": 1}}
    found = note(database, ["whole", "bare"], files.now)
    assert found == Fileless({"bare": SCHEMA}, {"bare": files.now.values_digest({"a": 1})})


def test_of_a_pack_that_is_not_there_the_config_is_noted(files, database):
    files.config("coming", "a: 1\n")
    database.configured = {"coming": {"a": 1}}
    assert note(database, ["coming", "new"], files.now) == Fileless(
        {}, {"coming": files.now.values_digest({"a": 1}), "new": ""}
    )


def test_it_costs_one_question_for_all_configs(files, database):
    asked = []
    database.configs = lambda refs: asked.append(refs) or Configs()
    note(database, ["one", "two"], files.now)
    assert asked == [["one", "two"]]


def test_values_are_not_to_be_found_in_what_is_noted(files, database):
    database.configured = {"sensu": {"password": "hunter2"}}
    assert "hunter2" not in json.dumps(note(database, ["sensu"], files.now).document())


def test_what_is_noted_comes_through_a_journal(files, database):
    files.pack("sensu")
    database.schemas = {"sensu": SCHEMA}
    found = note(database, ["sensu"], files.now)
    assert fileless_from({"fileless": json.loads(json.dumps(found.document()))}) == found


@pytest.mark.parametrize("document", [{}, {"fileless": None}, {"fileless": {"schemas": 3, "configs": {}}}])
def test_a_journal_that_makes_no_sense_tells_nothing(document):
    assert fileless_from(document) == Fileless()


# What remains


def test_a_config_that_came_and_has_no_file_is_named(files, database):
    files.pack("sensu")
    before = note(database, ["sensu"], files.now)
    database.configured = {"sensu": {"a": 1}}
    assert remains(database, before, files.now) == ["the config of sensu"]


@pytest.mark.parametrize("now", [None, {}, {"a": 1}], ids=["gone", "emptied", "as it was"])
def test_one_that_is_as_it_was_or_as_good_as_none_is_not(files, database, now):
    files.pack("sensu")
    database.configured = {"sensu": {"a": 1}}
    before = note(database, ["sensu"], files.now)
    database.configured = {} if now is None else {"sensu": now}
    assert remains(database, before, files.now) == []


def test_one_that_has_a_file_now_comes_by_that(files, database):
    files.pack("sensu")
    before = note(database, ["sensu"], files.now)
    database.configured = {"sensu": {"a": 1}}
    files.config("sensu", "a: 1\n")
    assert remains(database, before, files.now) == []


def test_that_of_a_pack_that_did_not_come_is_named_although_it_has_a_file(files, database):
    files.config("sensu", "a: 1\n")
    before = note(database, ["sensu"], files.now)
    database.configured = {"sensu": {"a": 1}}
    assert remains(database, before, files.now) == ["the config of sensu"]


def test_one_that_is_not_shown_is_named_where_there_was_none(files):
    database = Hiding()
    files.pack("new"), files.pack("old")
    database.configured = {"old": {"a": 1}}
    before = note(database, ["new", "old"], files.now)
    database.configured = {"old": {"a": 2}, "new": {"a": 1}}
    assert remains(database, before, files.now) == ["the config of new"]


def test_who_cannot_read_says_what_may_be_there(files):
    files.pack("sensu")
    before = note(NoRegistrar(), ["sensu"], files.now)
    assert remains(NoRegistrar(), before, files.now) == [
        "the config of sensu (if StackStorm accepted it, which only its API can tell)"
    ]


def test_a_database_that_does_not_answer_any_more_tells_nothing(files, database):
    files.pack("sensu")
    before = note(database, ["sensu"], files.now)

    def fail(_refs):
        raise RegistrationError("Down.")

    database.configs = fail
    assert remains(database, before, files.now) == []


# What is put back


def carried(found):
    """The schema in the one carrier of a list, which is registered for its configuration only."""
    (registration,) = found
    assert registration.types == ("config",)
    return yaml.safe_load(Path(registration.pack.path, "config.schema.yaml").read_text())


def test_a_schema_that_was_there_is_carried_as_it_was(files, database):
    files.pack("sensu")
    database.schemas = {"sensu": SCHEMA}
    before = note(database, ["sensu"], files.now)
    database.schemas = {"sensu": {"b": {"type": "string", "required": True}}}
    assert carried(carriers(database, before, files.now, files.staging)) == SCHEMA


def test_where_there_was_none_it_is_opened_for_the_config_that_is_there(files, database):
    files.pack("sensu")
    files.config("sensu", "c: [1]\n")
    before = note(database, ["sensu"], files.now)
    database.schemas = {"sensu": {"key": {"type": "string", "required": True, "secret": True}}}
    found = carried(carriers(database, before, files.now, files.staging))
    assert is_open(found) and is_open_for(found, {"c": [1]})
    assert found["key"]["secret"] is True and not found["key"].get("required"), "it is masked as it was"


def test_a_config_that_is_no_yaml_is_taken_for_none(files, database):
    files.pack("sensu")
    files.config("sensu", "a: [\n")
    before = note(database, ["sensu"], files.now)
    database.schemas = {"sensu": SCHEMA}
    assert is_open(carried(carriers(database, before, files.now, files.staging)))


def test_nothing_is_carried_where_nothing_changed_or_a_file_says_it(files, database):
    files.pack("same"), files.pack("none"), files.pack("gone"), files.pack("filed")
    database.schemas = {"same": SCHEMA}
    before = note(database, ["same", "none", "gone", "filed"], files.now)
    database.schemas = {"same": SCHEMA, "gone": {"b": {}}, "filed": {"b": {}}}
    os.unlink(files.scratch.packs / "gone" / "pack.yaml")
    files.pack("filed", schema="c: {type: string}\n")
    assert carriers(database, before, files.now, files.staging) == []


def test_who_cannot_read_carries_what_was_noted(files, database):
    """As a run that the API had noted it for, and that st2-register-content undoes."""
    files.pack("sensu"), files.pack("none")
    database.schemas = {"sensu": SCHEMA}
    before = note(database, ["sensu", "none"], files.now)
    local = PretendedDatabase("local", reads=False, unloads=False)
    local.config_schema = None
    assert carried(carriers(local, before, files.now, files.staging)) == SCHEMA
