# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Override files as they are found: right, wrong, links, and what is no file at all."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._override.override_file import (
    ignored_warning,
    override_files,
    override_path,
    read_override_file,
    unread_warning,
)

TEXT = "---\n# ours\nactions:\n  defaults:\n    enabled: false\n"


def read(tmp_path, text=None, pack="sensu"):
    if text is not None:
        (tmp_path / f"{pack}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_override_file(str(tmp_path), pack)


def test_there_is_none(tmp_path):
    file = read(tmp_path)
    assert (file.exists, file.content, file.problems, bool(file.overrides)) == (False, None, (), False)
    assert read_override_file(str(tmp_path / "nowhere"), "sensu").exists is False


def test_a_file_that_is_right(tmp_path):
    file = read(tmp_path, TEXT)
    assert file.exists and file.content == TEXT.encode() and file.problems == () and not file.for_all
    assert file.overrides.document() == {"actions": {"defaults": {"enabled": False}}}
    assert read(tmp_path, TEXT, "_global").for_all


@pytest.mark.parametrize(
    "text, line, told",
    [
        ("rules: {}\nactions:\n", 2, "actions is empty (null)"),
        ("actions:\n  defaults:\n    enabled: false\n    foo: 1\n", 4, "has the key foo"),
        ("actions:\n  exceptions:\n    a: {enabled: true}\n    b:\n      enabled: 'no'\n", 5, "b.enabled is text"),
        ("# nothing\npolicies:\n  defaults: {}\n", 2, "policies cannot be overridden"),
        (
            "rules: {}\nactions: {}\nrules: {defaults: {enabled: true}}\n",
            3,
            "the key rules is there twice, first in line 1",
        ),
        ("a: &a {}\nactions:\n  <<: *a\n", 3, "the merge key <<"),
        ("", 1, "the file is empty"),
        ("rules: {}\nactions: {\n", 3, "is not YAML"),
        ("rules: {}\n\tactions: {}\n", 2, "is not YAML"),
        (b"rules: {}\n# caf\xe9\n", 2, "it is not UTF-8"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, line, told):
    file = read(tmp_path, text)
    (complaint,) = file.complaints
    assert str(tmp_path / "sensu.yaml") in complaint and told in complaint
    assert f":{line}:" in complaint or f"line {line}" in complaint
    assert complaint.endswith(".")


def test_what_is_wrong_is_kept_as_it_is(tmp_path):
    for text in (b"actions: {", b"", b"# caf\xe9", b"a: " + b"x" * (2 << 20)):
        file = read(tmp_path, text)
        assert file.content == text and file.problems


def test_what_follows_is_told_too(tmp_path):
    assert "can register no actions with it" in read(tmp_path, "actions:\n").complaints[0]
    assert "StackStorm ignores it" in read(tmp_path, "policies: {}\n").complaints[0]
    alone = read(tmp_path, "actions: {exceptions: {check: {x: 1}}}\n").complaints[0]
    assert "cannot register that one of the actions" in alone


def test_a_value_is_never_quoted(tmp_path):
    for text in ("actions: {defaults: {enabled: hunter2}}", "hunter2", "actions: hunter2", "a: {hunter2"):
        assert "hunter2" not in "".join(read(tmp_path, text).complaints)


def test_a_link_is_followed_as_stackstorm_does(tmp_path):
    (tmp_path / "elsewhere").write_text(TEXT)
    (tmp_path / "sensu.yaml").symlink_to("elsewhere")
    file = read(tmp_path)
    assert file.link == "elsewhere" and file.overrides.of("actions").default is False


def test_a_link_to_nothing_is_no_file_to_stackstorm(tmp_path):
    (tmp_path / "sensu.yaml").symlink_to("nowhere")
    file = read(tmp_path)
    assert (file.exists, file.link, file.content, file.problems) == (True, "nowhere", None, ())


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["directory", "pipe"])
def test_what_is_no_file_breaks_everything(tmp_path, make):
    make(str(tmp_path / "sensu.yaml"))
    file = read(tmp_path)
    assert file.kind and file.content is None and file.layer.breaks("rules", "any")


def test_a_file_with_the_other_ending_is_warned_of(tmp_path):
    (tmp_path / "sensu.yml").write_text(TEXT)
    file = read(tmp_path)
    assert not file.exists and not file.overrides
    (warning,) = ignored_warning(file)
    assert "sensu.yml has no effect" in warning and "sensu.yaml" in warning
    assert ignored_warning(read(tmp_path, TEXT, "other")) == []


def test_the_files_of_a_directory(tmp_path):
    for name in ("b.yaml", "_global.yaml", "a.yml", ".new-x.yaml", "note.txt", "c.yaml.bak"):
        (tmp_path / name).write_text(TEXT)
    assert override_files(str(tmp_path)) == ["_global", "a", "b"]
    assert override_files(str(tmp_path / "nowhere")) == []
    assert override_path("/o", "sensu") == "/o/sensu.yaml"


@pytest.mark.parametrize(
    ("version", "warned"),
    [
        ("3.6.0", True),
        ("2.10.5", True),
        ("3.7dev", False),
        ("3.7.0", False),
        ("3.10.0", False),
        (None, False),
        ("x", False),
    ],
)
def test_a_stackstorm_before_overrides_is_warned_of(version, warned):
    assert [f"StackStorm {version}, which" in warning for warning in unread_warning(version)] == [True] * warned
