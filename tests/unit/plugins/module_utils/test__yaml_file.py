# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""YAML as StackStorm reads it, from files that are right, wrong and malicious; with libyaml and without."""

from __future__ import annotations

import os
import sys
import time

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError, MissingLibraryError
from ansible_collections.stackstorm.st2.plugins.module_utils._yaml_file import (
    MOST_DEPTH,
    MOST_EXPANDED,
    YamlFileError,
    key_lines,
    load_composed,
    load_yaml,
)

NO_HURRY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
LOADERS = ["python", *(["libyaml"] if yaml.__with_libyaml__ else [])]


@pytest.fixture(params=LOADERS)
def loader(request, monkeypatch):
    """Both loaders, in turn: a PyYAML without libyaml has only the one in Python."""
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    return request.param


def write(directory, content):
    path = directory / "file.yaml"
    path.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return str(path)


def refusal(path, **more):
    with pytest.raises(InvalidPackError) as caught:
        load_yaml(path, shown="a/b.yaml", **more)
    assert caught.value.step == "validate"
    message = caught.value.message
    assert message.startswith("a/b.yaml")
    assert message.endswith(".")
    assert "\n" not in message
    return message


GOOD = {
    "mapping": ("a: 1\nb: [x, null]\n", {"a": 1, "b": ["x", None]}),
    "empty": ("", None),
    "comment only": ("# nothing\n", None),
    "empty document": ("---\n", None),
    "document marks": ("---\na: 1\n...\n", {"a": 1}),
    "duplicate keys": ("a: 1\nb: 2\na: 3\n", {"a": 3, "b": 2}),
    "CRLF": ("a: 1\r\nb:\r\n  - x\r\n", {"a": 1, "b": ["x"]}),
    "byte order mark": (b"\xef\xbb\xbfa: 1\n", {"a": 1}),
    "non-ASCII": ("a: caf\u00e9 \u2615\n", {"a": "caf\u00e9 \u2615"}),
    "anchors": ("a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}),
    "merge": ("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  k: 3\n", {"a": {"k": 1, "l": 2}, "b": {"k": 3, "l": 2}}),
    "numbers": ("a: 0.1\nb: 1\nc: 0x1f\nd: 1e3\n", {"a": 0.1, "b": 1, "c": 31, "d": "1e3"}),
    "words for truth": ("on: yes\n", {True: True}),
    "jinja in quotes": ("a: '{{ x }}'\n", {"a": "{{ x }}"}),
    "many brackets, shallow": ("a: [" + "[1], " * 500 + "]\n", {"a": [[1]] * 500}),
}


@pytest.mark.parametrize("content, value", GOOD.values(), ids=GOOD)
def test_reads_what_is_yaml(tmp_path, loader, content, value):
    assert load_yaml(write(tmp_path, content)) == value


def test_libyaml_is_used_where_it_is(tmp_path, loader):
    """The two differ in this: PyYAML's own scanner takes no tab before a comment, libyaml does, and so StackStorm."""
    path = write(tmp_path, "a: 1\t# x\n")
    if loader == "libyaml":
        assert load_yaml(path) == {"a": 1}
    else:
        assert "cannot start any token" in refusal(path)


# The line that must be named, and a word of the reason.
BAD = {
    "unfinished list": ("a: 1\nb: [x\nc: 2\n", 3, "flow sequence that begins in line 2"),
    "bad indentation": ("a:\n  b: 1\n c: 2\n", 3, "block mapping"),
    "tab as indentation": ("a:\n\tb: 1\n", 2, "cannot start any token"),
    "unfinished quotes": ("a: 'x\n", 2, "quoted scalar"),
    "two documents": ("a: 1\n---\nb: 1\n", 2, "another document"),
    "unknown alias": ("a: *nobody\n", 1, "alias"),
    "tag that makes Python objects": ("a: 1\nb: !!python/name:os.system\n", 2, "could not determine a constructor"),
    "tag that calls Python": ("a: !!python/object/apply:os.system ['true']\n", 1, "could not determine a constructor"),
    "unknown tag": ("a: !vault |\n  x\n", 1, "could not determine a constructor"),
    "a list as key": ("a: 1\n? [1]\n: 2\n", 2, "unhashable"),
    "no such date": ("a: 1\nb: 2020-13-45\n", 2, "not what its form or its tag promises"),
    "no such number": ("a:\n  - !!int seven\n", 2, "not what its form or its tag promises"),
    "no truth value": ("a: !!bool maybe\n", 1, "not what its form or its tag promises"),
    "no digits": ("a: 1\nb: 1\nc: 0b_\n", 3, "not what its form or its tag promises"),
    "control character": ("a: 1\nb: x\x07\n", 2, "control character"),
    "NUL": ("a: 1\n\nb: \0\n", 3, "control character"),
    "Latin-1": (b"a: 1\nb: 2\nc: caf\xe9\n", 3, "UTF-8"),
    "UTF-16": ("a: 1\n".encode("utf-16"), 1, "UTF-8"),
}


@pytest.mark.parametrize("content, line, reason", BAD.values(), ids=BAD)
def test_refuses_with_file_and_line(tmp_path, loader, content, line, reason):
    message = refusal(write(tmp_path, content))
    assert f"a/b.yaml, line {line}, is not YAML that StackStorm can read: " in message
    assert reason in message


def test_refuses_what_pyyaml_refuses_and_nothing_more(tmp_path):
    """The two tables agree with the loader itself, so that they test more than the code's word."""
    for content, value in GOOD.values():
        text = content.decode("utf-8") if isinstance(content, bytes) else content
        assert yaml.safe_load(text) == value
    for content, _line, reason in BAD.values():
        if reason != "UTF-8":
            with pytest.raises(Exception):  # noqa: B017 - whatever PyYAML or int() raises
                yaml.safe_load(content)


def test_a_message_never_quotes_a_value(tmp_path, loader):
    for content in ("pw: 'hunter2\n", "pw: !!int hunter2\n", "pw: [hunter2\n", "pw: hunter2: x\n", "pw: hunter2\x07\n"):
        assert "hunter2" not in refusal(write(tmp_path, content))


NESTED = {
    "lists": "[" * 100_000,
    "closed lists": "[" * 100_000 + "]" * 100_000,
    "mappings": "{a: " * 100_000,
    "dashes": "- " * 100_000 + "x",
    "question marks": "? " * 100_000 + "x",
    "indentation": "\n".join(" " * depth + "a:" for depth in range(1500)),
    "just too deep": "a: " + "[" * (MOST_DEPTH + 1) + "]" * (MOST_DEPTH + 1),
}


@pytest.mark.parametrize("content", NESTED.values(), ids=NESTED)
def test_deep_nesting_is_refused_and_ends_no_process(tmp_path, loader, content):
    """libyaml's composer overflows the C stack on these, which no except catches."""
    assert "nested too deeply" in refusal(write(tmp_path, content))


def test_nesting_up_to_the_limit_is_read(tmp_path, loader):
    value = load_yaml(write(tmp_path, "[" * (MOST_DEPTH - 1) + "x" + "]" * (MOST_DEPTH - 1)))
    depth = 0
    while isinstance(value, list):
        value, depth = value[0], depth + 1
    assert (value, depth) == ("x", MOST_DEPTH - 1)


def bomb(reference):
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {reference.format(previous=n - 1)}" for n in range(1, 40)]
    return "\n".join(lines) + "\n"


BOMBS = {
    "lists of lists": bomb("[*a{previous}, *a{previous}]"),
    "mappings": bomb("{{x: *a{previous}, y: *a{previous}}}"),
    "merges": bomb("{{<<: [*a{previous}, *a{previous}]}}"),
    "itself": "a: &a [*a]\n",
    "itself as a value": "a: &a {b: {c: *a}}\n",
    "a wide one": "a: &a [" + "1, " * 2000 + "]\nb: [" + "*a, " * 2000 + "]\n",
}


@pytest.mark.parametrize("content", BOMBS.values(), ids=BOMBS)
def test_alias_bombs_are_refused_at_once(tmp_path, loader, content):
    start = time.process_time()
    assert f"more than {MOST_EXPANDED} values" in refusal(write(tmp_path, content))
    assert time.process_time() - start < 10


def test_a_long_chain_of_aliases_is_refused_and_ends_no_process(tmp_path, loader):
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 5000)]
    assert refusal(write(tmp_path, "\n".join(lines)))


