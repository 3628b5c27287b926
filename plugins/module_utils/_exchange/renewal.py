# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is done to a repository that is served, wherever its content is from."""

from __future__ import annotations

import typing as t

from .._content.address import normal_url
from .._source.git_program import Git
from .findings import Mirrored
from .keeping import Kept
from .served_packs import make_one_pack, remove_superseded, write_pack_list
from .served_repository import ServedRepository


def is_another(before: t.Optional[Mirrored], url: str, kind: str) -> bool:
    """Whether what is served under a name is of another repository than this one, so that nothing of it may stay.

    Whoever names a repository himself means that one alone. Where an index or a bundle has another address for a pack,
    which is mostly one that has moved, its tags stay what they were.
    """
    if before is None or normal_url(before.url) == normal_url(url):
        return False
    return before.kind != kind or kind == "packs"


def publish_refs(
    git: Git, repository: ServedRepository, kept: Kept, *, changed: bool, now: float
) -> t.Tuple[bool, t.Dict[str, float]]:
    """Let clones over plain HTTP see what a repository has now, and keep its packs few.

    :arg changed: Whether its refs were changed.
    :returns: Whether anything was changed, and the packs that are superseded.
    """
    superseded = dict(kept.superseded)
    # First, as for what follows the disk may have no room.
    other = repository.write_server_info(superseded)
    if changed:
        made = make_one_pack(git, repository.directory, superseded)
        if made:
            superseded.update(dict.fromkeys(made, now))
            write_pack_list(repository.directory, superseded)
    return changed or other, remove_superseded(repository.directory, superseded, now)
