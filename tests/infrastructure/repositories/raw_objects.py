# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects of git that no git makes: trees with any names in any number, and commits of them."""

from __future__ import annotations

import hashlib
import typing as t
import zlib

from .git_repository import GitRepository, run_git

Entry = t.Tuple[str, bytes, str]
"""Of a tree: mode (``100644``, ``120000``, ``40000``, ``160000``), name, id of what it is."""


def write_object(repository: GitRepository, kind: str, content: bytes) -> str:
    """Write a loose object, whatever is in it, and return its id."""
    whole = f"{kind} {len(content)}\0".encode() + content
    name = hashlib.sha1(whole).hexdigest()
    path = repository.path / "objects" / name[:2] / name[2:]
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(zlib.compress(whole, 1))
    return name


def write_tree(repository: GitRepository, entries: t.Iterable[Entry]) -> str:
    """Write a tree with these entries in just this order."""
    body = b"".join(b"%s %s\0%s" % (mode.encode(), name, bytes.fromhex(sha)) for mode, name, sha in entries)
    return write_object(repository, "tree", body)


def write_commit(repository: GitRepository, tree: str, branch: str = "") -> str:
    """Write a commit of a tree, and let a branch (the default one unless given) be there."""
    who = "A. Tester <tester@example.com> 1600000000 +0000"
    commit = write_object(repository, "commit", f"tree {tree}\nauthor {who}\ncommitter {who}\n\nCrafted\n".encode())
    path = repository.path / "refs" / "heads" / (branch or repository.default_branch)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{commit}\n")
    return commit


def read_tree(repository: GitRepository, revision: str = "HEAD") -> t.List[Entry]:
    """Return the entries at the top of a commit."""
    found = []
    for line in run_git("-C", repository.path, "ls-tree", revision).splitlines():
        head, _tab, name = line.partition("\t")
        mode, _kind, sha = head.split(" ")
        found.append((mode.lstrip("0"), name.encode(), sha))
    return found
