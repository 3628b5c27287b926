# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The way back: which hosts of a wave go back to what they had, and what cannot be taken back."""

from __future__ import annotations

import typing as t

from .results import add_problem, failure_of
from .waves import Rollout, cluster_title

Result = t.Mapping[str, t.Any]
Results = t.Mapping[str, t.Mapping[str, Result]]
Asked = t.Mapping[str, t.Any]


def begin_back(rollout: Rollout, clusters: t.Mapping[str, t.Sequence[str]]) -> None:
    """Name the hosts of the wave that go back, and those that have to be asked first whether they swapped."""
    entries = rollout["hosts"]
    hosts = [host for nodes in clusters.values() for host in nodes]
    unsure = [host for host in hosts if entries[host]["state"] == "unsure"]
    back = [host for host in hosts if host not in unsure and entries[host].get("change")]
    rollout["next"] = {"inspect": unsure, "back": back} if unsure or back else {}


def _inspect(rollout: Rollout, asked: Asked, results: Results) -> None:
    back = list(asked["back"])
    for host in asked["inspect"]:
        entry, found = rollout["hosts"][host], results.get(host, {}).get("changes")
        failure = failure_of(found)
        if failure or not found:
            entry["state"] = "unknown"
            add_problem(
                rollout,
                "back",
                host,
                f"Whether it has the new packs is not known. {failure} When it responds, run the rollout again, or "
                "st2_rollback on this host.",
            )
            continue
        change = _own_change(found, entry)
        entry["state"] = "swapped" if change else "staged"
        if change:
            entry["change"] = change
            back.append(host)
    rollout["next"] = {"back": back} if back else {}


def _own_change(found: Result, entry: Result) -> t.Optional[str]:
    """The change set that the swap left on a host, if it left one: what others changed meanwhile is theirs."""
    planned = entry["packs"]
    for change in found.get("changes") or ():
        if change["change"] == entry["newest"]:
            break
        refs = {*change.get("configs", ()), *change.get("overrides", ())} - {"_global"}
        packs = change.get("packs", ())
        as_planned = all(_is_planned(planned.get(row["ref"]), row.get("after")) for row in packs)
        if change.get("registered") == "none" and as_planned and refs <= set(planned) and not change.get("undoes"):
            return str(change["change"])
    return None


def _is_planned(planned: t.Optional[Result], after: t.Optional[Result]) -> bool:
    if planned is None or planned["absent"] or not after:
        return bool(planned and planned["absent"] and not after)
    return all(after[key] == planned.get(key, after[key]) for key in ("version", "commit", "digest") if key in after)


def _back(rollout: Rollout, asked: Asked, results: Results) -> None:
    restore: dict[str, str] = {}
    for host in asked["back"]:
        entry, found = rollout["hosts"][host], results.get(host, {}).get("back")
        failure = failure_of(found)
        if failure or not found:
            entry["state"] = "rollback failed"
            add_problem(rollout, "back", host, f"It may still have the new packs. {failure}")
        else:
            entry.update(state="rolled back", restart=list(found.get("restart_needed") or ()))
            entry["present"] = [ref for ref, row in entry["packs"].items() if row["was_there"]]
            entry["absent"] = [ref for ref, row in entry["packs"].items() if not row["was_there"]]
            restore.setdefault(entry["cluster"], host)
    wave = rollout["waves"][rollout["wave"] - 1]["hosts"]
    same = [
        host
        for host in wave
        if rollout["hosts"][host]["cluster"] in restore
        and rollout["hosts"][host]["state"] in ("rolled back", "unchanged")
        and host not in restore.values()
    ]
    rollout["next"] = {"restore": list(restore.values()), "compare": same} if restore else {}


def _restore(rollout: Rollout, asked: Asked, results: Results) -> None:
    for host in asked["restore"]:
        entry, found = rollout["hosts"][host], results.get(host, {})
        failure = next(filter(None, (failure_of(found.get(name)) for name in registering(entry))), None)
        if failure:
            entry["state"] = "rollback failed"
            title = cluster_title(entry["cluster"])
            add_problem(
                rollout, "back", host, f"StackStorm's database may still have the new packs of {title}. {failure}"
            )
        more = (found.get("registered") or {}).get("restart_needed") or ()
        entry["restart"] = sorted({*entry.get("restart", ()), *more})
    for host in asked["compare"]:
        failure = failure_of(results.get(host, {}).get("compared")) if rollout["hosts"][host]["present"] else None
        if failure:
            entry = rollout["hosts"][host]
            title = cluster_title(entry["cluster"])
            other = f" The nodes of {title} had different packs before this rollout, too. Run it again."
            add_problem(
                rollout,
                "back",
                host,
                f"It has the packs that it had before. {failure}{other if entry['state'] == 'unchanged' else ''}",
            )
    wave = rollout["waves"][rollout["wave"] - 1]["hosts"]
    restart = [
        host for host in wave if rollout["hosts"][host]["state"] == "rolled back" and rollout["hosts"][host]["restart"]
    ]
    rollout["next"] = {"restart_back": restart} if restart else {}


def _restart_back(rollout: Rollout, asked: Asked, results: Results) -> None:
    for host in asked["restart_back"]:
        failure = failure_of(results.get(host, {}).get("restart"))
        if failure:
            add_problem(rollout, "back", host, f"It has its former packs, but services were not restarted. {failure}")


def registering(entry: Result) -> list[str]:
    """The tasks that have to succeed on a host that registers, by what it has to register."""
    return [*(["registered"] if entry["present"] else []), *(["unloaded"] if entry["absent"] else [])]


def newest_change(found: Result) -> t.Optional[str]:
    """The id of the newest change set, by the result of st2_rollback_info."""
    changes = found.get("changes") or ()
    return str(changes[0]["change"]) if changes else None


RETURN_PHASES: t.Mapping[str, t.Callable[[Rollout, Asked, Results], None]] = {
    "inspect": _inspect,
    "back": _back,
    "restore": _restore,
    "restart_back": _restart_back,
}
