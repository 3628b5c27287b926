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
    host_options,
    pack_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result, Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs

SPEC = pack_options().merge(access_options()).merge(registration_options()).merge(host_options())


def run(host: ScratchHost, arguments: t.Mapping[str, t.Any], *, check: bool = False) -> Result:
    """Do what the module does with these arguments; an error is in the result, as a failed task has it."""
    defaults = {name: option.get("default") for name, option in SPEC.options.items()}
    params = {**defaults, "st2_conf": str(host.st2_conf), **arguments}
    scratch = tempfile.mkdtemp(dir=host.tmp)
    environment = {**host.environment(), "PATH": os.environ["PATH"]}
    try:
        task = Task(params, read_host(params["st2_conf"], environment), check, environment, scratch, Redactor())
        return converge_packs(task)
    except St2Error as error:
        return Result(failure=error)
    finally:
        shutil.rmtree(scratch)


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
