# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The one place that knows AnsibleModule: builds it, runs the work, maps errors, redacts, exits."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._argspec import ArgumentSpec
from ._errors import MissingLibraryError, St2Error
from ._printable import printable_structure
from ._secrets import Redactor, url_secrets
from ._st2.host import Host, read_host
from ._task import Result, Task

_HIDDEN = "not shown"


class _Module(AnsibleModule):  # type: ignore[misc]  # ansible-core has no type information
    """AnsibleModule that knows all secrets in its options before it writes its invocation to the system's log.

    :arg hidden: Options whose values are not to be seen anywhere.
    :arg masked: As in L(ArgumentSpec).
    """

    params: t.Dict[str, t.Any]

    def __init__(self, hidden: t.Sequence[str], masked: t.Sequence[str], **arguments: t.Any) -> None:
        self._hidden = hidden
        self._masked = masked
        super().__init__(**arguments)

    def _log_invocation(self) -> None:
        self.no_log_values.update(self.option_secrets())
        params = self.params
        self.params = self._shown_params()
        try:
            super()._log_invocation()
        finally:
            self.params = params

    def exit_json(self, **kwargs: t.Any) -> t.NoReturn:
        kwargs.setdefault("invocation", {"module_args": self._shown_params()})
        super().exit_json(**kwargs)
        raise AssertionError("AnsibleModule has ended the process before this line.")

    def fail_json(self, msg: str, **kwargs: t.Any) -> t.NoReturn:
        kwargs.setdefault("invocation", {"module_args": self._shown_params()})
        super().fail_json(msg, **kwargs)
        raise AssertionError("AnsibleModule has ended the process before this line.")

    def _shown_params(self) -> t.Dict[str, t.Any]:
        params = getattr(self, "params", None) or {}
        return _hide(params, self._hidden)

    def option_secrets(self) -> t.Iterator[str]:
        """The secrets in the options that may stand in any text."""
        return option_secrets(_hide(self.params, self._masked))


def _hide(params: t.Mapping[str, t.Any], hidden: t.Sequence[str]) -> t.Dict[str, t.Any]:
    """Options without the values of some of them."""

    def shown(name: str, value: t.Any) -> t.Any:
        if name in hidden:
            return _without_values(value)
        if isinstance(value, list):
            return [shown(name, item) for item in value]
        if isinstance(value, dict):
            return {key: shown(f"{name}.{key}", item) for key, item in value.items()}
        return value

    return {name: shown(name, value) for name, value in params.items()}


def _without_values(value: t.Any) -> t.Any:
    """A structure with a marker for each value."""
    if isinstance(value, t.Mapping):
        return {key: _without_values(item) for key, item in value.items()}
    return None if value is None else _HIDDEN


def option_secrets(params: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """The secrets in a module's options that C(no_log) does not tell.

    Those in URLs, and a user name that stands alone, since many servers take a token as one.
    """
    beside = bool(params.get("password") or params.get("token"))
    yield from url_secrets(params, beside)
    if params.get("username") and not beside:
        yield params["username"]


def run_module(spec: ArgumentSpec, work: t.Callable[[Task], Result]) -> t.NoReturn:
    """Run a module: its whole C(main).

    :arg work: Does it; raises from the tree of St2Error, or returns a result with a failure in it.
    """
    module = _Module(spec.hidden, spec.masked, supports_check_mode=True, **spec.arguments())
    # A pack has the modes that git gives it, whatever the account's umask.
    os.umask(0o022)
    redactor = Redactor([*module.option_secrets(), *module.no_log_values])
    host: t.Optional[Host] = None
    try:
        if spec.needs_host(module.params):
            host = read_host(module.params["st2_conf"])
        task = Task(module.params, host, module.check_mode, dict(os.environ), module.tmpdir, redactor)
        result = _with_libraries(work, task, host)
    except MissingLibraryError as error:
        _respawn(module, error, host)
    except St2Error as error:
        result = Result(msg=error.message, failure=error)
    except Exception as error:
        _fail_unexpectedly(module, error, redactor)
    _exit(module, result, redactor)


def _with_libraries(work: t.Callable[[Task], Result], task: Task, host: t.Optional[Host]) -> Result:
    """Do the work; with StackStorm's libraries, when one is missing and its Python is of the version of this one. That
    spares the second process, and the imports, of a respawn.

    :raises MissingLibraryError: when one is missing all the same. Nothing has happened then.
    """
    try:
        return work(task)
    except MissingLibraryError:
        from ._st2.service_python import service_python

        libraries = service_python(task.params, host)[1] or ""
        if f"/python{sys.version_info[0]}.{sys.version_info[1]}/" not in libraries or libraries in sys.path:
            raise
        # Behind everything else: what this Python has of its own stays what it is.
        sys.path.append(libraries)
        importlib.invalidate_caches()
        return work(task)


def _exit(module: AnsibleModule, result: Result, redactor: Redactor) -> t.NoReturn:
    def shown(value: t.Any) -> t.Any:
        return printable_structure(redactor.structure(value))

    for warning in dict.fromkeys(result.warnings):
        module.warn(shown(warning))
    answer: t.Dict[str, t.Any] = {"changed": result.changed, **shown(result.returned)}
    if module._diff and result.diff:
        answer["diff"] = shown(result.diff)
    if result.failure:
        failure = result.failure
        if failure.step:
            answer["step"] = failure.step
        if failure.stderr:
            answer["stderr"] = shown(failure.stderr)
        module.fail_json(msg=shown(failure.message), **answer)
    module.exit_json(msg=shown(result.msg), **answer)
    raise AssertionError("AnsibleModule has ended the process before this line.")


def _fail_unexpectedly(module: AnsibleModule, error: Exception, redactor: Redactor) -> t.NoReturn:
    """A mistake of the collection's own. Python would print what is in hand, secrets too."""
    module.fail_json(
        msg=printable_structure(
            redactor.text(
                f"This is a mistake in stackstorm.st2, please report it: {type(error).__name__}: {error}. "
                "Nothing half done stays: what was changed is put back, by this run or the next."
            )
        ),
        exception=redactor.text(traceback.format_exc()),
        step="unexpected",
    )
    raise AssertionError("AnsibleModule has ended the process before this line.")


def _respawn(module: AnsibleModule, error: MissingLibraryError, host: t.Optional[Host]) -> t.NoReturn:
    """Go on in StackStorm's own Python, which has every library; or say what to install."""
    from ansible.module_utils.common.respawn import has_respawned, respawn_module

    from ._st2.service_python import service_python

    python = service_python(module.params, host)[0]
    if python and not has_respawned():
        respawn_module(python)  # Ends this process.
    reason = (
        f"StackStorm's own Python ({python}) lacks it too" if python else "there is no StackStorm Python on this host"
    )
    module.fail_json(msg=f"{missing_required_lib(error.library)} ({reason}.)", exception=error.traceback)
    raise AssertionError("AnsibleModule has ended the process before this line.")
