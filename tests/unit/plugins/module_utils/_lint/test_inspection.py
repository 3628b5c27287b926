# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules as an inspection: what an index keeps and shows of them, and what refuses a version."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.inspection import lint_inspection, refusal, sentence


def look(tmp_path, tree, seconds=300):
    (tmp_path / "scratch").mkdir(exist_ok=True)
    tree.write(tmp_path / "files-1")
    return lint_inspection(str(tmp_path / "scratch"), Deadline(seconds), {}).look(str(tmp_path / "files-1"))


def test_a_sound_pack_is_not_refused_whatever_its_directory_is_called(tmp_path):
    found = look(tmp_path, PackTree("demo", "1.0.0"))
    assert refusal(found) is None and "pack-directory" not in {one["rule"] for one in found}
    assert not list((tmp_path / "scratch").iterdir())


def test_an_error_refuses_and_is_named_with_file_and_line(tmp_path):
    tree = PackTree("demo", "1.0.0")
    tree.add("actions/broken.py", "x = 1\ndef run(:\n")
    found = look(tmp_path, tree)
    (error,) = (one for one in found if one["level"] == "error")
    assert set(error) == {"rule", "level", "file", "line", "message"} and (error["file"], error["line"]) == (
        "actions/broken.py",
        2,
    )
    assert refusal(found) == f"the lint refuses it: {sentence(error)}"
    assert refusal([error, error]).endswith(", and 1 more")
    assert sentence({**error, "line": None}).startswith("actions/broken.py: ")


def test_the_time_of_the_task_counts(tmp_path):
    with pytest.raises(DeadlineError):
        look(tmp_path, PackTree("demo", "1.0.0"), seconds=0)
