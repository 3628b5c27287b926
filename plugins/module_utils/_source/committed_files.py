# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Files of a commit, as git lists them."""

from __future__ import annotations

import os
import typing as t


class CommittedFile(t.NamedTuple):
    """A file of a commit.

    :arg path: Inside the repository, with C(/).
    :arg mode: As git has it, such as C(100755), C(120000) for a link, C(160000) for a submodule.
    :arg blob: The id of its content.
    :arg size: In bytes; 0 for a submodule.
    """

    path: str
    mode: str
    blob: str
    size: int


def path_on_disk(path: str) -> str:
    """A path that git says as Python has it, also in a locale of other letters than those of git."""
    return os.fsdecode(path.encode("utf-8", "surrogateescape"))


def parse_file(record: str) -> CommittedFile:
    """One line of C(git ls-tree --long); a submodule has no size."""
    head, _tab, path = record.partition("\t")
    mode, _kind, blob, size = [*head.split(), "", "", "", ""][:4]
    return CommittedFile(path_on_disk(path), mode, blob, int(size) if size.isdigit() else 0)
