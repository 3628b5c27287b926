# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs from a bundle: nobody but the bundle is asked, and what comes is what a lock brings."""

from __future__ import annotations

import json
import shutil
import typing as t
from pathlib import Path

import pytest
from e2e.locks import LockFile
from e2e.scene import STATE, Scene
from infrastructure.ansible_run import run_play
from infrastructure.locks import content, this_platform
from infrastructure.packs import PackTree
from infrastructure.repositories.git_repository import run_git

ALL = ("common", "jira", "own", "sensu")


class Fleet:
    """What is outside of the host: a lock, and its bundle.

    :ivar shelf: Where the lock and the bundle are, on the controller.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.shelf = scene.root / "shelf"
        common, jira, sensu = (scene.repository(ref) for ref in ("common", "jira", "sensu"))
        for version in ("1.0.0", "2.0.0"):
            common.release(PackTree("common", version, minimal=True))
            jira.release(PackTree("jira", version, minimal=True, dependencies=["common"]))
            sensu.release(PackTree("sensu", version, requirements="tinydep==1.0.0\n"), annotated=True)
        scene.publish()
        own = PackTree("own", "0.1.0", minimal=True)
        own.write(self.shelf / "own")
        self.lock = (
            LockFile(scene)
            .add(common, "1.0.0", requested=[])
            .add(jira, "1.0.0", "jira", dependencies={"common": "common"})
        )
        self.lock.add(sensu, "1.0.0", "sensu").wheels("sensu", "six==1.16.0", "tinydep==1.0.0")
        self.lock.document["packs"]["own"] = {
            "version": "0.1.0",
            "source": "./own",
            "requested": ["./own"],
            "resolved": {"kind": "content"},
            "content": content(own.files),
        }

    def build(self, **options: t.Any) -> Path:
        """Write the lock, and its bundle; then nothing upstream answers any more."""
        path = self.lock.write(self.shelf)
        given = {"lockfile": str(path), "path": str(self.shelf / "packs.bundle"), "pip_index_url": None, **options}
        result = self.scene.run(module="st2_bundle", host=None, ca_bundle=str(self.scene.ca.ca_file), **given)
        assert not result.failed and result.changed, result.everything
        self.scene.forget()
        return self.shelf / "packs.bundle"

    def silence(self) -> None:
        """Look that nobody was asked for anything."""
        assert self.scene.quiet, "no server may be asked"
        asking = [line for line in self.scene.programs if " config remote.origin." not in line]
        assert not [line for line in asking if any(word in line for word in (" clone ", "://", "ls-remote"))], asking


@pytest.fixture
def fleet(scene: Scene) -> Fleet:
    return Fleet(scene)


def blobs(scene: Scene) -> t.List[str]:
    place = scene.host.packs / STATE / "blobs"
    return sorted(path.name for path in place.iterdir() if path.name != "packs.json") if place.exists() else []


def test_a_bundle_on_the_target_is_installed_and_nobody_is_asked(fleet: Fleet) -> None:
    scene, bundle = fleet.scene, f"file://{fleet.build()}"
    foretold = scene.run(check=True, bundle=bundle)
    assert not (scene.host.packs / STATE).exists()
    result = scene.change(bundle=bundle)
    fleet.silence()
    assert result["packs"] == foretold["packs"] and result["msg"] == foretold["msg"]
    assert tuple(scene.host.installed()) == ALL
    for ref in ("common", "jira", "sensu"):
        locked = fleet.lock.document["packs"][ref]
        pack = scene.host.packs / ref
        assert scene.host.head(ref) == locked["commit"]
        assert run_git("-C", pack, "remote", "get-url", "origin") == locked["source"]
        assert run_git("-C", pack, "status", "--porcelain") == ""
        assert run_git("-C", pack, "describe", "--tags") == "v1.0.0"
    scene.satisfied(bundle=bundle)
    scene.satisfied("jira", state="latest", bundle=bundle)
    fleet.silence()


def test_virtualenvs_are_filled_from_it(fleet: Fleet) -> None:
    scene, bundle = fleet.scene, f"file://{fleet.build()}"
    for backend in ("uv", "venv"):
        result = scene.change("sensu", bundle=bundle, virtualenv="auto", virtualenv_backend=backend)
        fleet.silence()
        assert result["packs"][0]["virtualenv"] != "none"
        assert scene.host.run_action("sensu", "report")["version"] == "1.0.0"
        found = list((scene.host.virtualenvs / "sensu").glob("lib/python*/site-packages/tinydep-1.0.0.dist-info"))
        assert found, "what is locked is there"
        scene.satisfied("sensu", bundle=bundle, virtualenv="auto", virtualenv_backend=backend)
        scene.change("sensu", state="absent", keep_releases=0, bundle=bundle)
        shutil.rmtree(scene.host.virtualenvs / STATE, ignore_errors=True)
    assert blobs(scene) == []


def test_from_a_lock_or_from_its_bundle_comes_the_same(fleet: Fleet) -> None:
    scene, bundle = fleet.scene, f"file://{fleet.build()}"
    lockfile = f"file://{fleet.shelf / 'packs.lock.yml'}"

    def state() -> t.Dict[str, t.Any]:
        found: t.Dict[str, t.Any] = {}
        for ref in ALL:
            pack = scene.host.packs / ref
            files = sorted(path for path in pack.rglob("*") if path.is_file() and ".git" not in path.parts)
            found[ref] = {str(path.relative_to(pack)): (path.read_bytes(), path.stat().st_mode) for path in files}
            receipt = json.loads((scene.host.packs / STATE / "receipts" / f"{ref}.json").read_text())
            receipt.pop("stamp")
            found[f"{ref} receipt"] = receipt
        return found

    scene.change(lockfile=lockfile)
    by_lock = state()
    scene.satisfied(bundle=bundle)
    scene.change("common", "jira", "sensu", "own", state="absent", keep_releases=0)
    scene.change(bundle=bundle)
    by_bundle = state()
    for document in (by_lock, by_bundle):
        document["own receipt"].pop("source")
    assert by_bundle == by_lock
    scene.satisfied(lockfile=lockfile)


def handed(bundle: Path, archive: t.Optional[Path] = None) -> t.Dict[str, t.Any]:
    """The options with which the action plugin runs the module."""
    from ansible_collections.stackstorm.st2.plugins.plugin_utils.bundle import ControllerBundle

    return {"bundle": bundle.name, "lock": ControllerBundle(str(bundle)).for_module(archive and str(archive))}


def test_what_is_missing_is_said_and_what_is_there_is_not_sent_again(fleet: Fleet, tmp_path: Path) -> None:
    scene, bundle = fleet.scene, fleet.build()
    from ansible_collections.stackstorm.st2.plugins.plugin_utils.bundle import ControllerBundle

    def send(result: t.Any) -> t.Dict[str, t.Any]:
        def write(writer: t.Callable[[str], None], _name: str) -> str:
            path = tmp_path / f"sent-{len(list(tmp_path.glob('sent-*')))}"
            writer(str(path))
            return str(path)

        return {"bundle": bundle.name, "lock": ControllerBundle(str(bundle)).sent(result, write)}

    first = scene.refuse("jira", **handed(bundle))
    assert first["step"] == "upload" and len(first["missing_blobs"]) == 2
    scene.change("jira", **send(first))
    there = blobs(scene)
    assert sorted(one.partition(":")[2] for one in first["missing_blobs"]) == there
    second = scene.refuse(**handed(bundle))
    assert not {one.partition(":")[2] for one in second["missing_blobs"]} & set(there)
    scene.change(**send(second))
    shutil.rmtree(scene.host.packs / "jira")
    scene.change("jira", **handed(bundle))
    fleet.silence()


def test_blobs_go_with_the_last_pack_that_needs_them(fleet: Fleet) -> None:
    scene, bundle = fleet.scene, f"file://{fleet.build()}"
    scene.change(bundle=bundle, virtualenv="auto")
    assert len(blobs(scene)) == 6
    scene.change("sensu", state="absent", keep_releases=0)
    assert len(blobs(scene)) == 3
    scene.change("own", state="absent", keep_releases=1)
    assert len(blobs(scene)) == 3, "the release that is kept needs it"
    scene.change("common", "jira", state="absent", keep_releases=0)
    assert len(blobs(scene)) == 1


@pytest.mark.parametrize("damage", ["cut", "byte", "link"])
def test_a_bundle_that_is_not_whole_is_refused_before_anything_is_written(fleet: Fleet, damage: str) -> None:
    scene, bundle = fleet.scene, fleet.build()
    content = bundle.read_bytes()
    if damage == "cut":
        bundle.write_bytes(content[: len(content) // 2])
    elif damage == "byte":
        bundle.write_bytes(content[:700] + b"x" + content[701:])
    else:
        bundle.write_bytes(content[:156] + b"2" + content[157:])
    refused = scene.refuse(bundle=f"file://{bundle}")
    assert str(bundle) in refused["msg"] and refused["step"] == "bundle"
    assert blobs(scene) == [] and scene.quiet and scene.programs == []


def test_a_bundle_for_another_python_is_refused_before_anything_is_written(fleet: Fleet) -> None:
    scene = fleet.scene
    fleet.lock.document["packs"]["sensu"]["wheels"] = {}
    fleet.lock.document.pop("platforms")
    platform = {**this_platform(), "python": "3.4", "abi": "cp34"}
    fleet.lock.wheels("sensu", "six==1.16.0", "tinydep==1.0.0", platform=platform)
    bundle = f"file://{fleet.build()}"
    refused = scene.refuse(bundle=bundle, virtualenv="auto")
    assert "has no wheels for Python" in refused["msg"] and "only for cp34" in refused["msg"]
    assert blobs(scene) == [] and scene.quiet
    scene.change(bundle=bundle, virtualenv="never")


def test_other_content_than_the_lock_says_is_refused(fleet: Fleet) -> None:
    scene, bundle = fleet.scene, f"file://{fleet.build()}"
    refused = scene.refuse("elsewhere", bundle=bundle)
    assert "elsewhere is asked for, and is not in the lock in " in refused["msg"]
    assert scene.host.installed() == [] and scene.quiet


def test_ansible_sends_what_a_host_lacks(fleet: Fleet) -> None:
    scene, bundle = fleet.scene, fleet.build()
    common = {"st2_conf": str(scene.host.st2_conf), "register": "none", "bundle": str(bundle), "virtualenv": "auto"}
    tasks = [
        {"name": "check", "stackstorm.st2.st2_pack": common, "check_mode": True},
        {"name": "stage", "stackstorm.st2.st2_pack": {**common, "phase": "stage"}},
        # Nothing is sent any more, or this were refused.
        {"name": "install", "stackstorm.st2.st2_pack": {**common, "phase": "swap"}, "async": 60, "poll": 1},
        {"name": "again", "stackstorm.st2.st2_pack": common},
        {
            "name": "break",
            "ansible.builtin.file": {"path": f"{scene.host.virtualenvs}/sensu/bin/python", "state": "absent"},
        },
        {"name": "mend", "stackstorm.st2.st2_pack": common},
        {"name": "none", "stackstorm.st2.st2_pack": {**common, "bundle": "nowhere"}, "ignore_errors": True},
        {"name": "async", "stackstorm.st2.st2_pack": common, "async": 60, "poll": 1, "ignore_errors": True},
    ]
    environment = {**scene.environment, "ANSIBLE_ASYNC_DIR": str(scene.root / "async")}
    play = run_play(tasks, host=scene.host, env=environment)
    assert play.rc == 0, play.stdout + play.stderr
    assert [row["after"] for row in play["check"]["packs"]] == [row["after"] for row in play["install"]["packs"]]
    assert play["stage"]["plan"] == play["install"]["plan"]
    assert play["install"]["changed"] and not play["again"]["changed"] and play["mend"]["changed"]
    assert tuple(scene.host.installed()) == ALL
    assert scene.host.run_action("sensu", "report")["version"] == "1.0.0"
    assert "bundle nowhere was not found on the controller" in play["none"]["msg"]
    assert "async cannot be used with a bundle on the controller" in play["async"]["msg"]
    fleet.silence()
