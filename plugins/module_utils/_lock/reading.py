# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Reading a lock: everything that is wrong in it is said at once, with the lines."""

from __future__ import annotations

import re
import typing as t

from .._content.file_problem import FileProblem
from .._content.names import check_ref
from .._content.origin import Resolved
from .._content.yaml_lines import Lines, Path, lines_of, shown_path
from .._errors import InvalidPackError, OptionError
from .._secrets import strip_urls
from .document import FORMAT, Lock, LockedPack, Platform

_MOST_SHOWN = 20
_TOP = ("format", "packs", "platforms", "wheels")
_PACK = tuple(name for name in LockedPack._fields if name != "ref")
_NEEDED = ("version", "source", "resolved", "content")
_KINDS = ("default", "branch", "tag", "commit", "content")


class _Form(t.NamedTuple):
    pattern: t.Pattern[str]
    meant: str


_DIGEST = _Form(re.compile(r"sha256:[0-9a-f]{64}"), "a digest, sha256: and 64 hexadecimal digits")
_COMMIT = _Form(re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}"), "a full commit, 40 or 64 hexadecimal digits")
_LINE = _Form(re.compile(r"[^\x00-\x1f\x7f-\x9f\u2028\u2029]{1,2048}"), "text of one line")
_NAME = _Form(re.compile(r"[^\x00-\x20\x7f-\x9f\u2028\u2029-][^\x00-\x20\x7f-\x9f\u2028\u2029]{0,2047}"), "a name")
_SUBDIR = _Form(
    re.compile(r"(?!-|/|~)(?:(?!\.\.?(?:/|\Z))[^/\\\x00-\x1f\x7f-\x9f]+/)*(?!\.\.?(?:/|\Z))[^/\\\x00-\x1f\x7f-\x9f]+"),
    "a directory inside of the source",
)
# Of PEP 440 what pip and uv write as a pinned requirement.
_PIN = _Form(
    re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?==[0-9A-Za-z][0-9A-Za-z.!+_-]{0,200}"), "a pin as NAME==VERSION"
)
_FILE = _Form(re.compile(r"[0-9A-Za-z][0-9A-Za-z._+!-]{0,400}\.whl"), "the name of a wheel")
_PYTHON = _Form(re.compile(r"3\.[0-9]{1,3}"), "a version of Python such as 3.11")
_TAG = _Form(re.compile(r"[a-z0-9][a-z0-9_]{0,100}"), "a tag of wheels such as cp311 or manylinux_2_36_x86_64")


def parse_text(text: str, name: str) -> Lock:
    """What L(document.read_lock) does."""
    from .._yaml_file import load_composed
    from .._yaml_keys import refused_keys

    refused: t.List[FileProblem] = []

    def look(node: t.Any) -> None:
        refused.extend(FileProblem(name, key.subject, _twice(key.first), key.line) for key in refused_keys(node))

    try:
        document, node, _text = load_composed(name, shown=name, content=text.encode("utf-8"), look=look)
    except InvalidPackError as error:
        raise OptionError(error.message) from error
    return _Reader(name, lines_of(node), refused).lock(document)


def parse_document(document: t.Any, name: str) -> Lock:
    """What L(document.lock_of) does."""
    return _Reader(name, Lines(), []).lock(document)


def _twice(first: t.Optional[int]) -> str:
    return "has no place in a lock" if first is None else f"is there twice, first in line {first}"


