# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Change sets: what tasks changed on a host, and where what was there before is kept, so that one can go back.

One file for each, C(changes/0007.json) beside the journal, that only its owner can read. Former configs,
overrides and virtualenvs are in C(changes/0007-HOST) on their own file system, former packs among the kept releases.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import re
import typing as t

from .._content.working_copy import WorkingCopy
from .._errors import HostError, InvalidPackError
from .._files import read_regular_file
from .._own_directory import STATE_DIRECTORY, OwnDirectory, open_own_directory
from .._secrets import strip_urls
from .journal import CHANGES
from .liveness import host_name
from .own_places import OwnPlaces

DIRECTORY = CHANGES
PACK, VIRTUALENV, CONFIG, OVERRIDES = "pack", "virtualenv", "config", "overrides"
# What changes what StackStorm runs; receipts and lists of contents only go along with their pack.
KINDS_OF_FILES = (PACK, VIRTUALENV, CONFIG, OVERRIDES)
ALONG = ("contents", "receipt")
_FORMAT = 1
_ID = re.compile(r"(\d{4,})(?:\.json|-.*)")
_UNSAFE = re.compile(r"[^0-9A-Za-z.-]")
_MOST_BYTES = 16 << 20
_MOST_RECEIPT_BYTES = 64 << 20


class State(t.NamedTuple):
    """A pack, config, override file or virtualenv as it is told from another.

    :arg identity: By what its content is told from another.
    :arg version: Of a pack, with its C(commit) or C(digest) and C(source).
    """

    identity: str
    version: str = ""
    commit: str = ""
    digest: str = ""
    source: str = ""

    @property
    def short(self) -> str:
        """Version and short commit, for people."""
        return " ".join(part for part in (self.version, self.commit[:7] or self.digest[:14]) if part)


class Part(t.NamedTuple):
    """One thing that was changed.

    :arg ref: Its pack, C(_global) for the overrides of all packs.
    :arg what: One of L(KINDS_OF_FILES) or L(ALONG).
    :arg live: Where StackStorm looks for it.
    :arg kept: Where what was there before is kept; empty when there was nothing, or it is not kept.
    :arg before: What was there; C(None) for nothing.
    :arg after: What is there since; C(None) for nothing.
    """

    ref: str
    what: str
    live: str
    kept: str
    before: t.Optional[State]
    after: t.Optional[State]


class ChangeSet(t.NamedTuple):
    """What one task changed on a host.

    :arg id: Its number, as people write it.
    :arg host: The host that it was changed on, as several may share a directory of packs.
    :arg time: When, in UTC (ISO 8601).
    :arg registered: By which adapter StackStorm was told; C(none) for not at all.
    :arg undoes: The id of the one that it goes back on; empty for none.
    :arg salt: Of the identities of configs, whose digest alone could be guessed back.
    """

    id: str
    host: str
    time: str
    registered: str
    undoes: str
    salt: str
    parts: t.Tuple[Part, ...]

    def of(self, what: str) -> t.List[Part]:
        """The parts of one kind."""
        return [part for part in self.parts if part.what == what]

    def document(self) -> bytes:
        """What L(ChangeSets.get) reads."""
        parts = [
            {
                **part._asdict(),
                "before": part.before._asdict() if part.before else None,
                "after": part.after._asdict() if part.after else None,
            }
            for part in self.parts
        ]
        return json.dumps({"format": _FORMAT, **self._asdict(), "parts": parts}, indent=1, sort_keys=True).encode()


