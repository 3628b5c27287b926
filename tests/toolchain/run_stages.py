# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the stages of C(make test), all or some, and say what came of it.

C(run_stages.py) runs every stage there is, C(run_stages.py lint units) those two; C(--verbose) shows all output as it
comes, one check after the other. One more than there are processors runs at the same time, of whatever stage, those
that take longest first; a check whose tests are shared by several processes counts as so many. All run even when an
earlier one failed. The last line is C(N passed, N failed, N skipped).
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
import time
import typing as t
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from pathlib import Path

from checks import PROCESSORS, Check, Outcome, Skip, end_all, run
from environments import CACHE, CannotPrepare
from stages import STAGES, Stage

LOGS = CACHE / "logs"
MOST_LINES = 40
# A check waits for hosts, servers and timeouts a fifth of its time; then another has its processor. With more of them,
# all take up to a third more of the processors' time.
AT_ONCE = PROCESSORS + 1

_printing = threading.Lock()


def run_stages(stages: t.Iterable[Stage], logs: Path, *, at_once: int = 1, show: bool = False) -> dict[str, Outcome]:
    """Run the checks of stages, C(at_once) at the same time, of those that are ready the one that takes longest first.

    A check takes as many places as it has workers. Preparing a stage takes one as well, and comes before checks. One
    stage at a time is prepared, in their order: what prepares them waits for each other. What goes wrong then is a
    failure of the stage, and the checks that were ready before are run. The seconds of an outcome are the sum of those
    of its checks.
    """
    stages = list(stages)
    totals = {stage.name: Outcome() for stage in stages}
    waiting = deque(stages)
    preparing: dict[Future[tuple[list[Check | Skip], Outcome]], Stage] = {}
    ready: list[tuple[Stage, Check | Skip]] = []
    running: dict[Future[Outcome], tuple[Stage, int]] = {}

    def free() -> int:
        return at_once - len(preparing) - sum(places for _stage, places in running.values())

    with ThreadPoolExecutor(max_workers=at_once) as pool:
        while waiting or preparing or ready or running:
            if waiting and not preparing and free() > 0:
                stage = waiting.popleft()
                preparing[pool.submit(_prepare, stage)] = stage
            while ready and free() >= (places := min(_workers(ready[0][1]), at_once)):
                stage, check = ready.pop(0)
                running[pool.submit(_run_check, stage, check, logs, show=show)] = (stage, places)
            done, _rest = wait([*preparing, *running], return_when=FIRST_COMPLETED)
            for prepared in done & preparing.keys():
                stage = preparing.pop(prepared)
                checks, trouble = prepared.result()
                totals[stage.name].add(trouble)
                ready.extend((stage, check) for check in checks)
                ready.sort(key=lambda one: -_cost(one[1]))
            for ended in done & running.keys():
                totals[running.pop(ended)[0].name].add(ended.result())
    return totals


def _cost(check: Check | Skip) -> float:
    return check.cost if isinstance(check, Check) else 0


def _workers(check: Check | Skip) -> int:
    return check.workers if isinstance(check, Check) else 1


def _prepare(stage: Stage) -> tuple[list[Check | Skip], Outcome]:
    """The checks of a stage, and what went wrong on the way to them."""
    started = time.monotonic()
    checks: list[Check | Skip] = []
    trouble = Outcome()
    try:
        checks.extend(stage.checks())
    except (CannotPrepare, OSError, subprocess.SubprocessError) as problem:
        say(f"{stage.name:<12} cannot be prepared: {problem}")
        trouble = Outcome(failed=1, failures=[f"{stage.name}: cannot be prepared: {_first_line(problem)}"])
    trouble.seconds = time.monotonic() - started
    return checks, trouble


def _run_check(stage: Stage, check: Check | Skip, logs: Path, *, show: bool) -> Outcome:
    if isinstance(check, Skip):
        say(f"{stage.name:<12} {check.name:<44} skipped: {check.reason}")
        return Outcome(skipped=1, skips=[f"{stage.name}: {check.name}: {check.reason}"])
    if show:
        say(f"{stage.name:<12} {check.name}")
    log = logs / stage.name / (re.sub(r"[^\w.]+", "-", check.name) + ".log")
    outcome = run(check, log, show=show)
    verdict = (
        f"{stage.name:<12} {check.name:<44} {_verdict(outcome)} in {outcome.seconds:.1f} s ({outcome.cpu:.1f} s of CPU)"
    )
    note = f"\n{'':<12} {check.note}" if check.note and not outcome.failed else ""
    # In one piece: other checks may end at the same time.
    say(f"{outcome.output}{verdict}{note}")
    outcome.failures = [f"{stage.name}: {check.name}: {line}" for line in outcome.failures]
    outcome.skips = [f"{stage.name}: {check.name}: {line}" for line in outcome.skips]
    return outcome


