# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a lock names directories of the controller."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._lock.places import absolute_place, relative_place


def test_directories_are_named_from_the_lock() -> None:
    for path, place in (("/site/packs/a", "./packs/a"), ("/other/a", "../other/a"), ("/site", "./.")):
        assert relative_place(path, "/site") == place and absolute_place(place, "/site") == path
