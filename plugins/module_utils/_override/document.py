# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The document in an override file: what it may say, and what others made it say that StackStorm does not take.

Follows st2common/content/loader.py OverrideLoader of StackStorm 3.9.0, which reads C(_global.yaml) and C(<pack>.yaml)
for every resource that is registered.
"""

from __future__ import annotations

import difflib
import typing as t
from dataclasses import dataclass, field

from .._printable import printable

# OverrideLoader.ALLOWED_OVERRIDE_TYPES, in the order in which StackStorm registers them.
KINDS = ("sensors", "actions", "rules", "aliases")
# One of each, for people.
SINGULAR = {"sensors": "sensor", "actions": "action", "rules": "rule", "aliases": "alias"}
# The only key that can be overridden (OverrideLoader.ALLOWED_OVERRIDE_NAMES).
ENABLED = "enabled"
# The pack of the file that is for all packs (st2common/constants/pack.py RESERVED_PACK_LIST).
GLOBAL = "_global"


@dataclass(frozen=True)
class Section:
    """What a file says of one kind of resource.

    :arg default: Whether all of them are enabled; C(None) when it does not say.
    :arg exceptions: The same for single ones, by name.
    """

    default: t.Optional[bool] = None
    exceptions: t.Mapping[str, bool] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return self.default is not None or bool(self.exceptions)

    def merged(self, other: Section) -> Section:
        """This with what the other says put over it."""
        default = self.default if other.default is None else other.default
        return Section(default, {**self.exceptions, **other.exceptions})


@dataclass(frozen=True)
class Overrides:
    """What an override file says.

    :arg sections: By kind; a kind that is not there, or is empty, says nothing.
    """

    sections: t.Mapping[str, Section] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return any(self.sections.values())

    def of(self, kind: str) -> Section:
        """What it says of one kind."""
        return self.sections.get(kind) or Section()

    def merged(self, other: Overrides) -> Overrides:
        """This with what the other says put over it."""
        return Overrides({kind: self.of(kind).merged(other.of(kind)) for kind in KINDS})

    def document(self) -> t.Dict[str, t.Any]:
        """As StackStorm reads it, without anything empty: that would break its registration."""
        return {kind: _section_document(self.of(kind)) for kind in KINDS if self.of(kind)}


def _section_document(section: Section) -> t.Dict[str, t.Any]:
    document: t.Dict[str, t.Any] = {}
    if section.default is not None:
        document["defaults"] = {ENABLED: section.default}
    if section.exceptions:
        document["exceptions"] = {name: {ENABLED: enabled} for name, enabled in section.exceptions.items()}
    return document


NOTHING = Overrides()


@dataclass(frozen=True)
class Problem:
    """Something in a file that does not belong there.

    :arg path: The keys that lead to it.
    :arg text: What is wrong, as a clause.
    :arg breaks: The kinds whose registration fails, or goes wrong, because of it; none when StackStorm ignores it.
    :arg name: The only resource of the kind that is concerned; C(None) for all of them.
    """

    path: t.Tuple[str, ...]
    text: str
    breaks: t.Tuple[str, ...] = ()
    name: t.Optional[str] = None


def parse_document(value: t.Any, *, for_all: bool) -> t.Tuple[Overrides, t.Tuple[Problem, ...]]:
    """What the value of an override file says, and what in it StackStorm refuses or ignores.

    :arg value: As L(load_yaml) gives it.
    :arg for_all: Whether it is C(_global.yaml), which can have no exceptions.
    """
    parser = _Parser(for_all)
    return Overrides(parser.sections(value)), tuple(parser.problems)


class _Parser:
    def __init__(self, for_all: bool) -> None:
        self._for_all = for_all
        self.problems: t.List[Problem] = []

    def sections(self, value: t.Any) -> t.Dict[str, Section]:
        if not isinstance(value, dict):
            self._no_mapping(value)
            return {}
        found = {}
        for key, section in value.items():
            if key in KINDS:
                found[key] = self._section(key, section)
            else:
                self._ignored((str(key),), f"{_shown(key)} cannot be overridden{_meant(key, KINDS)}")
        return {kind: section for kind, section in found.items() if section}

    def _no_mapping(self, value: t.Any) -> None:
        if value is None:
            self.problems.append(Problem((), "the file is empty", KINDS))
            return
        # "KIND in VALUE" is asked of whatever is there, and then VALUE[KIND] is taken.
        held = [_holds(value, kind) for kind in KINDS]
        breaks = tuple(kind for kind, holds in zip(KINDS, held) if holds is not False)
        self.problems.append(Problem((), f"the file is {_kind_of(value)} but must be a mapping", breaks))

    def _section(self, kind: str, value: t.Any) -> Section:
        if not isinstance(value, dict):
            keys = ("defaults",) if self._for_all else ("defaults", "exceptions")
            breaks = any(_holds(value, key) is not False for key in keys)
            self._wrong((kind,), f"{kind} is {_kind_of(value)} but must be a mapping", kind if breaks else None)
            return Section()
        default, exceptions = None, {}
        for key, part in value.items():
            path = (kind, str(key))
            if key == "defaults":
                default = self._enabled(path, part, kind)
            elif key == "exceptions" and self._for_all:
                self._ignored(path, f"{kind}.exceptions has no effect in {GLOBAL}.yaml, only in the file of a pack")
            elif key == "exceptions":
                exceptions = self._exceptions(path, part, kind)
            else:
                self._ignored(path, f"{kind} has the key {_shown(key)}{_meant(key, ('defaults', 'exceptions'))}")
        return Section(default, exceptions)

    def _exceptions(self, path: t.Tuple[str, ...], value: t.Any, kind: str) -> t.Dict[str, bool]:
        if not isinstance(value, dict):
            harmless = isinstance(value, (str, list)) and not value
            self._wrong(
                path, f"{'.'.join(path)} is {_kind_of(value)} but must be a mapping", None if harmless else kind
            )
            return {}
        found = {}
        for name, part in value.items():
            if not isinstance(name, str):
                self._ignored((*path, str(name)), f"{'.'.join(path)} has a name that is not a string: {_shown(name)}")
                continue
            enabled = self._enabled((*path, name), part, kind, name)
            if enabled is not None:
                found[name] = enabled
        return found

    def _enabled(
        self, path: t.Tuple[str, ...], value: t.Any, kind: str, name: t.Optional[str] = None
    ) -> t.Optional[bool]:
        where = ".".join(map(printable, path))
        if not isinstance(value, dict):
            harmless = isinstance(value, (str, list)) and not value
            self._wrong(path, f"{where} is {_kind_of(value)} but must be a mapping", None if harmless else kind, name)
            return None
        enabled = None
        for key, part in value.items():
            if key != ENABLED:
                text = f"{where} has the key {_shown(key)}; only {ENABLED} can be overridden"
                self._wrong((*path, str(key)), text, kind, name)
            elif isinstance(part, bool):
                enabled = part
            else:
                text = f"{where}.{ENABLED} is {_kind_of(part)}, not true or false"
                self._wrong((*path, ENABLED), text, kind, name)
        return enabled

    def _ignored(self, path: t.Tuple[str, ...], text: str) -> None:
        self.problems.append(Problem(path, text))

    def _wrong(self, path: t.Tuple[str, ...], text: str, kind: t.Optional[str], name: t.Optional[str] = None) -> None:
        self.problems.append(Problem(path, text, (kind,) if kind else (), name))


def _holds(value: t.Any, key: str) -> t.Optional[bool]:
    """C(key in value) as Python answers; C(None) where it raises."""
    try:
        return key in value
    except TypeError:
        return None


def _kind_of(value: t.Any) -> str:
    if value is None:
        return "empty (null)"
    if isinstance(value, bool):
        return "a truth value"
    names = ((str, "text"), (dict, "a mapping"), (list, "a list"), ((int, float), "a number"))
    return next((name for kind, name in names if isinstance(value, t.cast(t.Any, kind))), type(value).__name__)


def _shown(key: t.Any) -> str:
    return printable(str(key)[:60])


def _meant(key: t.Any, known: t.Sequence[str]) -> str:
    close = difflib.get_close_matches(str(key), known, 1)
    return f" (did you mean {close[0]}?)" if close else f", only {', '.join(known)}"
