# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which addresses are repositories, and which are plain directories."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Source, is_repository, source_of


def make(path, kind):
    path.mkdir()
    if kind == "working copy":
        (path / ".git").mkdir()
    elif kind == "bare":
        (path / "objects").mkdir()
        (path / "HEAD").write_text("")
    elif kind == "worktree":
        (path / ".git").write_text("gitdir: elsewhere")
    elif kind == "half":
        (path / "HEAD").write_text("")
    return str(path)


@pytest.mark.parametrize(
    ("kind", "is_one"),
    [("working copy", True), ("bare", True), ("worktree", False), ("half", False), ("plain", False)],
)
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_path(tmp_path, kind, is_one, scheme):
    path = make(tmp_path / "my pack", kind)
    assert is_repository(path) is is_one
    found = source_of(f"{scheme}{path}/.", "sub")
    assert found == (Source("git", f"file://{path}", "sub") if is_one else Source("directory", path, "sub"))


def test_a_path_that_is_not_there_is_a_directory(tmp_path):
    assert source_of(str(tmp_path / "nowhere")) == Source("directory", str(tmp_path / "nowhere"))


@pytest.mark.parametrize("url", ["https://h/x.git", "git@h:org/x", "ssh://git@h/x"])
def test_an_address_is_a_repository_as_it_is_written(url):
    assert source_of(url, "sub") == Source("git", url, "sub")
