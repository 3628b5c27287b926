# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""From what a task asks to what an override file is to say, by the names that StackStorm matches with."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import OptionError
from .._printable import printable
from .document import SINGULAR, Overrides, Section
from .options import Asked, Options
from .pack_resources import PackResources

_MOST_NAMED = 10


@dataclass(frozen=True)
class Wanted:
    """What a task wants of an override file.

    :arg overrides: What the file is to say afterwards; nothing means that there is to be no file.
    :arg named: The resources that the task names, by kind and name; C(None) as name stands for all of the kind.
    :arg warnings: Names that were translated, or could not be checked.
    """

    overrides: Overrides
    named: t.FrozenSet[t.Tuple[str, t.Optional[str]]]
    warnings: t.Tuple[str, ...] = ()


def resolve(options: Options, current: Overrides, resources: t.Optional[PackResources]) -> Wanted:
    """What the file is to say.

    :arg current: What it says now.
    :arg resources: Those of the pack; C(None) when it is not installed, and for C(_global).
    :raises OptionError: for a name that the pack does not have, with those that are probably meant.
    """
    resolver = _Resolver(options, current, resources)
    if options.state == "absent":
        return resolver.removal()
    return resolver.setting()


class _Resolver:
    def __init__(self, options: Options, current: Overrides, resources: t.Optional[PackResources]) -> None:
        self._options = options
        self._current = current
        self._resources = resources
        self._warnings: t.List[str] = []
        self._named: t.Set[t.Tuple[str, t.Optional[str]]] = set()

    def setting(self) -> Wanted:
        """For C(state=present)."""
        sections = {}
        for kind, asked in self._options.sections.items():
            exceptions = self._exceptions(kind, asked)
            sections[kind] = Section(asked.default, exceptions)
            self._name(kind, asked, exceptions)
        overrides = Overrides(sections)
        if self._options.merge == "merge":
            overrides = self._current.merged(overrides)
        return self._wanted(overrides)

    def removal(self) -> Wanted:
        """For C(state=absent)."""
        if self._options.removes_file:
            return self._wanted(Overrides())
        sections = dict(self._current.sections)
        for kind, asked in self._options.sections.items():
            section = self._current.of(kind)
            names = {self._recorded(kind, name) for name in asked.names}
            self._name(kind, asked, names)
            if not asked:
                section = Section()
                self._named.add((kind, None))
            exceptions = {name: enabled for name, enabled in section.exceptions.items() if name not in names}
            sections[kind] = Section(None if asked.default_named else section.default, exceptions)
        return self._wanted(Overrides(sections))

    def _wanted(self, overrides: Overrides) -> Wanted:
        return Wanted(overrides, frozenset(self._named), tuple(self._warnings))

    def _name(self, kind: str, asked: Asked, names: t.Iterable[str]) -> None:
        self._named.update((kind, name) for name in names)
        if asked.default_named:
            self._named.add((kind, None))

    def _recorded(self, kind: str, name: str) -> str:
        """The name of an exception to remove, which may be one that the pack has no more."""
        if name in self._current.of(kind).exceptions or self._resources is None:
            return name
        return self._resources.find(kind, name).name or name

    def _exceptions(self, kind: str, asked: Asked) -> t.Dict[str, bool]:
        found: t.Dict[str, bool] = {}
        written: t.Dict[str, str] = {}
        unknown: t.List[str] = []
        for text, enabled in asked.names.items():
            name = self._translated(kind, text, asked.options[text], unknown)
            if found.get(name, enabled) != enabled:
                raise OptionError(
                    f"{kind}: {printable(written[name])} and {printable(text)} are both the {SINGULAR[kind]} "
                    f"{printable(name)}, which cannot be enabled and disabled at once."
                )
            found[name] = bool(enabled)
            written[name] = text
        if unknown and not self._options.allow_missing:
            raise OptionError(" ".join(unknown[:_MOST_NAMED]) + " Set allow_missing to write them anyway.")
        self._warnings += unknown
        return found

    def _translated(self, kind: str, text: str, option: str, unknown: t.List[str]) -> str:
        if self._resources is None:
            return text
        found = self._resources.find(kind, text)
        if found.name is None:
            unknown.append(_unknown(self._resources, kind, text, option, found.suggestions))
            return text
        if found.name != text:
            key = "class_name" if kind == "sensors" else "name"
            self._warnings.append(
                f"{option}: {printable(text)} is taken for {printable(found.name)}, the {key} in the metadata of that "
                f"{SINGULAR[kind]}, which is what StackStorm looks for."
            )
        return found.name


def _unknown(resources: PackResources, kind: str, text: str, option: str, suggestions: t.Sequence[str]) -> str:
    names = resources.names(kind)
    if suggestions:
        hint = f"Did you mean {' or '.join(map(printable, suggestions))}?"
    elif not names:
        hint = f"It has no {kind}."
    else:
        more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
        hint = f"It has {', '.join(map(printable, names[:_MOST_NAMED]))}{more}."
    return f"{option}: the pack {resources.ref} has no {SINGULAR[kind]} {printable(text)}. {hint}"
