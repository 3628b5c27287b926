# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Directories of the controller as a lock names them: by the way from the lock, so that a checkout may lie anywhere."""

from __future__ import annotations

import os


def relative_place(path: str, beside: str) -> str:
    """How a lock in the directory C(beside) names the directory at an absolute path; begins with a dot."""
    relative = os.path.relpath(path, beside)
    return relative if relative.startswith("..") else os.path.join(".", relative)


def absolute_place(place: str, beside: str) -> str:
    """The absolute path of what L(relative_place) names."""
    return os.path.normpath(os.path.join(beside, place))
