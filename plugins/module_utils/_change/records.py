# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The record of what was last registered: digests, by which a stale database is noticed without asking it.

A record is forgotten before a registration begins and written after it succeeded. So whatever ends a run in between,
the next one sees that nobody knows what the database has, and registers again.
"""

from __future__ import annotations

import errno
import hashlib
import hmac
import json
import os
import secrets
import typing as t

from .._errors import ApplyError
from .._own_directory import OwnDirectory, make_own_directory, open_own_directory

DIRECTORY = "registered"
# Of a record: the pack's commit or digest, the digests of its config and of the overrides that apply, and which
# database has them.
KEYS = ("pack", "config", "overrides", "by")
_FORMAT = 1
_KEY_NAME = ".key"
_KEY_BYTES = 32
_MOST_BYTES = 1 << 20


class RegisteredRecords:
    """The records of a host, one file for each pack.

    :arg state_directory: The collection's state directory, see L(own_places.OwnPlaces).
    """

    def __init__(self, state_directory: str) -> None:
        self.directory = os.path.join(state_directory, DIRECTORY)
        self._key = b""
        self._opened: t.Optional[OwnDirectory] = None

    def path(self, ref: str) -> str:
        """The file of a pack's record."""
        return os.path.join(self.directory, f"{ref}.json")

    def read(self, ref: str) -> t.Dict[str, str]:
        """What was last registered of a pack, by L(KEYS); empty when nobody knows.

        :raises HostError: when what has the name of the directory of records is not the collection's own.
        """
        try:
            document = json.loads(self._content(f"{ref}.json"))
        except (OSError, ValueError, RecursionError):
            return {}
        if not isinstance(document, dict) or document.pop("format", None) != _FORMAT:
            return {}
        return {key: value for key, value in document.items() if isinstance(value, str)}

    def write(self, ref: str, values: t.Mapping[str, str]) -> None:
        """Put values into a pack's record; those that it has of other keys stay.

        :arg values: By L(KEYS): digests, commits and an address, never content. An empty one takes the key away.
        :raises ApplyError: when it cannot be written.
        """
        merged = {**self.read(ref), **values}
        document = {"format": _FORMAT, **{key: value for key, value in merged.items() if value}}
        try:
            self._opened = self._opened or make_own_directory(self.directory)
            if not self._stored_key():
                self._opened.write(_KEY_NAME, self._own_key(), mode=0o600)
            self._opened.write(f"{ref}.json", json.dumps(document, sort_keys=True).encode())
        except OSError as error:
            raise _unwritable(self.path(ref), error) from error

    def forget(self, ref: str, keys: t.Sequence[str] = ()) -> None:
        """Take a pack's record away, or only some keys of it. One that is not there is fine.

        :raises ApplyError: when that cannot be done.
        """
        left = {key: value for key, value in self.read(ref).items() if key not in keys} if keys else {}
        if left:
            self.write(ref, {**left, **dict.fromkeys(keys, "")})
            return
        try:
            self._opened = self._opened or open_own_directory(self.directory)
            if self._opened and self._opened.has(f"{ref}.json"):
                os.unlink(self._opened.at(f"{ref}.json"))
                self._opened.sync()  # It must not come back after a power cut.
        except OSError as error:
            raise _unwritable(self.path(ref), error) from error

    def config_digest(self, path: str) -> str:
        """What a pack's config is known by: an HMAC, since the digest of a short secret could be guessed back.

        The key is the host's own. It is kept when a record is first written; until then no record could match.

        :arg path: Of the file.
        :returns: Empty when there is no such file.
        :raises OSError: when it, or the key, cannot be read.
        """
        content = _content(path)
        if content is None:
            return ""
        return f"hmac-sha256:{hmac.new(self._own_key(), content, hashlib.sha256).hexdigest()}"

    def _own_key(self) -> bytes:
        if not self._key:
            self._key = self._stored_key() or secrets.token_bytes(_KEY_BYTES)
        return self._key

    def _stored_key(self) -> bytes:
        try:
            key = self._content(_KEY_NAME)
        except FileNotFoundError:
            return b""
        return key if len(key) == _KEY_BYTES else b""

    def _content(self, name: str) -> bytes:
        self._opened = self._opened or open_own_directory(self.directory)
        if self._opened is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), os.path.join(self.directory, name))
        return self._opened.read(name, _MOST_BYTES)


def overrides_digest(overrides_path: str, ref: str) -> str:
    """What the overrides that apply to a pack are known by; empty when there are none.

    :arg overrides_path: The host's directory of overrides.
    :raises OSError: when one cannot be read.
    """
    found = []
    # content/loader.py OverrideLoader reads these two, by their literal names.
    for name in ("_global", ref):
        content = _content(os.path.join(overrides_path, f"{name}.yaml"))
        if content is not None:
            found.append(f"{name == ref}:{hashlib.sha256(content).hexdigest()}")
    return f"sha256:{hashlib.sha256(' '.join(found).encode()).hexdigest()}" if found else ""


def _content(path: str) -> t.Optional[bytes]:
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _unwritable(path: str, error: OSError) -> ApplyError:
    return ApplyError(
        f"The record {path} of what is registered cannot be changed: {error.strerror}. Run as an account that may "
        "write there (become)."
    )
