# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publishing: whole or not at all, whatever was there, whenever it is killed."""

from __future__ import annotations

import os
import threading

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError, DeadlineError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._index import release
from ansible_collections.stackstorm.st2.plugins.module_utils._index.release import Place
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)

OLD = {"v1/index.json": b"old", "v1/packs/a/pack.yaml": b"old a", "v1/packs/gone/pack.yaml": b"old b"}
NEW = {"v1/index.json": b"new", "v1/packs/a/pack.yaml": b"new a", "v1/icons/a.png": b"new"}


def tree(path):
    """Every file below a path by its name, links as where they lead to."""
    found = {}
    for directory, _names, files in os.walk(path):
        for name in files:
            full = os.path.join(directory, name)
            with open(full, "rb") as stream:
                found[os.path.relpath(full, path)] = stream.read()
    return found


def publish(place, files, deadline=None):
    with place.alone(deadline or Deadline(60)):
        place.publish(files)


@pytest.fixture
def place(tmp_path):
    return Place(str(tmp_path / "index"))


def test_the_files_are_there_through_a_link_and_nothing_else(place):
    place.check()
    assert place.changes(OLD) == [f"+ {name}" for name in sorted(OLD)]
    publish(place, OLD)
    assert os.path.islink(place.path) and tree(place.path) == OLD
    assert place.changes(OLD) == []
    assert os.stat(place.path).st_mode & 0o777 == 0o755
    assert os.stat(os.path.join(place.path, "v1/index.json")).st_mode & 0o777 == 0o644
    assert os.stat(place.cache).st_mode & 0o777 == 0o700


def test_another_release_takes_its_place_and_the_one_before_stays(place):
    publish(place, OLD)
    first = os.path.realpath(place.path)
    assert place.changes(NEW) == [
        "+ v1/icons/a.png",
        "- v1/packs/gone/pack.yaml",
        "~ v1/index.json",
        "~ v1/packs/a/pack.yaml",
    ]
    publish(place, NEW)
    assert tree(place.path) == NEW and tree(first) == OLD
    publish(place, OLD)
    assert not os.path.exists(first), "only one is kept"
    assert len(os.listdir(os.path.dirname(os.path.realpath(place.path)))) == 2


def test_a_directory_is_taken_over_and_kept(place):
    os.makedirs(os.path.join(place.path, "v1"))
    for name in ("v1/index.json", "v1/stray.txt", "index.html"):
        with open(os.path.join(place.path, name), "wb") as stream:
            stream.write(b"mine")
    before = tree(place.path)
    publish(place, NEW)
    assert os.path.islink(place.path)
    assert tree(place.path) == {**NEW, "index.html": b"mine"}, "what lies beside v1 stays published"
    releases = os.path.dirname(os.path.realpath(place.path))
    kept = [name for name in os.listdir(releases) if name != os.path.basename(os.path.realpath(place.path))]
    assert [tree(os.path.join(releases, name)) for name in kept] == [before]


def test_where_names_cannot_be_exchanged_a_directory_is_taken_over_all_the_same(place, monkeypatch):
    monkeypatch.setattr(release, "exchange", lambda _one, _other: False)
    os.makedirs(place.path)
    publish(place, NEW)
    assert os.path.islink(place.path) and tree(place.path) == NEW


def test_what_is_beside_goes_along_from_release_to_release(place):
    publish(place, OLD)
    os.makedirs(os.path.join(place.path, "assets/deep"))
    with open(os.path.join(place.path, "assets/deep/page.css"), "wb") as stream:
        stream.write(b"css")
    os.symlink("assets", os.path.join(place.path, "again"))
    os.mkfifo(os.path.join(place.path, "pipe"))
    publish(place, NEW)
    publish(place, OLD)
    assert tree(place.path) == {**OLD, "assets/deep/page.css": b"css"}
    assert os.readlink(os.path.join(place.path, "again")) == "assets"


