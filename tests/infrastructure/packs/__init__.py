# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs made in code: `PackTree` writes one, `QUIRKS` is the catalogue of odd ones."""

from __future__ import annotations

from .catalogue import QUIRKS, Quirk, quirk, quirks
from .tree import ABSENT, PackTree, Tree, TreeFile, to_yaml
from .well_kept import png, well_kept

__all__ = [
    "ABSENT",
    "QUIRKS",
    "PackTree",
    "Quirk",
    "Tree",
    "TreeFile",
    "png",
    "quirk",
    "quirks",
    "to_yaml",
    "well_kept",
]
