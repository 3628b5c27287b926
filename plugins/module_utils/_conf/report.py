# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan and its outcome as a person reads them: one line, a diff, the returned values. No secret is in any."""

from __future__ import annotations

import os
import typing as t

from .._file_attributes import group_name, user_name
from .._st2.conf import DEFAULTS, Setting, Settings
from .document import INDENT, Document
from .lists import COMMA, split
from .masking import Masking
from .plan import Change, ConfPlan
from .shadowing import ENVIRONMENT, OTHER_FILE, Shadow

_INDEXES = ("content", "index_url")
_PUBLIC_INDEX = DEFAULTS[_INDEXES]


class Report:
    """What a result says about a plan."""

    def __init__(self, plan: ConfPlan) -> None:
        self._plan = plan
        self._masking = Masking(change.wanted.key for change in plan.changes if change.wanted.secret)
        self._pairs = [self._masking.pair(one.wanted.key, one.before, one.after) for one in plan.changes]

    def line(self) -> str:
        """What happens, or happened: C(st2.conf, [content] index_url changed, mode 0600 -> 0640)."""
        plan = self._plan
        parts = [f"{one.wanted.name} {_word(one)}" for one in plan.changes if one.changed]
        parts += [f"{name} {before} -> {after}" for name, before, after in self._attributes() if before != after]
        name = os.path.basename(plan.file.path)
        return f"{name}: {', '.join(parts)}" if parts else f"{name} is as wanted"

    def _attributes(self) -> t.List[t.Tuple[str, str, str]]:
        plan, file = self._plan, self._plan.file
        return [
            ("mode", f"{file.mode:04o}", f"{plan.mode:04o}"),
            ("owner", user_name(file.uid), user_name(plan.uid)),
            ("group", group_name(file.gid), group_name(plan.gid)),
        ]

    def diff(self) -> t.List[t.Dict[str, str]]:
        """One Ansible diff of what is about the options that change. Lines around them may hold anybody's secrets."""
        plan = self._plan
        if not plan.changed:
            return []
        attributes = [(name, *both) for name, *both in self._attributes() if both[0] != both[1]]
        sides = []
        for side, document in enumerate((plan.file.document, plan.document)):
            head = "".join(f"# {name} {both[side]}\n" for name, *both in attributes)
            sides.append(head + self._definitions(document, side))
        path = plan.file.path
        return [{"before_header": path, "after_header": path, "before": sides[0], "after": sides[1]}]

    def _definitions(self, document: Document, side: int) -> str:
        """The options that change, as one of both texts has them, below their sections."""
        told = {one.wanted.key: pair[side] for one, pair in zip(self._plan.changes, self._pairs) if one.changed}
        last = {(one.section, one.option): one for one in document.definitions}
        found = []
        for section in dict.fromkeys(section for section, _option in told):
            found += [f"[{section}]"] if any(header.section == section for header in document.headers) else []
            for one in document.definitions:
                key = one.section, one.option
                if one.section == section and key in told:
                    value = told[key] if last[key] is one else self._masking.mask(key, one.value)
                    found.append(f"{one.option} = {value}".replace("\n", f"\n{INDENT}"))
        return "".join(f"{line}\n" for line in found)

    def options(self) -> t.List[t.Dict[str, t.Any]]:
        """What the result says of each option."""
        return [
            {
                "section": one.wanted.section,
                "option": one.wanted.option,
                "changed": one.changed,
                "before": before,
                "after": after,
            }
            for one, (before, after) in zip(self._plan.changes, self._pairs)
        ]

    def warnings(self, shadows: t.Sequence[Shadow]) -> t.List[str]:
        """What a person should know."""
        return [*_shadowed(shadows), *self._unresolved(), *self._private_before_public()]

    def _unresolved(self) -> t.Iterator[str]:
        """Of values with a $ that may be meant as one."""
        written = {key: Setting(value, "") for key, value in self._plan.document.values().items()}
        settings = Settings(self._plan.file.path, written, {}, {})
        for one in self._plan.changes:
            if one.changed and not settings.resolves(*one.wanted.key):
                yield (
                    f"{one.wanted.name}: the value has a $ that StackStorm interprets as a reference to another "
                    f"option, which {self._plan.file.path} does not set. If a dollar sign is meant, write $$."
                )

    def _private_before_public(self) -> t.Iterator[str]:
        """Where a stranger may publish what is asked of an index of one's own (dependency confusion)."""
        for one in self._plan.changes:
            if one.wanted.key == _INDEXES and _PUBLIC_INDEX in split(one.after or "", COMMA)[1:]:
                yield (
                    f"{one.wanted.name} has an index before StackStorm's public one. When that index does not "
                    "respond, or does not list a pack, StackStorm uses the pack of that name in the public one, "
                    "whoever published it. To prevent this, set the private index only, and add the public packs that "
                    "you use to it."
                )


def _word(change: Change) -> str:
    if change.after is None:
        return "removed"
    return "added" if change.before is None else "changed"


def _shadowed(shadows: t.Sequence[Shadow]) -> t.Iterator[str]:
    """One warning for each option and reason."""
    together: t.Dict[t.Tuple[str, str], t.List[str]] = {}
    for shadow in shadows:
        if shadow.by == ENVIRONMENT:
            why = f"{shadow.variable} in {shadow.source} takes precedence"
        elif shadow.by == OTHER_FILE:
            why = f"it reads {shadow.source} instead"
        else:
            why = f"{shadow.source} is read later and contains the option, too"
        together.setdefault((shadow.wanted.name, why), []).append(shadow.service)
    for (name, why), services in together.items():
        yield f"{name} of this file has no effect on {', '.join(services)}: {why}."
