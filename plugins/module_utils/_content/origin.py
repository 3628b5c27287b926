# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Where a pack came from, and what the version that was asked for came to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """Where a pack came from.

    :arg kind: C(git) or C(directory).
    :arg url: Without credentials; an absolute path for a directory.
    :arg subdir: The directory of the pack inside the repository, empty for its root.
    """

    kind: str
    url: str
    subdir: str = ""


@dataclass(frozen=True)
class Resolved:
    """What a requested version came to.

    :arg kind: C(default) (default branch), C(branch), C(tag), C(commit) or C(content) (a directory).
    :arg name: Of the branch or tag; empty for commits and content.
    :arg asked: The version as it was asked for, empty when none was.
    """

    kind: str
    name: str
    asked: str = ""
