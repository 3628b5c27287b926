# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which values of a config are secret, and configs with them taken out.

A value is secret when the schema says so at any depth (through C($ref), patterns, additional properties, items and
alternatives, where StackStorm itself leaves many unmasked), when the task gave it as a secret, or when its name means
one. So does the name of what is around it, as C(credentials), but for keys of which the schema marks some as secret.
"""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._content.config_schema import ConfigSchema
from .._content.yaml_lines import Path
from .._yaml_text import same
from .values import MASKED

_Schema = t.Mapping[str, t.Any]
_NOTHING: t.Any = object()
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_SECRET_WORD = re.compile(
    r"(?:api|auth)?keys?|auth|community|credentials?|pass(?:code|phrase|wd|words?)?|pin|private|pwd|secrets?|tokens?|webhook"
)
# What such a word is said of when it stands before one of these: key_file, token_url, auth_method, password_length.
_ABOUT = re.compile(r"enabled|expir(?:es|y)|file|length|method|mode|names?|path|timeout|ttl|type|url|uri")


@dataclass(frozen=True)
class _Rule:
    """What is known of one place in a config.

    :arg schemas: Every schema that may apply to it.
    :arg given: What the task gave as secrets there.
    :arg named: Whether its name, or that of something around it, means a secret.
    """

    schemas: t.Tuple[_Schema, ...] = ()
    given: t.Any = _NOTHING
    named: bool = False

    @property
    def hidden(self) -> bool:
        """Whether the whole of it is secret, whatever it is."""
        given = self.given is not _NOTHING and not isinstance(self.given, t.Mapping)
        return given or any(schema.get("secret") for schema in self.schemas)

    def hides(self, value: t.Any) -> bool:
        """Whether a value there must not be shown; that nothing is there, or which of two, is no secret of a name."""
        if value is None:
            return False
        return self.hidden or (self.named and not isinstance(value, (bool, dict, list)))


class Redaction:
    """Knows which values of the configs of one pack are secret.

    :arg schema: The pack's schema, where it has one.
    :arg secrets: What the task gave as secrets.
    """

    def __init__(self, schema: t.Optional[ConfigSchema], secrets: t.Optional[t.Mapping[str, t.Any]] = None) -> None:
        attributes = schema.attributes if schema else {}
        self._whole: _Schema = {"properties": attributes}
        self._root = _Rule((self._whole,), dict(secrets or {}))

    def mask(self, values: t.Any) -> t.Any:
        """The values with C(********) for every secret."""
        return self._mask(self._root, values)

    def pair(self, before: t.Any, after: t.Any) -> t.Tuple[t.Any, t.Any]:
        """Two configs to compare: a secret that differs is marked as old and new, and nothing more is said about it."""
        return self._pair(self._root, before, after)

    def hides(self, path: Path) -> bool:
        """Whether a path is within a secret."""
        rule = self._root
        for part in path:
            rule = self._below(rule, part)
            if rule.hidden:
                return True
        return False

    def secret_texts(self, *configs: t.Any) -> t.List[str]:
        """Every secret text and number in some configs, for what takes them out of messages."""
        found: t.List[str] = []
        for values in configs:
            self._collect(self._root, values, False, found)
        return found

    def is_secret(self, path: Path, value: t.Any = "") -> bool:
        """Whether a value at a path is secret."""
        rule = self._root
        for part in path:
            rule = self._below(rule, part)
        return rule.hides(value) or self.hides(path)

    def holds_secrets(self, path: Path) -> bool:
        """Whether a value at a path is secret, or may have something secret inside."""
        rule = self._root
        for part in path:
            rule = self._below(rule, part)
        return self.is_secret(path) or self._any_below(rule.schemas, set())

    def _any_below(self, schemas: t.Iterable[_Schema], seen: t.Set[int]) -> bool:
        for schema in self._expanded(schemas):
            if id(schema) in seen:
                continue
            seen.add(id(schema))
            if schema.get("secret") or any(means_secret(name) for name in schema.get("properties") or {}):
                return True
            if self._any_below(_inside(schema), seen):
                return True
        return False

    def _mask(self, rule: _Rule, value: t.Any) -> t.Any:
        if rule.hides(value):
            return MASKED
        if isinstance(value, dict):
            return {key: self._mask(self._below(rule, key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._mask(self._below(rule, number), item) for number, item in enumerate(value)]
        return value

    def _pair(self, rule: _Rule, before: t.Any, after: t.Any) -> t.Tuple[t.Any, t.Any]:
        if rule.hides(before) and rule.hides(after) and not same(before, after):
            return f"{MASKED} (old)", f"{MASKED} (new)"
        if not rule.hidden and isinstance(before, dict) and isinstance(after, dict):
            return self._pair_mappings(rule, before, after)
        if not rule.hidden and isinstance(before, list) and isinstance(after, list):
            return self._pair_lists(rule, before, after)
        return self._mask(rule, before), self._mask(rule, after)

    def _pair_mappings(self, rule: _Rule, before: _Schema, after: _Schema) -> t.Tuple[t.Any, t.Any]:
        both = {key: self._pair(self._below(rule, key), before[key], after[key]) for key in before if key in after}
        shown: t.List[t.Dict[str, t.Any]] = []
        for side, values in enumerate((before, after)):
            shown.append(
                {
                    key: both[key][side] if key in both else self._mask(self._below(rule, key), value)
                    for key, value in values.items()
                }
            )
        return shown[0], shown[1]

    def _pair_lists(self, rule: _Rule, before: t.List[t.Any], after: t.List[t.Any]) -> t.Tuple[t.Any, t.Any]:
        both = [self._pair(self._below(rule, number), *pair) for number, pair in enumerate(zip(before, after))]

        def shown(values: t.List[t.Any], side: int) -> t.List[t.Any]:
            rest = range(len(both), len(values))
            return [pair[side] for pair in both] + [self._mask(self._below(rule, one), values[one]) for one in rest]

        return shown(before, 0), shown(after, 1)

    def _collect(self, rule: _Rule, value: t.Any, inside: bool, found: t.List[str]) -> None:
        inside = inside or rule.hidden
        if isinstance(value, dict):
            for key, item in value.items():
                self._collect(self._below(rule, key), item, inside, found)
        elif isinstance(value, list):
            for number, item in enumerate(value):
                self._collect(self._below(rule, number), item, inside, found)
        elif (inside or rule.hides(value)) and value is not None and not isinstance(value, bool):
            found.append(str(value))

    def _below(self, rule: _Rule, part: t.Union[str, int]) -> _Rule:
        around = self._expanded(rule.schemas)
        schemas = [below for schema in around for below in _at(schema, part)]
        given = rule.given.get(part, _NOTHING) if isinstance(rule.given, t.Mapping) else _NOTHING
        named = (rule.named and not _is_told(around, part)) or (isinstance(part, str) and means_secret(part))
        return _Rule(self._expanded(schemas), given, named)

    def _expanded(self, schemas: t.Iterable[_Schema]) -> t.Tuple[_Schema, ...]:
        """Schemas with all that they refer to and all alternatives in them."""
        found: t.Dict[int, _Schema] = {}
        waiting: t.List[t.Any] = list(schemas)
        while waiting:
            schema = waiting.pop()
            if not isinstance(schema, t.Mapping) or id(schema) in found:
                continue
            found[id(schema)] = schema
            for keyword in ("anyOf", "oneOf", "allOf"):
                waiting.extend(schema.get(keyword) or ())
            waiting.extend((schema.get("dependencies") or {}).values())
            waiting.append(self._referred(schema.get("$ref")))
        return tuple(found.values())

    def _referred(self, reference: t.Any) -> t.Any:
        found: t.Any = self._whole
        if not isinstance(reference, str) or not reference.startswith("#/"):
            return None
        for part in reference[2:].split("/"):
            found = found.get(part.replace("~1", "/").replace("~0", "~")) if isinstance(found, t.Mapping) else None
        return found


def _at(schema: _Schema, part: t.Union[str, int]) -> t.Iterator[_Schema]:
    """The schemas for one key, or one item, of what a schema is for."""
    if isinstance(part, int):
        items = schema.get("items") or {}
        if isinstance(items, list):
            yield items[part] if part < len(items) else schema.get("additionalItems") or {}
        else:
            yield items
        return
    named = (schema.get("properties") or {}).get(part)
    patterns = [below for one, below in (schema.get("patternProperties") or {}).items() if _matches(one, part)]
    found = ([named] if named is not None else []) + patterns
    yield from found or [schema.get("additionalProperties") or {}]


def _is_told(schemas: t.Iterable[_Schema], part: t.Union[str, int]) -> bool:
    """Whether a schema says itself which of the keys around a key are secret, so that the name of what holds them all
    says nothing of this one."""
    properties = [schema.get("properties") or {} for schema in schemas]
    marked = any(isinstance(one, t.Mapping) and one.get("secret") for each in properties for one in each.values())
    return marked and any(part in each for each in properties)


def _inside(schema: _Schema) -> t.List[_Schema]:
    """Every schema of what is inside of what a schema is for."""
    found: t.List[t.Any] = [schema.get("additionalProperties"), schema.get("additionalItems")]
    items = schema.get("items")
    found += items if isinstance(items, list) else [items]
    for keyword in ("properties", "patternProperties"):
        found += (schema.get(keyword) or {}).values()
    return [one for one in found if isinstance(one, t.Mapping)]


def _matches(pattern: str, key: str) -> bool:
    try:
        return re.search(pattern, key) is not None
    except re.error:
        return True  # Nobody knows what it was to match; a secret must not be lost by that.


def means_secret(name: str) -> bool:
    """Whether a name is one that people give to secrets, such as C(api_key), and not C(key_file)."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or _ABOUT.fullmatch(words[-1]):
        return False
    return any(_SECRET_WORD.fullmatch(word) for word in (*words, "".join(words)))
