# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of st2_index: the style sheets and scripts of the page are in the collection, and sent."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.stackstorm.st2.plugins.action.st2_pack import ActionModule as PackAction

MODULE = "stackstorm.st2.st2_index"


class ActionModule(PackAction):
    """Runs the module with what the page needs, where one is to be made."""

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> t.Dict[str, t.Any]:
        """Run the module once."""
        ActionBase.run(self, tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            with_page = boolean(arguments.get("page") or False)
        except TypeError:
            with_page = False  # The module says what is wrong with it.
        if with_page:
            from ansible_collections.stackstorm.st2.plugins.plugin_utils.index_page import write_assets

            arguments["page_assets"] = self._send_archive(write_assets, "page")
        return self._execute_module(
            module_name=MODULE, module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val
        )
