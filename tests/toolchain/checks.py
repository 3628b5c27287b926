# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One check: a command with a result that can be counted. Running it, and counting what it says in JUnit XML."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import scratch

# ansible-test's word for a sanity test of, say, PowerShell in a collection without PowerShell. That is no test.
NOTHING_TO_TEST = "No tests applicable."

# How much of the output of a failed command to show.
LAST_LINES = 150

PROCESSORS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

# Seconds that an interrupted command has to take down its servers and say where it was, before it is killed.
GRACE = 10

# The commands that are running; each leads a process group of its own.
_leaders: set[int] = set()


@dataclass(frozen=True)
class Check:
    """A command to run.

    C(junit) is a JUnit XML file that the command writes, or a directory in which it writes several; without it the
    command counts as one test that passes with exit status 0. After C(seconds) it is ended, and has failed. A line in
    the file C(tripped) is a failure: something was started that no check may start. C(note) is for whoever waits, once
    it has passed. C(cost) is about how many seconds it takes: those that take longest are started first. C(scratch) is
    for its temporary files: empty when it starts, and gone once it has passed. C(workers) is how many processes share
    its tests.
    """

    name: str
    command: t.Sequence[str]
    cwd: Path
    environment: t.Mapping[str, str] = field(default_factory=dict)
    junit: Path | None = None
    seconds: int = 1200
    tripped: Path | None = None
    note: str = ""
    cost: int = 20
    scratch: Path | None = None
    workers: int = 1


@dataclass(frozen=True)
class Skip:
    """A check that cannot be run on this machine, and why."""

    name: str
    reason: str


@dataclass
class Outcome:
    """Counts, and a line for each failure and each skip; C(output) is the end of what a failed command wrote.

    C(cpu) is the processor's time of the command and of all that it has waited for, in seconds.
    """

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    failures: list[str] = field(default_factory=list)
    skips: list[str] = field(default_factory=list)
    seconds: float = 0.0
    cpu: float = 0.0
    output: str = ""

    def add(self, other: Outcome) -> None:
        """Take another outcome's figures in."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures
        self.skips += other.skips
        self.seconds += other.seconds
        self.cpu += other.cpu


def run(check: Check, log: Path, *, show: bool = False) -> Outcome:
    """Run a check with no standard input. Its output goes to C(log); when C(show) is set, to the terminal instead."""
    started = time.monotonic()
    running = check.junit and check.junit.with_name(f"{check.junit.name}.running")  # infrastructure/current_test.py
    for stale in filter(None, [*_reports(check.junit), running, check.tripped]):
        stale.unlink(missing_ok=True)
    log.parent.mkdir(parents=True, exist_ok=True)
    if check.scratch:
        scratch.empty(check.scratch)
    with log.open("wb") as output:
        status, cpu = _execute(check, None if show else output)
    outcome = _judge(check, status)
    if (status is None or status < 0) and running and running.exists():
        outcome.failures.append(f"it was in {running.read_text(encoding='utf-8')}")
    outcome.add(_judge_starts(check))
    if check.scratch and not outcome.failed:
        shutil.rmtree(check.scratch, ignore_errors=True)
    outcome.seconds, outcome.cpu = time.monotonic() - started, cpu
    if outcome.failed and not show:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
        more = f"The last {LAST_LINES} of {len(lines)} lines of {log}\n" if len(lines) > LAST_LINES else ""
        outcome.output = "".join(lines[-LAST_LINES:]) + more
    return outcome


def count_junit(reports: t.Iterable[Path]) -> Outcome:
    """Count the test cases of JUnit XML files. Raises ElementTree.ParseError for a file that was cut off."""
    outcome = Outcome()
    for report in reports:
        for case in ElementTree.parse(report).iter("testcase"):  # the files are our own tools' output
            name = "::".join(part for part in (case.get("classname"), case.get("name")) if part)
            skipped = case.find("skipped")
            if case.find("failure") is not None or case.find("error") is not None:
                outcome.failed += 1
                outcome.failures.append(name)
            elif skipped is not None:
                reason = skipped.get("message") or skipped.text or f"{name}: no reason given"
                if reason != NOTHING_TO_TEST:
                    outcome.skipped += 1
                    outcome.skips.append(reason)
            else:
                outcome.passed += 1
    return outcome


def end_all() -> None:
    """End every command that is running now, with all that it started."""
    for leader in list(_leaders):
        os.kill(leader, signal.SIGINT)
    deadline = time.monotonic() + GRACE
    while _leaders and time.monotonic() < deadline:
        time.sleep(0.1)
    for leader in list(_leaders):
        _kill_group(leader)


def _execute(check: Check, output: t.BinaryIO | None) -> tuple[int | None, float]:
    """The exit status, and seconds of the processor.

    The status is None when the time was up and the command was ended with all that it had started.
    """
    variables = {"TMPDIR": str(check.scratch)} if check.scratch else {}
    process = subprocess.Popen(
        list(check.command),
        cwd=check.cwd,
        env={**check.environment, **variables},
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=None if output is None else subprocess.STDOUT,
        start_new_session=True,
    )
    _leaders.add(process.pid)
    ended = False
    try:
        ended = _wait(process, check.seconds)
    finally:
        _kill_group(process.pid)
        cpu = _reap(process)
        _leaders.discard(process.pid)
    return process.returncode if ended else None, cpu


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ends in time. When it does not, it gets an interrupt and time to tidy."""
    if _ends(process, seconds):
        return True
    os.kill(process.pid, signal.SIGINT)
    _ends(process, GRACE)
    return False


def _ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether a process ends within so many seconds; it remains to be reaped."""
    deadline = time.monotonic() + seconds
    while not os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _reap(process: subprocess.Popen[bytes]) -> float:
    """Wait for the end of a process, whose exit status it then has. Returns the seconds of the processor."""
    _pid, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _judge(check: Check, status: int | None) -> Outcome:
    if status is None:
        return Outcome(failed=1, failures=[f"took longer than {check.seconds} seconds and was ended"])
    if check.junit is None:
        return Outcome(failed=1, failures=[_status(status)]) if status else Outcome(passed=1)
    try:
        outcome = count_junit(_reports(check.junit))
    except ElementTree.ParseError as problem:
        return Outcome(failed=1, failures=[f"its report is not whole: {problem}"])
    if not (outcome.passed or outcome.failed or outcome.skipped):
        outcome.add(Outcome(failed=1, failures=[f"ran no test ({_status(status)})"]))
    elif status and not outcome.failed:
        outcome.add(Outcome(failed=1, failures=[f"{_status(status)} although no test failed"]))
    return outcome


def _status(status: int) -> str:
    return f"exit status {status}" if status >= 0 else f"ended by {signal.Signals(-status).name}"


def _judge_starts(check: Check) -> Outcome:
    """A failure for each program that was started and must not be."""
    if check.tripped is None or not check.tripped.exists():
        return Outcome()
    started = list(dict.fromkeys(check.tripped.read_text(encoding="utf-8", errors="replace").splitlines()))
    return Outcome(failed=len(started), failures=[f"tripwire: {line}" for line in started])


def _reports(junit: Path | None) -> list[Path]:
    if junit is None:
        return []
    return sorted(junit.glob("*.xml")) if junit.suffix != ".xml" else [junit] if junit.exists() else []
