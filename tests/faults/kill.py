# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kill st2_pack at the boundaries of its steps and at random instants, and look at what is left.

    python tests/faults/kill.py --count 1000 --seed 7

ends with 1 where anything was wrong, and tells of each violation the options that make that kill again. With --refuse
the run is not killed, but the system refuses one of its changes (disk full, read-only, ...), or all from one on.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import errno
import multiprocessing
import os
import shlex
import shutil
import sys
import tempfile
import time
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.kills import KillTrials
from faults.module_runs import Instant, Refusal
from faults.refusals import RefusalTrials
from faults.scenarios import KILLED, LAYERED, REFUSED, Scenario
from faults.trials import Findings, Trials
from faults.world import World, can_mount_layers

KINDS: t.Mapping[str, t.Tuple[t.Type[Trials[t.Any]], t.Tuple[Scenario, ...]]] = {
    "kill": (KillTrials, (*KILLED, *LAYERED)),
    "refuse": (RefusalTrials, REFUSED),
}
CI_COUNT = 200
_MEMORY = "/dev/shm"


def main() -> int:
    """Make the trials and print what came of them."""
    options = _options()
    started = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir=options.directory))
    kind = "refuse" if options.refuse else "kill"
    names = [name for name in names_of(kind, folder) if options.scenario in (None, name)]
    try:
        if options.at:
            findings = work(kind, folder / "world", names, [0], options.seed, options.at)
        else:
            findings = make_trials(kind, folder, options.count, options.seed, options.workers, names)
    finally:
        if options.keep:
            print(f"The hosts are in {folder}.")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    print(report(findings))
    print(f"{time.monotonic() - started:.0f} s with {options.workers} processes, seed {options.seed}")
    return int(any(finding.violations for finding in findings))


def make_trials(
    kind: str, folder: Path, count: int, seed: int, workers: int = 2, names: t.Sequence[str] = ()
) -> t.List[Findings]:
    """Make ``count`` trials, spread evenly over scenarios, by so many processes that each have a world of their own.

    :arg kind: one of `KINDS`.
    """
    names = names or names_of(kind, folder)
    share, left = divmod(count, len(names))
    counts = [share + (number < left) for number in range(len(names))]
    workers = min(workers, len(names))
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(workers, mp_context=context) as pool:
        futures = [
            pool.submit(work, kind, folder / f"world-{number}", names[number::workers], counts[number::workers], seed)
            for number in range(workers)
        ]
        return [finding for future in futures for finding in future.result()]


def names_of(kind: str, folder: Path) -> t.List[str]:
    """Return the names of the scenarios that this machine allows."""
    chosen = [scenario for scenario in KINDS[kind][1] if not scenario.layered or can_mount_layers(folder / "probe")]
    return [scenario.name for scenario in chosen]


def work(
    kind: str, folder: Path, names: t.Sequence[str], counts: t.Sequence[int], seed: int, at: str = ""
) -> t.List[Findings]:
    """Make so many trials of each scenario in one world, or with ``at`` the one that its violation names."""
    folder.mkdir(parents=True)
    world = World(folder)
    found = []
    make, scenarios = KINDS[kind]
    try:
        for name, count in zip(names, counts):
            trials = make(world, next(scenario for scenario in scenarios if scenario.name == name), seed)
            if at:
                trials.attempt(_moment(kind, at))
            else:
                trials.make(count)
            found.append(trials.findings)
    finally:
        world.stop()
    return found


def _moment(kind: str, text: str) -> t.Any:
    words, rest = text.split(",")[0].split(), text.partition(",")[2]
    if kind == "refuse":
        return Refusal(words[0], int(words[1]), getattr(errno, words[2]), bool(rest))
    if words[0] == "after":
        return Instant(after=float(words[1]), children=not rest)
    return Instant(words[0], int(words[1]), children=not rest)


def quick_directory() -> t.Optional[str]:
    """Return a directory in memory where programs may run and half a GiB is free; None where there is none."""
    try:
        status = os.statvfs(_MEMORY)
    except OSError:
        return None
    fits = status.f_bavail * status.f_frsize > 1 << 29 and not status.f_flag & os.ST_NOEXEC
    return _MEMORY if fits and os.access(_MEMORY, os.W_OK) else None


def report(findings: t.Iterable[Findings]) -> str:
    """Return the figures as a table, then the violations."""
    lines = [f"{'scenario':26}{'seconds':>8}{'steps':>7}{'actions':>9}  trials"]
    violations = []
    total = 0
    for found in findings:
        trials = ", ".join(f"{number} {name}" for name, number in sorted(found.trials.items()))
        total += found.trials.total()
        lines.append(f"{found.scenario:26}{found.seconds:>8.1f}{found.steps:>7}{found.actions:>9}  {trials}")
        for moment, problems in found.violations.items():
            head = f"\n--scenario {shlex.quote(found.scenario)} --at {shlex.quote(moment)}"
            violations.append("\n    ".join([head, *problems]))
    return "\n".join([*lines, f"{total} trials, {len(violations)} violations", *violations])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=CI_COUNT, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="what the choice of moments depends on")
    parser.add_argument("--workers", type=int, default=2, help="how many at a time (%(default)s)")
    parser.add_argument("--refuse", action="store_true", help="let changes be refused, instead of killing")
    parser.add_argument("--scenario", choices=[s.name for s in KINDS["kill"][1]], help="only this one")
    parser.add_argument("--at", help='one trial again: "step 12", "after 0.25", ...; needs --scenario')
    parser.add_argument("--directory", default=quick_directory(), help="where the hosts are made (%(default)s)")
    parser.add_argument("--keep", action="store_true", help="leave the hosts there")
    options = parser.parse_args()
    if options.at and not options.scenario:
        parser.error("--at needs --scenario")
    return options


if __name__ == "__main__":
    sys.exit(main())
