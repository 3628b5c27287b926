# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The report on a fleet as one HTML page that needs nothing else: hosts and packs, differences first.

Every value is escaped here. The page allows its own style sheet and script by their digests, and nothing else.
"""

from __future__ import annotations

import base64
import collections
import hashlib
import typing as t

from ...module_utils._html import text
from .style import SCRIPT, STYLE
from .table import FIELDS, Document, in_words, short

_ORDER = ("unreachable", "failed", "differs", "equal")
Host = t.Mapping[str, t.Any]


def report_page(document: Document) -> str:
    """The page."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            "<title>StackStorm packs of the fleet</title>",
            f"<style>{STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            "<h1>StackStorm packs of the fleet</h1>",
            f'<p class="answer">{text(document["summary"])}</p>',
            f'<p class="soft">Generated {text(document["generated"])}</p>',
            *_matrix(document),
            *_details(document),
            "</main>",
            f"<script>{SCRIPT}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _policy() -> str:
    allowed = {name: base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() for name, content in _INLINE}
    sources = "; ".join(f"{name} &#39;sha256-{digest}&#39;" for name, digest in allowed.items())
    return f"default-src &#39;none&#39;; {sources}; base-uri &#39;none&#39;; form-action &#39;none&#39;"


_INLINE = (("style-src", STYLE), ("script-src", SCRIPT))


def _matrix(document: Document) -> t.Iterator[str]:
    hosts = sorted(document["hosts"], key=lambda host: (_ORDER.index(host["state"]), host["name"]))
    refs = {ref for host in hosts for ref in host["packs"]}
    differing = {one["ref"] for host in hosts for one in host["differences"]}
    marked = differing | {one["ref"] for one in document["attention"]}
    columns = sorted(refs | differing, key=lambda ref: (ref not in marked, ref))
    if not columns:
        yield "<p>No packs are installed on these hosts.</p>"
        return
    attention: t.Dict[t.Tuple[str, str], t.List[str]] = collections.defaultdict(list)
    for one in document["attention"]:
        attention[one["host"], one["ref"]].append(in_words(one))
    # Without its script the page shows everything, and nothing to filter it by.
    only = "" if document["equal"] and not document["attention"] else " checked"
    yield "<form hidden>"
    yield '<label>Filter <input type="search" autocomplete="off" placeholder="host or pack (press /)"></label>'
    yield f'<label><input type="checkbox"{only}> Only differences</label>'
    yield "<output></output>"
    yield "</form>"
    yield '<div class="matrix" role="region" aria-label="Hosts and packs" tabindex="0">'
    yield "<table>"
    heads = "".join(_head(ref, ref in marked) for ref in columns)
    yield f'<thead><tr><th scope="col">Host</th>{heads}</tr></thead>'
    yield "<tbody>"
    for host in hosts:
        yield _row(host, columns, attention)
    yield "</tbody>"
    yield "</table>"
    yield "</div>"


def _head(ref: str, marked: bool) -> str:
    same = "no" if marked else "yes"
    return f'<th scope="col" data-text="{text(ref.lower())}" data-same="{same}">{text(ref)}</th>'


def _row(host: Host, columns: t.Sequence[str], attention: t.Mapping[t.Tuple[str, str], t.Sequence[str]]) -> str:
    same = host["state"] == "equal" and not any(name == host["name"] for name, _ref in attention)
    state = "" if host["state"] == "equal" else f' <span class="note wrong">{text(host["state"])}</span>'
    cells = "".join(_cell(host, ref, attention.get((host["name"], ref), ())) for ref in columns)
    return (
        f'<tr data-text="{text(host["name"].lower())}" data-same="{"yes" if same else "no"}">'
        f'<th scope="row">{text(host["name"])}{state}</th>{cells}</tr>'
    )


def _cell(host: Host, ref: str, attention: t.Sequence[str]) -> str:
    if host["error"]:
        return '<td class="soft">not known</td>'
    differences = [one for one in host["differences"] if one["ref"] == ref]
    pack = host["packs"].get(ref)
    shown = "not installed" if pack is None else f"{pack['version'] or 'no version'}"
    commit = (
        f' <span class="soft">{text(short("commit", pack["commit"])[:7])}</span>' if pack and pack["commit"] else ""
    )
    notes = [f'<span class="note other">≠ {text(_usual(one))}</span>' for one in differences]
    notes += [f'<span class="note wrong">! {text(words)}</span>' for words in attention]
    if pack and pack["outdated"]:
        notes.append(f'<span class="note soft">↑ {text(pack["latest_version"])} in the index</span>')
    marked = ' class="other"' if differences else ""
    return f"<td{marked}>{text(shown)}{commit}{''.join(notes)}</td>"


def _usual(one: t.Mapping[str, t.Any]) -> str:
    field = FIELDS.get(one["field"], one["field"])
    return f"{field}: elsewhere {short(one['field'], one['usual'])}"


def _details(document: Document) -> t.Iterator[str]:
    yield from _list(
        "Hosts without an answer", [f"{host['name']}: {host['error']}" for host in document["hosts"] if host["error"]]
    )
    yield from _list(
        "Differences",
        [
            f"{host['name']}: {one['ref']}: {FIELDS.get(one['field'], one['field'])} "
            f"{short(one['field'], one['value'])}, elsewhere {short(one['field'], one['usual'])}"
            for host in document["hosts"]
            for one in host["differences"]
        ],
    )
    yield from _list(
        "Needs attention", [f"{one['host']}: {one['ref']}: {in_words(one)}" for one in document["attention"]]
    )
    yield from _list(
        "Newer in the index",
        [
            f"{one['ref']} {one['version']} → {one['latest_version']}: {', '.join(one['hosts'])}"
            for one in document["outdated"]
        ],
    )


def _list(title: str, items: t.Sequence[str]) -> t.Iterator[str]:
    if items:
        yield f"<h2>{title}</h2>"
        yield f"<ul>{''.join(f'<li>{text(item)}</li>' for item in items)}</ul>"
