# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The report on a fleet as plain values: which hosts are equal, which differ and in what, and what needs attention."""

from __future__ import annotations

import collections
import json
import typing as t

from .facts import COMPARED, RETURNED, RIGHT, Result, failure_of, packs_of

FORMAT = 1
_MOST_NAMED = 5
_ABSENT = "not installed"

Packs = t.Dict[str, t.Dict[str, t.Any]]


def report_document(results: t.Mapping[str, t.Mapping[str, Result]], generated: str) -> t.Dict[str, t.Any]:
    """The report; its form is described in the guide (docs/docsite/rst/guide_report.rst).

    :arg results: By host, what the info modules returned there, by L(RETURNED). A part may be missing.
    :arg generated: When they were asked, as text.
    """
    states = {host: failure_of(found) for host, found in sorted(results.items())}
    packs: t.Dict[str, Packs] = {
        host: packs_of(*(results[host].get(part) or {} for part in RETURNED))
        for host, (state, _error) in states.items()
        if state == "ok"
    }
    groups = _groups(packs)
    usual = packs[groups[0][0]] if groups else {}
    differences = {host: list(_differences(packs[host], usual)) for host in packs}
    attention = [one for host in packs for one in _attention(host, packs[host])]
    hosts = [
        {
            "name": host,
            "state": state if state != "ok" else "differs" if differences[host] else "equal",
            "error": error,
            "packs": packs.get(host, {}),
            "differences": differences.get(host, []),
        }
        for host, (state, error) in states.items()
    ]
    return {
        "format": FORMAT,
        "generated": generated,
        "summary": _summary(hosts, attention),
        "equal": len(groups) < 2 and len(packs) == len(hosts),
        "groups": [{"hosts": group} for group in groups],
        "hosts": hosts,
        "attention": attention,
        "outdated": _outdated(packs),
    }


def _groups(packs: t.Mapping[str, Packs]) -> t.List[t.List[str]]:
    """Hosts with equal packs, the largest group first."""
    found: t.Dict[str, t.List[str]] = collections.defaultdict(list)
    for host, there in packs.items():
        compared = {ref: [pack[field] for field in COMPARED] for ref, pack in there.items()}
        found[json.dumps(compared, sort_keys=True)].append(host)
    return sorted((sorted(group) for group in found.values()), key=lambda group: (-len(group), group))


def _differences(packs: Packs, usual: Packs) -> t.Iterator[t.Dict[str, t.Any]]:
    """In what a host differs from the largest group of equal hosts."""
    for ref in sorted({*packs, *usual}):
        here, there = packs.get(ref), usual.get(ref)
        if here is None or there is None:
            found = {"version": (_of(here), _of(there))}
        else:
            found = {field: (here[field], there[field]) for field in COMPARED if here[field] != there[field]}
        for field, (value, other) in found.items():
            yield {"ref": ref, "field": field, "value": value, "usual": other}


def _of(pack: t.Optional[t.Mapping[str, t.Any]]) -> str:
    return _ABSENT if pack is None else str(pack["version"])


def _attention(host: str, packs: Packs) -> t.Iterator[t.Dict[str, t.Any]]:
    for ref, pack in packs.items():
        for field, right in RIGHT.items():
            if pack[field] not in right:
                yield {"host": host, "ref": ref, "field": field, "value": pack[field]}


def _outdated(packs: t.Mapping[str, Packs]) -> t.List[t.Dict[str, t.Any]]:
    """Packs of which the index has a newer version, each with the hosts."""
    found: t.Dict[t.Tuple[str, str, str], t.List[str]] = collections.defaultdict(list)
    for host, there in packs.items():
        for ref, pack in there.items():
            if pack["outdated"]:
                found[ref, str(pack["version"]), str(pack["latest_version"])].append(host)
    return [
        {"ref": ref, "version": version, "latest_version": latest, "hosts": hosts}
        for (ref, version, latest), hosts in sorted(found.items())
    ]


def _summary(hosts: t.Sequence[t.Mapping[str, t.Any]], attention: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """The answer in one sentence: C(47 hosts equal; 3 differ: a, b, c)."""
    by_state = {state: [host["name"] for host in hosts if host["state"] == state] for state in _STATES}
    if not hosts:
        return "No hosts were compared"
    equal = len(by_state["equal"])
    parts = [f"{equal} {'host' if equal == 1 else 'hosts'} equal"]
    parts += [
        f"{len(names)} {_STATES[state][len(names) != 1]}: {_named(names)}"
        for state, names in by_state.items()
        if names and state != "equal"
    ]
    if attention:
        named = sorted({one["host"] for one in attention})
        needs = "needs" if len(named) == 1 else "need"
        parts.append(f"{len(named)} {needs} attention: {_named(named)}")
    return "; ".join(parts)


_STATES: t.Mapping[str, t.Tuple[str, str]] = {
    "equal": ("equal", "equal"),
    "differs": ("differs", "differ"),
    "failed": ("failed", "failed"),
    "unreachable": ("unreachable", "unreachable"),
}


def _named(names: t.Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more
