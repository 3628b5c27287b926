# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Apply: one pack, one execution of StackStorm's own; its status decides, and nothing else. A failure is undone.

An execution for several packs would be quicker. But StackStorm gives the first ones new files before it looks at the
last, and when that one fails it registers none of them (tried with 3.9.0). And what it says of several packs does not
tell which request became which pack.

StackStorm itself leaves a pack that it could not register in place, and its database says that it has the new version;
nobody would notice, and every registration of all packs fails from then on (tried with 3.9.0).
"""

from __future__ import annotations

import re
import typing as t

from .._errors import (
    ApplyError,
    DeadlineError,
    GatewayTimeoutError,
    InvalidPackError,
    RegistrationError,
    ServerError,
    SourceError,
    St2Error,
    UnreachableError,
    VirtualenvError,
)
from .._progress import begin, finished
from .._secrets import Redactor
from .._st2.api_client import ApiClient
from .._st2.api_errors import permission_advice
from .._st2.error_text import error_text
from .._st2.executions import ENDED, POLL_SECONDS, Execution, UnseenError, started_as, wait_for_end
from .plan import Step
from .request import is_release

_INSTALL = "packs.install"
_UNINSTALL = "packs.uninstall"
_DOWNLOAD = "packs.download"
_LOAD = "packs.load"
# The tasks of both, and what it means when one fails (contrib/packs/actions/workflows).
_ERRORS: t.Mapping[str, t.Type[St2Error]] = {
    _DOWNLOAD: SourceError,
    "packs.setup_virtualenv": VirtualenvError,
    _LOAD: RegistrationError,
    "packs.unload": RegistrationError,
    "packs.delete": ApplyError,
}
# At the end of what StackStorm says of packs for other versions of it and of Python (verify_pack_version).
_INCOMPATIBLE = "You can override this restriction"
# In what a download says, or where it breaks, once the old files are gone (st2common/util/pack_management.py).
_REPLACED = re.compile(r"Removing existing pack|Moving pack from|\bin (?:move_pack|apply_pack_\w+)\b")


class Executor:
    """Lets StackStorm carry out steps.

    :arg force: Whether it shall install what says that it does not run there.
    """

    def __init__(
        self, client: ApiClient, redactor: Redactor, *, force: bool = False, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self._client = client
        self._redactor = redactor
        self._force = force
        self._poll_seconds = poll_seconds
        self.began = False
        """Whether StackStorm has begun to work on anything."""
        self.touched: t.Set[str] = set()
        """The refs that StackStorm may have changed, and that are neither as planned nor put back yet."""
        self.unended: t.Set[str] = set()
        """The refs that it may still be at work on."""

    def carry_out(self, step: Step) -> t.Tuple[str, ...]:
        """Do one step.

        :returns: The refs that StackStorm says it has installed; none for a removal.
        :raises DeadlineError: when it takes too long. It is cancelled then, and the error says so.
        :raises St2Error: when it failed, with StackStorm's words, and with what became of the pack.
        """
        begin()
        try:
            refs = self._uninstall(step) if step.removes else self._install(step)
        except St2Error as error:
            error.ref = error.ref or step.ref
            raise
        finished(f"{step.ref} {'removed' if step.removes else 'installed'}")
        return refs

    def _install(self, step: Step) -> t.Tuple[str, ...]:
        body: t.Dict[str, t.Any] = {"packs": [step.spec], "skip_dependencies": True}
        if self._force:
            body["force"] = True
        execution = self._execute(step, "/packs/install", body, _INSTALL)
        if execution.status != "succeeded":
            raise self._failure(execution, f"install {step.spec}", step)
        output = execution.result.get("output")
        listed = output.get("packs_list") if isinstance(output, dict) else None
        refs = tuple(ref for ref in listed or () if isinstance(ref, str)) if isinstance(listed, list) else ()
        if not refs:
            # It calls it a success to leave out a pack that it does not find.
            raise SourceError(
                f"StackStorm reports success for {step.spec} and has installed nothing"
                f"{self._left_out(execution)}. Look at it with: st2 execution get {execution.id}."
            )
        return refs

    def _uninstall(self, step: Step) -> t.Tuple[str, ...]:
        execution = self._execute(step, "/packs/uninstall", {"packs": [step.spec]}, _UNINSTALL)
        if execution.status != "succeeded":
            raise self._failure(execution, f"remove {step.spec}", step)
        return ()

    def _execute(self, step: Step, path: str, body: t.Mapping[str, t.Any], action: str) -> Execution:
        number = self._start(step, path, body, action)
        self._begin(step)
        try:
            execution = wait_for_end(self._client, number, action, self._poll_seconds)
        except DeadlineError as error:
            raise DeadlineError(f"{error.message} Its changes of {step.ref} were not undone.", ref=step.ref) from None
        except UnseenError:
            raise
        except RegistrationError as error:
            error.message += f" Execution {number} of {action} may still be running."
            raise
        self.unended.discard(step.ref)
        return execution

    def _start(self, step: Step, path: str, body: t.Mapping[str, t.Any], action: str) -> str:
        try:
            answer = self._client.post(path, body)
        except (DeadlineError, GatewayTimeoutError, ServerError, UnreachableError) as error:
            self._begin(step)
            error.message += f" It is not known whether StackStorm has started {action} for {step.ref} anyway."
            raise
        return started_as(self._client, answer, "execution_id", action)

    def _begin(self, step: Step) -> None:
        self.began = True
        self.touched.add(step.ref)
        self.unended.add(step.ref)

    def _failure(self, execution: Execution, what: str, step: Step) -> St2Error:
        tasks = self._tasks(execution)
        failed = next((task for task in reversed(tasks) if task.status not in ("succeeded", "")), None)
        kind = _ERRORS.get(failed.action, ApplyError) if failed else ApplyError
        told = (failed or execution).reason() or _told(execution)
        reason = self._redactor.text(told).rstrip(".")
        if _INCOMPATIBLE in told:
            kind = InvalidPackError
        message = (
            f"StackStorm could not {what}: execution {execution.id} ended with status {execution.status}"
            f"{f' in {failed.action}' if failed else ''}{f': {reason}' if reason else ''}."
        )
        if failed and failed.action == _LOAD and "500 Server Error" in told:
            message += (
                f" StackStorm reports nothing else if the config of {step.ref} does not match the schema of this "
                "version."
            )
        message += permission_advice(reason)
        if not step.removes:
            message += self._undo(step, failed)
        return kind(message)

    def _undo(self, step: Step, failed: t.Optional[Execution]) -> str:
        """Put back what an installation that failed has changed.

        :arg failed: The task that failed, where one did.
        :returns: A sentence (after a blank) about it; empty when nothing was changed.
        """
        if failed and failed.action == _DOWNLOAD and not _REPLACED.search(str(failed.result.get("stderr") or "")):
            self.touched.discard(step.ref)
            return ""
        before = step.pack.before
        try:
            if before is None:
                execution = self._execute(step, "/packs/uninstall", {"packs": [step.ref]}, _UNINSTALL)
                done = f"{step.ref} was removed again"
            elif is_release(before.version):
                # It was running, so whether it may run is no question.
                spec = f"{step.spec.partition('=')[0]}={before.version}"
                body = {"packs": [spec], "skip_dependencies": True, "force": True}
                execution = self._execute(step, "/packs/install", body, _INSTALL)
                done = f"{spec} was installed again"
            else:
                return (
                    f" The files of {step.ref} are the new ones, and the previous version is not a release that can be "
                    "restored."
                )
        except St2Error as error:
            return f" {step.ref} could not be put back: {error.message}"
        if execution.status != "succeeded":
            return (
                f" {step.ref} could not be put back: execution {execution.id} ended with status {execution.status}. "
                "Its files may be the new ones. Fix the cause and request a working version."
            )
        self.touched.discard(step.ref)
        return f" {done}."

    def _left_out(self, execution: Execution) -> str:
        for task in self._tasks(execution):
            statuses = task.result.get("result")
            if task.action == _DOWNLOAD and isinstance(statuses, dict):
                return "".join(f": {error_text(self._redactor.text(str(text)))}" for text in statuses.values()).rstrip(
                    "."
                )
        return ""

    def _tasks(self, execution: Execution) -> t.List[Execution]:
        """The executions that an execution consists of, oldest first; none when StackStorm does not show them."""
        try:
            found = self._client.get("/executions", {"parent": execution.id, "sort_asc": "true"})
        except St2Error:
            return []
        return [_task(item) for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _task(document: t.Mapping[str, t.Any]) -> Execution:
    action, status, result = document.get("action"), document.get("status"), document.get("result")
    return Execution(
        str(document.get("id") or ""),
        str(action.get("ref") or "") if isinstance(action, dict) else "",
        str(status) if status in ENDED else "",
        result if isinstance(result, dict) else {},
    )


def _told(execution: Execution) -> str:
    """What the result of a workflow itself says of its failure."""
    errors = execution.result.get("errors") or execution.result.get("tasks") or []
    for error in reversed(errors if isinstance(errors, list) else []):
        result = error.get("result") if isinstance(error, dict) else None
        if isinstance(result, dict):
            reason = Execution("", "", "failed", result).reason()
            if reason:
                return reason
    return ""
