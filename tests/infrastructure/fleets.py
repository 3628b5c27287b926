# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Results of the info modules on a fleet, for tests of the report."""

from __future__ import annotations

import typing as t

COMMIT = "108d52bf6694c1a681d871124901ab0925f49bd0"
REFS = ("sensu", "napalm", "jira", "aws")


def pack(ref: str, **fields: t.Any) -> t.Dict[str, t.Any]:
    """A pack as st2_pack_info returns it."""
    return {
        "ref": ref,
        "version": "1.0.2",
        "commit": COMMIT,
        "system": False,
        "virtualenv": {"health": "ok", "needed": True},
        "database_state": "current",
        "edits": [],
        **fields,
    }


def host(*packs: t.Mapping[str, t.Any], configs: t.Sequence[t.Any] = (), overrides: t.Sequence[t.Any] = ()) -> t.Any:
    """What the three modules returned on a host."""
    return {
        "packs": {"packs": list(packs)},
        "configs": {"configs": list(configs)},
        "overrides": {"packs": list(overrides), "files": []},
    }


def fleet(number: int = 6) -> t.Dict[str, t.Any]:
    """Hosts with equal packs, called C(st2-01) and so on."""
    return {f"st2-{count:02}": host(*map(pack, REFS)) for count in range(1, number + 1)}


UNREACHABLE = {"packs": {"unreachable": True, "msg": "No route to host"}, "configs": {"skipped": True}, "overrides": {}}
FAILED = {"packs": {"failed": True, "msg": "There is no /etc/st2/st2.conf."}, "configs": {}, "overrides": {}}
