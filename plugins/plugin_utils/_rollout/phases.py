# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What the results of a phase mean for a rollout: the state of each host, and which hosts do what next.

Only these functions decide. The tasks of the role run a module on the hosts that C(next) names, and nothing else, so a
host whose task was skipped, failed or was lost can never count as done.
"""

from __future__ import annotations

import copy
import typing as t

from .back import RETURN_PHASES, begin_back, newest_change, registering
from .results import add_problem, failure_of, is_change, plan_difference, row_of
from .waves import Rollout, cluster_title, listed

Result = t.Mapping[str, t.Any]
# By host, what the tasks of a phase returned there, by the short name of the task.
Results = t.Mapping[str, t.Mapping[str, Result]]
# What hosts may share, by the keys of what st2_pack writes there.
_DIRECTORIES = ("packs", "virtualenvs", "config", "overrides")


def start_wave(rollout: Rollout, number: int) -> Rollout:
    """The document with which a wave starts; nobody has to do anything in it after a failure.

    :arg number: The number of the wave, from 1.
    """
    rollout = copy.deepcopy(rollout)
    if rollout["problems"]:
        return rollout
    if number != rollout["wave"] + 1:
        add_problem(rollout, "plan", "", f"Wave {number} cannot start after wave {rollout['wave']}.")
        return rollout
    rollout["wave"] = number
    rollout["next"] = {"preflight": _hosts(rollout), "ask": [nodes[0] for nodes in _clusters(rollout).values()]}
    return rollout


def next_phase(rollout: Rollout, phase: str, results: Results, check: bool = False) -> Rollout:
    """The document after a phase.

    :arg phase: One of L(PHASES).
    :arg check: In check mode, a wave ends when its packs have been staged.
    :raises KeyError: for another phase.
    """
    rollout = copy.deepcopy(rollout)
    before = len(rollout["problems"])
    asked, rollout["next"] = rollout["next"], {}
    PHASES[phase](rollout, asked, results)
    failed = len(rollout["problems"]) > before
    if failed and phase not in RETURN_PHASES:
        begin_back(rollout, _clusters(rollout))
    elif phase == "stage" and check:
        rollout["next"] = {}
    return rollout


def _preflight(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    _require(rollout, "preflight", asked["preflight"], results, ["info", "changes", "directory"])
    _require(rollout, "preflight", asked["ask"], results, ["asked"])
    places: dict[t.Any, list[str]] = {}
    for host in asked["preflight"]:
        entry, found = rollout["hosts"][host], results.get(host, {})
        entry["newest"] = newest_change(found.get("changes") or {})
        entry["directories"] = _directories(found.get("info", {}))
        stat = found.get("directory", {}).get("stat") or {}
        place = tuple(stat.get(key) for key in ("inode", "mtime", "ctime", "uid", "gid"))
        if stat.get("exists"):
            places.setdefault((entry["cluster"], place), []).append(host)
    shared = [hosts for hosts in places.values() if len(hosts) > 1]
    rollout["next"] = {"stage": asked["preflight"]}
    if shared:
        # On one disk each: hosts that were cloned. A file that one creates tells.
        rollout["next"].update(mark=[hosts[0] for hosts in shared])
        rollout["next"].update(look={host: hosts[0] for hosts in shared for host in hosts[1:]})


def _share(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    _require(rollout, "preflight", asked["mark"], results, ["mark"])
    _require(rollout, "preflight", list(asked["look"]), results, ["look"])
    for host, first in asked["look"].items():
        seen = [bool(one.get("stat", {}).get("exists")) for one in results[host].get("look", {}).get("results", ())]
        made = [one.get("state") == "file" for one in results[first].get("mark", {}).get("results", ())]
        if seen[:1] == [True]:
            entry = rollout["hosts"][host]
            entry["writer"] = first
            # Whether it matters, what was staged tells.
            own = zip(_DIRECTORIES, entry["directories"], made, seen)
            entry["own"] = {kind: path for kind, path, marked, found in own if marked and not found}
            if False in seen[:2]:
                add_problem(
                    rollout,
                    "preflight",
                    host,
                    f"It shares the packs directory with {first}, but not the directory of the virtualenvs. Hosts "
                    "must share both or none.",
                )
    rollout["next"] = {"stage": [host for host in asked["stage"] if "writer" not in rollout["hosts"][host]]}


def _stage(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    if not _require(rollout, "stage", asked["stage"], results, ["packs"]):
        return
    for host in asked["stage"]:
        found, entry = results[host]["packs"], rollout["hosts"][host]
        entry.update(plan=found.get("plan"), packs={row["ref"]: row_of(row) for row in found.get("packs", ())})
        entry["state"] = "staged"
        entry["changes"] = [row["msg"] for row in found.get("packs", ()) if is_change(row)]
    _require_shared_configs(rollout, results)
    for name, nodes in _clusters(rollout).items():
        writers = [host for host in nodes if host in asked["stage"]]
        by_plan: dict[t.Any, list[str]] = {}
        for host in writers:
            by_plan.setdefault(rollout["hosts"][host]["plan"], []).append(host)
        if len(by_plan) > 1 or None in by_plan:
            first, *others = sorted(by_plan.values(), key=len, reverse=True)
            packs = {hosts[0]: rollout["hosts"][hosts[0]]["packs"] for hosts in (first, *others)}
            add_problem(
                rollout,
                "stage",
                "",
                f"The nodes of {cluster_title(name)} would not be equal. "
                + plan_difference([first, *others], list(packs.values())),
            )
    rollout["next"] = {"ready": _hosts(rollout), "swap": asked["stage"]}


def _require_shared_configs(rollout: Rollout, results: Results) -> None:
    """Add a problem for each host that shares its packs, and would not get what only one host writes."""
    for host in _hosts(rollout):
        entry = rollout["hosts"][host]
        rows = results.get(entry.get("writer", ""), {}).get("packs", {}).get("packs", ())
        missed = [path for kind, path in entry.get("own", {}).items() if any(row.get(kind) for row in rows)]
        if missed:
            add_problem(
                rollout,
                "stage",
                host,
                f"It shares the packs directory with {entry['writer']}, but not {' and '.join(missed)}, which this "
                "rollout writes to. Hosts that share their packs must share these directories, too.",
            )


def _ready(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    _require(rollout, "ready", asked["ready"], results, ["ready"])
    rollout["next"] = {"swap": asked["swap"]}


def _swap(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    _require(rollout, "swap", asked["swap"], results, ["packs"])
    for host in asked["swap"]:
        found, entry = results.get(host, {}).get("packs", {}), rollout["hosts"][host]
        if failure_of(found):
            # Whether it has the new packs, the host alone knows.
            entry["state"] = "unsure"
        else:
            change, restart = found.get("change"), list(found.get("restart_needed") or ())
            entry.update(state="swapped" if change else "unchanged", change=change, restart=restart)
            if found.get("plan") != entry["plan"]:
                add_problem(rollout, "swap", host, f"It has the plan {found.get('plan')} now, not {entry['plan']}.")
    for host in _hosts(rollout):
        # What there will be once all is done, and what there was before for the way back.
        entry = rollout["hosts"][host]
        packs = rollout["hosts"][entry.get("writer", host)]["packs"]
        entry["present"] = [ref for ref, row in packs.items() if not row["absent"]]
        entry["absent"] = [ref for ref, row in packs.items() if row["absent"]]
    registrars = [_first(rollout, nodes) for nodes in _clusters(rollout).values()]
    others = [host for host in asked["swap"] if host not in registrars]
    rollout["next"] = {"register": registrars, "compare": others}


def _register(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    for host in asked["register"]:
        entry = rollout["hosts"][host]
        _require(rollout, "register", [host], results, registering(entry))
        more = results.get(host, {}).get("registered", {}).get("restart_needed") or ()
        entry["restart"] = sorted({*entry.get("restart", ()), *more})
    if not rollout["problems"]:
        compared = [host for host in asked["compare"] if rollout["hosts"][host]["present"]]
        _require(rollout, "register", compared, results, ["compared"])
    restart = [host for host in _hosts(rollout) if rollout["hosts"][host].get("restart")]
    rollout["next"] = {"restart": restart, "smoke": _hosts(rollout), "act": asked["register"]}


def _restart(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    _require(rollout, "restart", asked["restart"], results, ["restart"])
    rollout["next"] = {"smoke": asked["smoke"], "act": asked["act"]}


def _smoke(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    compiled = [host for host in asked["smoke"] if rollout["hosts"][host]["present"]]
    _require(rollout, "smoke", compiled, results, ["entry_points"])
    _require(rollout, "smoke", asked["act"], results, ["actions"])
    rollout["next"] = {"prove": asked["smoke"]}


def _prove(rollout: Rollout, asked: t.Mapping[str, t.Any], results: Results) -> None:
    if not _require(rollout, "proof", asked["prove"], results, ["packs", "info"]):
        return
    for nodes in _clusters(rollout).values():
        first = rollout["hosts"][_first(rollout, nodes)]
        for host in nodes:
            found = results[host]
            wrong = []
            if found["packs"].get("changed") or found["packs"].get("plan") != first["plan"]:
                wrong.append(f"its plan is {found['packs'].get('plan')}, not {first['plan']}: {found['packs']['msg']}")
            rows = {row["ref"]: row for row in found["info"].get("packs", ())}
            for ref, row in first["packs"].items():
                wrong += _not_as_planned(ref, row, rows.get(ref))
            if wrong:
                add_problem(rollout, "proof", host, f"It does not have what was rolled out: {listed(wrong)}.")
                continue
            entry = rollout["hosts"][host]
            writer = rollout["hosts"][entry.get("writer", host)]
            entry["state"] = "rolled out" if writer.get("change") else "unchanged"
    rollout["next"] = {}


def _not_as_planned(ref: str, planned: Result, row: t.Optional[Result]) -> list[str]:
    """What an info module saw otherwise than planned, of one pack."""
    if planned["absent"]:
        return [f"{ref} is installed"] if row else []
    if row is None:
        return [f"{ref} is not installed"]
    wrong = [
        f"{ref} has {key} {row.get(key)} instead of {planned[key]}"
        for key in ("version", "commit", "digest")
        if planned.get(key) and row.get(key) != planned[key]
    ]
    wrong += [f"{ref}: {edit}" for edit in row.get("edits") or ()]
    if row.get("database_state") in ("stale", "absent"):
        wrong.append(f"{ref} is {row['database_state']} in StackStorm's database")
    return wrong


def _require(rollout: Rollout, phase: str, hosts: t.Sequence[str], results: Results, names: t.Sequence[str]) -> bool:
    """Add a problem for each host on which one of these tasks did not succeed; whether there is none."""
    good = True
    for host in hosts:
        failures = [failure_of(results.get(host, {}).get(name)) for name in names]
        failure = next(filter(None, failures), None)
        if failure:
            add_problem(rollout, phase, host, failure)
            good = False
    return good


def _hosts(rollout: Rollout) -> list[str]:
    """The hosts of the wave."""
    return list(rollout["waves"][rollout["wave"] - 1]["hosts"])


def _clusters(rollout: Rollout) -> dict[str, list[str]]:
    """The hosts of the wave by cluster."""
    found: dict[str, list[str]] = {}
    for host in _hosts(rollout):
        found.setdefault(rollout["hosts"][host]["cluster"], []).append(host)
    return found


def _first(rollout: Rollout, nodes: t.Sequence[str]) -> str:
    """The node of a cluster that registers."""
    return next(host for host in nodes if "writer" not in rollout["hosts"][host])


def _directories(info: Result) -> list[str]:
    """The directories of packs, virtualenvs, configs and overrides of a host, by one of StackStorm's own packs."""
    for row in info.get("packs") or ():
        virtualenvs = ((row.get("virtualenv") or {}).get("path") or "").rpartition("/")[0]
        base = virtualenvs.rpartition("/")[0]
        return [row["base_path"], virtualenvs, f"{base}/configs", f"{base}/overrides"] if base else [row["base_path"]]
    return []


PHASES: t.Mapping[str, t.Callable[[Rollout, t.Mapping[str, t.Any], Results], None]] = {
    "preflight": _preflight,
    "share": _share,
    "stage": _stage,
    "ready": _ready,
    "swap": _swap,
    "register": _register,
    "restart": _restart,
    "smoke": _smoke,
    "prove": _prove,
    **RETURN_PHASES,
}