class _Reader:
    """Makes a lock of plain values, and collects what is wrong with them."""

    def __init__(self, name: str, lines: Lines, problems: t.List[FileProblem]) -> None:
        self._name = name
        self._lines = lines
        self._problems = problems

    def lock(self, document: t.Any) -> Lock:
        """:raises OptionError: when anything is wrong."""
        self._check_format(document)
        top = self._mapping((), document, _TOP, ("packs",))
        platforms = {key: self._platform(key, value) for key, value in self._open((), top, "platforms")}
        wheels = {
            pin: {
                file: self._text(("wheels", pin, file), digest, _DIGEST)
                for file, digest in self._items(("wheels", pin), files, _FILE)
            }
            for pin, files in self._open((), top, "wheels", _PIN)
        }
        packs = {ref: self._pack(ref, value) for ref, value in self._open((), top, "packs")}
        lock = Lock(packs, wheels, platforms)
        if not self._problems:
            self._check_whole(lock)
        self._raise_problems()
        return lock

    def _check_format(self, document: t.Any) -> None:
        """Report an unknown format alone: this release cannot judge anything else in such a file."""
        found = document.get("format") if isinstance(document, dict) else None
        if not isinstance(document, dict) or "format" not in document:
            self._wrong((), "is no lock: it must be a mapping with the keys format and packs")
        elif found != FORMAT or isinstance(found, bool):
            shown = found if isinstance(found, int) else "no number"
            self._wrong(
                ("format",),
                f"is {shown}, and this release of the collection supports {FORMAT}: use the one that created it",
            )
        else:
            return
        self._raise_problems()

    def _check_whole(self, lock: Lock) -> None:
        """What is named elsewhere in it has to be there."""
        for ref, pack in lock.packs.items():
            for other in pack.dependencies:
                if other not in lock.packs:
                    self._wrong(("packs", ref, "dependencies", other), "is no pack of the lock")
            for key, pins in pack.wheels.items():
                if key not in lock.platforms:
                    self._wrong(("packs", ref, "wheels", key), "is not among the platforms of the lock")
                for number, pin in enumerate(pins):
                    if pin not in lock.wheels:
                        path = ("packs", ref, "wheels", key, number)
                        self._wrong(path, f"is {pin}, of which the lock has no files in wheels")

    def _raise_problems(self) -> None:
        if not self._problems:
            return
        found = sorted(self._problems, key=lambda problem: problem.line or 0)
        more = f"; and {len(found) - _MOST_SHOWN} more" if len(found) > _MOST_SHOWN else ""
        shown = "; ".join(problem.with_line for problem in found[:_MOST_SHOWN])
        raise OptionError(
            f"{self._name} is not a valid lock: {shown}{more}. Undo manual changes, "
            "or remove it and create it again with st2_pack_lock."
        )

    def _platform(self, key: str, value: t.Any) -> Platform:
        path = ("platforms", key)
        fields = self._mapping(path, value, Platform._fields, Platform._fields)
        forms = {"python": _PYTHON, "abi": _TAG, "platform": _TAG}
        platform = Platform(*(self._field(path, fields, name, forms[name]) for name in Platform._fields))
        if all(platform) and platform.key != key:
            self._wrong(path, f"must be called {platform.key}")
        return platform

    def _pack(self, ref: str, value: t.Any) -> LockedPack:
        path = ("packs", ref)
        try:
            check_ref("ref", ref)
        except OptionError:
            self._wrong(path, "is no ref of a pack")
        fields = self._mapping(path, value, _PACK, _NEEDED)
        resolved = self._mapping((*path, "resolved"), fields.get("resolved", {}), ("kind", "name"), ("kind",))
        kind = self._field((*path, "resolved"), resolved, "kind", _LINE)
        if kind and kind not in _KINDS:
            self._wrong((*path, "resolved", "kind"), f"must be one of {', '.join(_KINDS)}")
        pack = LockedPack(
            ref=ref,
            version=self._field(path, fields, "version", _NAME),
            source=self._field(path, fields, "source", _LINE),
            subdir=self._field(path, fields, "subdir", _SUBDIR),
            requested=self._list(path, fields, "requested", _LINE),
            resolved=Resolved(kind, self._field((*path, "resolved"), resolved, "name", _NAME)),
            commit=self._field(path, fields, "commit", _COMMIT),
            title=self._field(path, fields, "title", _LINE),
            content=self._field(path, fields, "content", _DIGEST),
            requirements=self._field(path, fields, "requirements", _DIGEST) or None,
            dependencies={
                other: self._text((*path, "dependencies", other), asked, _LINE)
                for other, asked in self._open(path, fields, "dependencies")
            },
            counts={
                kind: self._number((*path, "counts", kind), count) for kind, count in self._open(path, fields, "counts")
            },
            signer=self._field(path, fields, "signer", _LINE) or None,
            index_url=self._field(path, fields, "index_url", _NAME) or None,
            wheels={
                key: self._list((*path, "wheels"), {key: pins}, key, _PIN)
                for key, pins in self._open(path, fields, "wheels")
            },
        )
        self._check_source(path, pack)
        return pack

    def _check_source(self, path: Path, pack: LockedPack) -> None:
        directory = pack.source.startswith(".")
        if pack.source.startswith(("/", "-", "~")) or pack.source.lower().startswith("file:"):
            clause = "must be the URL of a repository, or a directory relative to the lock that begins with ./ or ../"
            self._wrong((*path, "source"), clause)
        elif pack.source and strip_urls(pack.source) != pack.source:
            self._wrong((*path, "source"), "must have no user name and password")
        elif pack.source and directory == bool(pack.commit):
            self._wrong(path, "has a directory and a commit" if directory else "has no commit")

    def _mapping(
        self, path: Path, value: t.Any, known: t.Sequence[str], needed: t.Sequence[str]
    ) -> t.Mapping[str, t.Any]:
        if not isinstance(value, dict):
            self._wrong(path, "must be a mapping")
            return {}
        for key in value:
            if key not in known:
                self._wrong((*path, str(key)), "is no key of a lock of this format")
        for key in needed:
            if key not in value:
                self._wrong(path, f"has no {key}")
        return value

    def _open(
        self, path: Path, fields: t.Mapping[str, t.Any], name: str, form: t.Optional[_Form] = None
    ) -> t.Iterator[t.Tuple[str, t.Any]]:
        """The items of a mapping in a field that may be missing, which has any keys."""
        return self._items((*path, name), fields.get(name, {}), form)

    def _items(self, path: Path, value: t.Any, form: t.Optional[_Form] = None) -> t.Iterator[t.Tuple[str, t.Any]]:
        if not isinstance(value, dict):
            self._wrong(path, "must be a mapping")
            return
        for key, below in value.items():
            if self._text((*path, str(key)), key, form or _NAME):
                yield key, below

    def _list(self, path: Path, fields: t.Mapping[str, t.Any], name: str, form: _Form) -> t.Tuple[str, ...]:
        value = fields.get(name, [])
        if not isinstance(value, list):
            self._wrong((*path, name), "must be a list")
            return ()
        return tuple(self._text((*path, name, number), item, form) for number, item in enumerate(value))

    def _field(self, path: Path, fields: t.Mapping[str, t.Any], name: str, form: _Form) -> str:
        """The text in a field; empty where it is missing, or wrong."""
        return self._text((*path, name), fields[name], form) if name in fields else ""

    def _text(self, path: Path, value: t.Any, form: _Form) -> str:
        if isinstance(value, str) and form.pattern.fullmatch(value):
            return value
        self._wrong(path, f"must be {form.meant}")
        return ""

    def _number(self, path: Path, value: t.Any) -> int:
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        self._wrong(path, "must be a number")
        return 0

    def _wrong(self, path: Path, clause: str) -> None:
        subject = shown_path(path) or self._name
        self._problems.append(FileProblem(self._name, subject, clause, self._lines.of(path)))
