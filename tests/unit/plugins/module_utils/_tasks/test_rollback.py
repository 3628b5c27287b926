# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back on changes that were killed, refused or planted: all is old or new, and nothing that is kept is lost."""

from __future__ import annotations

import itertools
import json
import shutil

import pytest
from infrastructure.packs import PackTree
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._change import change as changing
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.plugins.module_utils._rollback.argspec import rollback_options
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.rollback import roll_back
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.rollback_info import describe_changes
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    PLACING,
    is_killed,
    without_exchange,
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import STATE, Site


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    made = Site(tmp_path_factory.mktemp("rollback"))
    for version in ("1.0.1", "1.0.2"):
        tree = PackTree("sensu", version, minimal=True).add_yaml("config.schema.yaml", {"url": {"type": "string"}})
        tree.write(made.root / version)
    assert upgrade(made, "1.0.1").failure is None
    made.place_virtualenv("sensu")
    made.keep()
    return made


@pytest.fixture
def site(kept):
    kept.restore()
    return kept


def upgrade(site, version):
    item = {"name": "sensu", "source": str(site.root / version), "config": {"url": version}}
    return site.run(packs=[item])


def back(site, check=False, **options):
    return roll_back(site.task(rollback_options(), check=check, register="none", **options))


def listed(site):
    return describe_changes(site.task(rollback_options(), register="none")).returned["changes"]


def seen(site):
    """What StackStorm sees; a config that is put back may be another file with the same bytes."""
    return site.files()


@pytest.mark.once
@pytest.mark.parametrize("exchanges", [True, False])
def test_whatever_a_kill_leaves_the_next_rollback_ends(site, exchanges):
    old = seen(site)
    assert upgrade(site, "1.0.2").failure is None
    new = seen(site)
    shutil.rmtree(f"{site.host.root}.new", ignore_errors=True)
    shutil.copytree(site.host.root, f"{site.host.root}.new", symlinks=True)
    for number in itertools.count(1):
        shutil.rmtree(site.host.root)
        shutil.copytree(f"{site.host.root}.new", site.host.root, symlinks=True)
        if exchanges:
            killed = is_killed(number, lambda: back(site))
        else:
            with without_exchange():
                killed = is_killed(number, lambda: back(site))
        predicted = back(site, check=True)
        done = back(site)
        assert predicted.failure is None and done.failure is None, (number, predicted.failure, done.failure)
        assert (predicted.changed, predicted.msg, predicted.diff) == (done.changed, done.msg, done.diff), number
        assert seen(site) == old and site.debris() == [], number
        assert not back(site).changed
        again = back(site, change="3")
        assert again.failure is None and again.changed and seen(site) == new, number
        if not killed:
            break
    assert number > 10


@pytest.mark.once
def test_a_change_that_is_killed_is_recorded_or_undone(site):
    old = seen(site)
    for number in itertools.count(1):
        site.restore()
        killed = is_killed(number, lambda: upgrade(site, "1.0.2"), PLACING)
        assert [row["change"] for row in listed(site)] in (["0001"], ["0002", "0001"])
        again = upgrade(site, "1.0.2")
        assert again.failure is None
        assert [row["change"] for row in listed(site)] == ["0002", "0001"], "once, whatever was killed"
        assert back(site).failure is None and seen(site) == old
        if not killed:
            break


def test_a_rollback_that_fails_keeps_what_it_would_have_put_back(site, monkeypatch):
    old = seen(site)
    upgrade(site, "1.0.2")
    new, files = seen(site), site.host.snapshot()
    with monkeypatch.context() as broken:
        broken.setattr(changing.Registering, "commit", no)
        failed = back(site)
    assert failed.failure.message.startswith("No.") and not failed.changed and seen(site) == new
    assert site.host.snapshot() == files, "nothing of a change set that is none"
    (row,) = failed.returned["packs"]
    assert row["before"] == row["after"] and not row["changed"]
    assert back(site).changed and seen(site) == old


def no(*_arguments):
    raise ApplyError("No.")


@pytest.mark.parametrize("place", ["packs", "virtualenvs", "configs", "overrides"])
def test_a_link_at_the_place_of_change_sets_is_refused(site, place):
    precious = site.host.root / "precious"
    precious.mkdir()
    path = site.host.base_path / place / STATE / "changes"
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(precious)
    before = seen(site)
    failed = upgrade(site, "1.0.2")
    assert f"{path} must be a directory" in failed.failure.message and not failed.changed
    assert seen(site) == before and take_snapshot(precious) == {}


def test_places_are_private_again_whatever_their_mode_was(site):
    place = site.host.packs / STATE / "changes"
    place.chmod(0o755)
    upgrade(site, "1.0.2")
    assert place.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in place.glob("*.json")} == {0o600}


def test_a_record_that_cannot_be_read_is_none(site):
    upgrade(site, "1.0.2")
    place = site.host.packs / STATE / "changes"
    document = json.loads((place / "0002.json").read_text())
    for wrong in (
        "",
        "[]",
        '{"format": 1}',
        json.dumps({**document, "format": 2}),
        json.dumps({**document, "id": "1"}),
    ):
        (place / "0002.json").write_text(wrong)
        assert [row["change"] for row in listed(site)] == ["0001"]
    (place / "0002.json").write_text(json.dumps({**document, "host": "another"}))
    assert [row["change"] for row in listed(site)] == ["0001"], "of another host with the same packs"
    upgrade(site, "1.0.1")
    assert [row["change"] for row in listed(site)] == ["0003", "0001"]
