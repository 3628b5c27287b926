# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is different between two locks, as somebody reads it who has to agree with it."""

from __future__ import annotations

import typing as t

from .._lock.document import Lock, LockedPack
from .sides import Side

_SHORT = 7
# How one of each type is called.
_ONE = {
    "actions": "action",
    "sensors": "sensor",
    "rules": "rule",
    "aliases": "alias",
    "policies": "policy",
    "triggers": "trigger",
}


class Difference(t.NamedTuple):
    """One thing that is different in a pack.

    :arg sign: C(+) for what comes, C(-) for what goes, C(!) for what a reviewer must not overlook, C(~) for the rest.
    :arg text: What it is; the C(name) follows, which somebody else chose.
    :arg remark: What follows from it.
    """

    sign: str
    text: str
    name: str = ""
    remark: str = ""

    def __str__(self) -> str:
        return (
            f"{self.sign} {self.text}{f' {self.name}' if self.name else ''}{f': {self.remark}' if self.remark else ''}"
        )


class PackChange(t.NamedTuple):
    """One pack that comes, goes or changes.

    :arg ahead: How many commits the new state has that the old one has not; C(None) when that is not known.
    :arg behind: The other way round.
    """

    ref: str
    before: t.Optional[LockedPack]
    after: t.Optional[LockedPack]
    ahead: t.Optional[int] = None
    behind: t.Optional[int] = None
    differences: t.Tuple[Difference, ...] = ()

    @property
    def headline(self) -> str:
        """What happens to it, in one line."""
        if self.before is None and self.after:
            return f"{self.ref} {self.after.version} is new"
        if self.after is None and self.before:
            return f"{self.ref} {self.before.version} goes"
        one, other = t.cast(LockedPack, self.before), t.cast(LockedPack, self.after)
        if one.version != other.version:
            return f"{self.ref} {one.version} -> {other.version}"
        return f"{self.ref} {other.version}{' at another commit' if one.commit != other.commit else ' otherwise'}"

    @property
    def title(self) -> str:
        """The title of the commit that it comes to."""
        return self.after.title if self.after else ""

    @property
    def place(self) -> str:
        """Between which commits, by how many, under which name: C(a1b2c3d..d4e5f6a, 7 commits, tag v1.0.2)."""
        one, other = self.before, self.after
        parts = ["..".join(dict.fromkeys(pack.commit[:_SHORT] for pack in (one, other) if pack and pack.commit))]
        if self.ahead:
            parts.append(f"{self.ahead} commit{'' if self.ahead == 1 else 's'}")
        if self.behind:
            parts.append(f"{self.behind} commit{'' if self.behind == 1 else 's'} taken back")
        shown = other or one
        if shown and shown.resolved.name:
            parts.append(
                f"{'branch' if shown.resolved.kind == 'default' else shown.resolved.kind} {shown.resolved.name}"
            )
        if other and other.signer:
            parts.append(f"signed by {other.signer}")
        return ", ".join(filter(None, parts))


def changed_refs(before: Lock, after: Lock) -> t.List[str]:
    """The refs of the packs that are not the same in two locks, sorted."""
    refs = {*before.packs, *after.packs}
    return sorted(ref for ref in refs if before.packs.get(ref) != after.packs.get(ref))


def changed_files(before: Lock, after: Lock) -> t.Tuple[Difference, ...]:
    """How the files of Python packages differ that both locks have."""
    found = []
    for pin in sorted({*before.wheels}.intersection(after.wheels)):
        old, new = before.wheels[pin], after.wheels[pin]
        for name in sorted({*old, *new}):
            if name not in new:
                found.append(Difference("-", "file", name))
            elif name not in old:
                found.append(Difference("+", "file", name))
            elif old[name] != new[name]:
                found.append(
                    Difference("!", "file", name, "it has another digest, somebody replaced what was published")
                )
    return tuple(found)


def differences(
    before: t.Optional[LockedPack], after: t.Optional[LockedPack], old: t.Optional[Side], new: t.Optional[Side]
) -> t.Tuple[Difference, ...]:
    """What is different in one pack.

    :arg old: What its files said, C(None) where nobody knows any more; likewise C(new).
    """
    if after is None:
        return ()
    if before is None:
        return tuple(_of_new_pack(after, new))
    found = [*_identity(before, after)]
    if old and new:
        found += [*_resources(old, new), *_config(old, new), *_lines(old, new), *_rest(old, new)]
    elif before.content != after.content:
        found.append(Difference("!", "its previous content is no longer known, so only numbers can be compared"))
        found += _counts(before, after)
    return (*found, *_wheels(before, after))


