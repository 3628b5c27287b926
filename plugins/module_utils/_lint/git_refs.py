# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Tags and HEAD of the repository that a pack is in, read from its files.

No git is started: what the settings of a repository say, git may run.
"""

from __future__ import annotations

import os
import re
import typing as t
import zlib

from .._files import read_regular_file

_MOST_REFS = 8 << 20
_MOST_REF = 4096
_MOST_TAGS = 20_000
_MOST_OBJECT = 1 << 16
_ID = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?\Z")
_OBJECT = re.compile(rb"tag [0-9]+\0object ([0-9a-f]{40,64})\n")
_TAGS = "refs/tags/"


class Refs(t.NamedTuple):
    """What a repository says.

    :arg tags: The commit of every tag, C(None) where that is not known without git.
    :arg head: The commit of HEAD, likewise.
    """

    tags: t.Mapping[str, t.Optional[str]]
    head: t.Optional[str]


def read_refs(directory: str) -> t.Optional[Refs]:
    """The tags and HEAD of a repository or work tree; C(None) where a directory is none."""
    own = _git_directory(directory)
    if own is None:
        return None
    common = _text(os.path.join(own, "commondir"))
    shared = os.path.normpath(os.path.join(own, common)) if common else own
    packed = _packed(shared)
    tags: t.Dict[str, t.Optional[str]] = {
        name[len(_TAGS) :]: commit for name, commit in packed.items() if name.startswith(_TAGS)
    }
    for name in _loose(os.path.join(shared, "refs", "tags")):
        value = _text(os.path.join(shared, "refs", "tags", name))
        if value and _ID.match(value):
            tags[name] = _peeled(shared, value)
    return Refs(tags, _head(own, shared, packed))


def _git_directory(directory: str) -> t.Optional[str]:
    path = os.path.join(directory, ".git")
    if os.path.isdir(path):
        return path
    text = _text(path)
    if text and text.startswith("gitdir: "):
        found = os.path.normpath(os.path.join(directory, text[len("gitdir: ") :]))
        return found if os.path.isdir(found) else None
    return None


def _text(path: str, most_bytes: int = _MOST_REF) -> str:
    try:
        return read_regular_file(path, most_bytes).decode("utf-8", "replace").rstrip("\n")
    except OSError:
        return ""


def _packed(shared: str) -> t.Dict[str, str]:
    """The packed references, annotated tags as the commits that they stand for."""
    found: t.Dict[str, str] = {}
    last = ""
    for line in _text(os.path.join(shared, "packed-refs"), _MOST_REFS).splitlines()[: 2 * _MOST_TAGS]:
        if line.startswith("^") and last:
            found[last] = line[1:]
        elif line[:1] not in ("#", "^"):
            value, _blank, last = line.partition(" ")
            found[last] = value
    return found


def _loose(directory: str) -> t.Iterator[str]:
    waiting, left = [""], _MOST_TAGS
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(os.path.join(directory, below)) as entries:
                for entry in entries:
                    left -= 1
                    if left < 0:
                        return
                    name = f"{below}/{entry.name}" if below else entry.name
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(name)
                    else:
                        yield name
        except OSError:
            continue


def _peeled(shared: str, value: str) -> t.Optional[str]:
    """The commit of a tag: of an annotated one the commit that its object names, if that is a file of its own."""
    path = os.path.join(shared, "objects", value[:2], value[2:])
    try:
        content = zlib.decompressobj().decompress(read_regular_file(path, _MOST_OBJECT), _MOST_REF)
    except (OSError, zlib.error):
        return None
    if content.startswith(b"commit "):
        return value
    match = _OBJECT.match(content)
    return match.group(1).decode("ascii") if match else None


def _head(own: str, shared: str, packed: t.Mapping[str, str]) -> t.Optional[str]:
    text = _text(os.path.join(own, "HEAD"))
    if text.startswith("ref: "):
        name = text[len("ref: ") :]
        if ".." in name or name.startswith("/"):
            return None
        text = _text(os.path.join(shared, name)) or packed.get(name, "")
    return text if _ID.match(text) else None
