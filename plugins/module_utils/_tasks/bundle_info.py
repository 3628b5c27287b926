# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""M(stackstorm.st2.st2_bundle_info): from a task to its result."""

from __future__ import annotations

from .._bundle.archive import manifest_of, open_archive
from .._bundle.report import described, line
from .._lock.document import read_lock
from .._task import Result, Task
from .bundle import absolute


def describe_bundle(task: Task) -> Result:
    """Read a bundle, every byte of it, and say what is in it.

    :raises St2Error: when it is not whole, or no bundle.
    """
    path = absolute(task, "path")
    with open_archive(path) as archive:
        manifest = manifest_of(archive)
        archive.check()
    lock = read_lock(manifest.lock, f"the lock in {path}")
    returned = {"path": path, **described(manifest, lock), "lock": manifest.lock}
    return Result(False, line(path, manifest, lock), returned)
