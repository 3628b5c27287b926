# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of resolving share: repositories behind an index, a packs directory, and a resolver between them."""

from __future__ import annotations

import json
import os
import shutil

from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, run_git
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import source_of
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import receipt_document
from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import from_option, parse_spec
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import PacksDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.candidate import Candidate, Wanted
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.receipts import receipt_of
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.resolution import Asked
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.resolve import Resolver
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index import fetch_indexes
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import fetcher_at, git_at


class Scene:
    """A host's packs directory and the places that packs come from, below one directory.

    * ``git_runs``: how often git was asked for since the last `resolve` began; ``index_reads`` likewise.
    * ``trusted``: the URLs that the resolver said the index names.
    """

    def __init__(self, directory):
        self.directory = directory
        self.packs = directory / "packs"
        self.packs.mkdir()
        self.entries = {}
        self.git_runs = self.index_reads = 0
        self.trusted = []
        self._number = 1000

    def repository(self, ref, *versions, needs=(), listed=True, default_branch="main"):
        """A repository ``stackstorm-REF`` with these releases, the last one the index's version."""
        one = GitRepository(self.directory / f"stackstorm-{ref}.git", default_branch)
        for version in versions:
            one.release(PackTree(ref, version, minimal=True, dependencies=needs))
        one.build()
        if listed:
            self.entries[ref] = {"name": ref, "version": versions[-1], "repo_url": f"file://{one.path}"}
        return one

    def url(self, ref):
        return f"file://{self.directory}/stackstorm-{ref}.git"

    def resolve(self, *requests, latest=False, policy="install", strict=True, urls=None, allow_downgrade=False):
        """What the requests of a task come to; each is a text for ``name`` or a mapping for ``packs``.

        Whatever happens, the packs directory is as it was.
        """
        self.git_runs = self.index_reads = 0
        self.trusted.clear()
        before = take_snapshot(self.packs, identity=True)
        self._number += 1
        place = self.directory / f"run-{self._number}"
        place.mkdir()
        git = git_at(place)

        def get_git():
            self.git_runs += 1
            return git

        resolver = Resolver(
            self.installation(),
            fetcher_at(place, git=get_git),
            lambda: self._read_indexes(urls),
            strict=strict,
            policy=policy,
            allow_downgrade=allow_downgrade,
            trust=lambda url, credentials: self.trusted.append((url, credentials)),
        )
        parsed = [parse_spec(one) if isinstance(one, str) else from_option(one) for one in requests]
        try:
            return resolver.resolve([Asked(request, latest=latest) for request in parsed])
        finally:
            assert take_snapshot(self.packs, identity=True) == before

    def installation(self):
        return Installation([str(self.packs)])

    def install(self, request, from_index=True):
        """Put a pack in place with its receipt, as the collection leaves it."""
        parsed = parse_spec(request) if isinstance(request, str) else from_option(request)
        url = parsed.source or self.entries[parsed.name]["repo_url"]
        version = parsed.version or (self.entries[parsed.name]["version"] if parsed.name else None)
        self._number += 1
        wanted = Wanted(source_of(url, parsed.subdir or ""), version, parsed.expected_ref, from_index=bool(parsed.name))
        candidate = fetcher_at(self.directory).fetch(wanted, self._number)
        directory = PacksDirectory(str(self.packs))
        os.makedirs(directory.receipts, exist_ok=True)
        shutil.rmtree(directory.pack(candidate.ref), ignore_errors=True)
        shutil.move(candidate.staged, directory.pack(candidate.ref))
        with open(directory.receipt(candidate.ref), "wb") as stream:
            stream.write(receipt_document(receipt_of(candidate), directory.pack(candidate.ref)))
        return self.installation().get(candidate.ref)

    def install_like_st2(self, repository, ref, revision):
        """Leave a pack as `st2 pack install` leaves it."""
        target = self.packs / ref
        run_git("clone", "--quiet", f"file://{repository.path}", target)
        run_git("-C", target, "checkout", "--quiet", "-B", repository.default_branch, revision)
        return self.installation().get(ref)

    def _read_indexes(self, urls):
        self.index_reads += 1
        path = self.directory / "index.json"
        path.write_text(json.dumps({"metadata": {}, "packs": self.entries}))
        return fetch_indexes(urls or [str(path)], proxy=Proxy(), ca_bundle=None, deadline=Deadline(30))


def outcome(resolution):
    """Per ref: the version, and whether it comes new or stays."""
    return {
        ref: (pack.metadata.version, "new") if isinstance(pack, Candidate) else (pack.version, "stays")
        for ref, pack in resolution.packs.items()
    }
