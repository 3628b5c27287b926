# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is to be restarted is remembered."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import RestartError
from ansible_collections.stackstorm.st2.plugins.module_utils._restart.marks import DIRECTORY, Marks, now


def test_marks_come_and_go(tmp_path):
    marks = Marks(str(tmp_path))
    marks.remove(["st2api"])
    assert marks.read() == {} and list(tmp_path.iterdir()) == []
    marks.add(["st2api", "st2stream"], 12.5)
    marks.add(["st2stream"], 13)
    assert marks.read() == {"st2api": 12.5, "st2stream": 13.0}
    marks.remove(["st2api"])
    assert Marks(str(tmp_path)).read() == {"st2stream": 13.0}


def test_what_somebody_else_wrote_is_a_mark_of_now(tmp_path):
    (tmp_path / DIRECTORY).mkdir(parents=True)
    (tmp_path / DIRECTORY / "st2api").write_text("soon")
    (tmp_path / DIRECTORY / "sshd").write_text("1")
    before = now()
    assert list(Marks(str(tmp_path)).read()) == ["st2api"] and Marks(str(tmp_path)).read()["st2api"] >= before


def test_a_place_that_cannot_be_used_is_an_error_that_says_so(tmp_path):
    (tmp_path / "run").write_text("")
    with pytest.raises(RestartError, match=r"cannot be used.*root"):
        Marks(str(tmp_path)).add(["st2api"], 1)
    with pytest.raises(RestartError, match="cannot be used"):
        Marks(str(tmp_path)).read()
