# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs of the work below the module boundary, in this process: fast enough for hundreds of generated worlds."""

from __future__ import annotations

import os
import shutil
import tempfile
import typing as t

from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    connection_options,
    host_options,
    pack_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._config.argspec import config_options
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._override.argspec import override_options
from ansible_collections.stackstorm.st2.plugins.module_utils._register.argspec import register_options
from ansible_collections.stackstorm.st2.plugins.module_utils._rollback.argspec import rollback_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result, Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config import converge_config
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override import converge_override
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.register import register_packs
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.rollback import roll_back

_COMMON = connection_options().merge(registration_options()).merge(host_options())
MODULES: t.Mapping[str, t.Tuple[t.Any, t.Callable[[Task], Result]]] = {
    "st2_pack": (pack_options().merge(access_options()).merge(_COMMON), converge_packs),
    "st2_pack_config": (config_options().merge(_COMMON), converge_config),
    "st2_override": (override_options().merge(_COMMON), converge_override),
    "st2_register": (register_options().merge(_COMMON), register_packs),
    "st2_rollback": (rollback_options().merge(_COMMON), roll_back),
}


def run(
    host: ScratchHost,
    arguments: t.Mapping[str, t.Any],
    *,
    check: bool = False,
    module: str = "st2_pack",
) -> Result:
    """Do what a module does with these arguments; an error is in the result, as a failed task has it."""
    spec, work = MODULES[module]
    params = {**filled(spec.options, arguments), "st2_conf": str(host.st2_conf)}
    scratch = tempfile.mkdtemp(dir=host.tmp)
    environment = {**host.environment(), "PATH": os.environ["PATH"]}
    try:
        return work(Task(params, read_host(params["st2_conf"], environment), check, environment, scratch, Redactor()))
    except St2Error as error:
        return Result(failure=error)
    finally:
        shutil.rmtree(scratch)


def filled(options: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """The arguments with everything in them that Ansible would fill in, also in options of options."""
    found: t.Dict[str, t.Any] = {name: option.get("default") for name, option in options.items()}
    for name, value in given.items():
        inner = options[name].get("options")
        if inner and isinstance(value, list):
            found[name] = [filled(inner, item) for item in value]
        else:
            found[name] = filled(inner, value) if inner and value is not None else value
    return found


def words(result: Result) -> t.Dict[str, t.Any]:
    """Everything a result says, so that two results can be compared."""
    failure = result.failure
    return {
        "changed": result.changed,
        "msg": result.msg,
        "packs": result.returned.get("packs"),
        "diff": result.diff,
        "failure": (failure.step, failure.message, failure.ref) if failure else None,
    }
