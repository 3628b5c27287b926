# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The one place that knows AnsibleModule: builds it, runs the work, maps errors, redacts, exits."""

from __future__ import annotations

import os
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

# pylint: disable-next=unused-import  # It works by being imported, before the others.
from . import _zip_imports  # noqa: F401  # As above.
from ._argspec import ArgumentSpec, Option
from ._errors import MissingLibraryError, St2Error
from ._printable import every_text, printable_lines
from ._secrets import Redactor, strip_urls, url_secrets
from ._st2.host import Host, read_host
from ._task import Result, Task

_HIDDEN = "not shown"
_NO_LOG = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
_Params = t.Dict[str, t.Any]


class _Module(AnsibleModule):  # type: ignore[misc]  # ansible-core has no type information
    """AnsibleModule that hides secrets by the option that they stand in.

    Ansible looks for the values of C(no_log) options in all that a module returns. These may be ordinary words, and
    refs, paths, steps and keys would be masked with them, so that it is only let do so in the system's log.
    """

    params: _Params

    def __init__(self, spec: ArgumentSpec) -> None:
        self._markers = {**dict.fromkeys(_no_log(spec.options), _NO_LOG), **dict.fromkeys(spec.hidden, _HIDDEN)}
        self._is_built = False
        self.params = {}
        super().__init__(supports_check_mode=True, **spec.arguments())
        self._is_built = True
        self.redactor = self._make_redactor()
        self.no_log_values.clear()

    def _make_redactor(self) -> Redactor:
        secrets = [*option_secrets(self.params), *self.no_log_values]
        return Redactor(secrets, public=(self.argument_spec, self._shown_params()))

    def _load_params(self) -> None:
        super()._load_params()
        # Nulls are options that are not given; AnsibleModule would not count them as missing.
        self.params = {name: value for name, value in self.params.items() if value is not None}

    def _log_invocation(self) -> None:
        self.no_log_values.update(option_secrets(self.params))
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
        if not self._is_built:
            # What Ansible says of options that it refuses may hold what is wrong.
            from ._refused_options import refusal

            self.redactor = self._make_redactor()
            msg = self.learn_hidden().text(refusal(self, msg))
            self.no_log_values.clear()
        kwargs.setdefault("invocation", {"module_args": self._shown_params()})
        super().fail_json(msg, **kwargs)
        raise AssertionError("AnsibleModule has ended the process before this line.")

    def _shown_params(self) -> _Params:
        markers = {**self._markers, "username": _HIDDEN} if _lone_username(self.params) else self._markers
        return t.cast(_Params, every_text(_hide(self.params, markers), strip_urls))

    def learn_hidden(self) -> Redactor:
        """The redactor with every hidden value, secret or not."""
        from ._foreign_text import values_of

        for value in values_of(self._markers, self.params):
            self.redactor.add(value)
        return self.redactor


def _no_log(options: t.Mapping[str, Option], prefix: str = "") -> t.Iterator[str]:
    """The options, and options of options, that Ansible does not log."""
    for name, option in options.items():
        if option.get("no_log"):
            yield prefix + name
        yield from _no_log(option.get("options") or {}, f"{prefix}{name}.")


def _hide(params: t.Mapping[str, t.Any], markers: t.Mapping[str, str]) -> _Params:
    """Options with markers for some of their values."""

    def shown(name: str, value: t.Any) -> t.Any:
        if name in markers:
            return _without_values(value, markers[name])
        if isinstance(value, list):
            return [shown(name, item) for item in value]
        if isinstance(value, dict):
            return {key: shown(f"{name}.{key}", item) for key, item in value.items()}
        return value

    return {name: shown(name, value) for name, value in params.items()}


def _without_values(value: t.Any, marker: str) -> t.Any:
    """A structure with a marker for each value."""
    if isinstance(value, t.Mapping):
        return {key: _without_values(item, marker) for key, item in value.items()}
    return None if value is None else marker


