# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: override files as they are on the host."""

from __future__ import annotations

import os
import re
import stat
import typing as t
from dataclasses import dataclass, field

from .._errors import InvalidPackError
from .._files import read_regular_file
from .._layout import entries
from .._yaml_file import load_yaml, nested_key_lines
from .document import GLOBAL, KINDS, NOTHING, SINGULAR, Overrides, Problem, parse_document
from .pack_resources import PackResources
from .precedence import Layer

ENDING = ".yaml"
# A file that says something of each resource of the largest known pack has a hundredth of this.
_MOST_BYTES = 1 << 20
# Of a larger file the diff shows nothing.
_MOST_KEPT = 16 << 20
# st2common/content/loader.py OverrideLoader came with it (CHANGELOG.rst, 3.7.0).
_FIRST_RELEASE = (3, 7)
# As deep as an override file goes: KIND, exceptions, NAME, enabled.
_LEVELS = 4


@dataclass(frozen=True)
class OverrideFile:
    """An override file.

    :arg pack: The ref of its pack, or C(_global).
    :arg path: Where it is, or would be.
    :arg content: Its bytes, right or wrong; C(None) when there is none, or none that can be read and shown.
    :arg exists: Whether the path holds anything.
    :arg link: Where it leads to, when it is a symbolic link.
    :arg kind: What it is instead of a file, such as C(a directory).
    :arg overrides: What it says, problems left out.
    :arg problems: What in it StackStorm refuses or ignores.
    :arg complaints: The problems as sentences, each with file and line.
    :arg lines: The line of each problem; 0 for the file as such.
    :arg positions: The line of each key, by the keys that lead to it.
    :arg ignored: A file with another ending beside it, which StackStorm does not read.
    """

    pack: str
    path: str
    content: t.Optional[bytes] = None
    exists: bool = False
    link: t.Optional[str] = None
    kind: t.Optional[str] = None
    overrides: Overrides = NOTHING
    problems: t.Tuple[Problem, ...] = ()
    complaints: t.Tuple[str, ...] = ()
    lines: t.Tuple[int, ...] = ()
    ignored: t.Optional[str] = None
    positions: t.Mapping[t.Tuple[str, ...], int] = field(default_factory=dict, repr=False)

    @property
    def layer(self) -> Layer:
        """It as StackStorm takes it."""
        return Layer(self.overrides, self.problems)

    @property
    def shown(self) -> t.Optional[bytes]:
        """The content as a diff may show it: what a link leads to may be any file of the host."""
        return self.content if self.link is None else f"# a symbolic link to {self.link}\n".encode("utf-8", "replace")

    @property
    def for_all(self) -> bool:
        """Whether it is the one for all packs."""
        return self.pack == GLOBAL


def override_path(directory: str, pack: str) -> str:
    """Where the override file of a pack is."""
    return os.path.join(directory, f"{pack}{ENDING}")


def read_override_file(directory: str, pack: str, now: t.Callable[[str], str] = str) -> OverrideFile:
    """Read the override file of a pack, or of all packs.

    :arg directory: The host's overrides directory, which need not exist.
    :arg pack: A ref, or C(_global).
    :arg now: Where a file is just now, for a host with something still to be put back.
    :raises MissingLibraryError: without PyYAML, when there is a file.
    """
    path = override_path(directory, pack)
    location = now(path)
    other = f"{path[: -len(ENDING)]}.yml"
    ignored = other if os.path.lexists(other) else None
    try:
        status = os.lstat(location)
    except (FileNotFoundError, NotADirectoryError):
        return OverrideFile(pack, path, ignored=ignored)
    link = os.readlink(location) if stat.S_ISLNK(status.st_mode) else None
    if link is not None and not os.path.exists(location):
        return OverrideFile(pack, path, exists=True, link=link, ignored=ignored)
    if not os.path.isfile(location):
        kind = "a directory" if os.path.isdir(location) else "no regular file"
        problem = Problem((), f"it is {kind}", KINDS)
        complaint = f"{path} is {kind}, so StackStorm cannot register anything."
        return OverrideFile(pack, path, None, True, link, kind, NOTHING, (problem,), (complaint,), (0,), ignored)
    return _read(pack, path, location, link, ignored)


