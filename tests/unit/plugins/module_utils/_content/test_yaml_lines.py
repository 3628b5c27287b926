# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lines of keys and items, and paths for people."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._content.yaml_lines import Lines, lines_of, shown_path

TEXT = """\
a: 1
b:
  c: &anchor
    d: x
  e:
    - 1
    - f: 2
g: *anchor
"""


@pytest.mark.parametrize(
    "path, line",
    [
        (("a",), 1),
        (("b", "c", "d"), 4),
        (("b", "e", 0), 6),
        (("b", "e", 1, "f"), 7),
        (("g",), 8),
        (("g", "d"), 4),
        (("b", "nosuch"), 2),
        (("nosuch",), None),
        ((), None),
    ],
)
def test_a_path_has_its_line_or_that_of_what_is_around_it(path, line):
    assert lines_of(yaml.compose(TEXT, Loader=yaml.SafeLoader)).of(path) == line


def test_nothing_has_no_lines():
    assert lines_of(None).of(("a",)) is None and Lines().of(("a",)) is None


def test_paths_are_shown_as_people_write_them():
    assert shown_path(("hosts", 0, "name")) == "hosts[0].name"
    assert shown_path(()) == ""
