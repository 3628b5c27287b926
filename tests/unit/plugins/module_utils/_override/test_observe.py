# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is observed of a pack: its files, the database, and the record of what was registered."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import NO_OVERRIDES, Told, overrides_digest
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._override.observe import installed_packs, view
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override.scene import Scene

OFF = "actions: {defaults: {enabled: false}}"


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path / "host")


def look(scene, kinds=("actions", "rules"), **healed):
    (pack,) = installed_packs(Installation([str(scene.host.packs)]), "sensu")
    database = scene.database_of_a_run()
    database.suppose_healed(healed)
    return view(pack, str(scene.host.overrides), kinds, database=database)


def test_files_and_database(scene):
    scene.write(OFF)
    found = look(scene)
    assert found.ref == "sensu" and found.path == str(scene.host.packs / "sensu")
    assert {kind for kind, _name in found.resources.by_name()} == {"actions", "rules"}
    assert found.database == {
        ("actions", "check"): True, ("actions", "list"): True, ("rules", "on_pulse"): False, ("rules", "unsaid"): False,
    }  # fmt: skip
    assert found.file.overrides.of("actions").default is False


def test_who_cannot_read_is_not_asked(scene):
    scene.database.reads = False
    assert look(scene).database is None
    database, scene.database = scene.database, NoRegistrar()
    assert (look(scene).database, look(scene).recorded) == (None, None)
    scene.database = database
    scene.database.reads = True
    assert look(scene, ()).database == {} and scene.database.asked == 0


def test_the_record_of_this_database(scene):
    records, by = scene.records(), scene.database.by
    assert look(scene).recorded is None
    records.write("sensu", {"overrides": Told(NO_OVERRIDES, by)})
    assert look(scene).recorded is True
    scene.write(OFF)
    assert look(scene).recorded is False
    records.write("sensu", {"overrides": Told(overrides_digest(None, OFF.encode()), by)})
    assert look(scene).recorded is True
    scene.write(OFF, "_global")
    assert look(scene).recorded is False
    scene.database.by = "another"
    assert look(scene).recorded is None


def test_a_record_that_is_void_fits_nothing(scene):
    scene.records().write("sensu", {"overrides": Told(by="another")})
    assert look(scene).recorded is False


def test_what_is_healed_first_is_what_the_files_say(scene):
    assert look(scene).healed == ()
    assert look(scene, sensu=("action", "config")).healed == ("actions",)
    assert (look(scene, sensu=()).healed, look(scene, sensu=()).recorded) == (("actions", "rules"), True)


def test_one_pack_or_all(scene):
    installation = Installation([str(scene.host.packs)])
    assert [pack.ref for pack in installed_packs(installation, None)] == ["chatops", "core", "linux", "packs", "sensu"]
    assert installed_packs(installation, "nosuch") == []
