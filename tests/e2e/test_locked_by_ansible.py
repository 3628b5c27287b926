# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks by Ansible itself: found on the controller, read there, and made there by st2_pack_lock."""

from __future__ import annotations

import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from e2e.locks import LockFile
from e2e.scene import Scene
from infrastructure.ansible_run import PlayResult, run_play
from infrastructure.locks import content
from infrastructure.packs import PackTree

PACK = "stackstorm.st2.st2_pack"


@pytest.fixture
def site(scene: Scene, tmp_path: Path) -> Path:
    """A directory with a pack, in the files of a play."""
    PackTree("ours", "0.1.0", minimal=True).write(tmp_path / "files" / "packs" / "ours")
    for ref in ("jira", "later"):
        scene.release(ref, "1.0.0")
    return tmp_path / "files"


def play(scene: Scene, site: Path, *tasks: t.Mapping[str, t.Any], **options: t.Any) -> PlayResult:
    given = {"st2_conf": str(scene.host.st2_conf), "ca_bundle": str(scene.ca.ca_file)}
    defaults = {PACK: {**given, "register": "none", "virtualenv": "never"}}
    defaults["stackstorm.st2.st2_pack_lock"] = {"ca_bundle": given["ca_bundle"], "index_url": [scene.index_url]}
    written = [{"module_defaults": defaults, **task} for task in tasks]
    environment = {**scene.environment, "ANSIBLE_ASYNC_DIR": str(scene.root / "async")}
    return run_play(written, host=scene.host, env=environment, beside={"files": site}, **options)


def test_made_on_the_controller_and_installed_where_no_yaml_is(scene: Scene, site: Path, tmp_path: Path) -> None:
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    packs = [{"name": "jira"}, {"source": "packs/ours"}]
    made = play(
        scene,
        site,
        {
            "stackstorm.st2.st2_pack_lock": {
                "path": "files/packs.lock.yml",
                "packs": packs,
                "remote_src": False,
                "platforms": [],
            }
        },
    )
    assert made.rc == 0, made.stdout
    scene.repositories[0].release(PackTree("jira", "2.0.0", minimal=True))
    scene.publish()
    by_list = {PACK: {"packs": packs, "remote_src": False, "lockfile": "packs.lock.yml"}}
    whole = {PACK: {"lockfile": "packs.lock.yml", "exclusive": True}}
    foretold = play(scene, site, by_list, check=True, diff=True)
    done = play(scene, site, by_list, whole, diff=True)
    assert done.rc == 0 and foretold.rc == 0, done.stdout + foretold.stdout
    assert done.tasks[0].result["msg"] == foretold.tasks[0].result["msg"]
    assert [task.result["changed"] for task in done.tasks] == [True, False]
    assert scene.host.pack_version("jira") == "1.0.0" and scene.host.pack_version("ours") == "0.1.0"

    scene.forget()
    bare = {"vars": {"ansible_python_interpreter": str(tmp_path / "bare" / "bin" / "python")}}
    all_of_it = {PACK: {"lockfile": "packs.lock.yml"}, **bare}
    again = play(scene, site, all_of_it, {**by_list, **bare}, {**all_of_it, "async": 60, "poll": 1})
    assert again.rc == 0 and [task.result["changed"] for task in again.tasks] == [False] * 3, again.stdout
    assert scene.quiet and scene.programs == []

    (site / "packs" / "ours" / "README.md").write_text("another\n")
    refused = play(scene, site, by_list)
    assert refused.rc and "in the lock packs.lock.yml" in refused.tasks[0].result["msg"], refused.stdout


def test_the_whole_lock_on_an_empty_host_sends_what_is_on_the_controller(scene: Scene, site: Path) -> None:
    lock = LockFile(scene).add(scene.repositories[0], "1.0.0", "jira")
    lock.document["packs"]["ours"] = {
        "version": "0.1.0",
        "source": "./packs/ours",
        "requested": ["./packs/ours"],
        "resolved": {"kind": "content"},
        "content": content(PackTree("ours", "0.1.0", minimal=True).files),
    }
    lock.write(site)
    done = play(scene, site, {PACK: {"lockfile": "packs.lock.yml"}}, {PACK: {"lockfile": "packs.lock.yml"}})
    assert [task.result["changed"] for task in done.tasks] == [True, False], done.stdout
    assert sorted(scene.host.installed()) == ["jira", "ours"]


def test_what_is_wrong_is_said_by_the_controller(scene: Scene, site: Path) -> None:
    lock = LockFile(scene).add(scene.repositories[0], "1.0.0", "jira")
    lock.document["packs"]["jira"]["colour"] = "red"
    lock.write(site)
    refused = play(scene, site, {PACK: {"name": "jira", "lockfile": "packs.lock.yml"}})
    assert "packs.jira.colour" in refused.tasks[0].result["msg"] and refused.rc
    missing = play(scene, site, {PACK: {"name": "jira", "lockfile": "nosuch.yml"}})
    said = missing.tasks[0].result["msg"]
    assert "lockfile nosuch.yml was not found on the controller" in said and "file:///PATH" in said
