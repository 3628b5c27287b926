# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Executions are polled to their end, judged by their status, and cancelled when the time is over."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DeadlineError,
    ForbiddenError,
    RegistrationError,
    UnexpectedAnswerError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_client import ApiClient
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.executions import (
    ENDED,
    Execution,
    last_exception,
    run_action,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._st2.rest_server import (
    EndingDeadline,
    RestServer,
    answer,
    client_of,
    fault,
)

CANARY = "ca-na-ry-7"
TRACEBACK = f"""\
pack.py: x
Traceback (most recent call last):
  File "a.py", line 1, in run
    secret = "{CANARY}"
jsonschema.exceptions.ValidationError: 'host' is a required property

Failed validating 'required' in schema['properties']['host']:
    {{'required': True}}

On instance:
    {{'pw': '{CANARY}'}}
"""


@pytest.fixture
def server():
    with RestServer() as one:
        one.on("POST", "/executions", answer({"id": "e1", "status": "requested"}, 201))
        yield one


def run(server, seconds=20.0):
    return run_action(client_of(server, seconds), "packs.unload", {"packs": ["p"]}, poll_seconds=0.01)


@pytest.mark.parametrize("status", ENDED)
def test_it_is_asked_until_it_has_ended(server, status):
    waits = [{"id": "e1", "status": one} for one in ("requested", "scheduled", "running", "pausing")]
    server.on("GET", "/executions/e1", *waits, {"id": "e1", "status": status, "result": {"result": 1}})
    assert run(server) == Execution("e1", "packs.unload", status, {"result": 1})
    assert server.routes() == [("POST", "/executions"), *[("GET", "/executions/e1")] * 5]
    assert server.asked[0].body == {"action": "packs.unload", "parameters": {"packs": ["p"]}}


def test_an_answer_lost_at_the_gateway_says_nothing(server):
    server.on("GET", "/executions/e1", fault(504, ""), fault(502, ""), {"status": "succeeded"})
    assert run(server).status == "succeeded"


def test_what_cannot_be_started_or_asked_is_an_error(server):
    server.on("GET", "/executions/e1", fault(403, 'User "o" doesn\'t have required permission "execution_view"'))
    with pytest.raises(ForbiddenError):
        run(server)
    server.on("POST", "/executions", answer({"status": "requested"}, 201))
    with pytest.raises(UnexpectedAnswerError, match=r"which execution of packs\.unload"):
        run(server)


@pytest.fixture
def run_to_the_end(server):
    """Runs an action whose time is over while it is being polled."""

    def go():
        deadline = EndingDeadline()

        def running(_handler, _asked):
            deadline.end()
            return answer({"status": "running"})

        server.on("GET", "/executions/e1", answer({"status": "requested"}), running)
        run_action(ApiClient(server.api, deadline=deadline), "packs.unload", {"packs": ["p"]}, poll_seconds=0.01)

    return go


def test_what_outlives_the_deadline_is_cancelled_and_said_so(server, run_to_the_end):
    server.on("DELETE", "/executions/e1", {"status": "canceling"})
    with pytest.raises(DeadlineError, match=r"60 s ran out while .* packs\.unload: execution e1 was cancelled; "):
        run_to_the_end()
    assert server.routes()[-1] == ("DELETE", "/executions/e1")


def test_an_answer_that_hangs_is_cut_off_and_the_execution_cancelled(server):
    def hang(handler, _asked):
        handler.owner.stopping.wait(30)
        handler.close_connection = True

    server.on("GET", "/executions/e1", hang)
    server.on("DELETE", "/executions/e1", {"status": "canceling"})
    with pytest.raises(DeadlineError, match="execution e1 was cancelled"):
        run(server, seconds=3)


def test_what_cannot_be_cancelled_is_said_too(server, run_to_the_end):
    server.on("DELETE", "/executions/e1", fault(403, "no"))
    with pytest.raises(DeadlineError, match="execution e1 could not be cancelled and may still be running"):
        run_to_the_end()


def test_only_success_is_success():
    Execution("e1", "packs.unload", "succeeded", {}).require_success(Redactor())
    for status in set(ENDED) - {"succeeded"}:
        with pytest.raises(RegistrationError, match=f"packs.unload ended with status {status} in StackStorm"):
            Execution("e1", "packs.unload", status, {"result": "fine"}).require_success(Redactor())


def test_the_reason_is_the_last_exception_without_values():
    failed = Execution("e1", "packs.load", "failed", {"stderr": TRACEBACK, "exit_code": 1})
    with pytest.raises(RegistrationError) as caught:
        failed.require_success(Redactor())
    assert "ValidationError: 'host' is a required property (rule required at" in caught.value.message
    assert CANARY not in caught.value.message and "st2 execution get e1" in caught.value.message


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", ""),
        ("one\ntwo\n", "two"),
        ("Traceback (most recent call last):\n  File x\nValueError: a: b\n", "ValueError: a: b"),
        ("Traceback (most recent call last):\n  File x\nE: 1\nTraceback (most recent call last):\n  F\nE: 2", "E: 2"),
        ("Traceback (most recent call last):\n  File x\n", ""),
    ],
)
def test_the_last_exception_is_found(text, expected):
    assert last_exception(text) == expected