def test_aliases_in_the_usual_number_are_read(tmp_path, loader):
    content = "a: &a {k: [1, 2, 3]}\n" + "".join(f"b{n}: *a\n" for n in range(200))
    assert len(load_yaml(write(tmp_path, content))) == 201


def test_a_number_of_many_digits_takes_no_time(tmp_path, loader):
    start = time.process_time()
    assert "thousands of digits" in refusal(write(tmp_path, "a: " + "9" * 1_000_000))
    assert time.process_time() - start < 10


@pytest.mark.parametrize("number", ["0x" + "f" * 3500, "-0x" + "1" * 3500, "0b" + "1" * 4000, "0" + "7" * 4000])
def test_a_number_that_nobody_could_show_is_refused(tmp_path, loader, number):
    assert "thousands of digits" in refusal(write(tmp_path, f"a: {number}"))
    assert str(load_yaml(write(tmp_path, f"a: {number[:3490]}"))["a"])


def test_size_is_bounded_and_the_bound_itself_is_fine(tmp_path):
    path = write(tmp_path, "a: 12345\n")
    assert load_yaml(path, most_bytes=9) == {"a": 12345}
    assert "more than 8 bytes" in refusal(path, most_bytes=8)


def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    os.symlink("/dev/zero", tmp_path / "zero")
    assert "not a regular file" in refusal(str(tmp_path / "pipe"))
    assert "not a regular file" in refusal(str(tmp_path / "zero"))
    assert "Is a directory" in refusal(str(tmp_path))
    assert "No such file" in refusal(str(tmp_path / "missing"))


