# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Actions with their parameters, sensors, and all else that a pack brings."""

from __future__ import annotations

import typing as t

from .._html import text
from .frame import anchor
from .options import lines, option, table
from .pack import Pack, Resource, line

_TITLES = {
    "aliases": "Aliases",
    "rules": "Rules",
    "triggers": "Triggers",
    "policies": "Policies",
    "runners": "Runners",
    "tests": "Tests",
}
_FEW = 8
# More are not drawn until they are seen, and have no tables.
_MANY = 200


def resource_sections(pack: Pack) -> t.Iterator[str]:
    """The parts of the page."""
    yield from _actions(pack)
    yield from _sensors(pack)
    for kind, title in _TITLES.items():
        if kind in pack.resources:
            yield from _section(kind, title, pack.counts[kind], _plain(kind, pack.resources[kind]))


def _actions(pack: Pack) -> t.Iterator[str]:
    actions = pack.resources.get("actions", ())
    if not actions:
        return
    count = f'<span class="count">{pack.counts["actions"]:,}</span>'
    yield '<section aria-labelledby="actions-title">'
    yield f'<div class="titled"><h2 id="actions-title">Actions {count}</h2>'
    if len(actions) > _FEW:
        yield (
            '<input id="filter" type="search" aria-label="Filter actions" placeholder="Filter actions" '
            "data-script hidden>"
        )
    yield '</div><output class="status" data-script hidden></output>'
    yield f'<ul class="resources{" many" if len(actions) > _MANY else ""}" id="actions">'
    for name, metadata in actions:
        yield from _action(name, metadata, many=len(actions) > _MANY)
    yield "</ul></section>"


def _action(name: str, metadata: Resource, *, many: bool) -> t.Iterator[str]:
    place = text(anchor("action", name))
    what = line(metadata.get("description"))
    head = f'<span class="name mono">{text(name)}</span>'
    head += f' <span class="what soft">{text(what)}</span>' if what else ""
    if not metadata:
        yield f'<li id="{place}">{head}</li>'
        return
    parameters = metadata.get("parameters")
    rows = [
        option(line(key), attribute, secret=attribute.get("secret") is True)
        for key, attribute in sorted(_mappings(parameters), key=_needed_first)
    ]
    yield f'<li><details id="{place}"><summary>{head}</summary><div class="body">'
    runner = line(metadata.get("runner_type"))
    disabled = " It is disabled." if metadata.get("enabled") is False else ""
    yield f"<p>{f'Runner: {text(runner)}.' if runner else ''}{disabled}</p>"
    if rows and many:
        yield lines(rows)
    elif rows:
        yield from table(rows, "parameters", "Parameters")
    else:
        yield "<p>It has no parameters of its own.</p>"
    yield "</div></details></li>"


def _needed_first(item: t.Tuple[str, Resource]) -> t.Tuple[bool, int, str]:
    key, attribute = item
    position = attribute.get("position")
    placed = isinstance(position, int) and not isinstance(position, bool)
    return attribute.get("required") is not True, t.cast(int, position) if placed else 1000, key


def _mappings(value: t.Any) -> t.Iterator[t.Tuple[str, Resource]]:
    for key, one in (value if isinstance(value, t.Mapping) else {}).items():
        yield key, one if isinstance(one, t.Mapping) else {}


def _sensors(pack: Pack) -> t.Iterator[str]:
    sensors = pack.resources.get("sensors", ())
    if sensors:
        yield from _section("sensors", "Sensors", pack.counts["sensors"], map(_sensor, sensors))


def _sensor(sensor: t.Tuple[str, Resource]) -> str:
    name, metadata = sensor
    disabled = metadata.get("enabled") is False
    note = "disabled" if disabled else "starts after installation"
    shown = f'<span class="name mono">{text(name)}</span> '
    shown += f'<span class="note {"soft" if disabled else "wrong"}">{note}</span>'
    said = [line(metadata.get("description"))]
    interval = metadata.get("poll_interval")
    if isinstance(interval, int) and not isinstance(interval, bool):
        said.append(f"Polls every {interval} s.")
    triggers = metadata.get("trigger_types")
    listed = triggers if isinstance(triggers, list) else []
    names = [line(one.get("name")) for one in listed if isinstance(one, t.Mapping)]
    if any(names):
        said.append(f"Triggers: {', '.join(filter(None, names))}.")
    return shown + "".join(f"<p>{text(one)}</p>" for one in said if one)


def _plain(kind: str, resources: t.Sequence[t.Tuple[str, Resource]]) -> t.Iterator[str]:
    for name, metadata in resources:
        shown = f'<span class="name mono">{text(name)}</span>'
        said = line(metadata.get("description"))
        formats = metadata.get("formats") if kind == "aliases" else None
        for one in formats if isinstance(formats, list) else ():
            form = one.get("display") if isinstance(one, t.Mapping) else one
            shown += f"<p><code>{text(line(form))}</code></p>" if line(form) else ""
        yield shown + (f"<p>{text(said)}</p>" if said else "")


def _section(kind: str, title: str, count: int, items: t.Iterable[str]) -> t.Iterator[str]:
    yield f'<section aria-labelledby="{kind}-title">'
    yield f'<h2 id="{kind}-title">{title} <span class="count">{count:,}</span></h2>'
    yield f'<ul class="resources">{"".join(f"<li>{item}</li>" for item in items)}</ul>'
    yield "</section>"
