# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Where the packs of a task come from: indexes and repositories, the proxies on the way, and who we are there."""

from __future__ import annotations

import typing as t

from .._content.installed import Installation
from .._deadline import Deadline
from .._secrets import Redactor, split_userinfo
from .._source.credentials import CredentialBook
from .._source.git_program import Git, GitAccess
from .._st2.host import Host
from .._st2.pack_proxy import proxy_of
from .fetch import Fetcher, Rules
from .options import Options
from .resolve import Resolver

if t.TYPE_CHECKING:
    from .._source.index import Indexes
    from .._source.index_trust import IndexTrust
    from .bundled import Blobs


class Upstream:
    """All that a task may reach for packs.

    :arg scratch: A private directory of the task.
    :arg environment: For the programs that it starts.
    :arg redactor: Is told the secrets of proxies.
    :arg warnings: Is told what a person should know.
    :arg runners: Gives the runners of the host's StackStorm, as in L(Rules).
    :arg keeps: Whether the host may be written: it then keeps in mind which indexes it took.
    """

    def __init__(
        self,
        host: Host,
        options: Options,
        *,
        scratch: str,
        deadline: Deadline,
        environment: t.Mapping[str, str],
        redactor: Redactor,
        warnings: t.List[str],
        keeps: bool,
        runners: t.Callable[[], t.Optional[t.Container[str]]],
    ) -> None:
        self.proxy, found = proxy_of(host, options.proxy, environment, redactor)
        warnings += found
        self._warnings = warnings
        self._keeps = keeps
        self._runners = runners
        self._scratch = scratch
        self._environment = environment
        self._host = host
        self._options = options
        self._deadline = deadline
        self._book = CredentialBook(options.credentials)
        for request in options.requests:
            self._book.trust(request.source, request.credentials)
        access = GitAccess(
            scratch,
            self.proxy,
            self._book.find,
            options.ssh_key_file,
            options.known_hosts_file,
            withholds=bool(options.credentials),
        )
        self._git = Git(access, deadline=deadline, redactor=redactor, base_environment=environment)

    def git(self) -> Git:
        """The git program."""
        return self._git

    def fetcher(self, staging: str, blobs: t.Optional[Blobs] = None) -> Fetcher:
        """Fetches packs into a staging directory.

        :arg blobs: Of the bundle that they come from.
        """
        if blobs and self._options.lock:
            from .bundled import BundledFetcher

            return BundledFetcher(staging, self.git, self._rules(), blobs, self._options.lock)
        return Fetcher(staging, self.git, self._rules())

    def _rules(self) -> Rules:
        options = self._options
        return Rules(self._host.st2_version, options.force, self._runners, lenient=not options.fail_on_failure)

    def resolver(self, installation: Installation, fetcher: Fetcher) -> Resolver:
        """Finds the packs that the requests of the task mean."""
        locking = None
        if self._options.lock:
            from .locked import Locking

            locking = Locking(self._options, self._warnings)
        return Resolver(
            installation,
            fetcher,
            self._fetch_indexes,
            strict=self._options.index_strict,
            policy=self._options.dependencies,
            allow_downgrade=self._options.allow_downgrade,
            trust=self._book.trust,
            locking=locking,
        )

    def _fetch_indexes(self) -> Indexes:
        from .._source.index import fetch_indexes

        for url in self._options.index_url or ():
            self._book.trust(*split_userinfo(url))
        trust = self._trust()
        indexes = fetch_indexes(
            self._options.index_url or self._host.index_urls,
            proxy=self.proxy,
            ca_bundle=self._options.proxy.get("ca_bundle"),
            deadline=self._deadline,
            credentials_for=self._book.find,
            trust=trust,
        )
        if trust and self._keeps:
            self._warnings += trust.remember()
        return indexes

    def _trust(self) -> t.Optional[IndexTrust]:
        signers = self._options.index_allowed_signers
        if signers is None:
            return None
        from .._change.own_places import OwnPlaces
        from .._source.index_serials import IndexSerials
        from .._source.index_trust import IndexTrust

        serials = IndexSerials(OwnPlaces(self._host).state)
        return IndexTrust(signers, scratch=self._scratch, environment=self._environment, serials=serials)
