# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Source distributions: what they require, read without running anything in them; and stand-ins for them.

pip learns what a source distribution requires by building it, for the Python that it runs on. Here it gets an empty
wheel in its place, which says what the source distribution says, so that it is resolved as any other for any Python.
"""

from __future__ import annotations

import os
import re
import tarfile
import typing as t
import zipfile
from email.parser import HeaderParser

from .._errors import SourceError
from .._source.package_index import normal_name, sdist_version
from .requirement_sets import clean_requirement

# The last one that a Python takes, so that a real wheel of the same version is taken first.
_TAG = "py30-none-any"
_COMPILED = (".c", ".cc", ".cpp", ".cxx", ".pyx", ".f", ".f90", ".rs", ".go")
_MOST_MEMBERS = 100_000
_MOST_BYTES = 4 << 30
_MOST_TEXT = 4 << 20
_SECTION = re.compile(r"\[(?P<extra>[^:\]]*)(?::(?P<marker>[^\]]*))?\]")
_BUILD_SYSTEM = re.compile(r"^\[build-system\]\s*$(?P<body>.*?)(?=^\[|\Z)", re.MULTILINE | re.DOTALL)
_REQUIRES = re.compile(r"^requires\s*=\s*\[(?P<items>(?:[^\]\"']|\"[^\"]*\"|'[^']*')*)\]", re.MULTILINE)
_ITEM = re.compile(r"\"([^\"\\]*)\"|'([^']*)'|#[^\n]*")


class Sdist(t.NamedTuple):
    """What a source distribution says of itself.

    :arg requires: As C(Requires-Dist) of a wheel.
    :arg builds_with: What it requires to be built; empty for what hosts have anyhow.
    :arg compiled: Whether there is source in it that has to be compiled.
    """

    requires: t.Tuple[str, ...] = ()
    requires_python: str = ""
    builds_with: t.Tuple[str, ...] = ()
    compiled: bool = False


def read_sdist(path: str) -> Sdist:
    """Read a source distribution; what it says in no way that can be read without building it is not known.

    :raises SourceError: for something else, or a far too large one.
    """
    try:
        texts, compiled = _zip(path) if path.endswith(".zip") else _tar(path)
    except (OSError, EOFError, ValueError, tarfile.TarError, zipfile.BadZipFile, NotImplementedError) as error:
        raise SourceError(f"{os.path.basename(path)} is no source distribution: {error}.") from error
    information = HeaderParser().parsestr(texts.get("PKG-INFO", ""))
    requires = information.get_all("Requires-Dist") or _from_egg(texts.get("requires.txt", ""))
    clean = (clean_requirement(str(one)) for one in requires)
    return Sdist(
        tuple(sorted({one for one in clean if one})),
        str(information.get("Requires-Python") or "").strip(),
        _builds_with(texts.get("pyproject.toml", "")),
        compiled,
    )


def stand_in_name(package: str, file: str) -> str:
    """The name of the wheel that stands for a source distribution."""
    return f"{normal_name(package).replace('-', '_')}-{sdist_version(file, package).replace('-', '_')}-{_TAG}.whl"


def write_stand_in(path: str, package: str, file: str, sdist: Sdist) -> None:
    """Write the wheel that stands for a source distribution."""
    version = sdist_version(file, package)
    lines = ["Metadata-Version: 2.1", f"Name: {normal_name(package)}", f"Version: {version}"]
    lines += [f"Requires-Python: {sdist.requires_python}"] if sdist.requires_python else []
    lines += [f"Requires-Dist: {one}" for one in sdist.requires]
    extras = {one for line in sdist.requires for one in re.findall(r"extra == [\"']([A-Za-z0-9._-]+)[\"']", line)}
    lines += [f"Provides-Extra: {one}" for one in sorted(extras)]
    folder = f"{'-'.join(os.path.basename(path).split('-')[:2])}.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{folder}/METADATA", "\n".join(lines) + "\n")
        archive.writestr(f"{folder}/WHEEL", f"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: {_TAG}\n")
        archive.writestr(f"{folder}/RECORD", "")


def _wanted(name: str) -> str:
    """What a member is read for: C(PKG-INFO) and C(pyproject.toml) at the top, C(requires.txt) of setuptools."""
    parts = name.split("/")
    if len(parts) == 2 and parts[1] in ("PKG-INFO", "pyproject.toml"):
        return parts[1]
    is_egg = len(parts) in (3, 4) and parts[-2].endswith(".egg-info")
    return parts[-1] if is_egg and parts[-1] == "requires.txt" else ""


def _tar(path: str) -> t.Tuple[t.Dict[str, str], bool]:
    texts: t.Dict[str, str] = {}
    compiled, size = False, 0
    with tarfile.open(path, "r|gz") as archive:
        for number, member in enumerate(archive):
            size += member.size
            if number > _MOST_MEMBERS or size > _MOST_BYTES:
                raise ValueError("it is far too large")
            compiled = compiled or (member.isfile() and member.name.endswith(_COMPILED))
            wanted = _wanted(member.name)
            content = archive.extractfile(member) if wanted and member.isfile() else None
            if content is not None:
                texts.setdefault(wanted, content.read(_MOST_TEXT).decode("utf-8", "replace"))
    return texts, compiled


def _zip(path: str) -> t.Tuple[t.Dict[str, str], bool]:
    texts: t.Dict[str, str] = {}
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name in names:
            wanted = _wanted(name)
            if wanted:
                with archive.open(name) as stream:
                    texts.setdefault(wanted, stream.read(_MOST_TEXT).decode("utf-8", "replace"))
    return texts, any(name.endswith(_COMPILED) for name in names)


def _from_egg(text: str) -> t.Iterator[str]:
    """The requirements that setuptools writes (C(requires.txt)), as those of a wheel."""
    extra = marker = ""
    for line in filter(None, map(str.strip, text.splitlines())):
        section = _SECTION.fullmatch(line)
        if section:
            extra, marker = section.group("extra").strip(), (section.group("marker") or "").strip()
            continue
        requirement, _semicolon, own = line.partition(";")
        conditions = [f"({one})" for one in (own.strip(), marker) if one]
        conditions += [f'extra == "{extra}"'] if extra else []
        yield requirement + (f" ; {' and '.join(conditions)}" if conditions else "")


def _builds_with(text: str) -> t.Tuple[str, ...]:
    """C(build-system.requires) of a pyproject.toml (PEP 518). Not every Python that this runs on can read TOML; a list
    of plain strings, which it must be, is read as it is."""
    system = _BUILD_SYSTEM.search(text)
    found = _REQUIRES.search(system.group("body")) if system else None
    items = (one or other for one, other in _ITEM.findall(found.group("items"))) if found else ()
    clean = (clean_requirement(item) for item in items if item)
    return tuple(sorted({one for one in clean if one}))
