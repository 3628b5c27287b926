# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The whole of st2_exchange_program: the program is made of this collection on the controller, and copied."""

from __future__ import annotations

import os
import tempfile
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

DEST = "/usr/local/lib/st2-exchange/st2-exchange.pyz"
_COPIED = ("owner", "group", "mode")


class ActionModule(ActionBase):
    """Makes the program in a file of the controller, and runs ansible.builtin.copy with it."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = False
    _requires_connection = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> t.Dict[str, t.Any]:
        """Run it once."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        unknown = sorted(set(arguments) - {"dest", *_COPIED})
        if unknown:
            raise AnsibleActionFail(
                f"Unsupported parameters: {', '.join(unknown)}. Supported parameters: dest, {', '.join(_COPIED)}."
            )
        dest = arguments.get("dest") or DEST
        if not isinstance(dest, str) or not os.path.isabs(dest) or dest.endswith("/"):
            raise AnsibleActionFail(f"dest is {dest}; it must be the absolute path of the program's file.")
        with tempfile.TemporaryDirectory(prefix="st2-exchange-") as directory:
            from ansible_collections.stackstorm.st2.plugins.plugin_utils.exchange_program import write_program

            archive = os.path.join(directory, os.path.basename(dest))
            version = write_program(archive)
            result = self._copy(archive, dest, arguments, task_vars)
        if not result.get("failed"):
            result.update(dest=dest, version=version, msg=f"{dest}: {version}")
        # Where it was made means nothing to anybody.
        for name in ("src", "invocation"):
            result.pop(name, None)
        return result

    def _copy(self, archive: str, dest: str, arguments: t.Mapping[str, t.Any], task_vars: t.Any) -> t.Dict[str, t.Any]:
        task = self._task.copy()
        given = {name: arguments[name] for name in _COPIED if arguments.get(name) is not None}
        task.args = {"mode": "0644", **given, "src": archive, "dest": dest}
        copy = self._shared_loader_obj.action_loader.get(
            "ansible.builtin.copy",
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        result: t.Dict[str, t.Any] = copy.run(task_vars=task_vars)
        return result
