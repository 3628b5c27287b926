# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which tags of a repository with many packs are releases of one of them."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass

from .._content.versions import is_semver

# How the signature in a tag begins (git gpg-interface.c).
SIGNATURES = ("PGP SIGNATURE", "PGP MESSAGE", "SIGNED MESSAGE", "SSH SIGNATURE")
_SIGNATURE = re.compile(f"^-----BEGIN (?:{'|'.join(SIGNATURES)})-----", re.MULTILINE)
_NUMBER = re.compile(r"v?(?P<version>[0-9].*)")


@dataclass(frozen=True)
class Tagged:
    """A tag and what the pack is there.

    :arg name: Of the tag; C(commit) is what it means.
    :arg tree: Identifier of the pack's directory there; C(None) where there is none.
    :arg version: What pack.yaml says there; C(None) where it does not.
    :arg signed: Whether the tag has a signature, which is lost when the commit becomes another one.
    """

    name: str
    commit: str
    tree: t.Optional[str] = None
    version: t.Optional[str] = None
    signed: bool = False


class KeptTag(t.NamedTuple):
    """A tag that a split repository has.

    :arg name: There; C(was) is the name in the repository with many packs.
    :arg tree: Identifier of the tree that it has to have there.
    """

    name: str
    was: str
    tree: str
    signed: bool


class DroppedTag(t.NamedTuple):
    """A tag that a split repository has not, and why."""

    name: str
    reason: str


class Choice(t.NamedTuple):
    """The tags of one pack.

    :arg problems: Sentences about tags that would get one name.
    """

    kept: t.Tuple[KeptTag, ...]
    dropped: t.Tuple[DroppedTag, ...]
    problems: t.Tuple[str, ...]


def tag_of_pack(name: str, prefixes: t.Sequence[str]) -> t.Optional[str]:
    """The name without what says which pack it is about, when the rest is a version; C(None) for any other tag.

    :arg prefixes: Such as C(a) for tags like C(a/v1.0.0).
    """
    prefix, slash, rest = name.rpartition("/")
    if slash and prefix not in prefixes:
        return None
    match = _NUMBER.fullmatch(rest)
    return rest if match and is_semver(match.group("version")) else None


def is_signed(text: str) -> bool:
    """Whether the text of an annotated tag ends with a signature."""
    return bool(_SIGNATURE.search(text))


def choose_tags(found: t.Iterable[Tagged], prefixes: t.Sequence[str]) -> Choice:
    """The tags that are releases of a pack: pack.yaml has their version there, and the pack is another than at the
    tag before.

    :arg found: All tags, oldest first.
    """
    kept: t.List[KeptTag] = []
    dropped: t.List[DroppedTag] = []
    problems: t.List[str] = []
    names: t.Dict[str, KeptTag] = {}
    for tag in found:
        name = tag_of_pack(tag.name, prefixes)
        reason = _reason(tag, name)
        if name and not reason:
            same = names.get(_version(name))
            if same and same.tree != tag.tree:
                problems.append(
                    f"The tags {same.was} and {tag.name} would both be {name}, but the pack differs between them. "
                    "Remove the one that is not a release of it."
                )
                continue
            if same:
                reason = f"it is the same release as {same.was}"
            elif kept and kept[-1].tree == tag.tree:
                reason = f"the pack is the same as at {kept[-1].was}"
        if reason or name is None or tag.tree is None:
            dropped.append(DroppedTag(tag.name, reason))
            continue
        kept.append(KeptTag(name, tag.name, tag.tree, tag.signed))
        names[_version(name)] = kept[-1]
    return Choice(tuple(kept), tuple(dropped), tuple(problems))


def _reason(tag: Tagged, name: t.Optional[str]) -> str:
    """Why a tag is no release of the pack, by itself."""
    if name is None:
        return "it is not a version of this pack"
    if tag.tree is None:
        return "the pack is not there"
    if tag.version != _version(name):
        return f"pack.yaml has the version {tag.version} there" if tag.version else "pack.yaml has no version there"
    return ""


def _version(name: str) -> str:
    return name[1:] if name.startswith("v") else name
