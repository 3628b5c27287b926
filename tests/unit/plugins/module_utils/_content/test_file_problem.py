# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages that are made of one problem."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.file_problem import FileProblem


@pytest.mark.parametrize(
    ("subject", "line", "message", "with_line", "with_place"),
    [
        ("runner", 3, "runner is missing", "runner (line 3) is missing", "a.yaml, line 3, runner is missing"),
        ("runner", None, "runner is missing", "runner is missing", "a.yaml runner is missing"),
        ("", 3, "is missing", "is missing", "a.yaml, line 3, is missing"),
        ("", None, "is missing", "is missing", "a.yaml is missing"),
    ],
)
def test_each_message_says_what_its_readers_do_not_know(subject, line, message, with_line, with_place):
    problem = FileProblem("a.yaml", subject, "is missing", line)
    assert (problem.message, problem.with_line, problem.with_place) == (message, with_line, with_place)
