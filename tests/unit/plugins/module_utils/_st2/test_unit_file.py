# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Unit files with their additions."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.unit_file import read_unit, words

LIB, ETC, RUN = "lib/systemd/system", "etc/systemd/system", "run/systemd/system"


@pytest.fixture
def unit(tmp_path):
    """Writes files, and reads units of the root that they are in."""

    def write(path, text):
        path = tmp_path / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    write.root = str(tmp_path)
    write.read = lambda name: read_unit(str(tmp_path), name)
    write.values = lambda name: [(one.name, one.value) for one in read_unit(str(tmp_path), name)]
    return write


def test_only_what_is_about_the_service_counts(unit):
    path = unit(
        f"{LIB}/a.service",
        "[Unit]\nEnvironment=no\n# c\n[Service]\n; c\nA = 1 \n\nB=2\\\n# between\n  3\n  C=%%4\nno\n[Install]\nA=no\n",
    )
    found = unit.read("a.service")
    assert [(one.name, one.value) for one in found] == [("A", "1"), ("B", "2 3"), ("C", "%4")]
    assert {one.path for one in found} == {path}
    assert unit.read("b.service") is None


def test_the_first_directory_counts(unit):
    unit(f"{LIB}/a.service", "[Service]\nA=lib\n")
    unit(f"{ETC}/a.service", "[Service]\nA=etc\n")
    assert unit.values("a.service") == [("A", "etc")]


def test_additions_come_by_name(unit):
    unit(f"{LIB}/a.service", "[Service]\nA=0\n")
    unit(f"{ETC}/a.service.d/20.conf", "[Service]\nA=2\n")
    unit(f"{RUN}/a.service.d/10.conf", "[Service]\nA=1\n")
    unit(f"{LIB}/a.service.d/20.conf", "[Service]\nA=covered\n")
    unit(f"{LIB}/service.d/30.conf", "[Service]\nA=3\n")
    unit(f"{ETC}/a.service.d/40.txt", "[Service]\nA=no\n")
    os.symlink(os.devnull, f"{unit.root}/{ETC}/a.service.d/50.conf")
    unit(f"{LIB}/a.service.d/50.conf", "[Service]\nA=masked\n")
    assert unit.values("a.service") == [("A", "0"), ("A", "1"), ("A", "2"), ("A", "3")]


def test_an_instance(unit):
    unit(f"{LIB}/a@.service", "[Service]\nA=%i\n")
    unit(f"{ETC}/a@.service.d/10.conf", "[Service]\nA=all-%i\n")
    unit(f"{ETC}/a@7.service.d/20.conf", "[Service]\nA=one\n")
    assert unit.values("a@7.service") == [("A", "7"), ("A", "all-7"), ("A", "one")]
    assert unit.values("a@8.service") == [("A", "8"), ("A", "all-8")]


def test_a_masked_unit_is_none(unit):
    unit(f"{LIB}/a.service", "[Service]\nA=0\n")
    os.makedirs(f"{unit.root}/{ETC}")
    os.symlink(os.devnull, f"{unit.root}/{ETC}/a.service")
    assert unit.read("a.service") is None


def test_what_is_no_file_is_named(unit):
    os.makedirs(f"{unit.root}/{LIB}")
    os.mkfifo(f"{unit.root}/{LIB}/a.service")
    with pytest.raises(HostError, match=r"a\.service cannot be a systemd unit"):
        unit.read("a.service")
    os.makedirs(f"{unit.root}/{LIB}/b.service")
    with pytest.raises(HostError, match=r"b\.service cannot be read: Is a directory"):
        unit.read("b.service")
    os.symlink("gone", f"{unit.root}/{LIB}/c.service")
    assert unit.read("c.service") == []


def test_words():
    assert words("A=1 \"B=2 3\" 'C=4'") == ["A=1", "B=2 3", "C=4"] and words('"a') == []
