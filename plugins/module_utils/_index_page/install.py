# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Four ways to install a pack, made of its ref and a version that is one, and of nothing else that others wrote."""

from __future__ import annotations

import typing as t

from .._html import text
from .pack import Pack


def commands(pack: Pack) -> t.List[t.Tuple[str, str, str]]:
    """The ways: a key, what it is, and the text to copy."""
    wanted = f"{pack.ref}={pack.exact}" if pack.exact else pack.ref
    task = f"- name: Install {pack.ref}\n  stackstorm.st2.st2_pack:\n    name: {wanted}\n"
    return [
        ("task", "Task of a playbook", task),
        ("ad-hoc", "Ad hoc", f"ansible st2 --become -m stackstorm.st2.st2_pack -a name={wanted}\n"),
        ("st2", "On a StackStorm host", f"st2 pack install {wanted}\n"),
        (
            "lock",
            "Item of st2_packs, for st2_pack_lock",
            f"- name: {pack.ref}\n  version: {pack.exact}\n" if pack.exact else f"- name: {pack.ref}\n",
        ),
    ]


def install_section(pack: Pack) -> t.Iterator[str]:
    """The part of the page."""
    yield '<section aria-labelledby="install">'
    yield '<h2 id="install">Install</h2>'
    yield '<dl class="ways">'
    for key, label, command in commands(pack):
        yield copied(f"copy-{key}", label, command)
    yield "</dl>"
    yield "</section>"


def copied(key: str, label: str, content: str) -> str:
    """Text that is to be copied, with its label."""
    shown = "".join(f"{text(line)}\n" for line in content.rstrip("\n").split("\n"))
    return (
        f'<dt><span>{text(label)}</span><span data-copy="{key}" data-label="{text(label)}"></span></dt>'
        f'<dd><pre><code id="{key}">{shown}</code></pre></dd>'
    )
