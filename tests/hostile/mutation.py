# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hostile input by chance: requests, packs and indexes made of dangerous pieces, each the same for its number."""

from __future__ import annotations

import json
import os
import random
import typing as t
from pathlib import Path

from infrastructure.packs import PackTree

from .addresses import NAMES, PAYLOAD, SOURCES, SUBDIRS, VERSIONS
from .arena import Arena
from .documents import WRONG

REF = "newcomer"
PIECES = (
    "..",
    "/",
    "-",
    "--",
    "::",
    "ext::",
    "=",
    "@",
    ":",
    "#",
    "?",
    "%0a",
    "\n",
    "\0",
    "\x1b[2J",
    "\u202e",
    "\ufeff",
)
PIECES += ("\\", "'", '"', "$(", "`", "{{", "~", "*", "[", "&a ", "*a ", "!!python/name:os.system ", "<<: ", "- ", "? ")
PIECES += (
    "file://",
    "https://127.0.0.1:9/",
    "ssh://",
    "git@127.0.0.1:",
    ".git",
    "/etc/passwd",
    "\ud800",
    "\uff0f",
    "0x",
    "\t",
)


class Mutation:
    """One case.

    :arg number: what it is made from; equal numbers give equal cases.
    """

    def __init__(self, number: int) -> None:
        self._random = random.Random(f"hostile {number}")

    def arguments(self, arena: Arena) -> t.Dict[str, t.Any]:
        """Make what the case needs in the arena, and return the arguments of the module."""
        make = self._random.choice((self._request, self._pack, self._pack, self._index, self._document, self._links))
        arguments = make(arena)
        if self._random.random() < 0.1:
            arguments["state"] = "latest"
        return arguments

    def _text(self, base: str, most: int = 3) -> str:
        """Return a text with a few pieces put into it, and a few parts of it taken out or doubled."""
        for _change in range(self._random.randint(1, most)):
            cut, end = sorted(self._random.randint(0, len(base)) for _end in range(2))
            middle = self._random.choice(("", base[cut:end] * 2, self._random.choice(PIECES), base[cut:end][::-1]))
            base = base[:cut] + middle + base[self._random.choice((cut, end)) :]
        return base

    def _bytes(self, content: bytes) -> bytes:
        for _change in range(self._random.randint(1, 6)):
            cut, end = sorted(self._random.randint(0, len(content)) for _end in range(2))
            piece = self._random.choice(PIECES).encode("utf-8", "surrogatepass")
            middle = self._random.choice((b"", piece, bytes([self._random.randrange(256)]), content[cut:end] * 3))
            content = content[:cut] + middle + content[self._random.choice((cut, cut, end)) :]
        return content

    def _address(self, arena: Arena) -> str:
        table = self._random.choice((SOURCES, NAMES))
        return self._random.choice(list(table.values()))[0].replace(PAYLOAD, arena.payload())

    def _request(self, arena: Arena) -> t.Dict[str, t.Any]:
        if self._random.random() < 0.5:
            return {"name": [self._text(self._address(arena))]}
        item = {"source": self._text(f"file://{arena.folder()}/x")}
        for key, table in (("version", VERSIONS), ("subdir", SUBDIRS), ("name", NAMES)):
            if self._random.random() < 0.5:
                item[key] = self._text(self._random.choice(list(table.values()))[0])
        return {"packs": [item]}

    def _pack(self, arena: Arena) -> t.Dict[str, t.Any]:
        tree = PackTree(REF, "1.0.0", requirements=["tinydep>=1.0"], dependencies=["core"])
        for _file in range(self._random.randint(1, 2)):
            name = self._random.choice(["pack.yaml", "requirements.txt", "config.schema.yaml", *sorted(tree.files)])
            if tree.files[name].mode in (0o100644, 0o100755):
                tree.add(name, self._bytes(tree.files[name].content))
        if self._random.random() < 0.3:
            return {"name": [f"file://{arena.repository(tree, REF).path}"]}
        return {"name": [str(arena.directory(tree, REF))]}

    def _document(self, arena: Arena) -> t.Dict[str, t.Any]:
        tree = PackTree(REF, "1.0.0")
        for _key in range(self._random.randint(1, 3)):
            key = self._random.choice(list(tree.metadata))
            tree.set_metadata(**{key: self._random.choice(list(WRONG.values()))})
        return {"name": [str(arena.directory(tree, REF))]}

    def _links(self, arena: Arena) -> t.Dict[str, t.Any]:
        tree = PackTree(REF, "1.0.0", minimal=True)
        parts = ("..", ".", "a", "b", "l0", "l1", "l2", "pack.yaml", "actions", "", "core", str(arena.outside))
        for number in range(3):
            target = "/".join(self._random.choice(parts) for _part in range(self._random.randint(1, 6))) or "x"
            tree.link(self._random.choice((f"l{number}", f"a/l{number}", f"actions/l{number}")), target)
        path = arena.directory(tree, REF)
        if self._random.random() < 0.2:
            os.mkfifo(path / self._random.choice(("pipe", "actions/pipe.yaml", "README.md")))
        return {"name": [str(path)]}

    def _index(self, arena: Arena) -> t.Dict[str, t.Any]:
        entry: t.Dict[str, t.Any] = {
            "repo_url": str(arena.directory(ref=REF)),
            "version": "1.0.0",
            "versions": ["1.0.0"],
        }
        for key in list(entry):
            if self._random.random() < 0.4:
                entry[key] = self._random.choice((*WRONG.values(), self._text("https://127.0.0.1:9/x/y")))
        content = json.dumps({"packs": {REF: entry}}).encode()
        path = Path(arena.folder()) / "index.json"
        path.write_bytes(self._bytes(content) if self._random.random() < 0.5 else content)
        return {"name": [REF], "index_url": [str(path)]}
