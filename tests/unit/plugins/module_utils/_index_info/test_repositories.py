# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories of an index: there or not, with what it says or not; each asked once, and not for ever."""

from __future__ import annotations

import os
import socket
import threading

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._index_info.repositories import Repositories
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index import IndexEntry
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at


@pytest.fixture
def repository(tmp_path):
    one = GitRepository(tmp_path / "demo.git")
    for version in ("1.0.0", "1.1.0"):
        one.release(PackTree("demo", version, minimal=True), annotated=version == "1.1.0")
    return one.build()


@pytest.fixture
def problems(tmp_path):
    """What is wrong with the repositories of entries, as pairs of kind and message."""

    def find(*entries, seconds=60.0, patience=30.0):
        asked = Repositories(lambda deadline: git_at(tmp_path, seconds=deadline.seconds), Deadline(seconds), patience)
        return [(one.kind, one.message) for one in asked.problems(entries)]

    return find


def entry(repository, version="1.1.0", versions=("1.1.0", "1.0.0"), **more):
    return IndexEntry("demo", f"file://{repository.path}", version, versions, "https://index/", **more)


def test_what_is_as_the_index_says(repository, problems):
    assert problems(entry(repository)) == []
    assert problems(entry(repository, commit=repository.sha("v1.1.0^{commit}"))) == []
    assert problems(entry(repository, "main", ())) == []
    assert problems(entry(repository, None, ())) == []


def test_versions_without_a_tag(repository, problems):
    ((kind, message),) = problems(entry(repository, "7.0.0", [f"{number}.0.0" for number in range(1, 9)]))
    assert kind == "no_such_version"
    assert f"file://{repository.path} has no tag or branch for 7.0.0, 2.0.0, 3.0.0, 4.0.0, 5.0.0 and 2 more" in message


def test_a_moved_tag(repository, problems):
    ((kind, message),) = problems(entry(repository, commit=repository.sha("v1.0.0")))
    assert kind == "moved"
    assert repository.sha("v1.0.0") in message and repository.sha("v1.1.0^{commit}") in message


def test_repositories_that_are_not_reached(tmp_path, repository, problems):
    gone = IndexEntry("gone", f"file://{tmp_path}/gone.git", "1.0.0", (), "https://index/")
    unusable = IndexEntry("none", "", None, (), "https://index/", problem="It has none.")
    found = problems(entry(repository), gone, unusable)
    assert [kind for kind, _message in found] == ["unreachable"]
    assert f"The repository file://{tmp_path}/gone.git cannot be fetched" in found[0][1]


def test_a_server_that_hangs_is_given_up_and_others_are_asked(repository, problems):
    with socket.create_server(("127.0.0.1", 0)) as server:
        slow = f"git://127.0.0.1:{server.getsockname()[1]}/"
        hanging = [IndexEntry(f"p{number}", f"{slow}{number}", "1.0.0", (), "https://index/") for number in range(2)]
        found = problems(*hanging, entry(repository, "9.9.9", ()), patience=10.0)
    assert [kind for kind, _message in found] == ["unreachable", "unreachable", "no_such_version"]
    assert "10 s ran out" in found[0][1]


def test_what_there_was_no_time_for_is_told(problems):
    with socket.create_server(("127.0.0.1", 0)) as server:
        slow = f"git://127.0.0.1:{server.getsockname()[1]}/"
        hanging = [IndexEntry(f"p{number}", f"{slow}{number}", "1.0.0", (), "https://index/") for number in range(9)]
        found = problems(*hanging, seconds=2.0)
    assert [kind for kind, _message in found] == ["not_asked"] * 9


def test_each_repository_is_asked_once_and_some_at_a_time(tmp_path):
    asked, most, lock = [], [0, 0], threading.Lock()
    gate = threading.Event()

    class Git:
        def __call__(self, *arguments, url, **_more):
            with lock:
                asked.append(url)
                most[0] += 1
                most[1] = max(most)
                if len(asked) >= 6:
                    gate.set()
            assert gate.wait(60)
            with lock:
                most[0] -= 1
            return type("Answer", (), {"stdout": ""})

    entries = [IndexEntry(f"p{number}", f"https://h/{number % 12}", None, (), "https://i/") for number in range(24)]
    assert list(Repositories(lambda _deadline: Git(), Deadline(60)).problems(entries)) == []
    assert (sorted(asked), most[1]) == (sorted(f"https://h/{number}" for number in range(12)), 6)


def test_without_git(tmp_path, repository):
    def no_git(deadline):
        return git_at(tmp_path, seconds=deadline.seconds, environment={"PATH": os.fspath(tmp_path)})

    with pytest.raises(SourceError, match="program git is needed"):
        list(Repositories(no_git, Deadline(60)).problems([entry(repository)]))
    assert list(Repositories(no_git, Deadline(60)).problems([])) == []
