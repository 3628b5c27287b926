# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is observed of a pack: its files, the database, and the record of what was registered."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import RegisteredRecords, overrides_digest
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._override.observe import installed_packs, view
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override.scene import Scene


@pytest.fixture
def scene(tmp_path):
    return Scene(tmp_path / "host")


def look(scene, registrar=None, kinds=("actions", "rules")):
    (pack,) = installed_packs(Installation([str(scene.host.packs)]), "sensu")
    records = RegisteredRecords(str(scene.host.packs / ".stackstorm.st2"))
    return view(pack, str(scene.host.overrides), kinds, registrar=registrar, records=records)


def test_files_and_database(scene):
    scene.write("actions: {defaults: {enabled: false}}")
    found = look(scene, scene.database)
    assert found.ref == "sensu" and found.path == str(scene.host.packs / "sensu")
    assert {kind for kind, _name in found.resources.by_name()} == {"actions", "rules"}
    assert found.database == {
        ("actions", "check"): True, ("actions", "list"): True, ("rules", "on_pulse"): False, ("rules", "unsaid"): False,
    }  # fmt: skip
    assert found.file.overrides.of("actions").default is False


def test_who_cannot_read_is_not_asked(scene):
    scene.database.reads = False
    assert look(scene, scene.database).database is None and look(scene).database is None
    scene.database.reads = True
    assert look(scene, scene.database, ()).database == {} and scene.database.asked == 0


def test_the_record_of_this_database(scene):
    records = RegisteredRecords(str(scene.host.packs / ".stackstorm.st2"))
    assert look(scene, scene.database).recorded is None
    records.write("sensu", {"overrides": "", "by": scene.database.by})
    assert look(scene, scene.database).recorded is True
    scene.write("actions: {defaults: {enabled: false}}")
    assert look(scene, scene.database).recorded is False
    records.write("sensu", {"overrides": overrides_digest(str(scene.host.overrides), "sensu")})
    assert look(scene, scene.database).recorded is True
    scene.write("actions: {defaults: {enabled: false}}", "_global")
    assert look(scene, scene.database).recorded is False
    scene.database.by = "another"
    assert look(scene, scene.database).recorded is None


def test_one_pack_or_all(scene):
    installation = Installation([str(scene.host.packs)])
    assert [pack.ref for pack in installed_packs(installation, None)] == ["chatops", "core", "linux", "packs", "sensu"]
    assert installed_packs(installation, "nosuch") == []
