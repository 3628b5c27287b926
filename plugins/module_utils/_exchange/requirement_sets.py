# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What packs require, fit for being resolved where the packs are not: nothing in it leads to a file or an address."""

from __future__ import annotations

import re
import typing as t

from .._content.requirements import decode_requirements, entries_of
from .._printable import printable
from .._secrets import strip_urls
from .problem import Problem

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"
_VERSION = r"(?:===?|~=|!=|<=?|>=?)\s*[A-Za-z0-9._*+!-]+"
# PEP 508 without addresses; the brackets around versions are of older packages.
_REQUIREMENT = re.compile(
    rf"(?P<name>{_NAME})\s*(?P<extras>\[[A-Za-z0-9._,\s-]*\])?\s*"
    rf"(?:\(\s*(?P<inside>{_VERSION}(?:\s*,\s*{_VERSION})*)\s*\)|(?P<versions>{_VERSION}(?:\s*,\s*{_VERSION})*\s*,?))?"
    r"\s*(?:;\s*(?P<marker>[A-Za-z0-9_.<>=!~'\"()\s,*+-]+))?"
)
# What makes no difference to what is served: each file has its digest, and hosts choose among files by themselves.
_WITHOUT_EFFECT = ("--require-hashes", "--prefer-binary", "--no-binary", "--only-binary", "--use-feature")
_MOST_BYTES = 1 << 20
_SHOWN = 120


class PackRequirements(t.NamedTuple):
    """The requirements.txt of a pack, at the commit that is listed."""

    ref: str
    content: bytes


class RequirementSet(t.NamedTuple):
    """Requirements that are resolved together.

    :arg lines: Sorted, each by name, version and marker alone.
    :arg prereleases: Whether releases that are not final will do (C(--pre)).
    """

    lines: t.Tuple[str, ...]
    prereleases: bool = False


def requirement_sets(
    packs: t.Iterable[PackRequirements],
) -> t.Tuple[t.Dict[RequirementSet, t.Tuple[str, ...]], t.List[Problem]]:
    """What is to be resolved, each set with the packs that it is for; and what cannot be had from an index."""
    found: t.Dict[RequirementSet, t.List[str]] = {}
    problems: t.List[Problem] = []
    for pack in sorted(packs):
        wanted, wrong = _read(pack)
        problems += wrong
        if wanted.lines:
            found.setdefault(wanted, []).append(pack.ref)
    return {one: tuple(refs) for one, refs in found.items()}, problems


def clean_requirement(entry: str) -> t.Optional[str]:
    """A requirement in its plain form; C(None) for one that is not by name, version and marker."""
    found = _REQUIREMENT.fullmatch(entry.strip())
    if not found:
        return None
    extras = re.sub(r"\s", "", found.group("extras") or "")
    versions = re.sub(r"\s", "", found.group("inside") or found.group("versions") or "").rstrip(",")
    marker = found.group("marker")
    return f"{found.group('name')}{extras}{versions}" + (f" ; {' '.join(marker.split())}" if marker else "")


def _read(pack: PackRequirements) -> t.Tuple[RequirementSet, t.List[Problem]]:
    def wrong(what: str) -> Problem:
        return Problem(pack.ref, "wheels", f"The requirements.txt of {pack.ref} {what}.")

    if len(pack.content) > _MOST_BYTES:
        return RequirementSet(()), [wrong(f"has more than {_MOST_BYTES} bytes, so no packages are kept for it")]
    try:
        text = decode_requirements(pack.content)
    except ValueError as error:
        return RequirementSet(()), [wrong(f"{error}, so no packages are kept for it")]
    lines: t.Set[str] = set()
    problems = []
    prereleases = False
    for number, entry in entries_of(text):
        words = entry.split(" ")
        first = next((place for place, word in enumerate(words) if word.startswith("-")), len(words))
        option = words[0].partition("=")[0] if first == 0 else ""
        prereleases = prereleases or option == "--pre"
        line = clean_requirement(" ".join(words[:first]))
        if line:
            lines.add(line)
        elif option != "--pre" and option not in _WITHOUT_EFFECT:
            shown = printable(strip_urls(entry))[:_SHOWN]
            problems.append(
                wrong(
                    f'has "{shown}" (line {number}), which is no package of an index: hosts that install {pack.ref} '
                    "have to reach it themselves"
                )
            )
    return RequirementSet(tuple(sorted(lines)), prereleases), problems