def report(results: t.Mapping[str, Outcome], seconds: float) -> str:
    """What failed, what was skipped and why, a table of the stages, and the closing line.

    C(seconds) is how long it all took: less than the sum of the stages, as checks run at the same time. The processor's
    time is without that of containers and other services, which no check is the parent of.
    """
    total = Outcome()
    rows = [("stage", "seconds", "CPU", "passed", "failed", "skipped")]
    for name, outcome in results.items():
        rows.append(_figures(name, outcome))
        total.add(outcome)
    rows.append(_figures("total", replace(total, seconds=seconds)))
    blocks = [_list("Failed", total.failures), _list("Skipped", _counted(total.skips))]
    blocks.append("\n".join(_row(row) for row in rows))
    blocks.append(f"{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    return "\n\n".join(block for block in blocks if block)


def _figures(name: str, outcome: Outcome) -> tuple[str, ...]:
    numbers = (round(outcome.seconds), round(outcome.cpu), outcome.passed, outcome.failed, outcome.skipped)
    return (name, *map(str, numbers))


def say(line: str) -> None:
    """Print a line now, so that somebody who waits sees how far it is."""
    with _printing:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


def main(arguments: t.Sequence[str]) -> int:
    """Run the stages that are asked for. Returns the exit status."""
    available = {stage.name: stage for stage in STAGES if stage.is_there()}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], prog="run_stages.py")
    parser.add_argument("stage", nargs="*", help=f"one of {', '.join(available)}; without any, all of them")
    parser.add_argument("--verbose", action="store_true", help="show the output of every command as it comes")
    parser.add_argument("--list", action="store_true", help="name the stages and end")
    options = parser.parse_args(arguments)
    if options.list:
        say("\n".join(f"{stage.name:<12} {stage.purpose}" for stage in available.values()))
        return 0
    unknown = [name for name in options.stage if name not in available]
    if unknown:
        say(f"There is no stage {', '.join(unknown)}. There is: {', '.join(available)}.")
        return 2
    _alone = _lock()
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    started = time.monotonic()
    chosen = [stage for name, stage in available.items() if not options.stage or name in options.stage]
    # All output as it comes can be read only when one check runs at a time.
    results = run_stages(chosen, LOGS, at_once=1 if options.verbose else AT_ONCE, show=options.verbose)
    say("\n" + report(results, time.monotonic() - started))
    return 1 if any(outcome.failed for outcome in results.values()) else 0


def _lock() -> t.TextIO:
    """Wait until no other run uses this checkout's .cache, and hold it for as long as the file returned is open."""
    CACHE.mkdir(exist_ok=True)
    file = (CACHE / "lock").open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("Another run is using this checkout; waiting for it to end.")
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def _stop(number: int, _frame: object) -> t.NoReturn:
    end_all()
    os._exit(128 + number)


def _verdict(outcome: Outcome) -> str:
    if outcome.passed + outcome.failed + outcome.skipped == 1:
        return "FAILED" if outcome.failed else "passed" if outcome.passed else "skipped"
    parts = [(outcome.passed, "passed"), (outcome.failed, "FAILED"), (outcome.skipped, "skipped")]
    return ", ".join(f"{number} {word}" for number, word in parts if number)


def _row(row: t.Sequence[str]) -> str:
    return f"{row[0]:<12}" + "".join(f"{cell:>9}" for cell in row[1:])


def _counted(lines: t.Sequence[str]) -> list[str]:
    times = {line: lines.count(line) for line in dict.fromkeys(lines)}
    return [f"{line} ({number} times)" if number > 1 else line for line, number in times.items()]


def _list(title: str, lines: t.Sequence[str]) -> str:
    more = [f"... and {len(lines) - MOST_LINES} more, see {os.path.relpath(LOGS)}"] if len(lines) > MOST_LINES else []
    return "\n  ".join([f"{title}:", *lines[:MOST_LINES], *more]) if lines else ""


def _first_line(problem: Exception) -> str:
    return (str(problem).splitlines() or [type(problem).__name__])[0]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