@pytest.mark.parametrize("kind", ["link", "directory", "pipe", "empty"])
def test_what_others_put_into_the_place_of_a_file_is_noticed(place, kind):
    publish(place, OLD)
    path = os.path.join(place.path, "v1/index.json")
    os.unlink(path)
    {
        "link": lambda: os.symlink("/etc/passwd", path),
        "directory": lambda: os.makedirs(os.path.join(path, "x")),
        "pipe": lambda: os.mkfifo(path),
        "empty": lambda: open(path, "wb").close(),
    }[kind]()
    assert place.changes(OLD)
    publish(place, OLD)
    assert tree(place.path) == OLD and place.changes(OLD) == []


def test_a_stray_file_is_removed(place):
    publish(place, OLD)
    with open(os.path.join(place.path, "v1/packs/stray.json"), "wb"):
        pass
    assert place.changes(OLD) == ["- v1/packs/stray.json"]


@pytest.mark.parametrize("kind", ["file", "link", "no parent"])
def test_places_that_are_none(tmp_path, kind):
    path = tmp_path / ("no/index" if kind == "no parent" else "index")
    if kind == "file":
        path.write_text("x")
    if kind == "link":
        path.symlink_to(tmp_path)
    with pytest.raises(OptionError) as caught:
        Place(str(path)).check()
    assert "index" in str(caught.value)


def test_a_failure_leaves_everything_as_it_was(place, monkeypatch):
    publish(place, OLD)

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(release, "sync_trees", full)
    with pytest.raises(ApplyError, match="No space left on device"):
        publish(place, NEW)
    assert tree(place.path) == OLD
    monkeypatch.undo()
    publish(place, NEW)
    assert tree(place.path) == NEW


def test_two_tasks_do_not_meet(place):
    publish(place, OLD)
    inside, go_on = threading.Event(), threading.Event()

    def hold():
        with place.alone(Deadline(60)):
            inside.set()
            go_on.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert inside.wait(60)
    with pytest.raises(DeadlineError, match="Another task"), place.alone(Deadline(0.05)):
        pass
    go_on.set()
    thread.join()
    publish(place, NEW)


@pytest.mark.parametrize("before", ["nothing", "release", "two releases", "directory"])
def test_a_kill_at_any_change_of_names_leaves_the_old_or_the_new(tmp_path, before):
    number = 0
    with without_waiting_for_disks():
        while True:
            number += 1
            place = Place(str(tmp_path / str(number) / "index"))
            os.mkdir(os.path.dirname(place.path))
            if before == "directory":
                for name, content in OLD.items():
                    os.makedirs(os.path.dirname(os.path.join(place.path, name)), exist_ok=True)
                    with open(os.path.join(place.path, name), "wb") as stream:
                        stream.write(content)
            elif before != "nothing":
                publish(place, NEW if before == "two releases" else OLD)
                if before == "two releases":
                    publish(place, OLD)
            killed = _killed(number, place)
            found = tree(place.path)
            assert found in ([{}, NEW] if before == "nothing" else [OLD, NEW]), number
            if not killed:
                assert found == NEW and number > 5
                break
            publish(place, NEW)
            assert tree(place.path) == NEW
            releases = os.path.dirname(os.path.realpath(place.path))
            assert len(os.listdir(releases)) <= 2 and all(name.isdigit() for name in os.listdir(releases)), number
            assert not os.path.lexists(os.path.join(os.path.dirname(releases), "link"))


def _killed(number, place):
    def work():
        true = release.exchange
        release.exchange = lambda one, other: (os.rename(place.path, place.path), true(one, other))[1]
        publish(place, NEW)

    return is_killed(number, work)


def test_a_place_that_cannot_be_written(tmp_path, monkeypatch):
    def refuse(*_arguments, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "makedirs", refuse)
    with pytest.raises(ApplyError, match=r"cannot be published in .*index: Permission denied"):
        publish(Place(str(tmp_path / "index")), NEW)
