# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Where a pack came from, and what the version that was asked for came to."""

from __future__ import annotations

import os
import typing as t


class Source(t.NamedTuple):
    """Where a pack came from.

    :arg kind: C(git) or C(directory).
    :arg url: Without credentials; an absolute path for a directory.
    :arg subdir: The directory of the pack inside the repository, empty for its root.
    """

    kind: str
    url: str
    subdir: str = ""


class Resolved(t.NamedTuple):
    """What a requested version came to.

    :arg kind: C(default) (default branch), C(branch), C(tag), C(commit) or C(content) (a directory).
    :arg name: Of the branch or tag; empty for commits and content.
    :arg asked: The version as it was asked for, empty when none was.
    """

    kind: str
    name: str
    asked: str = ""


def source_of(url: str, subdir: str = "") -> Source:
    """The source behind a clean URL or absolute path: a local directory without C(.git) is a plain one."""
    path = url[len("file://") :] if url.startswith("file://") else url
    if os.path.isabs(path) and not is_repository(path):
        return Source("directory", os.path.normpath(path), subdir)
    if os.path.isabs(path):
        return Source("git", f"file://{os.path.normpath(path)}", subdir)
    return Source("git", url, subdir)


def is_repository(path: str) -> bool:
    """Whether a local path is a git repository: a directory with a C(.git) directory, or a bare repository.

    A C(.git) file does not count (st2common/util/pack_management.py download_pack looks for a directory).
    """
    if os.path.isdir(os.path.join(path, ".git")):
        return True
    return os.path.isfile(os.path.join(path, "HEAD")) and os.path.isdir(os.path.join(path, "objects"))
