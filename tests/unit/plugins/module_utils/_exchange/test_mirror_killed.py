# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A mirror that is killed at any of its steps leaves whole repositories, and the next run brings what is missing."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import keeping
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._exchange.exchange_host import (
    check,
    listed,
    mirror_at,
    refs,
    served,
    source,
)


@pytest.fixture
def killed_at():
    """Updates a mirror in a process that is killed before its step of some number; gives whether it was."""
    command = [sys.executable, str(Path(__file__).with_name("killed_runs.py"))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:

        def kill(number, root, upstream):
            print(json.dumps([number, str(root), f"file://{upstream.path}"]), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield kill
        process.stdin.close()


def is_whole(root, *allowed):
    """Fail unless what is served is whole, each ref of it one of those that are allowed."""
    check(served(root))
    for name, at in refs(served(root)).items():
        assert name.startswith("refs/upstream/") or at in [one.get(name) for one in allowed]
    run_git("-C", served(root), "rev-parse", "--verify", "HEAD^{commit}")
    for at in listed(served(root)).values():
        run_git("-C", served(root), "cat-file", "-e", at)


def kills(killed_at, root, upstream, tmp_path, every=1):
    """Kill an update at its steps, look at what is left, and do it again; how many steps there are."""
    before = refs(served(root)) if root.exists() else {}
    number = 0
    while True:
        trial = tmp_path / f"trial-{number}-{len(before)}"
        if root.exists():
            shutil.copytree(root, trial, symlinks=True)
        if not killed_at(number, trial, upstream):
            return number
        if served(trial).exists():
            is_whole(trial, before, refs(upstream.path))
        else:
            assert not before
        (found,) = mirror_at(trial).update([source(upstream)])
        assert found.error is None
        assert refs(served(trial)) == listed(served(trial)) == refs(upstream.path)
        assert not [name for name in os.listdir(trial / "state" / "mirror") if name.endswith((".new", ".old"))]
        number += every


def test_whatever_step_it_is_killed_at(tmp_path, killed_at):
    upstream = GitRepository(tmp_path / "upstream.git")
    upstream.release(PackTree("demo", "1.0.0", minimal=True))
    upstream.branch("old").build()
    root = tmp_path / "exchange"
    # Until it is served, one step is like another.
    assert kills(killed_at, root, upstream, tmp_path, every=3) > 8, "the steps are no longer those that are counted"
    mirror_at(root).update([source(upstream)])
    upstream.branch("trunk", upstream.release(PackTree("demo", "1.1.0", minimal=True)))
    upstream.delete_branch("old").delete_branch("main")
    upstream.default_branch = "trunk"
    upstream.build()
    assert kills(killed_at, root, upstream, tmp_path) > 8


@pytest.fixture
def mirrored(tmp_path):
    upstream = GitRepository(tmp_path / "upstream.git")
    upstream.release(PackTree("demo", "1.0.0", minimal=True))
    upstream.build()
    mirror_at(tmp_path / "exchange").update([source(upstream)])
    return upstream


def test_what_a_killed_git_leaves_holds_up_nothing(tmp_path, mirrored):
    root = tmp_path / "exchange"
    left = ["HEAD.lock", "packed-refs.lock", "refs/heads/main.lock", "objects/pack/tmp_pack_abc", "info/.new-abc"]
    left += [f"objects/pack/{path.stem}.keep" for path in (served(root) / "objects" / "pack").glob("*.pack")]
    for name in left:
        (served(root) / name).parent.mkdir(parents=True, exist_ok=True)
        (served(root) / name).write_text("")
    run_git("-C", served(root), "update-ref", "refs/upstream/tags/v9", mirrored.head.sha)
    mirrored.release(PackTree("demo", "1.1.0", minimal=True))
    mirrored.build()
    (found,) = mirror_at(root).update([source(mirrored)])
    assert found.error is None
    assert refs(served(root)) == refs(mirrored.path)
    assert not [name for name in left if (served(root) / name).exists()]


def test_leftovers_are_removed_but_not_what_another_run_is_making(tmp_path, mirrored):
    root = tmp_path / "exchange"
    state = root / "state" / "mirror"
    for name in ("gone.new", "busy.new", "gone.old"):
        (state / name).mkdir()
    with (state / "busy.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        keeping.clean_up(str(root))
        assert sorted(path.name for path in state.glob("*.*") if path.is_dir()) == ["busy.new"]


def test_a_repository_that_another_run_is_at_is_left_alone(tmp_path, mirrored):
    root = tmp_path / "exchange"
    mirrored.release(PackTree("demo", "1.1.0", minimal=True))
    mirrored.build()
    before = refs(served(root))
    with contextlib.ExitStack() as stack:
        stack.enter_context(keeping.alone(str(root), "demo"))
        (found,) = mirror_at(root).update([source(mirrored)])
    assert "another run is at it" in found.error
    assert refs(served(root)) == before
