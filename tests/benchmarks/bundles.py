# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(f) Fresh packs from a bundle, against the same from the network by the lock, and against a bare copy."""

from __future__ import annotations

import resource
import shutil
import statistics
import typing as t
from pathlib import Path

from infrastructure.ansible_run import run_module_directly
from infrastructure.locks import this_platform
from infrastructure.st2_host import ScratchHost

from .fresh import REQUIREMENT
from .probe import Probe, probe
from .world import Table, World, timed, world

MEBIBYTE = 1024.0 * 1024.0
NETWORK, BUNDLE = "network, by the lock", "bundle"
TREES, ALL = "floor: copy of bundle and packs", "floor: copy of these and the virtualenvs"
PLAIN, AGAIN = "satisfied, by names", "satisfied, bundle"


class Cost(t.NamedTuple):
    """What one run took, by the clock and of the processors."""

    seconds: float
    cpu: float


def make(measured: World, module: str, **options: t.Any) -> None:
    """Run a module on the controller; it must succeed."""
    given = {"ca_bundle": measured.ca_file, **options}
    environment = {**measured.environment(), "HOME": str(measured.root)}
    result = run_module_directly(module, given, env=environment)
    if result.failed:
        raise RuntimeError(result.everything)


def requests(measured: World) -> int:
    """How many requests all servers got since this was asked the last time."""
    servers = (measured.git, measured.index, measured.packages)
    count = sum(len(server.requests) for server in servers)
    for server in servers:
        server.clear()
    return count


def cost(found: Probe, changed: bool) -> Cost:
    """What a run took that must have changed something, or nothing."""
    if found.result["changed"] is not changed:
        raise RuntimeError(found.result)
    return Cost(found.seconds, found.cpu_seconds)


def copied(sources: t.Sequence[Path], target: Path) -> Cost:
    """What a copy takes."""
    target.mkdir()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = timed(["cp", "-a", *sources, target], {})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    shutil.rmtree(target)
    return Cost(seconds, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def measure_bundle(root: Path, count: int = 20, requiring: int = 5, pairs: int = 5) -> Table:
    """The table of the question (f).

    :arg requiring: How many of the packs have a requirement.
    """
    table = Table(f"(f) {count} fresh packs from a bundle, {requiring} with one requirement")
    with world(root, count, requirements=(REQUIREMENT,), requiring=requiring) as measured:
        lock, bundle = root / "packs.lock.yml", root / "packs.bundle"
        index = measured.host.options["content"]["index_url"]
        python = this_platform()
        platforms = [{"version": python.pop("python"), **python}]
        make(measured, "st2_pack_lock", path=str(lock), name=measured.packs, index_url=[index], platforms=platforms)
        make(measured, "st2_bundle", path=str(bundle), lockfile=str(lock))
        sources = {NETWORK: {"lockfile": f"file://{lock}"}, BUNDLE: {"bundle": f"file://{bundle}"}}
        found: t.Dict[str, t.List[Cost]] = {what: [] for what in (TREES, ALL, NETWORK, BUNDLE, PLAIN, AGAIN)}
        asked = {}
        for pair in range(pairs):
            for what in (NETWORK, BUNDLE) if pair % 2 else (BUNDLE, NETWORK):
                measured.host = ScratchHost(root / "fresh", index_url=index)
                requests(measured)
                found[what].append(cost(probe(measured, **sources[what]), changed=True))
                asked[what] = requests(measured)
                if what == BUNDLE:
                    found[AGAIN].append(cost(probe(measured, **sources[BUNDLE]), changed=False))
                    found[PLAIN].append(cost(probe(measured), changed=False))
                    trees = [measured.host.packs / pack for pack in measured.packs]
                    found[TREES].append(copied([bundle, *trees], root / "copy"))
                    found[ALL].append(copied([bundle, measured.host.packs, measured.host.virtualenvs], root / "copy"))
                    if asked[what] or requests(measured):
                        raise RuntimeError("a run with a bundle asked a server")
                shutil.rmtree(measured.host.root)
        add(table, found)
        table.notes.append(f"Pairs: {pairs}. The bundle has {bundle.stat().st_size / MEBIBYTE:.1f} MiB.")
        table.notes.append(f"Requests to servers: network {asked[NETWORK]}, bundle {asked[BUNDLE]}.")
    return table


def add(table: Table, found: t.Mapping[str, t.Sequence[Cost]]) -> None:
    """Put medians into the table, and into its notes the ratios within each pair."""
    for unit, ending in (("seconds", ""), ("cpu", ", CPU")):
        values = {what: [getattr(one, unit) for one in costs] for what, costs in found.items()}
        network = table.add(NETWORK + ending, statistics.median(values[NETWORK]))
        for what in (BUNDLE, TREES, ALL):
            table.add(what + ending, statistics.median(values[what]), network)
        plain = table.add(PLAIN + ending, statistics.median(values[PLAIN]))
        table.add(AGAIN + ending, statistics.median(values[AGAIN]), plain)
        for what, peer in ((BUNDLE, NETWORK), (BUNDLE, TREES), (BUNDLE, ALL), (AGAIN, PLAIN)):
            ratios = [one / other for one, other in zip(values[what], values[peer])]
            told = f"{min(ratios):.2f}, {statistics.median(ratios):.2f}, {max(ratios):.2f}"
            table.notes.append(f"Least, median and greatest ratio of pairs, {what} to {peer}{ending}: {told}.")
