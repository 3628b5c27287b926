# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a task fetches, and what it got: a pack that lies aside and may be installed."""

from __future__ import annotations

import typing as t

from .._content.origin import Resolved, Source
from .._content.receipt import Contents
from .._source.authority import INDEX, Authority

if t.TYPE_CHECKING:
    from .._content.metadata import PackMetadata


class Wanted(t.NamedTuple):
    """What to fetch.

    :arg source: Where from.
    :arg version: Tag, version, branch or commit; C(None) for the default branch, or a directory's content.
    :arg ref: The ref that the pack must have; C(None) when the asker did not name one.
    :arg digest: What the content must be by the task.
    :arg listed_digest: What it must be by the index or a lock.
    :arg upload: Archive with the content of a directory of the controller.
    :arg controller: Whether the source is on the controller.
    :arg from_index: Whether the source is the index's choice, so that the same commit from elsewhere is as good.
    :arg commit: What the version is by the index or a lock, where that tells it.
    :arg resolved: What the version came to by a lock.
    :arg by: Which of them says commit and digest.
    """

    source: Source
    version: t.Optional[str] = None
    ref: t.Optional[str] = None
    from_index: bool = False
    digest: t.Optional[str] = None
    listed_digest: t.Optional[str] = None
    upload: t.Optional[str] = None
    controller: bool = False
    commit: t.Optional[str] = None
    resolved: t.Optional[Resolved] = None
    by: Authority = INDEX


class Proof(t.NamedTuple):
    """That an installed pack is what a wanted means now, how it was found, and the digest of what was fetched."""

    wanted: Wanted
    resolved: Resolved
    content: str = ""


class Candidate(t.NamedTuple):
    """A pack that was fetched and may be installed.

    :arg staged: The directory it lies in, ready to be renamed to its place.
    :arg commit: The full commit, empty for a plain directory.
    :arg digest: Digest of its files, for a pack without C(.git).
    :arg content: The same for a pack with C(.git).
    :arg repository: The working copy that it was taken from, where that is another directory.
    :arg signed: As L(Receipt), of a kept release.
    :arg left_out: What in it StackStorm refuses, where the task takes it nevertheless.
    :arg release: The directory of the kept release that it was taken from, and that is one no more once it is there.
    """

    wanted: Wanted
    metadata: PackMetadata
    resolved: Resolved
    contents: Contents
    staged: str
    python: bool
    commit: str = ""
    digest: str = ""
    warnings: t.Tuple[str, ...] = ()
    release: str = ""
    left_out: t.Tuple[str, ...] = ()
    content: str = ""
    repository: str = ""
    signed: t.Mapping[str, str] = {}

    @property
    def ref(self) -> str:
        """The pack's ref, from its own metadata."""
        return self.metadata.ref