class ChangeSets:
    """The change sets of a host."""

    def __init__(self, places: OwnPlaces) -> None:
        self.directory = os.path.join(places.state, DIRECTORY)
        # Of this host alone, where it shares one of these directories with others.
        self._host = _UNSAFE.sub("_", host_name())
        self._states = list(dict.fromkeys([places.state, *(os.path.dirname(path) for path in places.stagings)]))

    def path(self, change: str) -> str:
        """The file of a change set."""
        return os.path.join(self.directory, f"{change}.json")

    def kept(self, root: str, change: str) -> str:
        """Where what was below one of the host's directories is kept.

        :arg root: The directory of packs, virtualenvs, configs or overrides.
        """
        return os.path.join(root, STATE_DIRECTORY, DIRECTORY, f"{change}-{self._host}")

    def kept_all(self, change: str) -> t.List[str]:
        """The directories that may hold something of a change set."""
        return [os.path.join(state, DIRECTORY, f"{change}-{self._host}") for state in self._states]

    def all(self) -> t.List[ChangeSet]:
        """Those of this host, oldest first; what cannot be understood is left out.

        :raises HostError: when what has the name of the directory is not the collection's own, or cannot be read.
        """
        with _opened(self.directory) as directory:
            names = directory.names() if directory else []
            found = [_read(directory, name) for name in names if directory and name.endswith(".json")]
        mine = [one for one in found if one is not None and one.host == host_name()]
        return sorted(mine, key=lambda one: int(one.id))

    def next_id(self) -> str:
        """The id of the next one. Numbered, so that their order does not depend on a clock.

        :raises HostError: when what has the name of one of the directories is not the collection's own.
        """
        highest = 0
        for state in self._states:
            with _opened(os.path.join(state, DIRECTORY)) as directory:
                matches = [_ID.fullmatch(name) for name in (directory.names() if directory else ())]
                highest = max([highest, *(int(match.group(1)) for match in matches if match)])
        return f"{highest + 1:04d}"

    def left_over(self, known: t.Container[str]) -> t.List[str]:
        """What is kept of change sets of this host that are no more.

        :arg known: The ids of those that are.
        """
        found = []
        for state in self._states:
            with _opened(os.path.join(state, DIRECTORY)) as directory:
                for name in directory.names() if directory else ():
                    match = _ID.fullmatch(name)
                    if match and name == f"{match.group(1)}-{self._host}" and match.group(1) not in known:
                        found.append(os.path.join(state, DIRECTORY, name))
        return found


@contextlib.contextmanager
def _opened(path: str) -> t.Iterator[t.Optional[OwnDirectory]]:
    try:
        directory = open_own_directory(path)
    except PermissionError as error:
        raise HostError(
            f"The change sets in {path} can only be read by the account that writes them: {error.strerror}. Run as "
            "that account (become)."
        ) from error
    if directory is None:
        yield None
        return
    with directory:
        yield directory


def _read(directory: OwnDirectory, name: str) -> t.Optional[ChangeSet]:
    try:
        document = json.loads(directory.read(name, _MOST_BYTES))
        if document.pop("format") != _FORMAT or f"{document['id']}.json" != name or not _ID.fullmatch(name):
            return None
        parts = [
            Part(**{**part, "before": _state(part["before"]), "after": _state(part["after"])})
            for part in document.pop("parts")
        ]
        return ChangeSet(parts=tuple(parts), **document)
    except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
        return None


def _state(document: t.Optional[t.Mapping[str, str]]) -> t.Optional[State]:
    return State(**document) if document is not None else None


def pack_state(location: str, receipt: str) -> t.Optional[State]:
    """What a pack is told from others by; C(None) where there is nothing.

    :arg location: The directory with its files.
    :arg receipt: The file with its receipt, which need not be there, or be about these files.
    """
    if not os.path.lexists(location):
        return None
    working_copy = WorkingCopy(location)
    head = working_copy.head() if working_copy.exists() else None
    commit = head.commit if head else ""
    known = {} if os.path.islink(location) else _receipt(receipt)
    try:
        status = os.stat(os.path.join(location, "pack.yaml"))
        stamp = [status.st_size, status.st_mtime_ns]
    except OSError:
        return State(f"inode {os.lstat(location).st_ino}")
    digest = known.get("digest") or ""
    if known.get("stamp") == stamp and (not commit if digest else known.get("commit") == commit and head is not None):
        source = known["source"]["url"]
        return State(
            commit or digest or " ".join(map(str, stamp)), known["version"], commit, digest, strip_urls(source)
        )
    from .._content.metadata import read_identity

    version: t.Optional[str] = None
    with contextlib.suppress(InvalidPackError):
        _ref, _name, version = read_identity(location, os.path.basename(location))
    origin = (working_copy.origin() if head else None) or ""
    return State(commit or " ".join(map(str, stamp)), version or "", commit, "", strip_urls(origin))


def _receipt(path: str) -> t.Dict[str, t.Any]:
    try:
        document = json.loads(read_regular_file(path, _MOST_RECEIPT_BYTES, follow=False))
        return document if isinstance(document["source"]["url"], str) and isinstance(document["version"], str) else {}
    except (OSError, ValueError, RecursionError, KeyError, TypeError):
        return {}


def file_state(path: str, salt: str) -> t.Optional[State]:
    """What a config or override file is told from others by; C(None) where there is nothing.

    :arg salt: Of the change set.
    :raises OSError: when it cannot be read.
    """
    if not os.path.lexists(path):
        return None
    content = os.readlink(path).encode() if os.path.islink(path) else read_regular_file(path, _MOST_BYTES, follow=False)
    return State(hmac.new(bytes.fromhex(salt), content, hashlib.sha256).hexdigest())


def tree_state(path: str) -> t.Optional[State]:
    """What a virtualenv is told from others by; C(None) where there is nothing."""
    return State(f"inode {os.lstat(path).st_ino}") if os.path.lexists(path) else None
