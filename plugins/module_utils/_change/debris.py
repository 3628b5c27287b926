# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What runs that were killed left in staging directories, told from what somebody is still at work on."""

from __future__ import annotations

import json
import os
import re
import time
import typing as t

from .._own_directory import OwnDirectory, open_own_directory
from .liveness import Owner, owner_from
from .lock import HostLock
from .staging import OWNER_FILE

_NAME = re.compile(r"([0-9a-f]{16})-[0-9a-f]{8}")
_MOST_BYTES = 4096
# After that, nobody works on what does not say whose it is.
_HOURS = 6


def debris(stagings: t.Iterable[str], lock: HostLock) -> t.List[str]:
    """What runs that were killed left in staging directories: what was staged under the lock that this run holds, or
    by a process of this host that is gone. Other hosts may work under other locks; what is theirs is left alone.

    :raises HostError: when what has the name of a staging directory is not the collection's own.
    """
    found = []
    for staging in stagings:
        directory = open_own_directory(staging)
        if directory is not None:
            with directory:
                found += [f"{staging}/{name}" for name in directory.names() if _is_debris(directory, name, lock)]
    return found


def _is_debris(directory: OwnDirectory, name: str, lock: HostLock) -> bool:
    match = _NAME.fullmatch(name)
    if match and lock.held and match.group(1) == lock.id:
        return True
    owner = _owner_of(directory, name)
    if owner is not None:
        return owner.is_gone()
    try:
        age = time.time() - os.lstat(directory.at(name)).st_mtime
    except FileNotFoundError:
        return False
    return lock.held and age > _HOURS * 3600


def _owner_of(directory: OwnDirectory, name: str) -> t.Optional[Owner]:
    if os.path.islink(directory.at(name)):
        return None
    try:
        return owner_from(json.loads(directory.read(f"{name}/{OWNER_FILE}", _MOST_BYTES)))
    except (OSError, ValueError):
        return None
