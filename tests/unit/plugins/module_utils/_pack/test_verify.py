# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading back: whatever is not what the plan says is found, and named."""

from __future__ import annotations

import os

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VerifyError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import PackPlan, Plan, State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.verify import verify
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv import MARKER, Settings
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_build import marker_document
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import Site, released


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    root = tmp_path_factory.mktemp("site")
    site = Site(root, released("sensu", "1.0.1"), packs_base_paths=["srv/packs"])
    PackTree("plain", "2.0.0", minimal=True).write(root / "plain")
    done = site.run("sensu", str(root / "plain"))
    site.plans = {pack.ref: pack for pack in done.plan.packs}
    site.keep()
    return site


@pytest.fixture
def site(kept):
    kept.restore()
    return kept


def look(site, *packs):
    paths = [str(site.host.packs), *map(str, site.host.extra_base_paths)]
    verify(Plan(packs), paths, str(site.host.virtualenvs))


def difference(site, *packs):
    with pytest.raises(VerifyError) as raised:
        look(site, *packs)
    assert raised.value.step == "verify"
    return raised.value


def removal(site, ref, **changes):
    fields = {"ref": ref, "name": ref, "action": "remove", "virtualenv": "none", "base_path": str(site.host.packs)}
    return PackPlan(**{**fields, "before": State("1.0.0"), "after": None, **changes})


def test_what_was_done_is_what_is_there(site):
    look(site, *site.plans.values())
    look(site, removal(site, "nosuch"))
    look(site)


def test_each_part_of_the_identity_counts(site):
    for ref, changes in (
        ("sensu", {"version": "1.0.2"}),
        ("sensu", {"commit": "f" * 40}),
        ("plain", {"version": "2.0.1"}),
        ("plain", {"digest": "sha256:" + "f" * 64}),
    ):
        pack = site.plans[ref]
        error = difference(site, pack._replace(after=pack.after._replace(**changes)))
        assert error.ref == ref
        assert f"was installed at {site.host.packs}/{ref}, but {pack.after.short} was read back." in error.message


def test_a_pack_that_is_not_there_is_missed(site):
    (site.host.packs / "sensu" / "pack.yaml").unlink()
    error = difference(site, site.plans["sensu"])
    assert (
        error.message
        == f"sensu {site.plans['sensu'].after.short} was installed, but {site.host.packs}/sensu has no pack."
    )


@pytest.mark.parametrize("edit", ["changed", "added", "removed", "mode"])
def test_every_file_of_a_plain_directory_is_read(site, edit):
    path = site.host.packs / "plain" / "actions" / "report.py"
    if edit == "changed":
        path.write_text("changed")
    elif edit == "added":
        path.with_name("more.py").write_text("")
    elif edit == "removed":
        path.unlink()
    else:
        path.chmod(0o755)
    assert "plain 2.0.0 sha256:" in difference(site, site.plans["plain"]).message


def test_the_files_are_believed_and_not_the_receipt(site):
    (site.host.packs / ".stackstorm.st2" / "receipts" / "plain.json").unlink()
    look(site, site.plans["plain"])


def test_another_pack_that_hides_it_is_named(site):
    other = str(site.host.extra_base_paths[0])
    pack = site.plans["sensu"]._replace(base_path=other, after=State("1.0.2", "f" * 40))
    error = difference(site, pack)
    assert f"was installed at {other}/sensu, but" in error.message
    assert error.message.endswith(f"was read back from {site.host.packs}/sensu.")


def test_packs_that_do_not_change_are_not_looked_at(site):
    for action in ("none", "adopt"):
        look(site, site.plans["sensu"]._replace(action=action, after=State("9.9.9")))


@pytest.mark.parametrize("there", ["directory", "dangling"])
def test_what_was_removed_and_is_there_is_noticed(site, there):
    path = site.host.packs / "gone"
    if there == "directory":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    error = difference(site, removal(site, "gone"))
    assert (error.message, error.ref) == (f"gone was removed, but {path} exists.", "gone")


def test_what_was_purged_and_is_there_is_noticed(site):
    path = site.host.configs / "gone.yaml"
    pack = removal(site, "gone", action="purge", before=None, leftovers=(("config", str(path)),))
    look(site, pack)
    path.write_text("x: 1\n")
    assert difference(site, pack).message == f"The config of gone was removed, but {path} exists."


@pytest.mark.parametrize("virtualenv", ["built", "rebuilt"])
@pytest.mark.parametrize("health", ["absent", "broken", "foreign", "ok"])
def test_a_virtualenv_that_was_built_works(site, virtualenv, health):
    path = site.host.virtualenvs / "sensu"
    if health != "absent":
        (path / "bin").mkdir(parents=True)
    if health in ("foreign", "ok"):
        (path / "bin" / "python").symlink_to(site.host.service / "bin" / "python")
    if health == "ok":
        (path / MARKER).write_bytes(marker_document(Settings("/p").inputs("3.9", ""), (1, 2)))
    pack = site.plans["sensu"]._replace(virtualenv=virtualenv)
    if health == "ok":
        look(site, pack)
        return
    error = difference(site, pack)
    assert error.message == f"The virtualenv of sensu was built, but what is at {path} is {health}."


@pytest.mark.parametrize("virtualenv", ["none", "kept", "skipped"])
def test_a_virtualenv_that_was_not_built_is_not_looked_at(site, virtualenv):
    look(site, site.plans["sensu"]._replace(virtualenv=virtualenv))
    assert not os.path.exists(site.host.virtualenvs / "sensu")
