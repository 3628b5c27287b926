# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file as it is: values, lines, attributes, and what is wrong with it."""

from __future__ import annotations

import os
import stat

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._config.document import config_path, read_config
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ConfigError


def test_a_file_is_read_with_all_that_is_needed_to_put_it_back(tmp_path):
    path = tmp_path / "sensu.yaml"
    path.write_bytes(b"a: 1\r\nb: [c4nary]\r\n")
    path.chmod(0o604)
    file = read_config(str(path))
    assert (file.exists, file.values, file.text, file.problem) == (
        True,
        {"a": 1, "b": ["c4nary"]},
        "a: 1\r\nb: [c4nary]\r\n",
        "",
    )
    assert (file.content, file.mode, file.uid, file.gid) == (path.read_bytes(), 0o604, os.getuid(), path.stat().st_gid)
    assert file.lines.of(("b", 0)) == 2
    assert "c4nary" not in repr(file)


def test_no_file_and_an_empty_one_are_no_values(tmp_path):
    path = tmp_path / "sensu.yaml"
    assert (read_config(str(path)).exists, read_config(str(path)).values) == (False, {})
    path.write_text("# nothing\n")
    assert (read_config(str(path)).exists, read_config(str(path)).values) == (True, {})


@pytest.mark.parametrize(
    "content, words",
    [
        (b"a: 1\nb: [c4nary\n", "line 3"),
        (b"- c4nary\n", "is a list"),
        (b"c4nary\n", "is a string"),
        (b"a: \xff\n", "UTF-8"),
        (b"a: 1\n---\nb: 2\n", "line"),
        (b"a: &x {b: *x}\n", "aliases"),
    ],
)
def test_what_is_no_config_is_a_problem_with_its_line_and_without_its_values(tmp_path, content, words):
    path = tmp_path / "sensu.yaml"
    path.write_bytes(content)
    file = read_config(str(path))
    assert file.exists and file.values == {} and words in file.problem and str(path) in file.problem
    assert "c4nary" not in file.problem and file.content == content


def test_what_a_link_leads_to_is_read_as_stackstorm_reads_it(tmp_path):
    (tmp_path / "target").write_text("a: 1\n")
    path = tmp_path / "sensu.yaml"
    path.symlink_to("target")
    file = read_config(str(path))
    assert (file.link, file.values, file.content, file.problem) == ("target", {"a": 1}, b"a: 1\n", "")


@pytest.mark.parametrize(
    ("target", "words"), [("none", "No such file"), ("sensu.yaml", "levels"), ("/dev/null", "not a file")]
)
def test_a_link_that_leads_to_no_file_is_a_problem(tmp_path, target, words):
    path = tmp_path / "sensu.yaml"
    path.symlink_to(target)
    file = read_config(str(path))
    assert file.exists and (file.link, file.values, file.content) == (target, {}, b"")
    assert "symbolic link" in file.problem and words in file.problem


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(
    ("link", "target", "mode", "read"),
    [(1, 0, 0o640, False), (1, 0, 0o644, True), (1, 1, 0o600, True), (0, 1, 0o600, True)],
)
def test_a_link_is_followed_where_its_owner_may_read(tmp_path, link, target, mode, read):
    (tmp_path / "target").write_text("a: c4nary\n")
    (tmp_path / "target").chmod(mode)
    os.chown(tmp_path / "target", target, target)
    path = tmp_path / "sensu.yaml"
    path.symlink_to("target")
    os.lchown(path, link, link)
    file = read_config(str(path))
    assert bool(file.values) is read and ("may not be readable" in file.problem) is not read


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file_is_refused(tmp_path, make):
    path = tmp_path / "sensu.yaml"
    make(path)
    with pytest.raises(ConfigError) as raised:
        read_config(str(path))
    assert "is not a file" in raised.value.message and not stat.S_ISREG(path.stat().st_mode)


def test_the_path_is_where_stackstorm_looks():
    assert config_path("/opt/stackstorm/configs", "sensu") == "/opt/stackstorm/configs/sensu.yaml"


def test_what_is_far_too_large_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "sensu.yaml"
    with path.open("wb") as stream:
        stream.truncate(1 << 33)
    with pytest.raises(ConfigError) as raised:
        read_config(str(path))
    assert "which is no config" in raised.value.message
