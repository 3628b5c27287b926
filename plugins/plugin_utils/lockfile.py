# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Files that an option names on the controller, and the lock among them: read here, so that no target needs YAML."""

from __future__ import annotations

import json
import os
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import Lock, lock_document, read_lock

_ON_TARGET = "file://"


def file_of_controller(action: ActionBase, option: str, given: t.Any) -> t.Optional[str]:
    """The path of a file that an option names, looked up as the C(src) of M(ansible.builtin.copy).

    :returns: C(None) for one on the target, and for what is no name, which the module refuses.
    """
    if not isinstance(given, str) or not given or given.startswith(_ON_TARGET):
        return None
    try:
        return os.path.abspath(action._find_needle("files", os.path.expanduser(given)))
    except AnsibleError as error:
        raise AnsibleActionFail(
            f"{option} {given} was not found on the controller: {error} A file on the target is named as "
            f"{_ON_TARGET}/PATH."
        ) from error


class ControllerLock:
    """A lock that is on the controller.

    :arg path: Where it is.
    :raises St2Error: when it is none that can be used.
    """

    def __init__(self, action: ActionBase, path: str) -> None:
        self._path = path
        self._lock = _read(action, path)

    @property
    def directories(self) -> t.Dict[str, str]:
        """By ref, the directories of the controller that are locked."""
        place = os.path.dirname(self._path)
        return {
            ref: os.path.normpath(os.path.join(place, pack.source, pack.subdir))
            for ref, pack in self._lock.packs.items()
            if pack.is_directory
        }

    def for_module(self, uploads: t.Optional[t.Mapping[str, str]] = None) -> str:
        """The option C(lock) of the module, which L(lock_options.lock_options) reads.

        :arg uploads: By ref, the archives on the target with the content of directories.
        """
        packs = {ref: pack._replace(title="", counts={}, signer=None) for ref, pack in self._lock.packs.items()}
        document = {
            "name": os.path.basename(self._path),
            "directory": os.path.dirname(self._path),
            "uploads": dict(uploads or {}),
            "lock": lock_document(self._lock._replace(packs=packs)),
        }
        return json.dumps(document, separators=(",", ":"))


def _read(action: ActionBase, path: str) -> Lock:
    try:
        with open(action._loader.get_real_file(path), encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError, AnsibleError) as error:
        raise AnsibleActionFail(f"The lock {path} cannot be read: {error}") from error
    return read_lock(text, os.path.basename(path))
