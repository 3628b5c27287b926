# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How an entry of the catalogue of quirks is written down."""

from __future__ import annotations

import typing as t

from .tree import PackTree

Change = t.Callable[[PackTree], t.Any]


class Form(t.NamedTuple):
    """One quirk: what is changed in a plain pack, and what should come of it. The fields are those of `Quirk`."""

    name: str
    topic: str
    valid: bool
    reason: str
    change: Change
    ref: t.Optional[str] = None
    compatible: bool = True
    settled: bool = True


def metadata(**changes: t.Any) -> Change:
    """Set keys of pack.yaml."""
    return lambda tree: tree.set_metadata(**changes)


def text(path: str, content: t.Union[str, bytes]) -> Change:
    """Replace a file."""
    return lambda tree: tree.add(path, content)


def rewritten(path: str, edit: t.Callable[[bytes], bytes]) -> Change:
    """Edit the bytes of a file."""
    return lambda tree: tree.add(path, edit(tree.files[path].content))


def together(*changes: Change) -> Change:
    """Make several changes in turn."""

    def change(tree: PackTree) -> None:
        for one in changes:
            one(tree)

    return change
