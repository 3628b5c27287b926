# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks of what a scene serves."""

from __future__ import annotations

from e2e.scene import Scene
from infrastructure import locks


class LockFile(locks.LockFile):
    """A lock in the making, of repositories and wheels of a scene."""

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene.url, scene.packages.directory)
