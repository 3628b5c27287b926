# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Files that git keeps elsewhere (Git LFS): in the repository is a pointer, on disk the content or that same pointer.

What a pack is known by is what git has, so that hosts with and without git-lfs agree.
"""

from __future__ import annotations

import hashlib
import os
import re
import typing as t

if t.TYPE_CHECKING:
    from ._file_tree import TreeEntry

# github.com/git-lfs/git-lfs docs/spec.md
_POINTER = re.compile(
    rb"version https://git-lfs\.github\.com/spec/v1\n(?:ext-[^\n]*\n)*oid sha256:([0-9a-f]{64})\nsize ([0-9]{1,18})\n\Z"
)
MOST_POINTER_BYTES = 1024
_ATTRIBUTES = ".gitattributes"
_MOST_ATTRIBUTES_BYTES = 1 << 20
_MOST_WILDCARDS = 8
_PART = re.compile(r"\*\*/|/\*\*$|\*+|\?|\[[^]/]+\]|.", re.DOTALL)


class Pointer(t.NamedTuple):
    """What git has of a file: digest and size of its content."""

    oid: str
    size: int

    def text(self) -> bytes:
        """The bytes of the pointer, as git-lfs writes them."""
        return f"version https://git-lfs.github.com/spec/v1\noid sha256:{self.oid}\nsize {self.size}\n".encode()


def parse_pointer(content: bytes) -> t.Optional[Pointer]:
    """The pointer that a file is; C(None) for any other content."""
    found = _POINTER.match(content) if len(content) <= MOST_POINTER_BYTES else None
    return Pointer(found.group(1).decode(), int(found.group(2))) if found else None


def read_pointer(path: str) -> t.Optional[Pointer]:
    """The pointer that a file on disk is; C(None) for anything else."""
    if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > MOST_POINTER_BYTES:
        return None
    with open(path, "rb") as stream:
        return parse_pointer(stream.read(MOST_POINTER_BYTES + 1))


def as_git_has(root: str, entries: t.List[TreeEntry]) -> t.List[TreeEntry]:
    """The entries of a tree, with the digest of the pointer for each file that git keeps elsewhere."""
    attributes = [entry.path for entry in entries if os.path.basename(entry.path) == _ATTRIBUTES]
    if not attributes:
        return entries
    rules = _Rules(root, attributes)
    found = []
    for entry in entries:
        path = os.path.join(root, entry.path)
        if entry.kind == "file" and rules.elsewhere(entry.path) and read_pointer(path) is None:
            pointer = Pointer(entry.digest, os.path.getsize(path))
            entry = entry._replace(digest=hashlib.sha256(pointer.text()).hexdigest())
        found.append(entry)
    return found


class _Rules:
    """Which files a tree keeps elsewhere, by the files of attributes in it (gitattributes(5))."""

    def __init__(self, root: str, paths: t.Iterable[str]) -> None:
        self._rules: t.Dict[str, t.List[t.Tuple[t.Pattern[str], bool, bool]]] = {}
        for path in paths:
            full = os.path.join(root, path)
            if os.path.isfile(full) and not os.path.islink(full) and os.path.getsize(full) <= _MOST_ATTRIBUTES_BYTES:
                with open(full, encoding="utf-8", errors="surrogateescape") as stream:
                    self._rules[os.path.dirname(path)] = list(_parse(stream.read()))

    def elsewhere(self, path: str) -> bool:
        """Whether git keeps the content of a file elsewhere; the file of attributes that is nearest decides."""
        parts = path.split("/")
        answer = False
        for depth in range(len(parts)):
            for pattern, whole, lfs in self._rules.get("/".join(parts[:depth]), ()):
                if pattern.fullmatch("/".join(parts[depth:]) if whole else parts[-1]):
                    answer = lfs
        return answer


def _parse(text: str) -> t.Iterator[t.Tuple[t.Pattern[str], bool, bool]]:
    """Pattern, whether it is one of a whole path, and whether what it is about is kept elsewhere."""
    for line in text.splitlines():
        words = line.split()
        if not words or words[0].startswith(("#", "[attr]", "!")):
            continue
        filters = [word for word in words[1:] if word.lstrip("-!").partition("=")[0] == "filter"]
        pattern = words[0].strip('"')
        if filters and pattern.count("*") + pattern.count("?") <= _MOST_WILDCARDS:
            yield _regular(pattern.lstrip("/")), "/" in pattern, filters[-1] == "filter=lfs"


def _regular(pattern: str) -> t.Pattern[str]:
    parts = []
    for part in _PART.findall(pattern):
        if part == "**/":
            parts.append("(?:.*/)?")
        elif part == "/**":
            parts.append("/.*")
        elif part.startswith("*"):
            parts.append("[^/]*")
        elif part == "?":
            parts.append("[^/]")
        elif len(part) > 1:
            parts.append("[" + ("^" + re.escape(part[2:-1]) if part[1] in "!^" else _range(part[1:-1])) + "]")
        else:
            parts.append(re.escape(part))
    return re.compile("".join(parts))


def _range(text: str) -> str:
    return re.escape(text).replace(r"\-", "-")
