# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back on changes: the files and the database are what they were, whatever the change was about."""

from __future__ import annotations

import typing as t

import pytest
from infrastructure.ansible_run import ModuleResult
from infrastructure.snapshot import Snapshot, compare, take_snapshot
from infrastructure.st2_stub import StackStormStub

from .scene import STATE, Scene, only


@pytest.fixture
def stub(scene: Scene) -> t.Iterator[StackStormStub]:
    with StackStormStub(scene.host) as found:
        yield found


class Site:
    """A host with a stand-in for StackStorm, and what both have of packs."""

    def __init__(self, scene: Scene, stub: StackStormStub) -> None:
        self.scene = scene
        self.stub = stub
        self.access = {"api_url": f"{stub.api_url}/v1", "auth_url": stub.auth_url, "api_key": stub.api_key}

    def run(self, module: str, *names: str, **options: t.Any) -> ModuleResult:
        return self.scene.run(*names, module=module, **{"register": "api", **self.access, **options})

    def change(self, module: str, *names: str, **options: t.Any) -> ModuleResult:
        result = self.run(module, *names, **options)
        assert not result.failed and result.changed, result.everything
        return result

    def back(self, **options: t.Any) -> ModuleResult:
        """Go back: check mode and the run say the same, and a second run has nothing to do."""
        before = self.files()
        predicted = self.run("st2_rollback", check=True, **options)
        assert not predicted.failed and predicted.changed, predicted.everything
        assert not compare(before, self.files()), "check mode changes nothing"
        result = self.change("st2_rollback", **options)
        told = ("msg", "packs", "database_state", "undone", "diff", "restart_needed")
        assert {key: predicted[key] for key in told} == {key: result[key] for key in told}
        assert self.scene.debris() == []
        for check in (True, False):
            again = self.run("st2_rollback", check=check, **options)
            assert not again.failed and not again.changed and "change" not in again, again.everything
        return result

    def files(self) -> Snapshot:
        """All that StackStorm sees of the host, with modes; names of bytecode and logs do not matter."""
        return take_snapshot(self.scene.host.root, exclude=[STATE, "home", "tmp", "__pycache__"])

    def database(self) -> t.Dict[str, t.Any]:
        return self.stub.database_snapshot()


@pytest.fixture
def site(scene: Scene, stub: StackStormStub) -> Site:
    return Site(scene, stub)


def test_an_upgrade_is_undone_and_done_again(site: Site) -> None:
    site.scene.release("demo", "1.0.0", "1.1.0")
    site.change("st2_pack", "demo=1.0.0", virtualenv="always")
    files, database = site.files(), site.database()
    upgraded = site.change("st2_pack", "demo=1.1.0", virtualenv="always")
    newer, newer_database = site.files(), site.database()
    assert upgraded["change"] == "0002"
    site.scene.forget()
    undone = site.back()
    assert (undone["undone"], undone["change"]) == ("0002", "0003")
    assert not compare(files, site.files()) and site.database() == database
    assert site.scene.programs == [] and site.scene.git.quiet and site.scene.packages.quiet
    row = only(undone)
    assert (row["action"], row["virtualenv"], row["database_state"]) == ("downgrade", "restored", "current")
    # By the number of what went back, it is done again; and undone by the number that it first had.
    site.back(change="3")
    assert not compare(newer, site.files()) and site.database() == newer_database
    site.back(change="0002")
    assert not compare(files, site.files()) and site.database() == database
