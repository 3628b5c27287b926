# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names of files for whatever resources are called."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._index.file_names import file_names

names = st.text(st.characters(codec=None), min_size=1, max_size=300)


@pytest.mark.parametrize(
    "name, file",
    [
        ("check", "check"),
        ("a.b.c", "a.b.c"),
        ("cisco_aci rule, with blanks.", "cisco_aci rule, with blanks."),
        ("café", "café"),
        ("__proto__", "__proto__"),
        ("../../etc/passwd", "%2E.%2F..%2Fetc%2Fpasswd"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("/etc/passwd", "%2Fetc%2Fpasswd"),
        ("a\\b", "a%5Cb"),
        ("a%2Fb", "a%252Fb"),
        ("a\0b\nc\x7f", "a%00b%0Ac%7F"),
        ("a\u202eb", "a%E2%80%AEb"),
        ("\ud800", "%ED%A0%80"),
    ],
)
def test_only_what_is_unfit_is_encoded(name, file):
    assert file_names([name]) == {name: file}


def test_names_that_differ_in_case_only_have_different_files():
    found = file_names(["Reboot", "reboot", "REBOOT"])
    assert len({file.casefold() for file in found.values()}) == 3
    assert found["REBOOT"] == "REBOOT", "the first by its letters keeps its name"
    assert found == file_names(["reboot", "REBOOT", "Reboot"]), "the order does not matter"


def test_a_long_name_is_cut():
    found = file_names(["x" * 300, "x" * 301])
    assert len(set(found.values())) == 2
    assert all(len(file.encode()) <= 200 for file in found.values())


@given(st.lists(names, max_size=20))
def test_whatever_the_names_are_each_has_a_file_of_its_own_in_the_directory(given_names):
    found = file_names(given_names)
    assert set(found) == set(given_names)
    assert len({file.casefold() for file in found.values()}) == len(found)
    for file in found.values():
        assert os.path.basename(file) == file and not file.startswith(".") and file.isprintable()
        assert 0 < len(os.fsencode(f"{file}.json")) <= 255
