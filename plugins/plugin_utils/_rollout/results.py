# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a registered result of a task says, as far as a rollout needs it."""

from __future__ import annotations

import typing as t

from .waves import Rollout, listed

Result = t.Mapping[str, t.Any]
_COMPARED = ("version", "commit", "content")


def add_problem(rollout: Rollout, phase: str, host: str, msg: str) -> None:
    """Write down why a rollout cannot go on; C(host) is empty when it is not one host."""
    rollout["problems"].append({"phase": phase, "host": host, "msg": msg})


def failure_of(result: t.Optional[Result]) -> t.Optional[str]:
    """Why a task did not do what it was for; None when it did."""
    if not result:
        return "The task did not run."
    if result.get("results") == []:
        return None
    if result.get("unreachable"):
        return f"The host is unreachable: {result.get('msg', '')}"
    failed = [item for item in result.get("results", ()) if item.get("failed") or item.get("unreachable")]
    if failed:
        return " ".join(str(item.get("msg", "")) for item in failed)
    if result.get("failed"):
        return str(result.get("msg") or "The task failed.")
    if result.get("skipped"):
        return f"The task was skipped: {result.get('false_condition') or result.get('skip_reason') or ''}"
    return None


def row_of(row: Result) -> dict[str, t.Any]:
    """What a rollout keeps of a pack in the result of st2_pack."""
    before, after = row.get("before"), row.get("after")
    # What a pack was before is left out where it is the same after; that it is to be installed stays.
    was_there = bool(before or (after and row.get("action") != "install"))
    return {"content": row.get("content"), "was_there": was_there, "absent": not after, **(after or {})}


def is_change(row: Result) -> bool:
    """Whether a pack, its config or its overrides will be changed by the swap, also if that was staged before."""
    if row.get("changed") or row.get("action", "none") not in ("none", "register", "unload"):
        return True
    return any((row.get(part) or {}).get("changed") for part in ("config", "overrides"))


def plan_difference(groups: t.Sequence[t.Sequence[str]], packs: t.Sequence[t.Mapping[str, Result]]) -> str:
    """In what hosts with other plans differ.

    :arg groups: The hosts with equal plans, in groups.
    :arg packs: For each group, what its hosts would have, by ref.
    """
    lines = []
    for ref in sorted({ref for found in packs for ref in found}):
        words = [_words(found.get(ref)) for found in packs]
        if len(set(words)) > 1:
            lines += [f"{ref} {said} on {listed(list(hosts))}" for said, hosts in zip(words, groups)]
    if lines:
        return f"They would have {'; '.join(lines)}."
    return f"Their configs, overrides or Python packages differ: {' as opposed to '.join(map(listed, groups))}."


def _words(row: t.Optional[Result]) -> str:
    if row is None or row.get("absent"):
        return "(not installed)"
    return " ".join(str(row[key])[:19] for key in _COMPARED if row.get(key)) or "(unknown)"
