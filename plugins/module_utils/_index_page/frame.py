# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What all pages have: the head with its policy, links, icons."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from .._html import text
from .assets import FOLDER
from .pack import Pack

TITLE = "StackStorm packs"
FEED = "feed.xml"
# Nothing in the pages themselves, and nothing from elsewhere. Only a header can forbid that others frame them.
_POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind}-src 'self'" for kind in ("script", "style", "img")),
        "base-uri 'none'",
        "form-action 'none'",
    )
)
# Letters that a link in a page may hold as they are.
_WEB = re.compile(r"https?://[^\s<>\"'\\]+\Z")
_AS_IN_SCRIPT = "!'()*~"


def frame(title: str, up: str, body: t.Iterable[str], *, scripts: t.Sequence[str]) -> bytes:
    """A page.

    :arg up: What leads from it to the directory of the index, empty or C(../../).
    :arg body: Lines that are HTML.
    """
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{text(_POLICY)}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        f"<title>{text(title)}</title>",
        *(f'<link rel="stylesheet" href="{up}{FOLDER}/{name}">' for name in ("common.css", "directory.css")),
        f'<link rel="alternate" type="application/atom+xml" title="Changes" href="{up}{FEED}">',
        *(f'<script src="{up}{FOLDER}/{name}" defer></script>' for name in scripts),
        "</head>",
        "<body>",
        *body,
        "</body>",
        "</html>",
        "",
    ]
    return "\n".join(lines).encode()


def page_of(ref: str) -> str:
    """The path of the page of a pack."""
    return f"packs/{ref}/index.html"


def anchor(kind: str, name: str) -> str:
    """The name of the place of a resource in the page of its pack. The script knows those of actions, too."""
    return f"{kind}-{urllib.parse.quote(name, safe=_AS_IN_SCRIPT)}"


def keyword_links(pack: Pack, up: str) -> str:
    """The keywords of a pack, each of which leads to the packs that have it."""
    if not pack.keywords:
        return ""
    items = "".join(
        f'<li><a href="{up}index.html?k={urllib.parse.quote(word, safe="")}">{text(word)}</a></li>'
        for word in pack.keywords
    )
    return f'<ul class="keywords">{items}</ul>'


def icon(pack: Pack, up: str) -> str:
    """The icon of a pack, or its first letter."""
    if pack.has_icon:
        return (
            f'<img class="icon" src="{up}v1/icons/{text(pack.ref)}.png" alt="" width="64" height="64" loading="lazy">'
        )
    letter = next((one for one in pack.ref if one.isalnum()), "?")
    return f'<span class="icon" aria-hidden="true">{text(letter)}</span>'


def web_link(address: str) -> str:
    """A link to another site; what is no address of the web is text."""
    if not _WEB.match(address):
        return text(address)
    return f'<a href="{text(address)}" rel="noopener noreferrer">{text(address)}</a>'


def number(count: int, what: str) -> str:
    """C(1 action), C(3,581 actions)."""
    one = {"aliases": "alias", "policies": "policy"}.get(what, what[:-1])
    return f"{count:,} {one if count == 1 else what}"
