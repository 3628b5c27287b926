# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What satisfies a request: the rules, without any input or output."""

from __future__ import annotations

import re
import typing as t

from .._content.installed import InstalledPack
from .._content.origin import Resolved, Source

_HEX = re.compile(r"[0-9a-f]{7,64}\Z")


def is_commit(version: str) -> bool:
    """Whether a version can only be meant as a full commit."""
    return len(version) in (40, 64) and bool(_HEX.match(version))


def satisfies_version(version: t.Optional[str], resolved: Resolved, commit: str) -> bool:
    """Whether an installation that was made from C(resolved) at C(commit) is what a request for C(version) wants.

    No version is satisfied by anything. A tag or a version is satisfied by the commit that this tag was when it was
    installed; a branch by an installation made from that branch; a commit, or its first seven or more digits, by that
    commit.
    """
    if not version:
        return True
    if version == commit or (_HEX.match(version) and commit.startswith(version)):
        return True
    if version == resolved.asked:
        return True
    if resolved.kind == "tag":
        from .._content.versions import tag_candidates

        return resolved.name in tag_candidates(version)
    return resolved.kind in ("branch", "default") and resolved.name == version


def satisfied(pack: InstalledPack, version: t.Optional[str]) -> bool:
    """Whether an installed pack is what a request for C(version) wants; decided from files alone.

    What the receipt does not tell is told by the working copy, as for a pack that something else installed (C(st2 pack
    install), git): it satisfies a tag whose commit is checked out, and a branch that is checked out where the remote
    had it.
    """
    if not version:
        return True
    if pack.receipt and _says_so(pack, pack.receipt.resolved, version):
        return True
    if not pack.head:
        return False
    if satisfies_version(version, Resolved("commit", ""), pack.head.commit):
        return True
    working_copy = pack.working_copy
    branch = working_copy.remote_branch(version)
    if branch:
        return pack.head.branch == version and pack.head.commit == branch
    from .._content.versions import tag_candidates

    # As for StackStorm, the first of these tags that there is decides, wherever it is.
    tag = next(filter(None, map(working_copy.tag, tag_candidates(version))), None)
    return tag == pack.head.commit


def _says_so(pack: InstalledPack, resolved: Resolved, version: str) -> bool:
    """Whether the receipt tells that a pack is what a request for C(version) wants."""
    other_name = resolved.kind == "tag" and version not in (resolved.asked, resolved.name)
    if other_name and pack.working_copy.remote_branch(version):
        return False  # v1.2.0 was taken; 1.2.0 means the same, but not beside a branch of that name, which comes first.
    return satisfies_version(version, resolved, pack.commit or "")


def pinned(pack: InstalledPack, version: t.Optional[str]) -> bool:
    """Whether a pack is the tag or commit C(version), which nothing upstream can change."""
    if not version or (pack.receipt and pack.receipt.resolved.kind not in ("tag", "commit")):
        return False
    if not pack.receipt and pack.working_copy.remote_branch(version):
        return False
    return satisfied(pack, version)


def is_latest(pack: InstalledPack, version: str, commit: t.Optional[str], *, allow_downgrade: bool = False) -> bool:
    """Whether an installed pack is what an index offers, or newer.

    :arg version: That the index offers.
    :arg commit: What that version is by the index, where it tells.
    """
    from .._content.versions import is_lower, same_version

    installed = pack.version or ""
    if not allow_downgrade and is_lower(version, installed):
        return True
    return commit == pack.commit if commit else same_version(version, installed)


def same_source(installed: InstalledPack, source: Source) -> bool:
    """Whether a pack came from a source, whatever spelling of its URL is used."""
    known = installed.source
    if known is None or known.kind != source.kind or known.subdir != source.subdir:
        return False
    from .._content.address import normal_url

    return normal_url(known.url) == normal_url(source.url)
