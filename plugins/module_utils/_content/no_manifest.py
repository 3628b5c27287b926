# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What to say of a directory that is no pack: perhaps packs lie below it."""

from __future__ import annotations

import os
import typing as t

from .._errors import InvalidPackError
from .._printable import printable
from .boundary import listed

MANIFEST = "pack.yaml"
_DEEPEST = 3
_MOST_DIRECTORIES = 500


def no_manifest(path: str, shown: str = "") -> InvalidPackError:
    """The error for a directory without C(pack.yaml).

    :arg shown: What to call it, where C(path) tells nobody anything.
    """
    where = f" ({shown})" if shown else ""
    message = f"There is no {MANIFEST}: a pack must have this file, with exactly this name, at its root{where}."
    below = packs_below(path)
    if below:
        message += f" There are packs in subdirectories ({listed(below)}). Set subdir in an item of packs."
    return InvalidPackError(message)


def packs_below(path: str) -> t.List[str]:
    """The directories with a C(pack.yaml) below a directory, as far as a short look shows them. Links are not
    followed."""
    found: t.List[str] = []
    waiting = [""]
    for _number in range(_MOST_DIRECTORIES):
        if not waiting:
            break
        directory = waiting.pop(0)
        below = _directories(os.path.join(path, directory))
        if directory and os.path.isfile(os.path.join(path, directory, MANIFEST)):
            found.append(printable(directory))
        elif directory.count("/") + bool(directory) < _DEEPEST:
            waiting += [os.path.join(directory, name) for name in below]
    return sorted(found)


def _directories(path: str) -> t.List[str]:
    """Those in a directory that are not hidden."""
    found = []
    try:
        with os.scandir(path) as entries:
            for number, entry in enumerate(entries):
                if number >= _MOST_DIRECTORIES:
                    break
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                    found.append(entry.name)
    except OSError:
        pass
    return sorted(found)
