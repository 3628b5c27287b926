# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What StackStorm refuses of the parameters of actions."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.action_rules import action_refusals


def clauses(parameters, runner="noop"):
    return [said for _path, said in action_refusals({"runner_type": runner, "parameters": parameters})]


@pytest.mark.parametrize(
    ("positions", "clause"),
    [
        ((0, 1, 2), None),
        ((3, 4), None),
        ((), None),
        ((0, 0), "the parameters p0 and p1 have the same position 0"),
        ((0, 2), "the positions of the parameters, 0, 2, have gaps"),
        ((float("inf"),), "a position of the parameters is not a number that counts"),
    ],
)
def test_positions(positions, clause):
    parameters = {f"p{number}": {"position": position} for number, position in enumerate(positions)}
    assert clauses(parameters) == ([clause] if clause else [])


@pytest.mark.parametrize(
    ("schema", "runner", "clause"),
    [
        ({"type": "string", "description": None}, "noop", "the parameter timeout.description must be a string"),
        ({"type": "text"}, "noop", "the parameter timeout.type must be one of"),
        ({"type": "string", "requried": True}, "noop", "keywords that StackStorm does not know: requried"),
        ({"immutable": True}, "noop", "is immutable and has no default"),
        ({"type": "string"}, "python-script", "has the type integer, which cannot be changed"),
        ({"secret": True}, "python-script", "whether the runner's parameter timeout is secret cannot be changed"),
        ({"position": 0}, "python-script", "the runner's parameter timeout cannot be given position"),
    ],
)
def test_what_a_parameter_must_not_be(schema, runner, clause):
    found = clauses({"timeout": schema}, runner)
    assert any(clause in one for one in found), found


@pytest.mark.parametrize(
    ("schema", "runner"),
    [
        ({"type": "string", "description": ""}, "noop"),
        ({}, "noop"),
        ({"immutable": True, "default": 5}, "noop"),
        ({"immutable": True}, "python-script"),
        ({"immutable": True, "position": 0}, "somebody-elses-runner"),
        ({"type": "integer", "default": 5, "description": "x", "required": True}, "python-script"),
    ],
)
def test_what_a_parameter_may_be(schema, runner):
    assert clauses({"timeout": schema}, runner) == []
