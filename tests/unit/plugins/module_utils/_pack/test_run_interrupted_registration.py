# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that were killed while they told StackStorm: the next run makes files and database agree again."""

from __future__ import annotations

import itertools
import json

import pytest
import yaml
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.pretended_database import (
    PretendedDatabase,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import Site

# Where names come and go: files, the journal, and the records of what is registered.
CALLS = ("rename", "replace", "unlink")


class LastingDatabase(PretendedDatabase):
    """A database that outlives the process, as StackStorm's does."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.rows = json.loads(path.read_text()) if path.exists() else {}

    def register(self, packs, types=(), *, fail_on_failure=True):
        done = super().register(packs, types, fail_on_failure=fail_on_failure)
        self.path.write_text(json.dumps(self.rows))
        return done

    def unload(self, refs):
        super().unload(refs)
        self.path.write_text(json.dumps(self.rows))


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("site"))
    for ref, version in (("plain", "1.0.1"), ("fresh", "2.0.0"), ("old", "1.0.0"), ("other", "1.0.0")):
        PackTree(ref, version, minimal=True).write(made.root / ref)
    run(made, "plain", "old", "other")
    PackTree("plain", "1.0.2", minimal=True).write(made.root / "plain")
    made.keep()
    made.kept_rows = (made.root / "database.json").read_text()
    return made


@pytest.fixture
def site(kept):
    restore(kept)
    return kept


def restore(site):
    site.restore()
    (site.root / "database.json").write_text(site.kept_rows)


def run(site, *refs, **options):
    return site.run(*(str(site.root / ref) for ref in refs), database=database(site), **options)


def database(site):
    return LastingDatabase(site.root / "database.json")


def upgrade(site):
    return run(site, "plain", "fresh")


def remove(site):
    return site.run("plain", "old", state="absent", database=database(site))


def on_disk(site):
    found = {ref: site.host.packs / ref / "pack.yaml" for ref in site.host.installed()}
    return {ref: yaml.safe_load(path.read_text())["version"] for ref, path in found.items()}


@pytest.mark.parametrize("work", [upgrade, remove])
@pytest.mark.parametrize("then", ["the same again", "something else"])
def test_killed_at_any_moment_files_and_database_agree_after_the_next_run(site, work, then):
    stale = 0
    for number in itertools.count(1):
        killed = is_killed(number, lambda: work(site), CALLS)
        stale += database(site).rows != on_disk(site)
        done = work(site) if then == "the same again" else run(site, "other")
        assert done.failure is None, done.failure.message
        assert database(site).rows == on_disk(site), f"killed before change {number}"
        assert site.debris() == []
        again = work(site) if then == "the same again" else run(site, "other")
        assert not again.changed
        if not killed:
            break
        restore(site)
    assert stale, "some of the kills came between the files and the database"
