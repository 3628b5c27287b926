# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The page with all packs."""

from __future__ import annotations

import time
import typing as t

from .._html import text
from .frame import FEED, TITLE, frame, icon, keyword_links, number, page_of
from .pack import Pack

_FORM = (
    '<form class="search" role="search" data-script hidden>',
    '<label for="q"><span>Search packs and actions</span> <span>Press <kbd>/</kbd></span></label>',
    '<input id="q" type="search" autocomplete="off" spellcheck="false">',
    "</form>",
)
_FACETS = (
    '<div class="facets" role="group" aria-label="Filter" data-script hidden>',
    "<details><summary>Filter</summary>",
    '<fieldset id="kinds"><legend>Contains</legend></fieldset>',
    '<fieldset id="keywords"><legend>Keywords</legend>',
    '<input type="search" aria-label="Find a keyword" placeholder="Find a keyword" autocomplete="off"></fieldset>',
    "</details>",
    "</div>",
)


def list_page(packs: t.Sequence[Pack], *, serial: int, generated: int) -> bytes:
    """The page.

    :arg serial: Of the index.
    :arg generated: When the newest of what is listed was made, in seconds.
    """
    return frame(TITLE, "", _body(packs, serial, generated), scripts=("minisearch.js", "directory.js"))


def _body(packs: t.Sequence[Pack], serial: int, generated: int) -> t.Iterator[str]:
    actions = sum(pack.counts.get("actions", 0) for pack in packs)
    day = time.strftime("%Y-%m-%d", time.gmtime(generated))
    yield "<header>"
    yield f"<h1>{TITLE}</h1>"
    yield f'<p class="lead">{number(len(packs), "packs")} with {number(actions, "actions")}</p>'
    yield from _FORM
    yield "</header>"
    yield "<main>"
    yield '<div class="columns">'
    yield from _FACETS
    yield '<div class="results">'
    yield '<output class="status" data-script hidden></output>'
    yield '<section aria-label="Packs"><ul class="packs">'
    for pack in packs:
        yield from _pack(pack)
    yield "</ul></section>"
    yield '<section id="actions" aria-labelledby="found" hidden>'
    yield '<h2 id="found">Actions <span class="count"></span></h2><ul class="found"></ul>'
    yield "</section>"
    yield "</div>"
    yield "</div>"
    yield "</main>"
    yield "<footer>"
    yield (
        f'<p>Newest version of <time datetime="{day}">{day}</time>, serial {serial}. '
        f'<a href="{FEED}">Changes</a> as an Atom feed. <a href="v1/index.json">index.json</a> for StackStorm.</p>'
    )
    yield "</footer>"


def _pack(pack: Pack) -> t.Iterator[str]:
    kinds = " ".join(pack.counts)
    names = f'data-ref="{text(pack.ref)}" data-name="{text(pack.name)}"'
    yield f'<li class="pack" {names} data-kinds="{kinds}">'
    yield icon(pack, "")
    yield "<div>"
    version = f' <span class="version">{text(pack.version)}</span>' if pack.version else ""
    yield f'<h2><a href="{page_of(pack.ref)}">{text(pack.ref)}</a>{version}{_notes(pack)}</h2>'
    yield f'<p class="description">{text(pack.description)}</p>'
    counts = [number(pack.counts[kind], kind) for kind in pack.counts if kind != "tests"]
    if counts:
        yield f'<p class="meta">{" · ".join(counts)}</p>'
    yield keyword_links(pack, "")
    yield "</div>"
    yield "</li>"


def _notes(pack: Pack) -> str:
    notes = ""
    if pack.python_versions == ("2",):
        notes += ' <span class="note wrong">Python 2 only</span>'
    if pack.requires_config:
        notes += ' <span class="note soft">needs a config</span>'
    return notes
