# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Mirroring from servers that fail in every way; and clones, over plain HTTP, of what is served."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git
from infrastructure.servers.git_https import Faults, GitHttpsServer
from infrastructure.servers.http_base import Handler, HttpServer

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import served_packs
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.keeping import read_kept
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._exchange.exchange_host import (
    Pauses,
    check,
    git_for,
    mirror_at,
    refs,
    served,
    source,
)


def repository(path, ref, *versions):
    found = GitRepository(path)
    for version in versions:
        found.release(PackTree(ref, version, minimal=True))
    return found.build()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "exchange"


@pytest.fixture
def upstream(tmp_path):
    return repository(tmp_path / "upstream" / "demo.git", "demo", "1.0.0")


@pytest.fixture
def server(upstream):
    with GitHttpsServer(upstream.path.parent) as found:
        yield found


def of(server, ref="demo"):
    return source(f"{server.url}/{ref}.git", ref)


def test_a_server_that_asks_for_it_is_left_alone_and_asked_again(root, server, upstream):
    server.faults = Faults(status=429, headers={"Retry-After": "17"}, times=1)
    pauses = Pauses()
    (found,) = mirror_at(root, pauses=pauses).update([of(server)])
    assert (found.error, found.fetched) == (None, True)
    assert len(pauses) == 1
    assert 16 < pauses[0] < 23
    assert refs(served(root)) == refs(upstream.path)


def test_a_server_that_goes_on_refusing_is_not_asked_for_every_repository(root, server):
    server.faults = Faults(status=503)
    found = mirror_at(root).update([of(server, f"pack_{number}") for number in range(12)])
    assert all(one.error for one in found)
    assert any("was not asked again in this run" in one.error for one in found)
    # Four at once, each of which was under way when it was enough.
    assert len(server.requests) <= 8


def test_a_server_that_hangs_holds_up_no_other(root, server, tmp_path):
    server.faults = Faults(hang=True)
    other = repository(tmp_path / "other.git", "other", "1.0.0")
    hanging, whole = mirror_at(root, timeout=2).update([of(server), source(other, "other")])
    assert "The timeout of" in hanging.error
    assert not hanging.served
    assert (whole.error, whole.fetched) == (None, True)


def test_a_fetch_that_breaks_off_changes_nothing_and_the_next_one_brings_all(root, server, upstream):
    mirror = mirror_at(root)
    mirror.update([of(server)])
    before = refs(served(root))
    tree = PackTree("demo", "1.1.0", minimal=True)
    # Of bytes that cannot be packed much smaller.
    tree.add("large.txt", "".join(f"{(number * 2654435761) & 0xFFFFFFFF:08x}" for number in range(40000)))
    upstream.release(tree)
    upstream.build()
    server.faults = Faults(die_after=50_000)
    (found,) = mirror.update([of(server)])
    assert "cannot be fetched" in found.error
    assert refs(served(root)) == before
    check(served(root))
    server.faults = Faults()
    (found,) = mirror.update([of(server)])
    assert (found.error, found.fetched) == (None, True)
    assert refs(served(root)) == refs(upstream.path)


def test_credentials_go_to_their_server_and_stand_nowhere(root, upstream):
    with GitHttpsServer(upstream.path.parent, username="mirror", password="s3cret-Canary") as server:
        git = git_for(root.parent, credentials=Credentials("mirror", "s3cret-Canary"))
        (found,) = mirror_at(root, git=git).update([of(server)])
        assert found.error is None
        (refused,) = mirror_at(root).update([of(server)])
    assert "wants credentials" in refused.error
    assert refused.served
    for path in root.rglob("*"):
        assert not path.is_file() or b"s3cret-Canary" not in path.read_bytes(), path


class _FileHandler(Handler):
    def do_GET(self):
        path = self.owner.root / self.path.partition("?")[0].lstrip("/")
        content = self.owner.pinned.get(path) or (path.read_bytes() if path.is_file() else None)
        self.reply(404 if content is None else 200, content or b"")


class Files(HttpServer):
    """Serves files below a directory, some of them as they were when they were pinned."""

    handler = _FileHandler

    def __init__(self, root):
        self.root = root
        self.pinned = {}
        super().__init__()


def cloned(server, target, ref="demo"):
    run_git("clone", "--quiet", "--mirror", f"{server.url}/git/{ref}.git", target)
    return refs(target)


