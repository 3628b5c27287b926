# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The one place that knows AnsibleModule: builds it, runs the work, maps errors, redacts, exits."""

from __future__ import annotations

import os
import typing as t

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import has_respawned, respawn_module

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import ArgumentSpec
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import MissingLibraryError, St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor, url_secrets
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import Host, read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result, Task


class _Module(AnsibleModule):  # type: ignore[misc]  # ansible-core has no type information
    """AnsibleModule that knows the secrets in URLs before it writes its invocation to the system's log."""

    def _log_invocation(self) -> None:
        self.no_log_values.update(url_secrets(self.params))
        super()._log_invocation()


def run_module(spec: ArgumentSpec, work: t.Callable[[Task], Result]) -> t.NoReturn:
    """Run a module: its whole C(main).

    :arg work: Does it; raises from the tree of St2Error, or returns a result with a failure in it.
    """
    module = _Module(supports_check_mode=True, **spec.arguments())
    # A pack has the modes that git gives it, whatever the account's umask.
    os.umask(0o022)
    redactor = Redactor([*url_secrets(module.params), *module.no_log_values])
    host: t.Optional[Host] = None
    try:
        host = read_host(module.params["st2_conf"])
        task = Task(module.params, host, module.check_mode, dict(os.environ), module.tmpdir, redactor)
        result = work(task)
    except MissingLibraryError as error:
        _respawn(module, error, host)
    except St2Error as error:
        result = Result(msg=error.message, failure=error)
    _exit(module, result, redactor)


def _exit(module: AnsibleModule, result: Result, redactor: Redactor) -> t.NoReturn:
    for warning in dict.fromkeys(result.warnings):
        module.warn(redactor.text(warning))
    answer: t.Dict[str, t.Any] = {"changed": result.changed, **redactor.structure(result.returned)}
    if module._diff and result.diff:
        answer["diff"] = redactor.structure(result.diff)
    if result.failure:
        failure = result.failure
        if failure.step:
            answer["step"] = failure.step
        if failure.stderr:
            answer["stderr"] = redactor.text(failure.stderr)
        module.fail_json(msg=redactor.text(failure.message), **answer)
    module.exit_json(msg=redactor.text(result.msg), **answer)
    raise AssertionError("AnsibleModule has ended the process before this line.")


def _respawn(module: AnsibleModule, error: MissingLibraryError, host: t.Optional[Host]) -> t.NoReturn:
    """Go on in StackStorm's own Python, which has every library; or say what to install."""
    python = host.st2_python if host else None
    if python and not has_respawned():
        respawn_module(python)  # Ends this process.
    reason = (
        f"StackStorm's own Python ({python}) lacks it too" if python else "there is no StackStorm Python on this host"
    )
    module.fail_json(msg=f"{missing_required_lib(error.library)} ({reason}.)", exception=error.traceback)
    raise AssertionError("AnsibleModule has ended the process before this line.")
