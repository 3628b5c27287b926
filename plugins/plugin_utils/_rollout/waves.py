# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The waves of a rollout, by the hosts of a play, and what speaks against starting it."""

from __future__ import annotations

import typing as t
import uuid

FORMAT = 1
_LISTED = 10
Rollout = dict[str, t.Any]


class Node(t.NamedTuple):
    """A host as the variables of the inventory describe it.

    :arg cluster: The name of its cluster, which may be empty where there is only one.
    :arg size: How many nodes its cluster has; 0 when nobody says.
    """

    name: str
    cluster: str
    size: int


def plan_waves(
    nodes: t.Sequence[Node], waves: t.Sequence[t.Sequence[str]], outside: t.Sequence[Node], limit: str = ""
) -> Rollout:
    """The document of a rollout in which nothing has been done yet.

    :arg nodes: The hosts of the play, in its order.
    :arg waves: The names of the clusters of each wave; empty for one cluster after another.
    :arg outside: The hosts of the inventory that are not in the play.
    :arg limit: What C(--limit) says.
    """
    clusters: dict[str, list[str]] = {}
    for node in nodes:
        clusters.setdefault(node.cluster, []).append(node.name)
    ordered = [list(wave) for wave in waves] or [[name] for name in clusters]
    problems = _limited(limit) + _incomplete(nodes, clusters, outside) + _wrong_waves(ordered, clusters)
    found = [
        {"clusters": wave, "hosts": [host for name in wave for host in clusters.get(name, ())]} for wave in ordered
    ]
    return {
        "format": FORMAT,
        "id": uuid.uuid4().hex,
        "problems": [{"phase": "plan", "host": "", "msg": msg} for msg in problems],
        "waves": found,
        "wave": 0,
        "hosts": {
            host: {"cluster": cluster, "wave": number, "state": "untouched"}
            for number, wave in enumerate(found, 1)
            for cluster in wave["clusters"]
            for host in clusters.get(cluster, ())
        },
        "next": {},
    }


def cluster_title(name: str) -> str:
    """How a cluster is called in messages."""
    return f"cluster {name}" if name else "the cluster"


def listed(names: t.Sequence[str]) -> str:
    """Names in a message; of many, only the first ones."""
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return ", ".join(names[:_LISTED]) + more


def _limited(limit: str) -> list[str]:
    if not limit:
        return []
    return [
        f"A rollout cannot be limited (--limit {limit}): the nodes of a cluster share a database, so all of them must "
        "get the same packs. Set target to whole clusters instead."
    ]


def _incomplete(
    nodes: t.Sequence[Node], clusters: t.Mapping[str, t.Sequence[str]], outside: t.Sequence[Node]
) -> list[str]:
    problems = []
    for name, hosts in clusters.items():
        missing = [node.name for node in outside if name and node.cluster == name]
        if missing:
            problems.append(
                f"{cluster_title(name).capitalize()} is not complete: {listed(missing)} not in the hosts of this play. "
                "Add them to target."
            )
        for size in sorted({node.size for node in nodes if node.cluster == name and node.size} - {len(hosts)}):
            problems.append(
                f"{cluster_title(name).capitalize()} has {len(hosts)} of its {size} nodes (st2_cluster_size) in this "
                "play. If AWX slices the job, set its job slice count to 1."
            )
    return problems


def _wrong_waves(waves: t.Sequence[t.Sequence[str]], clusters: t.Mapping[str, t.Any]) -> list[str]:
    named = [name for wave in waves for name in wave]
    problems = []
    unknown = sorted(set(named) - set(clusters))
    if unknown:
        problems.append(f"st2_rollout_waves names clusters without hosts in this play: {listed(unknown)}.")
    missing = sorted(set(clusters) - set(named))
    if missing:
        problems.append(
            "st2_rollout_waves does not name all clusters of this play. Missing: "
            f"{listed([name or '(hosts without st2_cluster)' for name in missing])}."
        )
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        problems.append(f"st2_rollout_waves names clusters more than once: {listed(twice)}.")
    return problems
