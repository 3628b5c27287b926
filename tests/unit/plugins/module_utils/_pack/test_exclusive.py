# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A list that is exclusive: what goes that it does not name, and what stays all the same and why."""

from __future__ import annotations

from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Resource
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import Site


def test_all_others_go_but_those_that_hold_what_people_made(tmp_path):
    site = Site(tmp_path, packs_base_paths=["srv/packs"])
    refs = ("wanted", "surplus", "default", "drawn")
    for ref in refs:
        PackTree(ref, "1.0.0", minimal=True).write(site.host.packs / ref)
    PackTree("other", "1.0.0", minimal=True).write(site.host.extra_base_paths[0] / "other")
    database = PretendedDatabase()
    site.run(*refs, "other", database=database)
    database.stored.setdefault("drawn", {})["drawn.mine"] = Resource("rules", "mine", "drawn.mine", True, "", "drawn")

    predicted = site.run("wanted", exclusive=True, check=True, database=database)
    done = site.run("wanted", exclusive=True, database=database)

    assert done.failure is None and site.host.installed() == ["default", "drawn", "other", "wanted"]
    assert [row["ref"] for row in done.rows if row["action"] == "remove"] == ["surplus"]
    assert "surplus" not in database.rows and {"default", "drawn"} <= set(database.rows)
    assert done.warnings == predicted.warnings
    for ref, why in (
        ("default", "without a pack"),
        ("drawn", "people made rule mine in it by hand"),
        ("other", "srv/packs"),
    ):
        assert [text for text in done.warnings if text.startswith(f"{ref} is not among") and why in text], ref
