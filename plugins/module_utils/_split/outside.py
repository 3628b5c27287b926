# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a pack needs, or seems to need, of the repository that it is taken from."""

from __future__ import annotations

import os
import re
import typing as t

from .._content.boundary import check_boundary, listed
from .._content.origin import Resolved
from .._errors import InvalidPackError
from .._file_tree import walk_tree
from .._printable import printable
from .._source.refs import Found
from .._source.repository import Repository

if t.TYPE_CHECKING:
    from .._source.git_program import Git
    from .bare import Bare

_UP = re.compile(r"(?<![^\s'\"=(:,/$}\])])(?:\.\./)+")
_LARGEST_READ = 1 << 20
_LARGEST_POINTER = 1024
_LFS = b"version https://git-lfs.github.com/spec/v1\n"
_SUBMODULE = "160000"


def find_outside(git: Git, bare: Bare) -> t.List[str]:
    """Sentences about files that are elsewhere than in the repository of the pack.

    :raises SourceError: when its files cannot be checked out.
    :raises InvalidPackError: when there are more of them than in any pack.
    """
    directory = f"{bare.directory}-files"
    repository = Repository(git, bare.directory)
    branch = bare.head[len("refs/heads/") :]
    repository.clone(directory)
    repository.check_out(directory, Found(Resolved("default", branch, ""), bare.refs[bare.head]))
    pointers, upwards = _look_into(directory)
    return [
        *_submodules(git, bare),
        *(
            [
                "Files that Git LFS stores elsewhere, and whose rules may be in the .gitattributes of the whole "
                f"repository: {listed(pointers)}."
            ]
            if pointers
            else []
        ),
        *_links(directory),
        *([f"Files that refer to paths outside of the pack: {listed(upwards)}."] if upwards else []),
    ]


def _submodules(git: Git, bare: Bare) -> t.Iterator[str]:
    listing = git("ls-tree", "-r", "-z", bare.head, cwd=bare.directory).stdout
    found = [
        printable(record.partition("\t")[2]) for record in listing.split("\0") if record.startswith(f"{_SUBMODULE} ")
    ]
    if found:
        yield f"Submodules, whose URLs were in the .gitmodules of the whole repository: {listed(found)}."


def _links(directory: str) -> t.Iterator[str]:
    try:
        check_boundary(directory)
    except InvalidPackError as error:
        yield error.message


def _look_into(directory: str) -> t.Tuple[t.List[str], t.List[str]]:
    """The files that are pointers of Git LFS, and those with more C(..) than directories above them."""
    pointers, upwards = [], []
    for path, status in walk_tree(directory):
        full = os.path.join(directory, path)
        if os.path.islink(full) or not os.path.isfile(full) or status.st_size > _LARGEST_READ:
            continue
        with open(full, "rb") as stream:
            content = stream.read()
        if status.st_size < _LARGEST_POINTER and content.startswith(_LFS):
            pointers.append(printable(path))
        elif b"\0" not in content and names_path_above(content.decode("utf-8", "replace"), path.count("/")):
            upwards.append(printable(path))
    return pointers, upwards


def names_path_above(text: str, depth: int) -> bool:
    """Whether a text has a relative path with more C(..) than its file has directories above it."""
    return any(match.group(0).count("../") > depth for match in _UP.finditer(text))