def option_secrets(params: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """The secrets in options that C(no_log) does not tell: in URLs, and a lone user name, which may be a token."""
    yield from url_secrets(params, bool(params.get("password") or params.get("token")))
    if _lone_username(params):
        yield str(params["username"])


def _lone_username(params: t.Mapping[str, t.Any]) -> bool:
    return bool(params.get("username") and not (params.get("password") or params.get("token")))


def run_module(spec: ArgumentSpec, work: t.Callable[[Task], Result]) -> t.NoReturn:
    """Run a module: its whole C(main).

    :arg work: Does it; raises from the tree of St2Error, or returns a result with a failure in it.
    """
    module = _Module(spec)
    # A pack has the modes that git gives it, whatever the account's umask.
    os.umask(0o022)
    host: t.Optional[Host] = None
    try:
        if module.params.get("timeout", 1) < 1 or "" in module.params.values() or [""] in module.params.values():
            from ._refused_options import refuse_values

            refuse_values(module.params)
        if spec.needs_host(module.params):
            host = read_host(module.params["st2_conf"])
        task = Task(module.params, host, module.check_mode, dict(os.environ), module.tmpdir, module.redactor)
        result = _with_libraries(work, task, host)
    except MissingLibraryError as error:
        _respawn(module, error, host)
    except St2Error as error:
        result = Result(msg=error.message, failure=error)
    except Exception as error:
        from ._host_limits import host_limit

        result = Result(failure=host_limit(error) or _fail_unexpectedly(module, error))
    _exit(module, result)


def _with_libraries(work: t.Callable[[Task], Result], task: Task, host: t.Optional[Host]) -> Result:
    """Do the work; with StackStorm's libraries, when one is missing and its Python is of the version of this one.

    :raises MissingLibraryError: when one is missing all the same. Nothing has happened then.
    """
    try:
        return work(task)
    except MissingLibraryError:
        from ._missing_library import borrow_libraries

        if not borrow_libraries(task.params, host):
            raise
        return work(task)


def _exit(module: _Module, result: Result) -> t.NoReturn:
    def shown(value: t.Any) -> t.Any:
        return every_text(value, lambda text: printable_lines(strip_urls(text)))

    def told(value: t.Any) -> t.Any:
        return every_text(value, lambda text: printable_lines(module.redactor.own_text(text)))

    for warning in dict.fromkeys(result.warnings):
        module.warn(told(warning))
    returned = shown(result.returned)
    if not (module._verbosity or module._name.endswith("_info")):  # What is asked for is all there.
        returned = {name: _short(value) for name, value in returned.items() if value is not None}
    answer: t.Dict[str, t.Any] = {"changed": result.changed, **returned}
    if module._diff and result.diff:
        answer["diff"] = told(result.diff)
    if result.failure:
        failure = result.failure
        if failure.step:
            answer["step"] = failure.step
        if failure.stderr:
            answer["stderr"] = told(failure.stderr)
        module.fail_json(msg=told(failure.message), **answer)
    module.exit_json(msg=told(result.msg), **answer)


def _short(value: t.Any, depth: int = 2) -> t.Any:
    """Dicts without what is null, empty, or as it was (C(before)). What dicts in them hold is not ours."""
    if isinstance(value, list):
        return [_short(item, depth) if isinstance(item, dict) else item for item in value]
    if not isinstance(value, dict) or not depth:
        return value
    fields = [one for one in value.items() if one[1] not in (None, [], {}) and one != ("before", value.get("after"))]
    return {name: _short(field, depth - 1) if isinstance(field, list) else field for name, field in fields}


def _fail_unexpectedly(module: _Module, error: Exception) -> t.NoReturn:
    """A mistake of the collection's own. Python would print what is in hand, secrets too."""
    redactor = module.learn_hidden()
    what = printable_lines(redactor.any_text(f"{type(error).__name__}: {error}"))
    module.fail_json(
        msg=f"This is a bug in stackstorm.st2, please report it: {what}. "
        "No partial changes remain: this run or the next one restores the previous state.",
        exception=redactor.any_text(traceback.format_exc()),
        step="unexpected",
    )


def _respawn(module: AnsibleModule, error: MissingLibraryError, host: t.Optional[Host]) -> t.NoReturn:
    """Go on in StackStorm's own Python, which has every library, if Ansible runs there; or say what to install."""
    from ansible.module_utils import basic
    from ansible.module_utils.common.respawn import has_respawned, respawn_module

    from ._missing_library import missing, own_python

    python, old = own_python(module.params, host, getattr(basic, "_PY_MIN", (3, 8)))
    if python and not old and not has_respawned():
        respawn_module(python)  # Ends this process.
    names, reason = missing(error.library, python, old)
    module.fail_json(msg=f"{missing_required_lib(names)} ({reason}.)", exception=error.traceback)
    raise AssertionError("AnsibleModule has ended the process before this line.")
