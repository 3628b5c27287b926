# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""systemd's unit files with their additions, read as systemd does at the next C(daemon-reload) (systemd.syntax(7))."""

from __future__ import annotations

import os
import re
import shlex
import typing as t

from .._errors import HostError
from .._files import UnfitFileError, read_regular_file
from .services import UNIT_DIRECTORIES, find_unit, is_masked

_MOST_BYTES = 1 << 20
_SPECIFIER = re.compile("%(.)")


class Setting(t.NamedTuple):
    """One assignment in a unit's C([Service]): what, to what, and in which file."""

    name: str
    value: str
    path: str


def read_unit(root: str, unit: str) -> t.Optional[t.List[Setting]]:
    """The settings of a service in the order in which they count; an empty value takes those before it back.

    :arg root: As L(Host.root).
    :arg unit: Such as C(st2api.service), or an instance as C(st2actionrunner@1.service).
    :returns: C(None) where there is no such unit, or it is masked.
    :raises HostError: for a file that cannot be read.
    """
    name, at, rest = unit.partition("@")
    template = f"{name}@.service" if at else unit
    instance = rest[: -len(".service")] if at else ""
    path = find_unit(root, unit) or find_unit(root, template)
    if path is None or is_masked(path):
        return None
    found: t.List[Setting] = []
    for file in (path, *_additions(root, dict.fromkeys([unit, template, "service"]))):
        found += _settings(file, instance)
    return found


def _additions(root: str, names: t.Iterable[str]) -> t.List[str]:
    """The drop-ins, by their names; of two with one name, that of the directory that comes first."""
    found: t.Dict[str, str] = {}
    for name in names:
        for directory in UNIT_DIRECTORIES:
            folder = f"{root}{directory}/{name}.d"
            try:
                files = [file for file in os.listdir(folder) if file.endswith(".conf")]
            except OSError:
                continue
            for file in files:
                found.setdefault(file, f"{folder}/{file}")
    return [found[file] for file in sorted(found) if not is_masked(found[file])]


def _settings(path: str, instance: str) -> t.Iterator[Setting]:
    section = ""
    for line in _logical_lines(_read(path)):
        if line.startswith("["):
            section = line
        elif section == "[Service]" and "=" in line:
            name, _equal, value = line.partition("=")
            yield Setting(name.strip(), _specified(value.strip(), instance), path)


def _read(path: str) -> str:
    try:
        return read_regular_file(path, _MOST_BYTES).decode("utf-8", "replace")
    except FileNotFoundError:
        return ""
    except UnfitFileError as error:
        raise HostError(f"{path} cannot be a systemd unit. {error.strerror}. Remove or correct it.") from error
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}. Run the task with become.") from error


def _logical_lines(text: str) -> t.Iterator[str]:
    """The lines without comments; one that ends with a backslash goes on in the next, comments in between left out."""
    joined = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith(("#", ";")) or not (line or joined):
            continue
        if line.endswith("\\"):
            joined += f"{line[:-1]} "
            continue
        yield joined + line
        joined = ""
    if joined:
        yield joined


def _specified(value: str, instance: str) -> str:
    """A value with C(%i) and C(%%) resolved; others, which StackStorm's units do not have, stay."""
    known = {"%": "%", "i": instance, "I": instance}
    return _SPECIFIER.sub(lambda match: known.get(match.group(1), match.group(0)), value)


def words(value: str) -> t.List[str]:
    """The words of a value, quotes taken off; none when a quote is not closed, as systemd leaves such a line out."""
    try:
        return shlex.split(value)
    except ValueError:
        return []
