# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The accounts that StackStorm's services run as, by their unit files: actions and sensors have different ones."""

from __future__ import annotations

import grp
import os
import pwd
import typing as t

from .._errors import HostError
from .._st2.services import ACTION_RUNNER, SENSOR_CONTAINER
from .._st2.unit_file import read_unit

# The instances of the action runner do the work; the service of that name only starts them (packaging/*/systemd).
_UNITS = {
    "action": (f"{ACTION_RUNNER}@1.service", f"{ACTION_RUNNER}.service"),
    "sensor": (f"{SENSOR_CONTAINER}.service",),
}


class Account(t.NamedTuple):
    """An account as a service has it."""

    name: str
    uid: int
    gid: int
    home: str


def account_of(root: str, kind: str) -> t.Optional[Account]:
    """The account that runs actions or sensors; C(None) where that is the account of this process, or no unit tells.

    :arg root: As L(Host.root).
    :arg kind: C(action) or C(sensor).
    :raises HostError: when there is no such account, or this process may not become it.
    """
    user, group = _told(root, kind)
    if user is None:
        return None
    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
        gid = entry.pw_gid if group is None else int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise HostError(
            f"The account {user}{f' or the group {group}' if group else ''}, which the service of {kind}s uses, does "
            "not exist on this host. Use import=false, or correct the unit file."
        ) from None
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid():
        raise HostError(
            f"StackStorm runs {kind}s as {entry.pw_name}, and only root can import their files as that account. Run "
            "the task with become, or use import=false."
        )
    return Account(entry.pw_name, entry.pw_uid, gid, entry.pw_dir)


def _told(root: str, kind: str) -> t.Tuple[t.Optional[str], t.Optional[str]]:
    """User and group by the first unit that there is; a service without a C(User) is run by root."""
    for unit in _UNITS[kind]:
        settings = read_unit(root, unit)
        if settings is not None:
            values = {setting.name: setting.value for setting in settings}
            return values.get("User") or "root", values.get("Group") or None
    return None, None
