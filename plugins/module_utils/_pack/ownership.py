# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Owner and group of what is installed."""

from __future__ import annotations

import grp
import os
import typing as t
from dataclasses import dataclass

from .._errors import ApplyError
from .._file_attributes import gid_of, uid_of


@dataclass(frozen=True)
class Ownership:
    """Who gets new packs and virtualenvs; -1 leaves as it is. Modes stay as git gave them.

    StackStorm gives its packs to C([content] pack_group), and opens every file to everybody
    (st2common/util/pack_management.py apply_pack_owner_group, apply_pack_permissions); the second is not imitated.
    """

    uid: int = -1
    gid: int = -1

    def apply(self, path: str) -> None:
        """Give a tree away, links themselves and not what they point to.

        :raises ApplyError: when this account may not.
        """
        if self.uid == self.gid == -1:
            return
        try:
            self._give(path)
            for directory, names, files in os.walk(path):
                for name in names + files:
                    self._give(os.path.join(directory, name))
        except PermissionError as error:
            raise ApplyError(
                f"This account may not give {path} to another owner or group: run with become, or set owner "
                "and group to "
                "this account's."
            ) from error

    def _give(self, path: str) -> None:
        status = os.lstat(path)
        if self.uid in (-1, status.st_uid) and self.gid in (-1, status.st_gid):
            return
        os.lchown(path, self.uid, self.gid)


def resolve_ownership(
    owner: t.Optional[str], group: t.Optional[str], pack_group: t.Optional[str]
) -> t.Tuple[Ownership, t.List[str]]:
    """The ownership a task asks for.

    :arg owner: A name or number, or C(None) for the account that runs.
    :arg group: A name or number, or C(None) for C(pack_group).
    :arg pack_group: The host's C([content] pack_group); one that does not exist is left out with a warning.
    :returns: The ownership, and warnings.
    :raises OptionError: for an owner or group of the task that does not exist.
    """
    warnings = []
    uid = uid_of(owner) if owner else -1
    gid = -1
    if group:
        gid = gid_of(group)
    elif pack_group:
        try:
            gid = grp.getgrnam(pack_group).gr_gid
        except KeyError:
            warnings.append(
                f"The group {pack_group} ([content] pack_group) does not exist on this host; packs keep the "
                "group of the "
                "account that installs them."
            )
    return Ownership(uid, gid), warnings
