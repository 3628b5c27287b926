# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Policies as StackStorm 3.9.0 takes or refuses them: every row was tried with its PolicyAPI and policies/meta."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.policy_rules import policy_refusals

CONCURRENCY, BY_ATTRIBUTE, RETRY = "action.concurrency", "action.concurrency.attr", "action.retry"


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (CONCURRENCY, {"threshold": 0}),
        (CONCURRENCY, {"threshold": -1, "action": "cancel"}),
        (BY_ATTRIBUTE, {"threshold": 3}),
        (BY_ATTRIBUTE, {"threshold": 3, "attributes": []}),
        (BY_ATTRIBUTE, {"threshold": 3, "attributes": ["host", "port"]}),
        (RETRY, {"retry_on": "failure"}),
        (RETRY, {"retry_on": "timeout", "max_retry_count": 5, "delay": 120}),
        (RETRY, {"retry_on": "timeout", "max_retry_count": 1, "delay": 0.5}),
    ],
)
def test_what_stackstorm_takes(kind, parameters):
    assert list(policy_refusals({"policy_type": kind, "parameters": parameters})) == []


@pytest.mark.parametrize(
    ("kind", "parameters", "path", "words"),
    [
        ("action.never", {}, ("policy_type",), "no type action.never of policies"),
        (RETRY, None, ("parameters",), "parameters is null"),
        (RETRY, {}, ("parameters",), "action.retry must have parameters.retry_on"),
        (CONCURRENCY, {"action": "delay"}, ("parameters",), "must have parameters.threshold"),
        (CONCURRENCY, {"threshold": 1, "action": "wait"}, ("parameters", "action"), "is not one of delay, cancel"),
        (CONCURRENCY, {"threshold": 1, "action": None}, ("parameters", "action"), "is not one of delay, cancel"),
        (CONCURRENCY, {"threshold": 1.0}, ("parameters", "threshold"), "is not an integer"),
        (CONCURRENCY, {"threshold": True}, ("parameters", "threshold"), "is not an integer"),
        (CONCURRENCY, {"threshold": 1, "attributes": []}, ("parameters", "attributes"), "no parameter of action.conc"),
        (BY_ATTRIBUTE, {"threshold": 1, "attributes": ["a", "a"]}, ("parameters", "attributes"), "empty or twice"),
        (BY_ATTRIBUTE, {"threshold": 1, "attributes": [""]}, ("parameters", "attributes"), "a list of strings"),
        (BY_ATTRIBUTE, {"threshold": 1, "attributes": "host"}, ("parameters", "attributes"), "a list of strings"),
        (RETRY, {"retry_on": "failure", "max_retry_count": 6}, ("parameters", "max_retry_count"), "from 1 to 5"),
        (RETRY, {"retry_on": "failure", "max_retry_count": 0}, ("parameters", "max_retry_count"), "from 1 to 5"),
        (RETRY, {"retry_on": "failure", "delay": 121}, ("parameters", "delay"), "a number from 0 to 120"),
        (RETRY, {"retry_on": "failure", "delay": None}, ("parameters", "delay"), "a number from 0 to 120"),
        (RETRY, {"retry_on": "never"}, ("parameters", "retry_on"), "is not one of failure, timeout"),
    ],
)
def test_what_stackstorm_refuses(kind, parameters, path, words):
    ((where, clause),) = policy_refusals({"policy_type": kind, "parameters": parameters})
    assert where == path and words in clause


def test_without_parameters_those_that_are_needed_are_missing():
    assert [path for path, _clause in policy_refusals({"policy_type": CONCURRENCY})] == [("parameters",)]
    assert list(policy_refusals({"policy_type": None})) == []
