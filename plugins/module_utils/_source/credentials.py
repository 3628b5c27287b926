# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which credentials go where: those of a URL to that URL, those of the task to the servers that it names."""

from __future__ import annotations

import typing as t
from urllib.parse import urlsplit

from .._accounts import is_account
from .._content.address import normal_url
from .._secrets import Credentials

_DEFAULT_PORTS = {"http": ":80", "https": ":443"}


class CredentialBook:
    """The credentials of one task.

    A pack's dependency may name any server; that one gets nothing, unless the task names it too.

    :arg given: The task's C(username), C(password) and C(token), for every server that is trusted.
    """

    def __init__(self, given: Credentials) -> None:
        self._given = given
        self._trusted: t.Set[str] = set()
        self._own: t.Dict[str, Credentials] = {}

    def trust(self, url: t.Optional[str], own: t.Optional[Credentials] = None) -> None:
        """Let the server of a URL have the task's credentials.

        :arg own: What stood in the URL itself. It is for that URL alone: two repositories on one server may have a
            token each.
        """
        place = _place(url or "")
        if url and place:
            self._trusted.add(place)
            if own:
                self._own[normal_url(url)] = own

    def find(self, url: str) -> Credentials:
        """What may be sent for a URL; empty for a server that nobody trusts.

        An account name that stood alone in the URL goes with the task's password or token.
        """
        place = _place(url)
        own = self._own.get(normal_url(url)) if place else None
        if own and (own.password or not self._given.password or not is_account(own.username)):
            return own
        given = self._given if place in self._trusted else Credentials()
        return Credentials(own.username, given.password) if own else given


def _place(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS:
        return ""
    host, port = parts.netloc.rpartition("@")[2].lower(), _DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host[: -len(port)] if host.endswith(port) else host}"
