# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Records: what was last registered of a pack, its config and its overrides, by whom, and how much of it.

A record never overrules the database where that can be read. It tells what no question tells: which commit of a version
was registered, and whether all of it was.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import typing as t

from .._errors import ApplyError
from .._own_directory import OwnDirectory, make_own_directory, open_own_directory

DIRECTORY = "registered"
PARTS = ("pack", "config", "overrides")
# The types that override files decide about (st2common/content/loader.py OverrideLoader).
OVERRIDDEN_TYPES = frozenset(("sensor", "action", "rule", "alias"))
NO_CONFIG = NO_OVERRIDES = "none"
_FORMAT = 2
_KEY_NAME = ".key"
_KEY_BYTES = 32
_MOST_BYTES = 1 << 20


class Told(t.NamedTuple):
    """What was last registered of one part of a pack.

    :arg digest: Of the files then; empty when what StackStorm has is not what the files were: it was told nothing of a
        change, or was interrupted.
    :arg by: Which database it is, as L(Registrar.by).
    :arg types: The types that were registered; all when empty.
    :arg lenient: Whether what could not be registered was left out.
    """

    digest: str = ""
    by: str = ""
    types: t.Tuple[str, ...] = ()
    lenient: bool = False

    def covers(self, types: t.Collection[str], *, lenient: bool) -> bool:
        """Whether it is as much as a registration of C(types) would tell."""
        enough = not self.types or (bool(types) and set(types) <= set(self.types))
        return enough and (lenient or not self.lenient)


Record = t.Dict[str, Told]


class Records:
    """The records of a host, one file for each pack.

    :arg state_directory: The collection's own directory of the host.
    """

    def __init__(self, state_directory: str) -> None:
        self.directory = os.path.join(state_directory, DIRECTORY)
        self._key = b""
        self._opened: t.Optional[OwnDirectory] = None

    def path(self, ref: str) -> str:
        """The file of a pack's record."""
        return os.path.join(self.directory, f"{ref}.json")

    def read(self, ref: str) -> Record:
        """What was last registered of a pack, by part; parts that nobody registered are missing.

        :raises HostError: when what has the name of the directory of records is not the collection's own.
        """
        try:
            document = json.loads(self._content(f"{ref}.json"))
            if document.pop("format") != _FORMAT:
                return {}
            return {part: Told(**{**told, "types": tuple(told["types"])}) for part, told in document.items()}
        except (OSError, ValueError, RecursionError, AttributeError, KeyError, TypeError):
            return {}

    def write(self, ref: str, parts: t.Mapping[str, t.Optional[Told]]) -> None:
        """Put parts into a pack's record; the others stay, and C(None) takes one away.

        :raises ApplyError: when it cannot be written.
        """
        before = self.read(ref)
        merged = {part: told for part, told in {**before, **parts}.items() if told is not None}
        if merged == before:
            return
        try:
            self._opened = self._opened or make_own_directory(self.directory)
            if merged:
                if not self._stored_key():
                    self._opened.write(_KEY_NAME, self._own_key(), mode=0o600)
                document = {"format": _FORMAT, **{part: told._asdict() for part, told in merged.items()}}
                self._opened.write(f"{ref}.json", json.dumps(document, sort_keys=True).encode())
            else:
                self._opened.remove(f"{ref}.json")
                self._opened.sync()  # It must not come back after a power cut.
        except OSError as error:
            raise ApplyError(
                f"The record {self.path(ref)} of what is registered cannot be changed: {error.strerror}. Run as an "
                "account that may write there (become)."
            ) from error

    def _content(self, name: str) -> bytes:
        """:raises OSError: when it cannot be read."""
        self._opened = self._opened or open_own_directory(self.directory)
        if self._opened is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), self.directory)
        return self._opened.read(name, _MOST_BYTES)

    def config_digest(self, content: t.Optional[bytes]) -> str:
        """What a pack's config is known by: an HMAC, since the digest of a short secret could be guessed back.

        The key is the host's own. It is kept when a record is first written; until then no record could match.

        :returns: Empty for no config.
        :raises OSError: when the key cannot be read.
        """
        if content is None:
            return ""
        import hmac

        return f"hmac-sha256:{hmac.new(self._own_key(), content, hashlib.sha256).hexdigest()}"

    def _own_key(self) -> bytes:
        if not self._key:
            self._key = self._stored_key() or os.urandom(_KEY_BYTES)
        return self._key

    def _stored_key(self) -> bytes:
        try:
            key = self._content(_KEY_NAME)
        except FileNotFoundError:
            return b""
        return key if len(key) == _KEY_BYTES else b""


def overrides_digest(for_all: t.Optional[bytes], own: t.Optional[bytes]) -> str:
    """What the overrides that apply to a pack are known by; L(NO_OVERRIDES) when there are none.

    :arg for_all: The content of C(_global.yaml), C(None) for none.
    :arg own: That of the pack's own override file.
    """
    found = [
        f"{name}:{hashlib.sha256(content).hexdigest()}"
        for name, content in (("global", for_all), ("own", own))
        if content is not None
    ]
    return f"sha256:{hashlib.sha256(' '.join(found).encode()).hexdigest()}" if found else NO_OVERRIDES


def read_content(path: str) -> t.Optional[bytes]:
    """The content of a config or override file, for its digest; C(None) when there is none.

    :raises OSError: when it cannot be read.
    """
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None
