# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The serials of the signed indexes that a host took: one small file for each index, in the collection's own place."""

from __future__ import annotations

import hashlib
import json
import os
import typing as t

from .._own_directory import make_own_directory, open_own_directory
from .._secrets import split_userinfo, strip_urls

_FORMAT = 1
_MOST_BYTES = 1 << 14
_LARGEST = 1 << 63


class IndexSerials:
    """What a host knows of the indexes that it took.

    :arg directory: The collection's own directory of the host.
    """

    def __init__(self, directory: str) -> None:
        self._directory = directory

    def path(self, url: str) -> str:
        """The file for an index."""
        return os.path.join(self._directory, _name(url))

    def known(self, url: str) -> t.Optional[int]:
        """The serial that was last taken from there; C(None) for none.

        :raises HostError: when what has the name of the directory is not the collection's own.
        """
        try:
            opened = open_own_directory(self._directory)
            if opened is None:
                return None
            with opened:
                document = json.loads(opened.read(_name(url), _MOST_BYTES))
            return serial_of(document["serial"]) if document["format"] == _FORMAT else None
        except (OSError, ValueError, RecursionError, KeyError, TypeError):
            return None

    def remember(self, serials: t.Mapping[str, t.Optional[int]]) -> t.List[str]:
        """Write down what was taken, where that is news.

        :arg serials: By the URL of the index; of signed ones only.
        :returns: Warnings about what cannot be written.
        :raises HostError: as L(known).
        """
        warnings = []
        for url, serial in serials.items():
            known = self.known(url)
            if serial is None or (known is not None and serial <= known):
                continue
            document = {"format": _FORMAT, "index_url": strip_urls(url), "serial": serial}
            try:
                with make_own_directory(self._directory) as opened:
                    opened.write(_name(url), json.dumps(document, sort_keys=True).encode())
            except OSError as error:
                warnings.append(
                    f"That the index {strip_urls(url)} has the serial {serial} cannot be recorded: {error}. A later "
                    "run will not detect an older index."
                )
        return warnings


def serial_of(value: t.Any) -> t.Optional[int]:
    """A serial as an index may have it; C(None) for what is none."""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return value if is_number and 0 <= value < _LARGEST else None


def _name(url: str) -> str:
    """Of the URL without userinfo: whoever asks, it is the same index."""
    return f"index-{hashlib.sha256(split_userinfo(url)[0].encode('utf-8', 'surrogateescape')).hexdigest()[:32]}.json"