def test_a_file_goes_by_its_path_unless_told_otherwise(tmp_path):
    path = write(tmp_path, "[")
    with pytest.raises(InvalidPackError, match="^" + path):
        load_yaml(path)


def test_key_lines_has_every_key_also_twice(tmp_path, loader):
    path = write(tmp_path, '---\na: 1\n"b c":\n  a: 2\n? d\n: e\na: 3\n7: x\n')
    assert key_lines(path) == [("a", 2), ("b c", 3), ("d", 5), ("a", 7), ("7", 8)]


def test_key_lines_of_what_is_no_mapping(tmp_path):
    assert key_lines(write(tmp_path, "")) == []
    assert key_lines(write(tmp_path, "- a: 1\n")) == []
    with pytest.raises(InvalidPackError, match="line 1"):
        key_lines(write(tmp_path, "a: 'x"))


def test_without_pyyaml_it_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingLibraryError) as caught:
        load_yaml(write(tmp_path, "a: 1"))
    assert caught.value.library == "PyYAML"
    assert "import" in caught.value.traceback


PLAIN = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.dates()
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


@given(value=VALUES)
@settings(max_examples=150, deadline=None, suppress_health_check=NO_HURRY)
def test_what_pyyaml_writes_is_read_back(tmp_path, value):
    assert load_yaml(write(tmp_path, yaml.safe_dump(value))) == value


@given(
    content=st.text(alphabet=" \n\t-?:,[]{}#&*!|>'\"%@`a1.<=~\x07\u2028\u00e9", max_size=60) | st.binary(max_size=40)
)
@settings(max_examples=400, deadline=None, suppress_health_check=NO_HURRY)
def test_any_bytes_are_a_value_or_one_kind_of_error(tmp_path, content):
    """And the same ones as for StackStorm's loader, but for what is refused on purpose."""
    path = write(tmp_path, content)
    try:
        with open(path, encoding="utf-8") as stream:
            expected = yaml.load(stream, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    except Exception:
        with pytest.raises(InvalidPackError):
            load_yaml(path)
        return
    try:
        value = load_yaml(path)
    except InvalidPackError as error:
        assert "its aliases stand for" in error.message
    else:
        assert repr(value) == repr(expected)


def test_a_file_is_given_with_its_node_and_its_text(tmp_path):
    path = tmp_path / "file.yaml"
    path.write_bytes(b"a: 1\r\nb: [x]\r\n")
    values, node, text = load_composed(str(path))
    assert (values, text) == ({"a": 1, "b": ["x"]}, "a: 1\r\nb: [x]\r\n")
    assert [key.start_mark.line for key, _value in node.value] == [0, 1]
    path.write_text("# nothing\n")
    assert load_composed(str(path)) == (None, None, "# nothing\n")


def test_a_syntax_error_has_its_place(tmp_path, loader):
    with pytest.raises(YamlFileError) as caught:
        load_yaml(write(tmp_path, "a: 1\nb: ]\n"), shown="a.yaml")
    assert (caught.value.line, caught.value.column) == (2, 4)
    assert caught.value.problem in caught.value.message


def test_nodes_are_looked_at_as_they_stand_in_the_file(tmp_path, loader):
    keys = []
    path = write(tmp_path, "a: &a {b: 1}\nc:\n  <<: *a\n  d: 2\n")
    load_composed(path, look=lambda node: keys.extend(key.value for key, _value in node.value[1][1].value))
    assert keys == ["<<", "d"]
