# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a host, and no mistake of the collection, keeps a module from."""

from __future__ import annotations

import sys
import typing as t

from ._errors import HostError


def host_limit(error: Exception) -> t.Optional[HostError]:
    """The error that says so; C(None) for anything else."""
    undone = "No partial changes remain: this run or the next one restores the previous state."
    if isinstance(error, MemoryError):
        return HostError(f"The module cannot allocate the memory that it needs on this host (see ulimit -a). {undone}")
    if isinstance(error, RuntimeError) and "can't start new thread" in str(error):
        return HostError(f"The module cannot start more threads on this host (see ulimit -u). {undone}")
    if isinstance(error, UnicodeEncodeError) and "utf" not in sys.getfilesystemencoding().lower():
        return HostError(
            f"The locale of this host ({sys.getfilesystemencoding()}) has no letters for {error.object!r}, which is "
            f"to be the name of a file. Give the task a locale that has: environment: {{LC_ALL: C.UTF-8}}. {undone}"
        )
    return None