def _read(pack: str, path: str, location: str, link: t.Optional[str], ignored: t.Optional[str]) -> OverrideFile:
    content = _content(location)
    try:
        value = load_yaml(location, shown=path, most_bytes=_MOST_BYTES, registered=True)
        lines = nested_key_lines(location, shown=path, levels=_LEVELS, most_bytes=_MOST_BYTES)
    except InvalidPackError as error:
        problem = Problem((), error.message.rstrip("."), KINDS)
        return OverrideFile(pack, path, content, True, link, None, NOTHING, (problem,), (error.message,), (0,), ignored)
    overrides, problems = parse_document(value, for_all=pack == GLOBAL)
    by_path = dict(lines)
    numbers = tuple(_line(by_path, problem.path) for problem in problems)
    complaints = tuple(_complaint(path, number, problem) for number, problem in zip(numbers, problems))
    return OverrideFile(
        pack, path, content, True, link, None, overrides, problems, complaints, numbers, ignored, by_path
    )


def _content(path: str) -> t.Optional[bytes]:
    """The bytes of a file, whatever they are; C(None) when it cannot be read, or is far too large."""
    try:
        return read_regular_file(path, _MOST_KEPT)
    except OSError:
        return None


def override_files(directory: str) -> t.List[str]:
    """The packs, C(_global) among them, that have an override file, or one that StackStorm ignores for its ending."""
    found = set()
    for name in entries(directory):
        stem, ending = os.path.splitext(name)
        if ending in (ENDING, ".yml") and not name.startswith("."):
            found.add(stem)
    return sorted(found)


def idle_exceptions(file: OverrideFile, resources: PackResources) -> t.List[t.Tuple[int, str]]:
    """The exceptions in a pack's file for what the pack does not have, which StackStorm ignores: line and clause.

    Nothing is said of a pack with files that cannot be read: it may have more than is known.
    """
    if resources.warnings:
        return []
    return [
        (file.positions.get((kind, "exceptions", name), 0), f"the pack {file.pack} has no {SINGULAR[kind]} {name}")
        for kind in KINDS
        for name in file.overrides.of(kind).exceptions
        if (kind, name) not in resources.by_name()
    ]


def unread_warning(st2_version: t.Optional[str]) -> t.List[str]:
    """The warning that a host's StackStorm reads no override files; none where it does, or is not there.

    :arg st2_version: As in L(Host).
    """
    number = re.match(r"(\d+)\.(\d+)", st2_version or "")
    if number is None or tuple(map(int, number.groups())) >= _FIRST_RELEASE:
        return []
    return [
        f"StackStorm {st2_version}, which this host has, does not read override files. They have no effect until it "
        "is upgraded to 3.7.0 or later."
    ]


def ignored_warning(file: OverrideFile) -> t.List[str]:
    """A warning about a file whose ending StackStorm does not know, if there is one."""
    if not file.ignored:
        return []
    return [f"{file.ignored} has no effect: StackStorm reads {os.path.basename(file.path)} only."]


def _line(lines: t.Mapping[t.Tuple[str, ...], int], path: t.Tuple[str, ...]) -> int:
    """The line of the innermost of some keys that has one; 1 for the file as such."""
    for depth in range(len(path), 0, -1):
        if path[:depth] in lines:
            return lines[path[:depth]]
    return 1


def _complaint(path: str, line: int, problem: Problem) -> str:
    if problem.name is not None:
        effect = f"StackStorm cannot register that one of the {problem.breaks[0]}" if problem.breaks else ""
    elif problem.breaks:
        effect = f"StackStorm can register no {', '.join(problem.breaks)} with it"
    else:
        effect = ""
    return f"{path}:{line}: {problem.text}; {effect or 'StackStorm ignores it'}."
