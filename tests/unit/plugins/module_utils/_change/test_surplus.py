# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a refused version switched of resources that the former one has no file of."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.surplus import switched
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Resource
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.undo import take_snapshot
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._change.scratch_files import ScratchFiles
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)

OLD = Resource("actions", "old", "sensu.old", True, "actions/old.yaml", "sensu")


@pytest.fixture
def files(tmp_path):
    found = ScratchFiles(tmp_path)
    found.pack("sensu", "1.0.0", "actions/check.yaml")
    return found


def looked(before, after, files, registered=("sensu",)):
    registrar = PretendedDatabase()
    registrar.rows["sensu"], registrar.stored["sensu"] = "1.0.0", {before.ref: before}
    snapshot = take_snapshot(registrar, ["sensu"])
    registrar.stored["sensu"] = {after.ref: after} if after else {}
    return switched(registrar, snapshot, registered, files.now)


def test_what_no_file_puts_back_is_named(files):
    off = OLD._replace(enabled=False)
    assert looked(OLD, off, files) == ["action sensu.old (switched off)"]
    assert looked(off, OLD, files) == ["action sensu.old (switched on)"]
    assert looked(OLD, OLD, files) == [] and looked(OLD, None, files) == []


def test_what_a_file_puts_back_is_not(files):
    check = OLD._replace(ref="sensu.check", name="check", metadata_file="actions/check.yaml")
    assert looked(check, check._replace(enabled=False), files) == []


def test_what_people_made_and_packs_that_were_not_registered_are_not_looked_at(files):
    mine = OLD._replace(metadata_file="")
    assert looked(mine, mine._replace(enabled=False), files) == []
    assert looked(OLD, OLD._replace(enabled=False), files, registered=()) == []


def test_nobody_is_asked_who_cannot_answer(files):
    registrar = PretendedDatabase()
    registrar.stored["sensu"] = {OLD.ref: OLD}
    before = take_snapshot(registrar, ["sensu"])
    assert switched(NoRegistrar(), before, ["sensu"], files.now) == []
