# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Files by which a push, or somebody elsewhere, asks for a run."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t

from .._errors import ApplyError
from .settings import Settings

PUSHED = "pushed"
UPDATE = "update"
# A burst of pushes is one run; one that never ends gets a run, too.
_QUIET_SECONDS = 2.0
_MOST_SECONDS = 60.0
_POLL_SECONDS = 0.2


def take_triggers(
    settings: Settings, names: t.Sequence[str], sleep: t.Callable[[float], None] = time.sleep
) -> t.List[str]:
    """Wait until nobody has touched the files for a while, and remove them. What is asked for from now on makes
    another run.

    :returns: The names of those that were there.
    :raises ApplyError: when one cannot be removed, as it would ask for runs for ever.
    """
    paths = {name: os.path.join(settings.triggers_dir, name) for name in names}
    _settle(list(paths.values()), sleep)
    taken = []
    for name, path in paths.items():
        try:
            os.unlink(path)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise ApplyError(f"The file {path} asks for a run and cannot be removed: {error.strerror}.") from error
        taken.append(name)
    return taken


def _settle(paths: t.Sequence[str], sleep: t.Callable[[float], None]) -> None:
    end = time.monotonic() + _MOST_SECONDS
    before, since = _times(paths), time.monotonic()
    if not before or time.time() - max(before) >= _QUIET_SECONDS:
        return
    while time.monotonic() < end and time.monotonic() - since < _QUIET_SECONDS:
        sleep(_POLL_SECONDS)
        now = _times(paths)
        if now != before:
            before, since = now, time.monotonic()


def _times(paths: t.Sequence[str]) -> t.List[float]:
    found = []
    for path in paths:
        with contextlib.suppress(OSError):
            found.append(os.lstat(path).st_mtime)
    return found
