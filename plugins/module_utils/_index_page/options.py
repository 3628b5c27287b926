# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a config, or the parameters of an action, as a table; and an example of a config."""

from __future__ import annotations

import json
import typing as t

from .._config.redaction import Redaction
from .._config.template import config_template
from .._content.config_schema import ConfigSchema
from .._html import text
from .install import copied
from .pack import MOST_LETTERS, Pack, Resource, line

_MOST_DEPTH = 8
_MOST_DEFAULT = 300


class Option(t.NamedTuple):
    """A row."""

    name: str
    type: str
    notes: t.Tuple[str, ...]
    default: str
    description: str


def config_section(pack: Pack) -> t.Iterator[str]:
    """The part of the page that is about the config; nothing for a pack without one."""
    if pack.schema is None:
        return
    yield '<section aria-labelledby="config">'
    yield '<h2 id="config">Configuration</h2>'
    yield from table(list(_config_options(pack.schema)), "options", "Options")
    example = _example(pack)
    if example:
        yield f'<dl class="example">{copied("copy-config", f"Example of {pack.ref}.yaml", example)}</dl>'
    yield "</section>"


def _config_options(schema: Resource) -> t.Iterator[Option]:
    redaction = Redaction(ConfigSchema(schema))
    waiting: t.List[t.Tuple[str, t.Tuple[t.Any, ...], t.Any]] = [
        (line(name), (name,), attribute) for name, attribute in reversed(list(schema.items()))
    ]
    while waiting:
        name, path, attribute = waiting.pop()
        attribute = attribute if isinstance(attribute, t.Mapping) else {}
        try:
            secret = redaction.is_secret(path)
        except (AttributeError, TypeError, ValueError):
            secret = True  # A schema that StackStorm does not take either.
        yield option(name, attribute, secret=secret)
        if len(path) >= _MOST_DEPTH:
            continue
        for below, inside in reversed(list(_inside(attribute))):
            waiting.append((f"{name}{below}", (*path, below), inside))


def _inside(attribute: Resource) -> t.Iterator[t.Tuple[str, t.Any]]:
    items = attribute.get("items")
    if isinstance(items, t.Mapping) and isinstance(items.get("properties"), t.Mapping):
        for name, inside in items["properties"].items():
            yield f"[].{line(name)}", inside
    if isinstance(attribute.get("properties"), t.Mapping):
        for name, inside in attribute["properties"].items():
            yield f".{line(name)}", inside


def option(name: str, attribute: Resource, *, secret: bool) -> Option:
    """A row of a schema.

    :arg secret: Whether its default is not to be shown.
    """
    kind = attribute.get("type")
    notes = ["required"] if attribute.get("required") is True else []
    notes += ["secret"] if secret else []
    notes += ["fixed"] if attribute.get("immutable") is True else []
    values = attribute.get("enum")
    described = line(attribute.get("description"))
    if isinstance(values, list) and values:
        described = f"{described} One of: {line(', '.join(map(str, values)), _MOST_DEFAULT)}.".lstrip()
    default = attribute.get("default")
    return Option(
        name,
        " or ".join(filter(None, map(line, kind))) if isinstance(kind, list) else line(kind),
        tuple(notes),
        "" if default is None or secret else line(json.dumps(default, ensure_ascii=False), _MOST_DEFAULT),
        described,
    )


def table(rows: t.Sequence[Option], kind: str, title: str) -> t.Iterator[str]:
    """The table of some rows."""
    heads = "".join(f'<th scope="col">{head}</th>' for head in (title, "Type", "Default", "Description"))
    yield f'<table class="{kind}"><thead><tr>{heads}</tr></thead><tbody>'
    for row in rows:
        notes = "".join(f' <span class="note soft">{note}</span>' for note in row.notes)
        default = f"<code>{text(row.default)}</code>" if row.default else ""
        yield (
            f'<tr><th scope="row">{text(row.name)}{notes}</th><td>{text(row.type)}</td><td>{default}</td>'
            f"<td>{text(row.description)}</td></tr>"
        )
    yield "</tbody></table>"


def lines(rows: t.Sequence[Option]) -> str:
    """The same as text, a line for each row: browsers take minutes for many thousand tables."""
    shown = []
    for row in rows:
        said = ", ".join(filter(None, (row.type, *row.notes, f"default {row.default}" if row.default else "")))
        shown.append(f"{row.name}{f' ({said})' if said else ''}{f': {row.description}' if row.description else ''}")
    return '<p class="lines">' + "\n".join(map(text, shown)) + "</p>"


def _example(pack: Pack) -> str:
    """A config to fill in; nothing for a schema that StackStorm does not take."""
    if not pack.sound or pack.schema is None:
        return ""
    try:
        return config_template(ConfigSchema(pack.schema))[: 32 * MOST_LETTERS]
    except (AttributeError, TypeError, ValueError, RecursionError):
        return ""
