# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's side of st2_pack: directories that are here and not on the target are sent there when needed, and a
lock or bundle that is here is read here."""

from __future__ import annotations

import os
import sys
import tempfile
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

if t.TYPE_CHECKING:
    from ansible_collections.stackstorm.st2.plugins.plugin_utils.bundle import ControllerBundle
    from ansible_collections.stackstorm.st2.plugins.plugin_utils.lockfile import ControllerLock

MODULE = "stackstorm.st2.st2_pack"
# The option and its alias.
_NAMES = ("name", "pack")
_LOCAL_PREFIXES = ("/", "./", "../", "~", "file://")
# Whether a task may show how far it is. In the processes that run tasks, nothing is a terminal any more.
_PROGRESS = os.environ.get("ST2_PROGRESS", "auto")
_MAY_SHOW_PROGRESS = _PROGRESS == "always" or (_PROGRESS != "never" and sys.stdout.isatty() and sys.stderr.isatty())


class ActionModule(ActionBase):
    """Runs the module; with C(remote_src=false) it names directories by their content and sends them on demand."""

    _supports_check_mode = True
    _supports_diff = True
    _supports_async = True

    def run(self, tmp: t.Any = None, task_vars: t.Any = None) -> t.Dict[str, t.Any]:
        """Run the module once, or twice when it lacks the content of a directory."""
        super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        try:
            here = not boolean(arguments.get("remote_src", True))
        except TypeError:
            here = False  # The module says what is wrong with it.
        # What is put in place was sent when it was staged.
        swaps = arguments.get("phase") == "swap" and not self._task.check_mode
        if here and self._task.async_val and not swaps:
            raise AnsibleActionFail(
                "async requires remote_src: true, since with remote_src: false the controller has to send directories "
                "while the module runs. Copy the directory to the target first, or remove async."
            )
        lock = self._read_lock(arguments)
        if lock:
            arguments["lock"] = lock.for_module()
        if swaps:
            return self._run_without_sending(arguments, task_vars, here)
        if lock and lock.always_sends and self._task.async_val:
            raise AnsibleActionFail(
                "async cannot be used with a bundle on the controller, which has to send parts of it while the module "
                "runs. Copy the bundle to the target and use file:///PATH, or remove async."
            )
        if here or (lock and (lock.always_sends or lock.directories) and not self._task.async_val):
            return self._run_with_directories(arguments, task_vars, here, lock)
        return self._run_module(arguments, task_vars)

    def _read_lock(self, arguments: t.Mapping[str, t.Any]) -> t.Union[ControllerLock, ControllerBundle, None]:
        """The lock or bundle of the task, where that is on the controller."""
        given = next((option for option in ("lockfile", "bundle") if arguments.get(option)), None)
        if not given or arguments.get("backend") == "api":
            return None
        from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error
        from ansible_collections.stackstorm.st2.plugins.plugin_utils.lockfile import ControllerLock, file_of_controller

        path = file_of_controller(self, given, arguments[given])
        try:
            if path and given == "bundle":
                from ansible_collections.stackstorm.st2.plugins.plugin_utils.bundle import ControllerBundle

                return ControllerBundle(path)
            return ControllerLock(self, path) if path else None
        except St2Error as error:
            raise AnsibleActionFail(error.message) from error

    def _run_without_sending(self, arguments: t.Dict[str, t.Any], task_vars: t.Any, here: bool) -> t.Dict[str, t.Any]:
        """Run the module, with the directories that the task names known by their content."""
        from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error

        try:
            self._name_directories(arguments, here)
        except St2Error as error:
            raise AnsibleActionFail(error.message) from error
        return self._run_module(arguments, task_vars)

    def _name_directories(self, arguments: t.Dict[str, t.Any], here: bool) -> bool:
        """Put digests beside the directories of the controller that a task names.

        :returns: Whether it names any packs of which directories may be here.
        """
        if not here or all(arguments.get(option) is None for option in (*_NAMES, "packs")):
            return False
        items = list(self._items(arguments))
        if len(items) == 1 and not arguments.get("packs") and arguments.get("version") is not None:
            items[0]["version"] = arguments.pop("version")
        arguments["packs"] = [self._named_by_content(item) for item in items]
        for option in _NAMES:
            arguments.pop(option, None)
        return True

    def _run_with_directories(
        self,
        arguments: t.Dict[str, t.Any],
        task_vars: t.Any,
        here: bool,
        lock: t.Union[ControllerLock, ControllerBundle, None],
    ) -> t.Dict[str, t.Any]:
        """Run the module, and once more with the content of directories, or what it lacks of a bundle.

        :arg here: Whether the directories that the task names are on the controller.
        """
        # Imported here, as most tasks have no need of them.
        from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error
        from ansible_collections.stackstorm.st2.plugins.module_utils._pack.fetch import UPLOAD_STEP

        try:
            here = self._name_directories(arguments, here)
            result = self._run_module(arguments, task_vars)
            # What virtualenvs lack of a bundle may only be known when packs are there.
            for number in range(2 if lock and lock.always_sends else 1):
                if not (result.get("failed") and result.get("step") == UPLOAD_STEP):
                    break
                if here and not number:
                    arguments["packs"] = [self._sent(item) for item in arguments["packs"]]
                if lock:
                    arguments["lock"] = lock.sent(result, self._send_archive)
                result = self._run_module(arguments, task_vars)
        except St2Error as error:
            raise AnsibleActionFail(error.message) from error
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _run_module(self, arguments: t.Dict[str, t.Any], task_vars: t.Any) -> t.Dict[str, t.Any]:
        if _MAY_SHOW_PROGRESS:
            from ansible_collections.stackstorm.st2.plugins.plugin_utils import progress

            if progress.is_shown(self, arguments, always=_PROGRESS == "always"):
                return progress.run_showing_progress(self, MODULE, arguments, task_vars)
        return self._execute_module(
            module_name=MODULE, module_args=arguments, task_vars=task_vars, wrap_async=self._task.async_val
        )

    def _items(self, arguments: t.Mapping[str, t.Any]) -> t.Iterator[t.Dict[str, t.Any]]:
        names = next((arguments[option] for option in _NAMES if arguments.get(option)), [])
        packs = arguments.get("packs") or []
        if isinstance(names, str):
            names = names.split(",")
        if not isinstance(names, list) or not isinstance(packs, list):
            raise AnsibleActionFail("name must be a list of strings, and packs a list of dicts.")
        for name in names:
            yield {"source": str(name)} if self._is_local(str(name)) else {"name": str(name)}
        for item in packs:
            if not isinstance(item, dict):
                raise AnsibleActionFail(
                    "An item of packs is not a dictionary. Write it as a dictionary with name, source and version."
                )
            yield dict(item)

    def _is_local(self, name: str) -> bool:
        """Whether a name is that of a directory; C(ORG/REPO) is one as well, never a repository on GitHub."""
        return name.startswith(_LOCAL_PREFIXES) or ("/" in name and not self._has_scheme(name))

    @staticmethod
    def _has_scheme(source: str) -> bool:
        """Whether a source says by itself that it is on some server."""
        from ansible_collections.stackstorm.st2.plugins.module_utils._content.address import SCP

        return not source.startswith(_LOCAL_PREFIXES) and ("://" in source or SCP.fullmatch(source) is not None)

    def _named_by_content(self, item: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
        source = item.get("source")
        if not isinstance(source, str) or self._has_scheme(source):
            return item
        path = os.path.expanduser(source[len("file://") :] if source.startswith("file://") else source)
        try:
            path = os.path.abspath(self._find_needle("files", path))
        except AnsibleError as error:
            raise AnsibleActionFail(
                f"The pack directory {source} was not found on the controller (remote_src is false{_instead(source)}): "
                f"{error}"
            ) from error
        subdir = item.pop("subdir", None)
        path = os.path.join(path, subdir) if subdir else path
        from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest

        return {**item, "source": path, "digest": directory_digest(path)}

    def _sent(self, item: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
        source = item.get("source")
        if not isinstance(source, str) or not os.path.isabs(source):
            return item
        return {**item, "upload": self._send(source, os.path.basename(source))}

    def _send(self, directory: str, name: str) -> str:
        """Send the content of a directory.

        :returns: The path of the archive on the target.
        """
        from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import pack_directory

        return self._send_archive(lambda archive: pack_directory(directory, archive), name)

    def _send_archive(self, write: t.Callable[[str], None], name: str) -> str:
        """Send what is written into an archive.

        :arg write: Takes the path of the archive.
        :returns: Its path on the target.
        """
        target = self._connection._shell.join_path(
            self._connection._shell.tmpdir or self._make_tmp_path(), f"{name}.tar"
        )
        with tempfile.TemporaryDirectory() as temporary:
            archive = os.path.join(temporary, "pack.tar")
            write(archive)
            self._transfer_file(archive, target)
        self._fixup_perms2((os.path.dirname(target), target))
        return target


def _instead(source: str) -> str:
    """What to write instead, where a repository may have been meant."""
    return "" if source.startswith(_LOCAL_PREFIXES) else "; write a whole URL for a repository on a server"
