# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbooks stackstorm.st2.release_pack and stackstorm.st2.split_packs, as their first lines say."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from e2e.working_copies import PackWorkingCopy
from infrastructure.ansible_run import ansible_command, ansible_environment
from infrastructure.packs import PackTree, Tree
from infrastructure.real_data import REPOSITORY
from infrastructure.repositories import GitRepository
from infrastructure.repositories.git_repository import run_git

INDEX_MODULE = REPOSITORY / "plugins" / "modules" / "st2_index.py"


@pytest.fixture
def play(tmp_path: Path) -> t.Callable[..., subprocess.CompletedProcess[str]]:
    """Run one of the playbooks with variables, and further arguments."""
    (tmp_path / "run").mkdir()

    def run(name: str, *arguments: str, **variables: t.Any) -> subprocess.CompletedProcess[str]:
        given = json.dumps({"ansible_python_interpreter": sys.executable, **variables})
        command = ansible_command(f"stackstorm.st2.{name}", "-e", given, *arguments)
        environment = ansible_environment(None, tmp_path / "run")
        return subprocess.run(
            command,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
        )

    return run


def changed(done: subprocess.CompletedProcess[str]) -> int:
    """How many tasks changed something, in a run in which none failed."""
    assert done.returncode == 0, done.stdout + done.stderr
    return int(done.stdout.rpartition("changed=")[2].split()[0])


def test_release_pack(play: t.Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    pack = PackWorkingCopy(tmp_path)
    pack.commit("1.0.0")
    touched, made = tmp_path / "touched", tmp_path / "made"
    given = {
        "path": str(pack.path),
        "release_pack_options": {"tag_message": "From a playbook"},
        "release_pack_touch": str(touched),
        "release_pack_command": ["mkdir", str(made)],
    }
    assert changed(play("release_pack", "--check", **given)) and pack.released() == {} and not touched.exists()
    done = play("release_pack", **given)
    assert changed(done) == 3 and f"acme_dns 1.0.0: tag v1.0.0 at {pack.head[:7]}" in done.stdout
    assert pack.released() == {"v1.0.0": pack.head} and touched.exists() and made.is_dir()
    assert "From a playbook" in pack.git("cat-file", "tag", "v1.0.0")
    assert changed(play("release_pack", **given)) == 0
    pack.commit("0.9.0")
    done = play("release_pack", **given)
    assert done.returncode == 2 and "is lower than v1.0.0" in done.stdout
    assert play("release_pack").returncode == 2


@pytest.mark.skipif(not INDEX_MODULE.exists(), reason="the module st2_index is not in this checkout")
def test_release_pack_with_an_index(play: t.Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    pack = PackWorkingCopy(tmp_path)
    index = {
        "path": str(tmp_path / "www"),
        "packs": [f"file://{pack.remote}"],
        "repo_url": "https://h.example.com/{ref}",
    }
    for version in ("1.0.0", "1.1.0"):
        pack.commit(version)
        assert changed(play("release_pack", path=str(pack.path), release_pack_index=index)) == 2
    found = json.loads((tmp_path / "www" / "v1" / "index.json").read_text())
    assert found["packs"]["acme_dns"]["versions"] == ["1.1.0", "1.0.0"]
    assert changed(play("release_pack", path=str(pack.path), release_pack_index=index)) == 0


def test_split_packs(play: t.Callable[..., subprocess.CompletedProcess[str]], tmp_path: Path) -> None:
    many = GitRepository(tmp_path / "many.git")
    tree = Tree({}).mount("packs/a", PackTree("a", "1.0.0")).mount("packs/b", PackTree("b", "2.0.0"))
    many.tag("v1.0.0", many.commit(tree)).build()
    targets = tmp_path / "targets"
    for ref in "ab":
        run_git("init", "--quiet", "--bare", "--template=", "--initial-branch=main", targets / f"{ref}.git")
    given = {"repo": str(many.path), "dest": str(tmp_path / "split"), "repo_url": f"{targets}/{{ref}}.git"}
    assert changed(play("split_packs", "--check", **given)) == 1 and not (tmp_path / "split").exists()
    done = play("split_packs", **given)
    assert changed(done) == 1 and "1 commits of 1 authors" in done.stdout and "a.git empty" in done.stdout
    assert run_git("-C", targets / "a.git", "for-each-ref") == ""
    assert changed(play("split_packs", push=True, **given)) == 1
    assert run_git("-C", targets / "a.git", "for-each-ref", "--format=%(refname)").split() == [
        "refs/heads/main",
        "refs/tags/v1.0.0",
    ]
    assert changed(play("split_packs", push=True, **given)) == 0
    assert play("split_packs").returncode == 2
