# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Pack indexes: fetched all at once with bounds on time and size, merged as StackStorm merges them.

The shape of an index and the kinds of its failures are StackStorm's (st2common/services/packs.py
_fetch_and_compile_index, fetch_pack_index).
"""

from __future__ import annotations

import difflib
import re
import threading
import typing as t
from dataclasses import dataclass, field, replace

from .._content.address import Address, check_source
from .._content.names import check_version
from .._deadline import Deadline
from .._errors import IndexError_, OptionError
from .._http import TooLateError
from .._libraries import require
from .._secrets import Credentials, strip_urls
from .._st2.proxy import Proxy
from .index_download import OTHER, UNRESPONSIVE, IndexDocument, IndexDownload, IndexProblem, is_local

if t.TYPE_CHECKING:
    from .index_trust import IndexTrust

_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class IndexEntry:
    """A pack as an index lists it.

    :arg ref: The key in the index, which is the pack's ref.
    :arg repo_url: Clean URL or absolute path of its repository; empty where C(problem) says why.
    :arg version: The version that the index offers, C(None) for none and for what git could never have.
    :arg versions: All versions that the index knows, in its own order, which is no order of versions.
    :arg index_url: The index that lists it, without credentials.
    :arg credentials: What was in the entry's URL.
    :arg raw: The whole entry, the URL in it clean.
    :arg position: Place of the index among the configured ones, 0 is the leftmost.
    :arg problem: Why nothing can be installed from the entry.
    :arg commit: What C(version) is in the repository, by the index; C(None) where it does not tell a full commit.
    :arg digest: Of the files of that commit, as L(directory_digest); C(None) where it does not tell.
    """

    ref: str
    repo_url: str
    version: t.Optional[str]
    versions: t.Tuple[str, ...]
    index_url: str
    credentials: Credentials = field(default_factory=Credentials)
    raw: t.Mapping[str, t.Any] = field(default_factory=dict, repr=False, hash=False, compare=False)
    position: int = 0
    problem: t.Optional[str] = None
    commit: t.Optional[str] = None
    digest: t.Optional[str] = None

    def wanted_version(self, requested: t.Optional[str]) -> str:
        """The version asked for, else the one that the index offers.

        :raises IndexError_: when neither says one.
        """
        version = requested or self.version
        if version is None:
            raise IndexError_(
                f"{self.ref} has no valid version in the index {self.index_url}. Request one: {self.ref}=VERSION.",
                ref=self.ref,
            )
        return version


@dataclass(frozen=True)
class IndexStatus:
    """How reading one index went; the first four fields are those of StackStorm's health endpoint.

    :arg url: The index, without credentials.
    :arg packs: Number of packs in it.
    :arg message: C(Success.), or what is wrong.
    :arg error: C(None), C(empty), C(malformed), C(unresponsive), C(other errors), or C(untrusted), which StackStorm
        does not have.
    :arg serial: As in L(IndexDocument), and so are the others.
    """

    url: str
    packs: int
    message: t.Optional[str]
    error: t.Optional[str] = None
    serial: t.Optional[int] = None
    generated: t.Optional[int] = None
    signer: t.Optional[str] = None


@dataclass
class Indexes:
    """All configured indexes as one: for each pack the whole entry of the leftmost index that lists it.

    :arg entries: By ref.
    :arg statuses: In the order of the configuration (StackStorm reports them in reverse).
    :arg listed: All packs of each index as they are written, in the same order.
    """

    entries: t.Dict[str, IndexEntry]
    statuses: t.Tuple[IndexStatus, ...]
    listed: t.Tuple[t.Mapping[str, t.Any], ...] = ()

    def lookup(self, name: str, *, strict: bool) -> IndexEntry:
        """The entry of a pack.

        :arg strict: Whether an index that cannot be read keeps those to the right of it from answering, as it might
            have the pack itself. Without this, a short name turns into another's pack while a private index is down.
        :raises IndexError_: when no index lists the pack, when its entry is unusable, or because of C(strict).
        """
        entry = self.entries.get(name)
        unread = [status for status in self.statuses[: entry.position if entry else None] if status.error]
        if unread and (strict or len(unread) == len(self.statuses)):
            raise IndexError_(self._unread(name, unread, entry), ref=name)
        if entry is None:
            raise IndexError_(self._unlisted(name, unread), ref=name)
        if entry.problem:
            raise IndexError_(entry.problem, ref=name)
        return entry

    def _unread(self, name: str, unread: t.Sequence[IndexStatus], entry: t.Optional[IndexEntry]) -> str:
        listed = f" {entry.index_url} lists it, but comes after it." if entry else ""
        choice = "" if len(unread) == len(self.statuses) else ", or set index_strict=false"
        return (
            f"The pack {name} was not looked up, because an index cannot be read: {_joined(unread)}.{listed} "
            f"Correct the index, or the options for access to it{choice}."
        )

    def _unlisted(self, name: str, unread: t.Sequence[IndexStatus]) -> str:
        if not self.statuses:
            return f"The pack {name} cannot be looked up, because no index is configured: set index_url."
        close = difflib.get_close_matches(name, self.entries, n=3)
        hint = f" Did you mean {' or '.join(close)}?" if close else ""
        failed = f" Not read: {_joined(unread)}." if unread else ""
        where = ", ".join(status.url for status in self.statuses if not status.error)
        return f'No record of the "{name}" pack in the index {where}.{hint}{failed}'


def _joined(statuses: t.Iterable[IndexStatus]) -> str:
    def said(status: IndexStatus) -> str:
        # StackStorm's words; the last of them is none for a sentence.
        kind = "" if status.error == OTHER else f" is {status.error}"
        return f"{status.url}{kind} ({(status.message or '').rstrip('.')})"

    return "; ".join(map(said, statuses))


def fetch_indexes(
    urls: t.Sequence[str],
    *,
    proxy: Proxy,
    ca_bundle: t.Optional[str],
    deadline: Deadline,
    credentials_for: t.Optional[t.Callable[[str], Credentials]] = None,
    session_timeout: float = 20,
    trust: t.Optional[IndexTrust] = None,
) -> Indexes:
    """Read all indexes, at the same time.

    :arg urls: The leftmost wins. C(http) or C(https); also a C(file://) URL or an absolute path, which StackStorm
        cannot read. Userinfo in a URL is used for basic authentication and shown nowhere.
    :arg ca_bundle: PEM file to trust instead of the libraries' own and of the proxy's.
    :arg credentials_for: Asked with the clean URL of an index when that index answers 401.
    :arg session_timeout: Seconds after which an index that has not arrived whole is given up.
    :arg trust: What each of them has to prove; nothing without.
    :returns: What could be read, and of each index how reading it went; an index that fails is no error here.
    :raises DeadlineError: when the deadline passes first.
    :raises MissingLibraryError: when requests is missing and an index is not a file.
    """
    if not all(is_local(url) for url in urls):
        require("requests")
    patience = Deadline(min(session_timeout, deadline.remaining()))
    readers = [
        _Reader(
            IndexDownload(
                url,
                proxy=proxy,
                ca_bundle=ca_bundle,
                credentials_for=credentials_for,
                deadline=patience,
                trust=trust,
            ),
            session_timeout,
        )
        for url in urls
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(patience.remaining())
    late = [reader.outcome()[1].url for reader in readers if reader.late]
    if late:
        deadline.check(f"reading the pack indexes: {', '.join(late)} did not respond completely in that time")
    return as_one(reader.outcome() for reader in readers)


def as_one(read: t.Iterable[t.Tuple[t.Mapping[str, t.Any], IndexStatus]]) -> Indexes:
    """Several indexes as one.

    :arg read: Of each the packs as they are written, and how reading it went; the leftmost first.
    """
    entries: t.Dict[str, IndexEntry] = {}
    outcomes = list(read)
    for position, (packs, status) in enumerate(outcomes):
        for ref, raw in packs.items():
            if ref not in entries:
                entries[ref] = _entry(ref, raw, status.url, position)
    return Indexes(entries, tuple(status for _packs, status in outcomes), tuple(packs for packs, _status in outcomes))


def _entry(ref: str, raw: t.Any, index_url: str, position: int) -> IndexEntry:
    fields = dict(raw) if isinstance(raw, dict) else {}
    source, problem = _source(ref, fields.get("repo_url"), index_url)
    if source is None or not source.url.startswith("/"):  # The other ones stay as they are written.
        fields["repo_url"] = source.url if source else ""
    versions = fields.get("versions")
    return IndexEntry(
        ref=ref,
        repo_url=source.url if source else "",
        version=_version(fields.get("version")),
        versions=tuple(filter(None, map(_version, versions))) if isinstance(versions, list) else (),
        index_url=index_url,
        credentials=source.credentials if source else Credentials(),
        raw=fields,
        position=position,
        problem=problem,
        commit=_matching(_COMMIT, fields.get("commit")),
        digest=_matching(_DIGEST, fields.get("digest")),
    )


def _matching(form: t.Pattern[str], value: t.Any) -> t.Optional[str]:
    return value if isinstance(value, str) and form.fullmatch(value) else None


def _source(ref: str, url: t.Any, index_url: str) -> t.Tuple[t.Optional[Address], t.Optional[str]]:
    """The source that an entry names, or why it is none."""
    the_entry = f"The entry of {ref} in the index {index_url}"
    if not url or not isinstance(url, str):
        return None, f"{the_entry} has no repo_url, so there is nothing to install from."
    try:
        source = check_source("repo_url", url)
    except OptionError as error:
        return None, f"{the_entry} cannot be used. {error.message}"
    if source.url.startswith("/") and not is_local(index_url):
        return None, (
            f"{the_entry} cannot be used: it refers to {source.url}, a path on this host, which is only allowed in an "
            "index that is a file on this host."
        )
    return source, None


def _version(value: t.Any) -> t.Optional[str]:
    if not isinstance(value, (str, int, float)) or isinstance(value, bool):
        return None
    try:
        # StackStorm casts numbers to strings (st2common/models/api/pack.py PackAPI.__init__).
        return check_version(str(value))
    except OptionError:
        return None


class _Reader(threading.Thread):
    """Reads one index; a daemon, since a server that sends a byte now and then can hold a thread for ever."""

    def __init__(self, download: IndexDownload, seconds: float) -> None:
        super().__init__(name="read-index", daemon=True)
        self._download = download
        url = strip_urls(download.url)
        self._failed = IndexStatus(url, 0, f"No complete response within {seconds:g} s.", UNRESPONSIVE)
        self._outcome: t.Optional[t.Tuple[t.Dict[str, t.Any], IndexStatus]] = None

    @property
    def late(self) -> bool:
        """Whether it is still at it, or took too long."""
        return self._outcome is None

    def outcome(self) -> t.Tuple[t.Dict[str, t.Any], IndexStatus]:
        """The packs and the status; where there is none, that it took too long."""
        return self._outcome or ({}, self._failed)

    def run(self) -> None:
        try:
            self._outcome = self._told(self._download.document())
        except TooLateError:
            pass
        except IndexProblem as problem:
            self._outcome = {}, replace(self._failed, message=problem.message, error=problem.kind)

    def _told(self, document: IndexDocument) -> t.Tuple[t.Dict[str, t.Any], IndexStatus]:
        packs, serial, generated, signer = document
        return packs, IndexStatus(self._failed.url, len(packs), "Success.", None, serial, generated, signer)
