# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is to be done with the repository of one pack: written, pushed, or refused."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._errors import OptionError, St2Error
from .target import Target, refusal

if t.TYPE_CHECKING:
    from .bare import Bare
    from .destination import Existing
    from .source import FoundPack
    from .tags import Choice


@dataclass(frozen=True)
class SplitPack:
    """One pack with the repository that was made for it.

    :arg mapping: The content of the file with the identifiers of its commits.
    :arg outside: Sentences about files that are elsewhere.
    :arg existing: What the directory of results has of it.
    :arg target: Where it is pushed to, C(None) where the task does not say.
    """

    pack: FoundPack
    choice: Choice
    bare: Bare
    mapping: bytes
    outside: t.Tuple[str, ...]
    existing: Existing
    target: t.Optional[Target] = None

    @property
    def ref(self) -> str:
        """The pack."""
        return self.pack.ref


class Steps(t.NamedTuple):
    """What is to be done.

    :arg write: Whether the directory of results changes.
    :arg push: Whether the target does.
    :arg problems: What stands against it.
    """

    write: bool
    push: bool
    problems: t.Tuple[St2Error, ...]


def plan_steps(split: SplitPack, *, place: str, push: bool) -> Steps:
    """Compare the repository of a pack with what is there.

    :arg place: Where it is put.
    :arg push: Whether the task wants it pushed.
    """
    existing, bare = split.existing, split.bare
    problems: t.List[St2Error] = []
    if existing.foreign:
        problems.append(OptionError(f"{place} is not a bare repository, and is not overwritten.", ref=split.ref))
    lost = bare.extends(existing.bare) if existing.bare else []
    if lost:
        problems.append(
            OptionError(
                f"{place} has what the source repository does not have ({', '.join(lost[:5])}), such as commits made "
                "there. It is not overwritten. Move it away to recreate it.",
                ref=split.ref,
            )
        )
    target = split.target
    if push and target and not target.takes:
        problems.append(refusal(target, split.ref))
    same = existing.bare and (existing.bare.refs, existing.bare.head) == (bare.refs, bare.head)
    return Steps(
        write=not same or existing.mapping != split.mapping,
        push=bool(push and target and target.state in ("empty", "part")),
        problems=tuple(problems),
    )
