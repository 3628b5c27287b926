# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs with files in Git LFS, on hosts with git-lfs and without: the content, the warning, and one digest for both."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_program import Git
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    Site,
    converge,
    released,
    row_of,
)

CONTENT = b"\0content of a model\n" * 1000
OID = hashlib.sha256(CONTENT).hexdigest()
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{OID}\nsize {len(CONTENT)}\n"
# In place of git-lfs: what `git lfs pull` does, from the directory of the remote.
STAND_IN = """#!/bin/sh
[ "$1" = pull ] || exit 1
origin=$(git config remote.origin.url)
origin=${origin#file://}
for path in $(git grep -l '^oid sha256:'); do
    oid=$(sed -n 's/^oid sha256://p' "$path")
    kept=lfs/objects/$(echo "$oid" | cut -c1-2)/$(echo "$oid" | cut -c3-4)/$oid
    [ -f "$origin/$kept" ] || { echo "batch response: object $oid is not there" >&2; exit 2; }
    mkdir -p ".git/${kept%/*}"
    cp "$origin/$kept" ".git/$kept"
    cat "$origin/$kept" > "$path"
done
"""


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


def tree(version="1.0.0", ref="sensu"):
    made = PackTree(ref, version, minimal=True)
    made.add(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    made.add("etc/model.bin", POINTER)
    return made


@pytest.fixture
def site(tmp_path):
    site = Site(tmp_path, [tree("1.0.0"), tree("1.1.0")])
    keep(site.repositories["sensu"].path)
    return site


def keep(repository):
    place = Path(repository) / "lfs" / "objects" / OID[:2] / OID[2:4]
    place.mkdir(parents=True)
    (place / OID).write_bytes(CONTENT)


@pytest.fixture(params=["stand-in", "git-lfs"])
def with_lfs(request, tmp_path, monkeypatch):
    if request.param == "git-lfs":
        if not shutil.which("git-lfs"):
            pytest.skip("the program git-lfs is missing")
        return
    program = tmp_path / "lfs-bin" / "git-lfs"
    program.parent.mkdir()
    program.write_text(STAND_IN)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}{os.pathsep}{os.environ['PATH']}")


@pytest.fixture
def without_lfs(monkeypatch):
    monkeypatch.setattr(Git, "has", lambda _git, _program: False)


def model(site, ref="sensu"):
    return site.host.packs / ref / "etc" / "model.bin"


def test_the_content_is_fetched_and_is_no_edit(site, with_lfs):
    done = converge(site, "sensu=1.0.0")
    assert done.warnings == []
    assert model(site).read_bytes() == CONTENT
    for path in (site.host.packs / "sensu").rglob("*"):
        assert path.is_dir() or path.lstat().st_nlink == 1, path
    converge(site, "sensu=1.0.0", verify="content")
    assert not list((site.host.packs / "sensu" / ".git").glob("hooks/*")), "git-lfs installs nothing"
    model(site).write_bytes(CONTENT + b"edited")
    done = converge(site, "sensu=1.0.0", verify="content")
    assert row_of(done)["edits"] == ["edited etc/model.bin"]
    assert model(site).read_bytes() == CONTENT
    assert converge(site, "sensu=1.1.0").warnings == []
    assert converge(site, "sensu=1.0.0").warnings == [], "gone back to the kept release"
    assert model(site).read_bytes() == CONTENT


def test_without_git_lfs_a_warning_names_the_files(site, without_lfs):
    done = site.run("sensu=1.0.0")
    (warning,) = done.warnings
    assert "git-lfs is not on this host" in warning and warning.endswith(": etc/model.bin.")
    assert model(site).read_text() == POINTER
    converge(site, "sensu=1.0.0", verify="content")


def test_content_that_cannot_be_fetched_fails_the_task(site, with_lfs):
    shutil.rmtree(site.repositories["sensu"].path / "lfs")
    failed = site.run("sensu=1.0.0")
    assert "keeps in Git LFS cannot be fetched (etc/model.bin): " in failed.failure.message
    assert not (site.host.packs / "sensu").exists()


def test_hosts_with_and_without_agree_on_the_digest(tmp_path):
    site = Site(tmp_path, released("free", "1.0.0"))
    source = tree("1.0.0", "local").write(tmp_path / "source")
    digests = []
    for content in (POINTER.encode(), CONTENT):
        (source / "etc" / "model.bin").write_bytes(content)
        done = site.run(str(source), state="latest")
        assert done.failure is None
        digests.append(row_of(done, "local")["after"]["digest"])
    assert digests[0] == digests[1]
    (source / "etc" / "model.bin").write_bytes(CONTENT + b"x")
    assert row_of(site.run(str(source), state="latest"), "local")["after"]["digest"] != digests[0]


def test_the_account_of_the_task_may_have_git_lfs_installed(site, with_lfs):
    (site.host.home / ".gitconfig").write_text(
        '[filter "lfs"]\n\tprocess = false\n\tclean = false\n\tsmudge = false\n\trequired = true\n'
    )
    converge(site, "sensu=1.0.0")
    converge(site, "sensu=1.0.0", verify="content")
    assert run_git("-C", site.host.packs / "sensu", "rev-parse", "HEAD") == site.sha("sensu", "v1.0.0")
