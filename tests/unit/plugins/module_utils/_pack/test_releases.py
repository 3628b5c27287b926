# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kept releases: their numbers and names, and which of them go."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.releases import next_release, outdated, releases

COMMIT = "108d52b" + "0" * 33


@pytest.fixture
def directory(tmp_path):
    return PacksDirectory(str(tmp_path / "packs"))


def keep(directory, *names, ref="sensu"):
    for name in names:
        os.makedirs(os.path.join(directory.releases, ref, name, "pack", "actions"))


def name_of(directory, state, ref="sensu"):
    path = next_release(directory, ref, state)
    assert os.path.dirname(path) == os.path.join(directory.releases, ref)
    return os.path.basename(path)


@pytest.mark.parametrize(
    "state, name",
    [
        (State("1.0.1", COMMIT), "0001-1.0.1-108d52b"),
        (State("1.0.1", "", "sha256:0d1c7d2a9e8f7b"), "0001-1.0.1-sha256_0d1c7d2"),
        (State("1.0.1"), "0001-1.0.1"),
        (State("", COMMIT), "0001-108d52b"),
        (State(""), "0001-unknown"),
        (State("2.0.0-rc.1+build.5"), "0001-2.0.0-rc.1+build.5"),
        (State("../../etc"), "0001-.._.._etc"),
        (State("1.0\n\0 ü"), "0001-1.0-_-_"),
    ],
)
def test_a_release_is_named_for_what_it_holds(directory, state, name):
    assert name_of(directory, state) == name
    assert not os.path.exists(directory.releases), "nothing is created"


@pytest.mark.parametrize(
    "there, name",
    [
        (["0001-1.0.0"], "0002-1.0.1"),
        (["0001-1.0.0", "0007-1.0.3"], "0008-1.0.1"),
        (["0009-1.0.0", "0010-1.0.2"], "0011-1.0.1"),
        (["9999-1.0.0"], "10000-1.0.1"),
        (["9999-1.0.0", "10000-1.0.1"], "10001-1.0.1"),
        (["notes", "0002-1.0.0"], "0003-1.0.1"),
        (["notes"], "0001-1.0.1"),
    ],
)
def test_releases_are_numbered_on(directory, there, name):
    keep(directory, *there)
    keep(directory, "0050-1.0.0", ref="other")
    assert name_of(directory, State("1.0.1")) == name


def test_releases_come_oldest_first_by_number(directory):
    assert releases(directory, "sensu") == []
    keep(directory, "9999-1.0.0", "10000-1.0.1", "0002-3.0.0", "0010-2.0.0")
    assert releases(directory, "sensu") == ["0002-3.0.0", "0010-2.0.0", "9999-1.0.0", "10000-1.0.1"]


def going(directory, most, coming=False, ref="sensu"):
    base = os.path.join(directory.releases, ref)
    return [os.path.relpath(path, base) for path in outdated(directory, ref, most, coming=coming)]


@pytest.mark.parametrize("count", range(1, 5))
@pytest.mark.parametrize("most", range(1, 7))
def test_the_newest_stay(directory, count, most):
    names = [f"{number:04d}-1.0.{number}" for number in range(1, count + 1)]
    keep(directory, *names)
    keep(directory, "0001-1.0.0", ref="other")
    assert going(directory, most) == names[:-most]
    assert releases(directory, "sensu") == names, "nothing is removed"
    assert releases(directory, "other") == ["0001-1.0.0"]


@pytest.mark.parametrize(
    "most, gone", [(1, ["0001-a", "0002-b"]), (2, ["0001-a"]), (3, []), (4, [])], ids=["one", "two", "three", "four"]
)
def test_one_that_is_about_to_come_is_counted(directory, most, gone):
    keep(directory, "0001-a", "0002-b")
    assert going(directory, most, coming=True) == gone


@pytest.mark.parametrize("coming", [True, False])
def test_where_none_stays_the_directory_of_all_goes(directory, coming):
    keep(directory, "0001-a", "0002-b")
    assert going(directory, 0, coming) == ["."]


@pytest.mark.parametrize("most", range(3))
@pytest.mark.parametrize("coming", [True, False])
def test_where_none_is_nothing_goes(directory, most, coming):
    assert going(directory, most, coming) == []


def test_the_newest_by_number_and_not_by_text_stay(directory):
    keep(directory, "9998-a", "9999-b", "10000-c")
    assert going(directory, 2) == ["9998-a"]


def test_half_a_release_goes_and_takes_no_place(directory):
    keep(directory, "0001-1.0.0", "0002-1.0.1")
    os.makedirs(os.path.join(directory.releases, "sensu", "0003-1.0.2"))
    assert going(directory, 2) == ["0003-1.0.2"]


def test_a_release_that_is_a_link_is_whole(directory, tmp_path):
    (tmp_path / "mine").mkdir()
    os.makedirs(os.path.join(directory.releases, "sensu", "0001-1.0.0"))
    os.symlink(str(tmp_path / "mine"), os.path.join(directory.releases, "sensu", "0001-1.0.0", "pack"))
    assert going(directory, 1) == []
    assert going(directory, 0) == ["."]
