# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories that are pushed to an exchange host, by real pushes."""

from __future__ import annotations

import os
import subprocess

import pytest
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import served_packs
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.hosted import (
    create_hosted,
    link_hosted,
    tidy_hosted,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.keeping import read_mirrored
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._exchange.exchange_host import (
    check,
    mirror_at,
    refs,
    served,
    source,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at

URL = "https://exchange.example.com"


@pytest.fixture
def root(tmp_path):
    found = tmp_path / "exchange"
    (found / "triggers").mkdir(parents=True)
    return found


@pytest.fixture
def hosted(root):
    create_hosted(git_at(root.parent), str(root), "demo", URL)
    return root / "hosted" / "demo.git"


@pytest.fixture
def work(tmp_path):
    repository = GitRepository(tmp_path / "work.git")
    repository.release(PackTree("demo", "1.0.0", minimal=True))
    return repository.build()


def push(work, hosted, *names, umask="022"):
    """Push refs; the exit status and what the pusher sees."""
    done = subprocess.run(
        ["sh", "-c", f'umask {umask}; exec git "$@"', "git", "-C", work.path, "push", "--quiet", hosted, *names],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_second_run_changes_nothing(root, hosted):
    before = {path: path.stat().st_mtime_ns for path in hosted.rglob("*")}
    assert not create_hosted(git_at(root.parent), str(root), "demo", URL)
    assert before == {path: path.stat().st_mtime_ns for path in hosted.rglob("*")}


def test_what_was_changed_is_put_right_and_what_is_not_ours_stays(root, hosted, work):
    push(work, hosted, "main", "v1.0.0")
    run_git("-C", hosted, "config", "receive.updateServerInfo", "false")
    run_git("-C", hosted, "config", "receive.denyNonFastForwards", "true")
    (hosted / "hooks" / "update").chmod(0o644)
    assert create_hosted(git_at(root.parent), str(root), "demo", "https://moved.example.com")
    assert run_git("-C", hosted, "config", "receive.updateServerInfo") == "true"
    assert run_git("-C", hosted, "config", "receive.denyNonFastForwards") == "true"
    assert os.access(hosted / "hooks" / "update", os.X_OK)
    assert "https://moved.example.com/status/demo.txt" in (hosted / "hooks" / "post-receive").read_text()
    assert refs(hosted) == refs(work.path)


def test_a_push_is_served_announced_and_answered(root, hosted, work):
    status, said = push(work, hosted, "main", "v1.0.0", umask="077")
    assert status == 0
    assert f"remote: demo: see the result of this push at {URL}/status/demo.txt" in said
    assert (root / "triggers" / "pushed").exists()
    assert refs(hosted) == refs(work.path)
    assert "refs/tags/v1.0.0" in (hosted / "info" / "refs").read_text()
    for path in hosted.rglob("*"):
        wanted = 0o555 if path.is_dir() else 0o444
        assert path.stat().st_mode & wanted == wanted, path


def test_a_push_stands_where_the_index_cannot_be_told(root, hosted, work):
    (root / "triggers").rmdir()
    status, said = push(work, hosted, "main")
    assert status == 0
    assert "The Exchange was not notified of this push" in said
    assert refs(hosted) == {"refs/heads/main": work.head.sha}


@pytest.mark.parametrize("what", ["moved", "deleted"])
def test_a_tag_stays_what_it_is(hosted, work, what):
    push(work, hosted, "main", "v1.0.0")
    before = refs(hosted)
    work.tag("v1.0.0", work.commit(PackTree("demo", "1.0.0", minimal=True).set_metadata(description="again"))).build()
    status, said = push(work, hosted, "+v1.0.0" if what == "moved" else ":v1.0.0")
    assert status != 0
    assert "The tag v1.0.0 was pushed before, and is neither changed nor deleted" in said
    assert refs(hosted) == before


def test_branches_are_those_of_who_pushes(hosted, work):
    work.branch("topic", work.commit(PackTree("demo", "1.1.0", minimal=True), on_branch=False)).build()
    push(work, hosted, "main", "topic")
    work.branch("topic", work.commit(PackTree("demo", "1.2.0", minimal=True), on_branch=False)).build()
    assert push(work, hosted, "+topic")[0] == 0
    assert refs(hosted)["refs/heads/topic"] == work.branches["topic"].sha
    assert push(work, hosted, ":topic")[0] == 0
    assert "refs/heads/topic" not in refs(hosted)


def test_clones_get_the_branch_that_was_pushed_whatever_its_name(hosted, work):
    run_git("-C", work.path, "branch", "release")
    assert push(work, hosted, "release")[0] == 0
    assert (hosted / "HEAD").read_text() == "ref: refs/heads/release\n"
    push(work, hosted, "main")
    assert (hosted / "HEAD").read_text() == "ref: refs/heads/release\n"


def test_main_comes_first_where_several_branches_are_pushed(hosted, work):
    run_git("-C", work.path, "branch", "a-topic")
    push(work, hosted, "a-topic", "main")
    assert (hosted / "HEAD").read_text() == "ref: refs/heads/main\n"


def test_what_is_no_ref_or_no_repository_is_refused(root):
    with pytest.raises(OptionError, match=r"Did you mean my_pack\?"):
        create_hosted(git_at(root.parent), str(root), "my-pack", URL)
    (root / "hosted" / "demo.git").mkdir(parents=True)
    with pytest.raises(ApplyError, match="is no git repository: move it away"):
        create_hosted(git_at(root.parent), str(root), "demo", URL)


def test_it_is_served_by_a_link(root, hosted, work):
    push(work, hosted, "main")
    for _again in range(2):
        assert link_hosted(str(root), ["demo"]) == []
        assert os.readlink(served(root)) == "../hosted/demo.git"
    assert refs(served(root)) == {"refs/heads/main": work.head.sha}


def test_what_is_not_there_is_said(root):
    assert "run the program with: create demo" in link_hosted(str(root), ["demo"])[0]
    assert not os.path.lexists(served(root))


def test_what_was_mirrored_is_served_until_something_is_pushed(root, work, hosted):
    mirror_at(root).update([source(work)])
    (problem,) = link_hosted(str(root), ["demo"])
    assert f"nothing was pushed yet: what was brought here from file://{work.path} is served until then" in problem
    assert refs(served(root)) == refs(work.path)
    push(work, hosted, "main")
    assert link_hosted(str(root), ["demo"]) == []
    assert refs(served(root)) == {"refs/heads/main": work.head.sha}
    assert read_mirrored(str(root)) == {}


def test_what_was_hosted_is_mirrored_again_and_its_own_repository_stays(root, work, hosted):
    push(work, hosted, "main")
    link_hosted(str(root), ["demo"])
    (found,) = mirror_at(root).update([source(work)])
    assert found.problems() == []
    assert not served(root).is_symlink()
    assert refs(served(root)) == refs(work.path)
    assert refs(hosted) == {"refs/heads/main": work.head.sha}


def test_many_pushes_become_one_pack_which_pushes_between_do_not_spoil(root, hosted, work, monkeypatch):
    monkeypatch.setattr(served_packs, "MOST_PACKS", 2)
    clock = [1_800_000_000.0]
    git = git_at(root.parent)

    def tidy():
        return tidy_hosted(git, str(root), "demo", now=lambda: clock[0])

    def release(version):
        work.release(PackTree("demo", version, minimal=True))
        work.build()
        assert push(work, hosted, "main", f"v{version}")[0] == 0

    def packs():
        return len(list((hosted / "objects" / "pack").glob("*.pack")))

    def listed_packs():
        return (hosted / "objects" / "info" / "packs").read_text().count("P ")

    for version in ("1.0.1", "1.0.2", "1.0.3"):
        release(version)
    assert tidy()
    assert (packs(), listed_packs()) == (4, 1)
    release("1.0.4")
    assert listed_packs() == 5
    clock[0] += 3601
    tidy()
    assert (packs(), listed_packs()) == (5, 2)
    clock[0] += 3601
    assert tidy()
    assert (packs(), listed_packs()) == (2, 2)
    assert not tidy()
    check(hosted)