def _identity(before: LockedPack, after: LockedPack) -> t.Iterator[Difference]:
    if before.version == after.version and before.content != after.content:
        what = "commit" if after.commit else "content"
        yield Difference("!", f"the same version, but other {what}", "", "somebody changed what was released")
    if before.version == after.version and before.content == after.content and before.commit != after.commit:
        yield Difference("~", "another commit with the same files")
    if (before.source, before.subdir) != (after.source, after.subdir):
        yield Difference("!", "another source", f"{after.source} {after.subdir}".strip(), f"it was {before.source}")
    if before.index_url != after.index_url:
        yield Difference("~", "named by another index", after.index_url or "none")
    if before.signer != after.signer:
        yield Difference("!", "signed by somebody else", after.signer or "nobody")
    for sign, one, other in (("-", before, after), ("+", after, before)):
        for text in sorted(set(one.requested) - set(other.requested)):
            yield Difference(sign, "asked for as", text)
        for ref in sorted(set(one.dependencies) - set(other.dependencies)):
            yield Difference(sign, "dependency", ref)


def _of_new_pack(after: LockedPack, new: t.Optional[Side]) -> t.Iterator[Difference]:
    yield Difference("~", "from", f"{after.source} {after.subdir}".strip())
    counts = ", ".join(
        f"{number} {_ONE.get(kind, kind) if number == 1 else kind}" for kind, number in sorted(after.counts.items())
    )
    if counts:
        yield Difference("+", counts)
    for name in new.resources.get("sensors", ()) if new else ():
        yield Difference("!", "sensor", name, "it starts by itself")
    for key, required in sorted(new.config.items()) if new else ():
        if required:
            yield Difference("!", "config key", key, "it is required")
    for line in new.requirements if new else ():
        yield Difference("+", "requirement", line)


def _resources(old: Side, new: Side) -> t.Iterator[Difference]:
    for kind, one in _ONE.items():
        before, after = set(old.resources.get(kind, ())), set(new.resources.get(kind, ()))
        for name in sorted(before - after):
            yield Difference("-", one, name)
        for name in sorted(after - before):
            starts = kind == "sensors"
            yield Difference("!" if starts else "+", one, name, "it starts by itself" if starts else "")


def _config(old: Side, new: Side) -> t.Iterator[Difference]:
    for key in sorted({*old.config, *new.config}):
        before, after = old.config.get(key), new.config.get(key)
        if after is None:
            yield Difference("-", "config key", key)
        elif after and not before:
            yield Difference("!", "config key", key, "it is required now")
        elif before is None:
            yield Difference("+", "config key", key)
        elif before and not after:
            yield Difference("~", "config key", key, "it is no longer required")


def _lines(old: Side, new: Side) -> t.Iterator[Difference]:
    for line in sorted(set(old.requirements) - set(new.requirements)):
        yield Difference("-", "requirement", line)
    for line in sorted(set(new.requirements) - set(old.requirements)):
        yield Difference("+", "requirement", line)


def _rest(old: Side, new: Side) -> t.Iterator[Difference]:
    for key in sorted({*old.wants, *new.wants}):
        before, after = old.wants.get(key), new.wants.get(key)
        if before != after:
            yield Difference("!", key, after or "none", f"it was {before or 'none'}")
    if old.licence != new.licence:
        yield Difference(
            "!", "the licence is another one" if old.licence and new.licence else "the licence came or went"
        )


def _counts(before: LockedPack, after: LockedPack) -> t.Iterator[Difference]:
    for kind in sorted({*before.counts, *after.counts}):
        one, other = before.counts.get(kind, 0), after.counts.get(kind, 0)
        if one != other:
            yield Difference("~", kind, "", f"{one} -> {other}")


def _wheels(before: LockedPack, after: LockedPack) -> t.Iterator[Difference]:
    old, new = _versions(before), _versions(after)
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            one, other = ", ".join(old.get(name, ())), ", ".join(new.get(name, ()))
            sign = "~" if one and other else "+" if other else "-"
            yield Difference(sign, "Python package", name, f"{one} -> {other}" if one and other else one or other)


def _versions(pack: LockedPack) -> t.Dict[str, t.List[str]]:
    found: t.Dict[str, t.Set[str]] = {}
    for pins in pack.wheels.values():
        for pin in pins:
            name, _equals, version = pin.partition("==")
            found.setdefault(name, set()).add(version)
    return {name: sorted(versions) for name, versions in found.items()}
