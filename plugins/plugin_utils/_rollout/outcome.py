# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A rollout in words: a line that is the answer, and a line for each cluster and each problem."""

from __future__ import annotations

import typing as t

from .waves import Rollout, cluster_title, listed

_PHASES = {
    "plan": "the plan",
    "preflight": "the checks",
    "stage": "staging",
    "ready": "the check before the swap",
    "swap": "the swap",
    "register": "the registration",
    "restart": "a restart",
    "smoke": "the smoke test",
    "proof": "the proof",
    "back": "the rollback",
}
# What each state means at the end of a rollout that failed, in the order of how bad it is.
_LOUD = ("rollback failed", "unknown")


def describe(rollout: Rollout, check: bool = False) -> dict[str, t.Any]:
    """The keys C(summary) and C(lines) of the document, and C(finished) for whether all was rolled out."""
    states = _states(rollout)
    good = ("staged",) if check else ("rolled out", "unchanged")
    finished = not rollout["problems"] and bool(states) and all(state in good for state in states.values())
    return {
        "finished": finished,
        "summary": _summary(rollout, states, finished, check),
        "lines": [*_clusters(rollout, states), *_problems(rollout)],
    }


def _states(rollout: Rollout) -> dict[str, str]:
    """The state of each host; one that shares its packs with another has the state of that one."""
    hosts = rollout["hosts"]
    return {name: hosts[entry.get("writer", name)]["state"] for name, entry in hosts.items()}


def _summary(rollout: Rollout, states: t.Mapping[str, str], finished: bool, check: bool) -> str:
    if finished:
        changed = sorted({line for entry in rollout["hosts"].values() for line in entry.get("changes", ())})
        what = "; ".join(changed) or "nothing to change"
        verb = "would be rolled out" if check else "rolled out" if changed else "already have these packs"
        return f"{_count(len(states), 'host')} in {_count(_number(rollout), 'cluster')} {verb}: {what}"
    loud = {state: [host for host, found in states.items() if found == state] for state in _LOUD}
    for state, hosts in loud.items():
        if hosts:
            said = "ROLLBACK FAILED" if state == "rollback failed" else "STATE UNKNOWN"
            return f"{said} on {listed(hosts)}. {_reason(rollout)}"
    if any(problem["phase"] == "back" for problem in rollout["problems"]):
        return f"ROLLBACK INCOMPLETE. {_reason(rollout)}"
    back = [host for host, state in states.items() if state == "rolled back"]
    done = f"Rolled back on {listed(back)}." if back else "Nothing was changed."
    if any(state in ("rolled out", "unchanged") for state in states.values()) and not back:
        done = "Nothing was changed in this wave."
    return f"Not rolled out: {_reason(rollout)} {done}"


def _reason(rollout: Rollout) -> str:
    """The first problem."""
    for problem in rollout["problems"]:
        where = f"{problem['host']} failed in " if problem["host"] else "failed in "
        return f"{where}{_PHASES[problem['phase']]}: {problem['msg']}"
    return "The rollout did not reach its end."


def _clusters(rollout: Rollout, states: t.Mapping[str, str]) -> list[str]:
    lines = []
    for number, wave in enumerate(rollout["waves"], 1):
        for name in wave["clusters"]:
            by_state: dict[str, list[str]] = {}
            for host, state in states.items():
                if rollout["hosts"][host]["cluster"] == name:
                    by_state.setdefault(state, []).append(host)
            said = "; ".join(f"{state}: {listed(hosts)}" for state, hosts in by_state.items())
            lines.append(f"wave {number}, {cluster_title(name)}: {said}")
    return lines


def _problems(rollout: Rollout) -> list[str]:
    return [
        f"{_PHASES[problem['phase']]}{', ' + problem['host'] if problem['host'] else ''}: {problem['msg']}"
        for problem in rollout["problems"]
    ]


def _number(rollout: Rollout) -> int:
    return sum(len(wave["clusters"]) for wave in rollout["waves"])


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
