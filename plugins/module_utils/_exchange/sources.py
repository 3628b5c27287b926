# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which pack is served from where: what is hosted here, then packs of the settings, a bundle, and indexes."""

from __future__ import annotations

import typing as t

from .._content.address import normal_url
from .._content.guessed_ref import guessed_ref
from .._content.request import PackRequest
from .._index.entry import Entry
from .._index.merged import Merged
from .._secrets import strip_urls
from .keeping import read_mirrored

HOSTED = "a repository on this host"


class PackSource(t.NamedTuple):
    """A repository that is to be mirrored.

    :arg url: Clean of credentials.
    :arg ref: The pack in it; C(None) where that is found out from the repository.
    :arg kind: C(packs), named by the settings, or C(index).
    :arg origin: The index without credentials, or C(packs).
    :arg is_trusted: Whether the index is one of the site's own, see L(CredentialFile.trusts).
    """

    url: str
    ref: t.Optional[str]
    kind: str
    origin: str
    is_trusted: bool = False

    @property
    def may_have_credentials(self) -> bool:
        """Whether it is asked for with the credentials of the settings."""
        return self.kind == "packs" or self.is_trusted


class Shadow(t.NamedTuple):
    """A pack that is not served from somewhere, because one of the same name is served from elsewhere.

    :arg served_from: What wins: L(HOSTED), a URL, or the bundle.
    :arg other: What listed the one that does not.
    :arg other_url: Its address; empty for a bundle.
    """

    ref: str
    served_from: str
    other: str
    other_url: str


class Choice(t.NamedTuple):
    """What is served from where.

    :arg hosted: Refs.
    :arg bundled: Refs.
    :arg passed_on: Entries of indexes that are taken over as they are, without a mirror.
    :arg problems: Sentences.
    """

    hosted: t.Tuple[str, ...]
    mirrored: t.Tuple[PackSource, ...]
    bundled: t.Tuple[str, ...]
    passed_on: t.Dict[str, Entry]
    shadowed: t.Tuple[Shadow, ...]
    problems: t.Tuple[str, ...]


def ref_of_source(root: str, url: str) -> t.Optional[str]:
    """The pack in a repository that the settings name, once it was mirrored."""
    wanted = normal_url(url)
    for ref, found in read_mirrored(root).items():
        if found.kind == "packs" and normal_url(found.url) == wanted:
            return ref
    return None


def choose_sources(
    root: str,
    *,
    hosted: t.Sequence[str],
    packs: t.Sequence[PackRequest],
    bundled: t.Sequence[str],
    merged: Merged,
    mirror: bool,
    trusts: t.Callable[[str], bool] = lambda _index_url: False,
) -> Choice:
    """Choose for each pack where it is served from: hosted, packs, bundle, indexes from left to right.

    The name of what could not be reached so far is kept free all the same: another under it would stay.

    :arg packs: What the settings name; one that is a name has the address that its index gives.
    :arg bundled: The packs of the bundle.
    :arg merged: What is taken from the indexes.
    :arg mirror: Whether packs of indexes are served from here.
    :arg trusts: Whether what an index lists may be asked for with credentials.
    """
    chosen = _Chosen(root, merged, trusts)
    for ref in dict.fromkeys(hosted):
        chosen.owners[ref] = HOSTED
    for request in packs:
        chosen.add_request(request)
    for ref in bundled:
        if chosen.is_free(ref, "the bundle", ""):
            chosen.bundled.append(ref)
            chosen.owners[ref] = "the bundle"
    for ref, entry in merged.entries.items():
        chosen.add_entry(ref, entry, mirror)
    return Choice(
        tuple(dict.fromkeys(hosted)),
        tuple(chosen.mirrored),
        tuple(chosen.bundled),
        chosen.passed_on,
        tuple(chosen.shadowed),
        tuple(chosen.problems),
    )


class _Chosen:
    """What was chosen so far.

    :ivar owners: By ref, what each is served from.
    :ivar _guessed: Refs that a source of the settings may have that nobody could look at yet.
    """

    def __init__(self, root: str, merged: Merged, trusts: t.Callable[[str], bool]) -> None:
        self._known = {normal_url(one.url): ref for ref, one in read_mirrored(root).items() if one.kind == "packs"}
        self._merged = merged
        self._trusts = trusts
        self._guessed: t.Dict[str, str] = {}
        self.owners: t.Dict[str, str] = {}
        self.mirrored: t.List[PackSource] = []
        self.bundled: t.List[str] = []
        self.passed_on: t.Dict[str, Entry] = {}
        self.shadowed: t.List[Shadow] = []
        self.problems: t.List[str] = []

    def is_free(self, ref: str, other: str, url: str) -> bool:
        """Whether nothing has that name yet; where something has, it is noted, unless it is the same repository."""
        owner = self.owners.get(ref) or self._guessed.get(ref)
        if owner is None:
            return True
        if not url or normal_url(url) != normal_url(owner):
            self.shadowed.append(Shadow(ref, owner, other, strip_urls(url)))
        return False

    def add_request(self, request: PackRequest) -> None:
        """A pack of the settings."""
        if request.is_name:
            ref = request.name or ""
            entry = self._merged.entries.get(ref)
            if entry is None:
                self.problems.append(
                    f"The pack {ref} of the settings is in none of the indexes that could be read (or is excluded), so "
                    "its address is not known."
                )
                self._guessed[ref] = ref
            return
        url = request.source or ""
        ref = request.ref or self._known.get(normal_url(url)) or ""
        if ref and not self.is_free(ref, "packs", url):
            return
        self.mirrored.append(PackSource(url, ref or None, "packs", "packs"))
        if ref:
            self.owners[ref] = url
        else:
            self._guessed[guessed_ref(url)] = url

    def add_entry(self, ref: str, entry: Entry, mirror: bool) -> None:
        """A pack of an index."""
        url, index = str(entry["repo_url"]), self._merged.sources[ref]
        if not self.is_free(ref, index, url):
            return
        self.owners[ref] = url
        if mirror:
            self.mirrored.append(PackSource(url, ref, "index", index, self._trusts(index)))
        else:
            self.passed_on[ref] = entry
