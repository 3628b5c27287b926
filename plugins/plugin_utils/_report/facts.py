# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a report compares: the packs of one host, from what the info modules returned."""

from __future__ import annotations

import typing as t

Result = t.Mapping[str, t.Any]

# The parts of a host's results, each with what its module returns unless it fails.
RETURNED: t.Mapping[str, str] = {"packs": "packs", "configs": "configs", "overrides": "packs"}
# What is not as it should be, whatever other hosts have: by field, the values that are right or say nothing.
RIGHT: t.Mapping[str, t.Tuple[t.Optional[str], ...]] = {
    "edits": (None,),
    "virtualenv": ("ok", "not needed"),
    "database_state": ("current", "unknown", None),
    "config": ("current", "none", "unknown", None),
    "overrides": ("current", "none", "unknown", None),
    "problem": (None,),
}
# The fields of a pack by which hosts are compared, in the order in which they are shown.
COMPARED = ("version", "commit", "digest", "edits", "virtualenv", "database_state", "config", "overrides", "problem")


def failure_of(results: t.Mapping[str, Result]) -> t.Tuple[str, t.Optional[str]]:
    """The state of a host, C(unreachable), C(failed) or C(ok), and the error.

    :arg results: Of the host, by the parts in L(RETURNED).
    """
    found = {part: result for part, result in results.items() if result and not result.get("skipped")}
    for result in found.values():
        if result.get("unreachable"):
            return "unreachable", str(result.get("msg") or "The host cannot be reached.")
    for part, result in found.items():
        if result.get("failed") or RETURNED.get(part, "msg") not in result:
            return "failed", str(result.get("msg") or "The module failed.")
    if "packs" not in found:
        return "unreachable", "There are no results for this host."
    return "ok", None


def packs_of(packs: Result, configs: Result, overrides: Result) -> t.Dict[str, t.Dict[str, t.Any]]:
    """The packs of one host by ref, each with the fields of L(COMPARED) and what is newer.

    :arg packs: The result of M(stackstorm.st2.st2_pack_info).
    :arg configs: That of M(stackstorm.st2.st2_pack_config_info).
    :arg overrides: That of M(stackstorm.st2.st2_override_info).
    """
    by_config = {row["pack"]: row for row in configs.get("configs") or ()}
    by_override = {row["ref"]: row for row in overrides.get("packs") or ()}
    global_file = any(row.get("pack") == "_global" for row in overrides.get("files") or ())
    found = {}
    for row in packs.get("packs") or ():
        if row.get("system"):
            continue
        ref = row["ref"]
        found[ref] = {
            "version": row.get("version"),
            "commit": row.get("commit"),
            "digest": None if row.get("commit") else row.get("digest"),
            "edits": _edits(row.get("edits")),
            "virtualenv": _virtualenv(row.get("virtualenv") or {}),
            "database_state": row.get("database_state"),
            "config": _config(by_config.get(ref)),
            "overrides": _overrides(by_override.get(ref), global_file),
            "problem": row.get("problem"),
            "latest_version": row.get("latest_version"),
            "outdated": bool(row.get("outdated")),
        }
    return dict(sorted(found.items()))


def _edits(edits: t.Optional[t.Sequence[str]]) -> t.Optional[str]:
    return "; ".join(sorted(edits)) if edits else None


def _virtualenv(virtualenv: t.Mapping[str, t.Any]) -> str:
    health = str(virtualenv.get("health") or "absent")
    return "not needed" if health == "absent" and not virtualenv.get("needed") else health


def _config(row: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[str]:
    if row is None:
        return None
    if row.get("problem") or (row.get("problems") and row.get("exists")):
        return "invalid"
    state = row.get("database_state")
    return "none" if not row.get("exists") and state in ("absent", "unknown") else state


def _overrides(row: t.Optional[t.Mapping[str, t.Any]], global_file: bool) -> t.Optional[str]:
    if row is None:
        return None
    return row.get("database_state") if row.get("file") or global_file else "none"
