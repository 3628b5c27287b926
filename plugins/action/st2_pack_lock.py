# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of st2_pack_lock: the lock, and directories of packs, are found as st2_pack finds them."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.stackstorm.st2.plugins.action.st2_pack import _NAMES
from ansible_collections.stackstorm.st2.plugins.action.st2_pack import ActionModule as PackAction

MODULE = "stackstorm.st2.st2_pack_lock"


class ActionModule(PackAction):
    """Runs the module with absolute paths in place of those that the task has."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> t.Dict[str, t.Any]:
        """Run the module once."""
        ActionBase.run(self, tmp, task_vars)
        arguments = dict(self._task.args)
        path = arguments.get("path")
        if isinstance(path, str) and path and not path.startswith("~"):
            arguments["path"] = self._loader.path_dwim(path)
        try:
            here = not boolean(arguments.get("remote_src", True))
        except TypeError:
            here = False  # The module says what is wrong with it.
        if here and any(arguments.get(option) is not None for option in (*_NAMES, "packs")):
            arguments["packs"] = self._found_here(arguments)
            for option in _NAMES:
                arguments.pop(option, None)
        return self._execute_module(
            module_name=MODULE, module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val
        )

    def _found_here(self, arguments: t.Mapping[str, t.Any]) -> t.List[t.Dict[str, t.Any]]:
        from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error

        try:
            return [self._named_by_content(item) for item in self._items(arguments)]
        except St2Error as error:
            raise AnsibleActionFail(error.message) from error
