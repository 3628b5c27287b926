# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is in the way: what has a pack's place and must not be replaced, or removed, as if it were an installed pack."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._errors import HostError
from .._mounts import is_mount_point, mount_of


@dataclass(frozen=True)
class Obstacle:
    """Something at a pack's place that is not simply a pack.

    :arg kind: C(mount), C(link), C(directory) (without C(pack.yaml)) or C(file).
    :arg text: What it is, to follow C(PATH is).
    """

    kind: str
    text: str


def obstacle(path: str) -> t.Optional[Obstacle]:
    """What is in the way at a pack's place.

    :arg path: The place, such as C(/opt/stackstorm/packs/sensu).
    :returns: C(None) when nothing is there, or a directory with a C(pack.yaml) that nothing is mounted at.
    """
    if os.path.islink(path):
        return Obstacle("link", f"a symbolic link to {os.readlink(path)}")
    if not os.path.lexists(path):
        return None
    if is_mount_point(path):
        return Obstacle("mount", _mount(path))
    if not os.path.isdir(path):
        return Obstacle("file", "a file")
    if not os.path.lexists(os.path.join(path, "pack.yaml")):
        return Obstacle("directory", "a directory without pack.yaml")
    return None


def require_own_place(place: str, now: str, what: str, ref: str) -> None:
    """See that a virtualenv, config or override file may be put in its place, or taken from there.

    :arg place: Where StackStorm looks for it.
    :arg now: Where that is just now.
    :arg what: C(virtualenv), or what is to be a file.
    :raises HostError: when something is mounted there, or has that name without being the one or the other.
    """
    if is_mount_point(now):
        raise HostError(
            f"{place} is {_mount(now)}, which is not changed: that belongs to whoever mounted it. Nothing was changed: "
            f"change the {what} of {ref} where it comes from, or unmount it.",
            ref=ref,
        )
    if os.path.islink(now) or not os.path.lexists(now):
        return
    wrong = "a file" if what == "virtualenv" else "a directory"
    if os.path.isdir(now) == (what != "virtualenv"):
        raise HostError(
            f"{place} is {wrong}, where the {what} of {ref} is to be. Nothing was changed: remove it, or move it away.",
            ref=ref,
        )


def _mount(path: str) -> str:
    mount = mount_of(path)
    return f"a mount point ({mount.kind})" if mount else "a mount point"
