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
# Takes what writes an archive, and the name that it gets on the target; returns its path there.
Sender = t.Callable[[t.Callable[[str], None], str], str]


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
            f"{option} {given} was not found on the controller: {error} For a file on the target, use "
            f"{_ON_TARGET}/PATH."
        ) from error


class ControllerLock:
    """A lock that is on the controller.

    :arg path: Where it is.
    :raises St2Error: when it is none that can be used.
    """

    always_sends = False

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

    def sent(self, _result: t.Mapping[str, t.Any], send: Sender) -> str:
        """The option C(lock) of the module, once the content of directories was sent."""
        from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import pack_directory

        def writer(path: str) -> t.Callable[[str], None]:
            return lambda archive: pack_directory(path, archive)

        return self.for_module({ref: send(writer(path), f"locked-{ref}") for ref, path in self.directories.items()})

    def for_module(self, uploads: t.Optional[t.Mapping[str, str]] = None) -> str:
        """The option C(lock) of the module, which L(lock_options.lock_options) reads.

        :arg uploads: By ref, the archives on the target with the content of directories.
        """
        return handed_over(self._path, self._lock, uploads=dict(uploads or {}))


def handed_over(path: str, lock: Lock, **more: t.Any) -> str:
    """What the option C(lock) of the module says, without what is for people only.

    :arg path: Where the lock, or the bundle with it, is on the controller.
    """
    packs = {ref: pack._replace(title="", counts={}, signer=None) for ref, pack in lock.packs.items()}
    document = {
        "name": os.path.basename(path),
        "directory": os.path.dirname(path),
        "lock": lock_document(lock._replace(packs=packs)),
        **more,
    }
    return json.dumps(document, separators=(",", ":"))


def _read(action: ActionBase, path: str) -> Lock:
    try:
        with open(action._loader.get_real_file(path), encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError, AnsibleError) as error:
        raise AnsibleActionFail(f"The lock {path} cannot be read: {error}") from error
    return read_lock(text, os.path.basename(path))
