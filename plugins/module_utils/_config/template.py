# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A config to fill in, made from a schema: YAML with a comment for every key."""

from __future__ import annotations

import re
import typing as t

from .._content.config_schema import ConfigSchema
from .._content.yaml_lines import Path
from .._printable import printable
from .._yaml_text import flow
from .redaction import Redaction

PLACEHOLDER = "null"
_MOST_DEPTH = 8
# Names that stand for the keys that somebody chooses, such as those of servers.
_NAMES = ("default", "example", "name", "NAME", "a", "1")
_Schema = t.Mapping[str, t.Any]


def config_template(schema: ConfigSchema) -> str:
    """A config to fill in.

    Keys that are required stand there with C(null), which StackStorm refuses until there is a value; everything else
    is a comment, with its default. The text is YAML as it is.
    """
    maker = _Maker(schema)
    lines: t.List[str] = []
    for key, attribute in schema.attributes.items():
        if key not in schema.pseudo_keys:
            lines += [*maker.entry(key, attribute, (key,), needed=bool(attribute.get("required"))), ""]
    return "\n".join(lines)


def describe(attribute: _Schema, *, secret: bool = False) -> str:
    """What a key takes, in a few words: C(integer, required, default 80)."""
    kind = attribute.get("type")
    words = [" or ".join(kind) if isinstance(kind, list) else str(kind or "any type")]
    if attribute.get("required"):
        words.append("required")
    if secret:
        words.append("secret")
    elif attribute.get("default") is not None:
        words.append(f"default {printable(flow(attribute['default']))}")
    if attribute.get("enum"):
        words.append(f"one of {printable(', '.join(str(one) for one in attribute['enum']))}")
    return ", ".join(words)


class _Maker:
    """Makes the lines of one template."""

    def __init__(self, schema: ConfigSchema) -> None:
        self._whole: _Schema = {"properties": schema.attributes}
        self._redaction = Redaction(schema)

    def entry(self, key: str, attribute: _Schema, path: Path, *, needed: bool, filled: bool = True) -> t.List[str]:
        """The lines of a key with its value.

        :arg needed: Whether there has to be a value. Where not, every line is a comment.
        :arg filled: Whether StackStorm takes a default for a value, which it does not do behind patterns.
        """
        attribute = self._resolved(attribute)
        secret = self._redaction.is_secret(path)
        lines = [f"# {printable(line)}".rstrip() for line in str(attribute.get("description") or "").splitlines()]
        lines.append(f"# ({describe(attribute, secret=secret)})")
        needed = needed and not (filled and attribute.get("default") is not None)
        value = self._value(key, attribute, path, secret=secret, needed=needed, filled=filled)
        return lines + (value if needed else [f"# {line}" for line in value])

    def _value(
        self, key: str, attribute: _Schema, path: Path, *, secret: bool, needed: bool, filled: bool
    ) -> t.List[str]:
        name = flow(key)
        if attribute.get("default") is not None and not secret:
            return [f"{name}: {flow(attribute['default'])}"]
        below = self._below(attribute, path, filled) if len(path) < _MOST_DEPTH else []
        # A mapping of nothing but comments would be null.
        if below and (not needed or _first(below) is not None):
            return [f"{name}:", *_indented(below)]
        return [f"{name}: {PLACEHOLDER}"]

    def _below(self, attribute: _Schema, path: Path, filled: bool) -> t.List[str]:
        """The lines of what is inside; none when nothing is known of it."""
        kind = attribute.get("type")
        if kind == "array" and isinstance(attribute.get("items"), dict):
            inside = self._below(self._resolved(attribute["items"]), (*path, 0), filled)
            first = _first(inside)
            # An item begins at its first line that is no comment.
            return [] if first is None else [*inside[:first], f"- {inside[first]}", *_indented(inside[first + 1 :])]
        if kind != "object":
            return []
        lines: t.List[str] = []
        properties = attribute.get("properties") or {}
        for name, schema in properties.items():
            needed = bool(self._resolved(schema).get("required"))
            lines += self.entry(name, schema, (*path, name), needed=needed, filled=filled)
        for pattern, schema in (attribute.get("patternProperties") or {}).items():
            name = next((name for name in _NAMES if name not in properties and _matches(pattern, name)), "")
            if name:
                lines += self.entry(name, schema, (*path, name), needed=True, filled=False)
        return lines

    def _resolved(self, attribute: _Schema) -> _Schema:
        reference = attribute.get("$ref")
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return attribute
        found: t.Any = self._whole
        for part in reference[2:].split("/"):
            found = found.get(part) if isinstance(found, t.Mapping) else None
        return {**found, **{key: attribute[key] for key in ("required",) if key in attribute}} if found else {}


def _indented(lines: t.Iterable[str]) -> t.List[str]:
    return [f"  {line}" for line in lines]


def _matches(pattern: str, name: str) -> bool:
    try:
        return re.search(pattern, name) is not None
    except re.error:
        return False


def _first(lines: t.Sequence[str]) -> t.Optional[int]:
    return next((number for number, line in enumerate(lines) if not line.lstrip().startswith("#")), None)