def test_many_packs_become_one_and_no_clone_that_runs_is_harmed(root, upstream, tmp_path, monkeypatch):
    monkeypatch.setattr(served_packs, "MOST_PACKS", 2)
    clock = [1_800_000_000.0]
    mirror = mirror_at(root, now=lambda: clock[0])
    packs = served(root) / "objects" / "pack"
    read_first = [served(root) / "info" / "refs", served(root) / "objects" / "info" / "packs"]
    with Files(root) as server:
        for number in range(3):
            upstream.commit(PackTree("demo", f"1.0.{number}", minimal=True), branch="topic")
            upstream.build()
            before = {path: path.read_bytes() for path in read_first if number}
            was = refs(served(root)) if number else {}
            mirror.update([source(upstream)])
        # A force-push leaves a commit that no branch leads to; a lock may name it all the same.
        lost = upstream.branches["topic"].sha
        assert len(list(packs.glob("*.pack"))) == 4
        assert read_first[1].read_text().count("P ") == 1
        whole = refs(upstream.path)
        assert cloned(server, tmp_path / "new") == whole
        # What a clone has read that is under way.
        server.pinned.update(before)
        assert cloned(server, tmp_path / "running") == was
        clock[0] += 3599
        mirror.update([source(upstream)])
        assert len(list(packs.glob("*.pack"))) == 4
        clock[0] += 2
        upstream.branch("topic", upstream.head).build()
        mirror.update([source(upstream)])
        assert len(list(packs.glob("*.pack"))) == 1
        assert read_kept(str(root), "demo").superseded == {}
        server.pinned.clear()
        assert cloned(server, tmp_path / "later") == refs(upstream.path)
    assert run_git("-C", served(root), "cat-file", "-t", lost) == "commit"
    check(served(root))


def test_smart_clones_see_branches_and_tags_alone_and_get_any_commit(root, upstream, tmp_path):
    mirror = mirror_at(root)
    mirror.update([source(upstream)])
    lost = upstream.head.sha
    upstream.tag("v1.0.0", upstream.commit(PackTree("demo", "1.0.0", minimal=True).set_metadata(description="evil")))
    upstream.build()
    mirror.update([source(upstream)])
    kept_aside = [name for name in refs(served(root)) if name.startswith("refs/moved/")]
    assert len(kept_aside) == 1
    with GitHttpsServer(root / "git") as server:
        listing = run_git("ls-remote", f"{server.url}/demo.git").split()[1::2]
        assert listing == ["HEAD", "refs/heads/main", "refs/tags/v1.0.0"]
        run_git("init", "--quiet", tmp_path / "clone")
        run_git("-C", tmp_path / "clone", "fetch", "--quiet", f"{server.url}/demo.git", lost)


def test_repositories_of_the_other_object_format_are_mirrored_as_such(root, tmp_path):
    path = tmp_path / "new.git"
    run_git("init", "--quiet", "--bare", "--object-format=sha256", "--initial-branch=main", path)
    tree = run_git("-C", path, "mktree", data=b"")
    who = ("-c", "user.name=A. Tester", "-c", "user.email=tester@example.com")
    commit = run_git("-C", path, *who, "commit-tree", "-m", "One", tree)
    run_git("-C", path, "update-ref", "refs/heads/main", commit)
    (found,) = mirror_at(root).update([source(f"file://{path}")])
    assert found.error is None
    assert refs(served(root)) == {"refs/heads/main": commit}
    assert len(commit) == 64


def test_an_index_of_somebody_else_gets_no_private_repository(root, upstream):
    with GitHttpsServer(upstream.path.parent, username="mirror", password="s3cret-Canary") as server:
        own = git_for(root.parent, credentials=Credentials("mirror", "s3cret-Canary"))
        mirror = mirror_at(root, git=own, anonymous_git=git_for(root.parent))
        (found,) = mirror.update([of(server)._replace(kind="index")])
        assert "wants credentials" in found.error
        assert not served(root).exists()
        (found,) = mirror.update([of(server)._replace(kind="index", is_trusted=True)])
        assert found.error is None
        assert served(root).exists()


def test_what_is_not_reached_in_time_stays_what_it_was(root, server, upstream):
    mirror_at(root).update([of(server)])
    before = refs(served(root))
    upstream.release(PackTree("demo", "2.0.0", minimal=True))
    upstream.build()
    found = mirror_at(root, within=0).update([of(server), of(server, "other")])
    assert ["was not asked in this run" in one.error for one in found] == [True, True]
    assert [one.served for one in found] == [True, False] and refs(served(root)) == before
