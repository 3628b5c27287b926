# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Signed tags and commits, written as git writes them, by any git, and as it never would."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .git_repository import AUTHOR, EPOCH, run_git

Sign = t.Callable[[bytes], bytes]
"""Makes the signature of some bytes."""
WHEN = f"{AUTHOR} {EPOCH} +0000"


def signed_tag(
    repository: Path, name: str, target: str, sign: Sign, *, own_name: str = "", kind: str = "commit", message: str = ""
) -> str:
    """Set an annotated tag that is signed; return its id.

    :arg target: The id of what it is a tag of.
    :arg own_name: The name that stands in it, where that is another one.
    :arg kind: What it is a tag of.
    """
    text = f"object {target}\ntype {kind}\ntag {own_name or name}\ntagger {WHEN}\n\n{message or f'Release {name}'}\n"
    content = text.encode()
    return set_tag(repository, name, write(repository, "tag", content + sign(content)))


def signed_commit(repository: Path, commit: str, sign: Sign, *, header: str = "gpgsig", times: int = 1) -> str:
    """Write a commit anew that is signed; return its id. No ref leads to it yet.

    :arg times: How often the signature stands in it.
    """
    content = cat(repository, commit)
    headers, blank, message = content.partition(b"\n\n")
    signature = b"\n ".join(sign(content).rstrip(b"\n").split(b"\n"))
    lines = b"".join(b"\n%s %s" % (header.encode(), signature) for _time in range(times))
    return write(repository, "commit", headers + lines + blank + message)


def cat(repository: Path, identifier: str) -> bytes:
    """Return the text of a commit or tag."""
    kind = run_git("-C", repository, "cat-file", "-t", identifier)
    return (run_git("-C", repository, "cat-file", kind, identifier) + "\n").encode()


def write(repository: Path, kind: str, content: bytes) -> str:
    """Write an object, whatever git would say of it; return its id."""
    return run_git("-C", repository, "hash-object", "--literally", "-t", kind, "-w", "--stdin", data=content)


def set_tag(repository: Path, name: str, identifier: str) -> str:
    """Let a tag be an object; return its id."""
    run_git("-C", repository, "update-ref", f"refs/tags/{name}", identifier)
    return identifier


def set_branch(repository: Path, name: str, identifier: str) -> None:
    """Let a branch be a commit."""
    run_git("-C", repository, "update-ref", f"refs/heads/{name}", identifier)
