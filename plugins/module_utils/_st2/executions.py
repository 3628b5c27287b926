# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Actions that StackStorm runs for us: started, polled until they have ended, cancelled when the time is over."""

from __future__ import annotations

import time
import typing as t
from dataclasses import dataclass

from .._deadline import Deadline
from .._errors import (
    DeadlineError,
    ForbiddenError,
    GatewayTimeoutError,
    RegistrationError,
    St2Error,
    UnexpectedAnswerError,
)
from .._secrets import Redactor
from .api_client import ApiClient, path_of
from .error_text import error_text

# st2common/constants/action.py LIVEACTION_COMPLETED_STATES
ENDED = ("succeeded", "failed", "timeout", "canceled", "abandoned")
POLL_SECONDS = 0.5
_LAST_WORD_SECONDS = 5.0


class UnseenError(ForbiddenError):
    """StackStorm has begun something that the account may not look at. It goes on."""


@dataclass(frozen=True)
class Execution:
    """An execution that has ended.

    :arg status: One of L(ENDED). Nothing else tells whether it worked: results look fine after failures too.
    :arg result: As the runner gives it, for C(python-script) with C(result), C(stderr) and C(exit_code).
    :arg elapsed: Seconds; C(None) when StackStorm does not say.
    """

    id: str
    action: str
    status: str
    result: t.Mapping[str, t.Any]
    elapsed: t.Optional[float] = None

    def reason(self) -> str:
        """Why it failed, in one line without values; empty when that is not told."""
        error, stderr = self.result.get("error"), self.result.get("stderr")
        for text in (error, stderr):
            if isinstance(text, str) and text.strip():
                return error_text(last_exception(text))
        return ""

    def require_success(self, redactor: Redactor) -> None:
        """:raises RegistrationError: when it did not succeed."""
        if self.status != "succeeded":
            reason = redactor.text(self.reason()).rstrip(".")
            raise RegistrationError(
                f"{self.action} ended with status {self.status} in StackStorm{f': {reason}' if reason else ''}. "
                f"Look at it with: st2 execution get {self.id}."
            )


def last_exception(text: str) -> str:
    """The exception, with the lines that belong to it, at the end of what a Python program wrote."""
    _before, traceback, after = text.rpartition("Traceback (most recent call last):")
    if not traceback:
        return text.strip().splitlines()[-1] if text.strip() else ""
    lines = after.splitlines()
    # The frames are indented; the exception begins at the first line that is not.
    start = next((number for number, line in enumerate(lines) if line and not line[0].isspace()), len(lines))
    return "\n".join(lines[start:])


def require_sight(client: ApiClient, action: str) -> None:
    """Look whether the account may see how an action ends, before it begins.

    Who may not see an action may not see its executions either (st2rbac_backend/resolvers.py).

    :raises ForbiddenError: when it may not.
    """
    try:
        client.get(path_of("actions", action))
    except ForbiddenError as error:
        error.message += f" Without it, the result of {action} cannot be determined, so it was not started."
        raise
    except RegistrationError:
        pass  # Whatever is wrong, the action itself says it better.


def run_action(
    client: ApiClient,
    action: str,
    parameters: t.Mapping[str, t.Any],
    poll_seconds: float = POLL_SECONDS,
) -> Execution:
    """Run an action to its end.

    :raises DeadlineError: when it outlives the client's deadline. It is cancelled then, and the error says so.
    :raises UnseenError: as L(wait_for_end).
    :raises RegistrationError: when StackStorm does not start it, or cannot be asked any more.
    """
    started = client.post("/executions", {"action": action, "parameters": dict(parameters)})
    return wait_for_end(client, started_as(client, started, "id", action), action, poll_seconds)


def started_as(client: ApiClient, answer: t.Any, key: str, action: str) -> str:
    """The id of an execution that StackStorm says it has started.

    :arg key: Where in the answer it is: C(id), or C(execution_id) for C(/packs/install) and C(/packs/uninstall).
    :raises UnexpectedAnswerError: when it is not there.
    """
    number = answer.get(key) if isinstance(answer, dict) else None
    if not isinstance(number, str) or not number:
        raise UnexpectedAnswerError(f"StackStorm at {client.url} does not say which execution of {action} it started.")
    return number


def wait_for_end(client: ApiClient, number: str, action: str, poll_seconds: float = POLL_SECONDS) -> Execution:
    """Wait until an execution has ended.

    :arg number: Its id.
    :raises DeadlineError: when it outlives the client's deadline. It is cancelled then, and the error says so, with the
        status that it had.
    :raises UnseenError: when the account may not look at it.
    :raises RegistrationError: when StackStorm cannot be asked any more.
    """
    seen: t.List[str] = []
    try:
        return _wait(client, number, action, poll_seconds, seen)
    except ForbiddenError as error:
        raise UnseenError(
            f"StackStorm has started {action} (execution {number}), but does not show it to this account. It is still "
            f"running, and its result is not known. {error.message}",
            permission=error.permission,
        ) from None
    except DeadlineError:
        raise DeadlineError(
            f"The timeout of {client.deadline.seconds:g} s ran out while StackStorm was running {action}: "
            f"execution {number} {_cancel(client, number)}{f'; its status was {seen[-1]}' if seen else ''}."
        ) from None


def _wait(client: ApiClient, number: str, action: str, poll_seconds: float, seen: t.List[str]) -> Execution:
    pause = poll_seconds / 5
    while True:
        try:
            found = client.get(path_of("executions", number))
        except GatewayTimeoutError:
            # One answer that got lost says nothing about the work.
            found = {}
        status = found.get("status") if isinstance(found, dict) else None
        if status in ENDED:
            result, elapsed = found.get("result"), found.get("elapsed_seconds")
            elapsed = float(elapsed) if isinstance(elapsed, (int, float)) else None
            return Execution(number, action, str(status), result if isinstance(result, dict) else {}, elapsed)
        seen += [status] if isinstance(status, str) else []
        client.deadline.check(f"StackStorm was running {action}")
        time.sleep(min(pause, client.deadline.remaining()))
        pause = min(poll_seconds, pause * 1.5)


def _cancel(client: ApiClient, number: str) -> str:
    last = client.with_deadline(Deadline(_LAST_WORD_SECONDS))
    try:
        last.delete(path_of("executions", number))
    except St2Error as error:
        return f"could not be cancelled and may still be running ({error.message.rstrip('.')})"
    finally:
        last.close()
    return "was cancelled"
