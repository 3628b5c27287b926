# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The bundle of a task: from the option C(bundle), and what the action plugin adds to it."""

from __future__ import annotations

import json
import os
import typing as t

from .._bundle.archive import manifest_of, open_archive
from .._bundle.layout import Blob, Manifest
from .._errors import OptionError
from .lock_options import ON_TARGET, LockedDirectory, LockOptions

if t.TYPE_CHECKING:
    from .._lock.document import Lock


class Bundle(t.NamedTuple):
    """A bundle that a task installs from.

    :arg shown: What it is called, for messages.
    :arg manifest: What is in it; its lock is not there where it was handed over.
    :arg archive: On this host, the whole bundle or an archive with the blobs that were sent; C(None) for neither.
    :arg is_sent: Whether the action plugin sends the blobs that are missing.
    """

    shown: str
    manifest: Manifest
    archive: t.Optional[str]
    is_sent: bool


def options_of_bundle(params: t.Mapping[str, t.Any]) -> LockOptions:
    """The bundle of a task, with the lock that is in it.

    :raises OptionError: when there is none that can be used.
    :raises SourceError: when what is there is no bundle, or not whole.
    :raises MissingLibraryError: without PyYAML, for a file of this host.
    """
    given: str = params["bundle"]
    if not given:
        raise OptionError("bundle is empty: name a bundle.")
    if given.startswith(ON_TARGET):
        lock, directory, bundle = _read_here(given[len(ON_TARGET) :])
    else:
        lock, directory, bundle = _handed_over(given, params["lock"])
    directories = {
        ref: LockedDirectory(os.path.normpath(os.path.join(directory, pack.source, pack.subdir)))
        for ref, pack in lock.packs.items()
        if pack.is_directory
    }
    whole = params["name"] is None and params["packs"] is None
    return LockOptions(lock, f"in {bundle.shown}", params["locked"], directories, True, whole, bundle)


def _read_here(path: str) -> t.Tuple[Lock, str, Bundle]:
    from .._lock.document import read_lock

    if not os.path.isabs(path):
        raise OptionError(f"bundle is {ON_TARGET}{path}, which names no place on the target. Write file:///PATH.")
    with open_archive(path) as archive:
        manifest = manifest_of(archive)
    lock = read_lock(manifest.lock, f"the lock in {path}")
    return lock, os.path.dirname(path), Bundle(path, manifest, path, False)


def _handed_over(given: str, handed: t.Optional[str]) -> t.Tuple[Lock, str, Bundle]:
    """What the action plugin says of a bundle that is on the controller; see plugins/plugin_utils/bundle.py."""
    from .._lock.document import lock_of

    if handed is None:
        raise OptionError(
            f"{given} is a bundle on the controller, but nothing of it was sent. Run the module by Ansible, which "
            f"reads it, or name one on the target as {ON_TARGET}/PATH."
        )
    try:
        document = json.loads(handed)
        name, directory, sent = str(document["name"]), str(document["directory"]), document["bundle"]
        blobs = tuple(Blob(digest, size, kind, file, tuple(holds)) for digest, size, kind, file, holds in sent["blobs"])
        bundle = Bundle(name, Manifest("", blobs, ""), sent["archive"], True)
        lock = document["lock"]
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError("lock is set by Ansible from what bundle names. Leave it out.") from error
    return lock_of(lock, f"the lock in {name}"), directory, bundle
