# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Reading indexes for a task that changes nothing: with its access, by the proxy of its host."""

from __future__ import annotations

import typing as t

from .._change.own_places import OwnPlaces
from .._deadline import Deadline
from .._secrets import Credentials, split_userinfo, url_secrets
from .._source.credentials import CredentialBook
from .._source.index import Indexes, fetch_indexes
from .._source.index_serials import IndexSerials
from .._source.index_trust import IndexTrust
from .._st2.pack_proxy import proxy_of
from .._st2.proxy import Proxy, resolve_proxy
from .._task import Task

_PROXY = ("http_proxy", "https_proxy", "no_proxy", "ca_bundle")


class IndexReading:
    """How a task reaches indexes, and the repositories in them.

    :arg urls: Of the indexes where the task names none.
    :ivar warnings: What a person should know of the proxy.
    """

    def __init__(self, task: Task, urls: t.Sequence[str], deadline: Deadline) -> None:
        params = task.params
        self._task = task
        self._deadline = deadline
        self.urls: t.Sequence[str] = params["index_url"] or urls
        for secret in url_secrets(list(self.urls)):
            task.redactor.add(secret)
        self.book = CredentialBook(Credentials(params["username"] or "", params["password"] or params["token"] or ""))
        for url in params["index_url"] or ():
            self.book.trust(*split_userinfo(url))
        self.proxy, self.warnings = self._find_proxy()

    def read(self) -> Indexes:
        """The indexes; that one cannot be read is no error.

        :raises St2Error: for options that cannot be used.
        :raises DeadlineError: when it takes too long.
        """
        return fetch_indexes(
            self.urls,
            proxy=self.proxy,
            ca_bundle=self._task.params["ca_bundle"],
            deadline=self._deadline,
            credentials_for=self.book.find,
            trust=self._trust(),
        )

    def _trust(self) -> t.Optional[IndexTrust]:
        """What the indexes have to prove. It is held against what the host knows, and nothing is added to that."""
        task = self._task
        signers = task.params["index_allowed_signers"]
        if signers is None:
            return None
        serials = IndexSerials(OwnPlaces(task.found_host).state) if task.found_host else None
        return IndexTrust(signers, scratch=task.scratch, environment=task.environment, serials=serials)

    def _find_proxy(self) -> t.Tuple[Proxy, t.List[str]]:
        task = self._task
        given = {name: task.params[name] for name in _PROXY}
        if task.found_host:
            return proxy_of(task.found_host, given, task.environment, task.redactor)
        proxy = resolve_proxy(given, {}, task.environment)
        for secret in proxy.secrets():
            task.redactor.add(secret)
        return proxy, []
