# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The lock of a task: from the option C(lockfile), and what the action plugin adds to it."""

from __future__ import annotations

import json
import os
import typing as t

from .._content.request import PackRequest
from .._errors import OptionError
from .._lock.places import absolute_place

if t.TYPE_CHECKING:
    from .._lock.document import Lock
    from .bundle_options import Bundle

ON_TARGET = "file://"


class LockedDirectory(t.NamedTuple):
    """A directory of a lock.

    :arg path: Absolute, on the controller or on this host.
    :arg upload: Archive on this host with its content; C(None) where it was not sent.
    """

    path: str
    upload: t.Optional[str] = None


class LockOptions(t.NamedTuple):
    """A lock with all that a task says about it; fields as in L(options.Options)."""

    lock: Lock
    lockfile: str
    locked: str
    lock_directories: t.Mapping[str, LockedDirectory]
    lock_on_controller: bool
    lock_is_asked_for: bool
    bundle: t.Optional[Bundle] = None


def lock_options(params: t.Mapping[str, t.Any]) -> LockOptions:
    """The lock of a task.

    :raises OptionError: when there is none that can be used.
    :raises MissingLibraryError: without PyYAML, for a file of this host.
    """
    if params["bundle"] is not None:
        from .bundle_options import options_of_bundle

        return options_of_bundle(params)
    lockfile: str = params["lockfile"]
    if not lockfile:
        raise OptionError("lockfile is empty: name a lock.")
    if lockfile.startswith(ON_TARGET):
        lock, name, directory, uploads = _read_here(lockfile[len(ON_TARGET) :])
    else:
        lock, name, directory, uploads = _handed_over(lockfile, params["lock"])
    directories = {
        ref: LockedDirectory(absolute_place(os.path.join(pack.source, pack.subdir), directory), uploads.get(ref))
        for ref, pack in lock.packs.items()
        if pack.is_directory
    }
    whole = params["name"] is None and params["packs"] is None
    return LockOptions(lock, name, params["locked"], directories, not lockfile.startswith(ON_TARGET), whole)


Given = t.Tuple["Lock", str, str, t.Mapping[str, str]]


def _read_here(path: str) -> Given:
    from .._lock.document import read_lock

    if not os.path.isabs(path):
        raise OptionError(f"lockfile is {ON_TARGET}{path}, which names no place on the target. Write file:///PATH.")
    try:
        with open(path, encoding="utf-8") as stream:
            text = stream.read()
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"The lock {path} on the target cannot be read: {error}.") from error
    return read_lock(text, path), path, os.path.dirname(path), {}


def _handed_over(lockfile: str, handed: t.Optional[str]) -> Given:
    """What the action plugin says of a lock that is on the controller; see plugins/plugin_utils/lockfile.py."""
    from .._lock.document import lock_of

    if handed is None:
        raise OptionError(
            f"{lockfile} is a lock on the controller, but what it holds was not sent. Run the module by Ansible, which "
            f"reads it, or name one on the target as {ON_TARGET}/PATH."
        )
    try:
        document = json.loads(handed)
        name, directory, uploads = str(document["name"]), str(document["directory"]), dict(document["uploads"])
        lock = document["lock"]
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError("lock is set by Ansible from what lockfile names. Leave it out.") from error
    return lock_of(lock, name), name, directory, uploads


def requests_for_all(lock: Lock, params: t.Mapping[str, t.Any]) -> t.List[PackRequest]:
    """The requests of a task that names no pack: all that is locked.

    :raises OptionError: for a task that would remove all of it.
    """
    if params["state"] == "absent":
        raise OptionError(
            "state=absent with a lock but without names would remove all locked packs. Name the packs to remove."
        )
    return [
        PackRequest(next(iter(pack.requested), ref), name=ref, state=params["state"])
        for ref, pack in sorted(lock.packs.items())
    ]
