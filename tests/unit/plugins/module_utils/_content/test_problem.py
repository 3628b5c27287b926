# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Problems as text and as values."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._content.problem import Problem, sentence


def test_a_problem_names_key_rule_and_lines():
    problem = Problem(("hosts", 0), "type", "must be string", 3, 7)
    assert str(problem) == "hosts[0] must be string (config line 7, schema line 3)"
    assert problem.as_dict() == {
        "key": "hosts[0]",
        "rule": "type",
        "msg": str(problem),
        "schema_line": 3,
        "config_line": 7,
    }
    assert str(Problem((), "type", "must be a mapping")) == "the config must be a mapping"


def test_many_problems_are_cut_short():
    problems = [Problem((f"k{number}",), "required", "is missing") for number in range(12)]
    assert sentence(problems[:2]) == "k0 is missing; k1 is missing"
    assert sentence(problems).endswith("k9 is missing; and 2 more")
