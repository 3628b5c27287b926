# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The report on a fleet for a terminal: the answer first, then a table of what differs."""

from __future__ import annotations

import typing as t

from ...module_utils._printable import printable
from .facts import COMPARED

Document = t.Mapping[str, t.Any]
FIELDS = {"database_state": "database", "edits": "edited"}
_MOST_HOSTS = 8
_WIDEST = 40


def report_table(document: Document) -> t.List[str]:
    """The lines; the first one is the summary."""
    lines = [printable(document["summary"])]
    differing = [host for host in document["hosts"] if host["state"] == "differs"]
    rows = _rows(differing[:_MOST_HOSTS], document)
    if rows:
        lines += ["", *_aligned(rows)]
    if len(differing) > _MOST_HOSTS:
        lines.append(
            f"({len(differing) - _MOST_HOSTS} more hosts differ; they are in the JSON document and on the page.)"
        )
    lines += _list("", [f"{host['name']}: {host['state']}: {host['error']}" for host in _lost(document)])
    lines += _list(
        "Needs attention:", [f"{one['host']}: {one['ref']}: {in_words(one)}" for one in document["attention"]]
    )
    lines += _list(
        "Newer in the index:",
        [
            f"{one['ref']} {one['version']} -> {one['latest_version']} ({_hosts(one['hosts'])})"
            for one in document["outdated"]
        ],
    )
    return lines


def in_words(one: t.Mapping[str, t.Any]) -> str:
    """A field with its value: C(virtualenv outdated)."""
    value = one["value"]
    if one["field"] == "edits":
        return str(value)
    return f"{FIELDS.get(one['field'], one['field'])} {'none' if value is None else value}"


def short(field: str, value: t.Any) -> str:
    """A value as a table shows it."""
    if value is None:
        return "none"
    text = str(value)
    return text[:12] if field in ("commit", "digest") else text


def _lost(document: Document) -> t.List[t.Mapping[str, t.Any]]:
    return [host for host in document["hosts"] if host["error"]]


def _rows(hosts: t.Sequence[t.Mapping[str, t.Any]], document: Document) -> t.List[t.List[str]]:
    """A row for each pack and field in which hosts differ, a column for each host."""
    if not hosts:
        return []
    found: t.Dict[t.Tuple[str, str], t.Dict[str, t.Mapping[str, t.Any]]] = {}
    for host in hosts:
        for one in host["differences"]:
            found.setdefault((one["ref"], one["field"]), {})[host["name"]] = one
    usual = document["groups"][0]["hosts"]
    header = ["pack", "", usual[0] if len(usual) == 1 else f"{len(usual)} hosts", *(host["name"] for host in hosts)]
    rows = [header]
    for (ref, field), by_host in sorted(found.items(), key=lambda item: (item[0][0], COMPARED.index(item[0][1]))):
        values = [short(field, by_host[host["name"]]["value"]) if host["name"] in by_host else "=" for host in hosts]
        other = next(iter(by_host.values()))["usual"]
        rows.append([ref, FIELDS.get(field, field), short(field, other), *values])
    return rows


def _aligned(rows: t.Sequence[t.Sequence[str]]) -> t.List[str]:
    cells = [[_cut(printable(cell)) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"


def _list(title: str, items: t.Sequence[str]) -> t.List[str]:
    if not items:
        return []
    return ["", *([title] if title else []), *(f"  {printable(item)}" for item in items)]


def _hosts(names: t.Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{len(names)} hosts"
