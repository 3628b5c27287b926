# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_config_info) with C(backend=api): configs as StackStorm's API shows them."""

from __future__ import annotations

import typing as t

from .._change.known import ABSENT, CURRENT, UNKNOWN
from .._config_api.options import refuse_meaningless
from .._config_api.stored import StoredConfig, observe_config
from .._content.names import check_ref
from .._deadline import Deadline
from .._errors import ForbiddenError, MissingError
from .._st2.api_client import ApiClient
from .._st2.task_client import client_for
from .._task import Result, Task
from .config_info import describe_config, result_of


def describe_configs_by_api(task: Task) -> Result:
    """As L(config_info.describe_configs). Files there are none, so that the database agrees with itself.

    :raises St2Error: for options that cannot be used, and a StackStorm that does not let one in.
    """
    refuse_meaningless(task.params)
    names = [check_ref("pack", name) for name in task.params["pack"] or ()]
    client = client_for(task, Deadline(task.params["timeout"]))
    warnings: t.List[str] = []
    try:
        refs = dict.fromkeys(names or _refs(client, warnings))
        configs = [_describe(client, ref, task, warnings) for ref in refs]
    finally:
        client.close()
    return result_of(configs, warnings)


def _refs(client: ApiClient, warnings: t.List[str]) -> t.List[str]:
    """The packs that have a config or a schema, sorted."""
    found = {str(item.get("pack")) for item in client.list("/config_schemas")}
    try:
        found |= {str(item.get("pack")) for item in client.list("/configs", {"show_secrets": "true"})}
    except MissingError as error:
        # As long as one pack has a config and no schema (models/db/pack.py ConfigDB.mask_secrets).
        warnings.append(f"Configs of packs without a schema are left out: {error.message}")
    return sorted(found)


def _describe(client: ApiClient, ref: str, task: Task, warnings: t.List[str]) -> t.Dict[str, t.Any]:
    hidden = False
    try:
        stored = observe_config(client, ref)
    except ForbiddenError as error:
        warnings.append(error.message)
        stored, hidden = StoredConfig(ref, "", True), True
    described = describe_config(ref, stored.as_file(), stored.schema, task.redactor)
    described["installed"] = stored.installed
    described["database_state"] = UNKNOWN if hidden else CURRENT if stored.values else ABSENT
    return described
