# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keys that StackStorm refuses, and PyYAML takes: the stand-in for StackStorm reads the same files."""

from __future__ import annotations

import pytest
import yaml
from infrastructure.st2_stub.yaml_files import read_yaml, read_yaml_leniently

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError
from ansible_collections.stackstorm.st2.plugins.module_utils._yaml_file import load_yaml

REFUSED = {
    "twice": ("a: 1\nb: 2\na: 3\n", 3, "the key a is there twice, first in line 1, which StackStorm refuses"),
    "twice in flow": ("x: {a: 1, a: 2}\n", 1, "the key a is there twice, first in line 1"),
    "quoted": ("a: 1\n'a': 2\n", 2, "the key a is there twice"),
    "nested": ("- x:\n    - a: 1\n      b: 2\n      b: 3\n", 4, "the key b is there twice, first in line 3"),
    "numbers": ("1: a\n1.0: b\n", 2, "the key 1.0 is there twice"),
    "number and truth": ("1: a\nyes: b\n", 2, "the key yes is there twice"),
    "truths": ("on: a\ntrue: b\n", 2, "the key true is there twice"),
    "nulls": ("~: a\nnull: b\n", 2, "the key null is there twice"),
    "merge": ("a: &a {b: 1}\nc:\n  <<: *a\n", 3, "the merge key << is one that StackStorm does not know"),
    "equals sign": ("a: 1\n=: 2\n", 2, "the key = must be in quotes for StackStorm"),
    "below an anchor": ("a: &a {b: 1, b: 2}\nc: *a\n", 1, "the key b is there twice"),
}
TAKEN = (
    "a: 1\nb: {a: 1}\n",
    "1: a\n'1': b\n",
    "true: a\n'true': b\n",
    "'<<': a\n'=': b\n",
    "a: &a {b: 1}\nc: *a\n",
    "a: [{b: 1}, {b: 1}]\n",
    "",
    "a\n",
    "a: !!set {b, b}\n",
)


@pytest.mark.parametrize(("text", "line", "told"), REFUSED.values(), ids=REFUSED)
def test_what_only_stackstorm_refuses(tmp_path, text, line, told):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(yaml.YAMLError):
        read_yaml(path)
    assert load_yaml(str(path)) == read_yaml_leniently(path)
    with pytest.raises(InvalidPackError) as caught:
        load_yaml(str(path), shown="x.yaml", registered=True)
    assert caught.value.message.startswith(f"x.yaml, line {line}, is not YAML that StackStorm can read: {told}")


@pytest.mark.parametrize("text", TAKEN)
def test_what_stackstorm_takes(tmp_path, text):
    path = tmp_path / "x.yaml"
    path.write_text(text)
    assert load_yaml(str(path), registered=True) == read_yaml(path)
