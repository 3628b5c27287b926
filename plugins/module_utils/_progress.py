# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""How far a run is, in a file that the action plugin reads meanwhile (C(plugin_utils/progress.py)).

The variable C(ST2_PROGRESS_FILE) names that file. Its first line is the module's process group, by which a run is
ended; each further line says what is finished. Without the variable nothing of this happens.
"""

from __future__ import annotations

import os
import threading
import typing as t

from ._errors import St2Error
from ._printable import printable

VARIABLE = "ST2_PROGRESS_FILE"
# In place of a file: the run ends, at this step, before it begins anything that takes long.
STOP = "stop"
STEP = "progress"


class LongRunError(St2Error):
    """The run would take long, and is to be started anew in a way that shows how far it is."""

    default_step = STEP


def begin(environment: t.Optional[t.Mapping[str, str]] = None) -> None:
    """Say that something follows that takes long; to be called before each such thing.

    :raises LongRunError: when that is not to be begun.
    """
    path = (os.environ if environment is None else environment).get(VARIABLE)
    if not path:
        return
    if path == STOP:
        raise LongRunError("What is to be done takes long. Nothing was begun.")
    if _is_ours(path):
        return
    own = f"{path}.{os.getpid()}-{threading.get_ident()}"
    try:
        _append(own, str(os.getpgrp()), os.O_EXCL)
        os.link(own, path)  # Whole, and only if nobody has forbidden it by a file of that name.
    except FileExistsError:
        if not _is_ours(path):
            raise LongRunError("The run was interrupted before it began.") from None
    except OSError:
        return  # Nobody sees how far it is; that is no reason to fail.
    finally:
        if os.path.lexists(own):
            os.unlink(own)


def finished(what: str, environment: t.Optional[t.Mapping[str, str]] = None) -> None:
    """Say what is finished."""
    path = (os.environ if environment is None else environment).get(VARIABLE)
    if path and path != STOP:
        try:
            _append(path, printable(what))
        except OSError:
            return


def _is_ours(path: str) -> bool:
    """Whether this run has begun with its file, which is empty when it was forbidden."""
    try:
        return os.path.getsize(path) > 0
    except OSError:
        return False


def _append(path: str, line: str, flags: int = 0) -> None:
    flags |= os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)
