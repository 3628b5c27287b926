# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values of YAML as those of JSON."""

from __future__ import annotations

import datetime
import json
import math

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError
from ansible_collections.stackstorm.st2.plugins.module_utils._index.plain import plain


@pytest.mark.parametrize(
    "given, found",
    [
        ({"a": [1, 1.5, None, True, "x"]}, {"a": [1, 1.5, None, True, "x"]}),
        (datetime.date(2020, 1, 2), "2020-01-02"),
        (yaml.safe_load("2020-01-02 03:04:05Z"), "2020-01-02 03:04:05+00:00"),
        ({2: "a", None: "b", True: "c", 1.5: "d"}, {"2": "a", "null": "b", "true": "c", "1.5": "d"}),
        ({(1, 2): "a"}, {"[1, 2]": "a"}),
        ({"b", "a"}, ["a", "b"]),
        (b"\xff\x00", "\xff\x00"),
        (10**400, hex(10**400)),
        ("\ud800", "\ud800"),
        ("see https://me:pw@h/x?y=z", "see https://********@h/x?y=z"),
        ("me@example.com", "me@example.com"),
        ("ssh://git@h/x", "ssh://git@h/x"),
    ],
)
def test_what_json_has_no_form_for_is_text(given, found):
    assert plain(given) == found


@pytest.mark.parametrize("given", [float("inf"), float("-inf"), float("nan"), {"a": [math.inf]}])
def test_everything_is_json_that_every_reader_takes(given):
    assert json.loads(json.dumps(plain(given), allow_nan=False)) is not None


def test_what_is_nested_too_deeply_is_refused():
    deep = []
    for _level in range(200):
        deep = [deep]
    with pytest.raises(InvalidPackError, match="100 levels"):
        plain(deep)
