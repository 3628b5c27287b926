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
        path = os.path.join(directory.releases, ref, name, "pack")
        os.makedirs(path)
        with open(os.path.join(path, "pack.yaml"), "w", encoding="ascii"):
            pass


def name_of(directory, state, ref="sensu"):
    path = next_release(directory, ref, state.short)
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


def going(directory, most, arrives=False, ref="sensu"):
    base = os.path.join(directory.releases, ref)
    return [os.path.relpath(path, base) for path in outdated(directory, ref, most, arrives=arrives)]


@pytest.mark.parametrize("count", range(1, 5))
@pytest.mark.parametrize("most", range(1, 7))
def test_the_newest_stay(directory, count, most):
    names = [f"{number:04d}-1.0.{number}" for number in range(1, count + 1)]
    keep(directory, *names)
    keep(directory, "0001-1.0.0", ref="other")
    assert going(directory, most) == names[:-most]
    assert releases(directory, "sensu") == names, "nothing is removed"
    assert releases(directory, "other") == ["0001-1.0.0"]


@pytest.mark.parametrize("arrives", [True, False])
def test_where_none_stays_the_directory_of_all_goes_unless_one_is_about_to_come(directory, arrives):
    keep(directory, "0001-a", "0002-b")
    assert going(directory, 0, arrives) == (["0001-a", "0002-b"] if arrives else ["."])


@pytest.mark.parametrize("most", range(3))
def test_what_was_no_pack_stays_whatever_is_kept_and_takes_no_place(directory, most):
    keep(directory, "0001-a", "0003-b")
    os.makedirs(os.path.join(directory.releases, "sensu", "0002-no-pack", "pack", "actions"))
    assert going(directory, most) == [["0001-a", "0003-b"], ["0001-a"], []][most]


@pytest.mark.parametrize("most", range(3))
@pytest.mark.parametrize("arrives", [True, False])
def test_where_none_is_nothing_goes(directory, most, arrives):
    assert going(directory, most, arrives) == []


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
