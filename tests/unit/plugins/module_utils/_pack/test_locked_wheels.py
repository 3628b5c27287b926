# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which wheels of a lock a host gets: those of its Python, for a libc that it has."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import Lock, Platform
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.locked_wheels import fits, host_platform, pins_for
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lock.locks import digest, git_pack

HOST = "manylinux_2_36_x86_64"
NEW, OLD = Platform("3.11", "cp311", HOST), Platform("3.11", "cp311", "manylinux_2_17_x86_64")


@pytest.mark.parametrize(
    ("platform", "expected"),
    [
        (NEW, True),
        (OLD, True),
        (Platform("3.11", "cp311", "manylinux2014_x86_64"), True),
        (Platform("3.11", "cp311", "manylinux_2_37_x86_64"), False),
        (Platform("3.11", "cp311", "manylinux_2_17_aarch64"), False),
        (Platform("3.11", "cp311", "musllinux_1_2_x86_64"), False),
        (Platform("3.11", "cp311", "macosx_11_0_arm64"), False),
        (Platform("3.8", "cp38", HOST), False),
        (Platform("3.11", "pypy311_pp73", HOST), False),
    ],
)
def test_what_fits_a_host(platform, expected):
    assert fits(platform, "3.11", HOST) is expected


def lock_for(*platforms, **wheels):
    files = {"six==1.16.0": {"six.whl": digest("1")}, "six==1.17.0": {"six.whl": digest("2"), "other.whl": digest("1")}}
    pack = git_pack(wheels={platform.key: (f"six==1.{wheels.get(platform.abi, 16)}.0",) for platform in platforms})
    return Lock({"sensu": pack}, files, {platform.key: platform for platform in platforms}), pack


def test_the_nearest_platform_is_taken_with_all_digests():
    lock, pack = lock_for(OLD, NEW)
    pack = pack._replace(wheels={OLD.key: ("six==1.16.0",), NEW.key: ("six==1.17.0",)})
    pins = pins_for(lock, pack, "3.11", HOST)
    assert (
        pins.lines == (f"six==1.17.0 --hash={digest('1')} --hash={digest('2')}",) and pins.digest and not pins.problem
    )
    assert pins_for(lock, pack, "3.11", OLD.platform).lines == (f"six==1.16.0 --hash={digest('1')}",)


def test_a_lock_without_this_platform_says_which_it_has():
    lock, pack = lock_for(NEW)
    pins = pins_for(lock, pack, "3.8", HOST)
    assert pins.refused and pins.problem == f"has no wheels for Python 3.8 on {HOST}, only for {NEW.key}"
    assert pins.digest == ""


def test_a_pack_without_digests_and_one_without_requirements():
    lock, pack = lock_for(NEW)
    bare = pack._replace(wheels={})
    pins = pins_for(lock, bare, "3.11", HOST)
    assert pins.problem.startswith("does not have the digests of all that sensu requires") and not pins.refused
    pins = pins_for(lock, bare._replace(requirements=None), "3.11", HOST)
    assert (pins.lines, pins.problem) == ((), "")


def test_a_lock_without_wheels_says_nothing():
    assert pins_for(Lock({}), git_pack(), "3.11", HOST) == ((), "", False)


def test_this_host_has_a_platform():
    assert host_platform().partition("_")[0] in ("manylinux", "musllinux")
