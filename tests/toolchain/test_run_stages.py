# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What C(make test) says has to be so: a failure is never lost, and nothing is counted that did not happen."""

from __future__ import annotations

import os
import sys
import time
import typing as t
from dataclasses import replace
from functools import partial
from pathlib import Path

import checks
import pytest
import run_stages
from checks import Check, Outcome, Skip
from environments import CannotPrepare
from stages import Stage

REPORT = """<testsuites><testsuite>
  <testcase classname="a" name="good"/>
  <testcase classname="a" name="bad"><failure message="no"/></testcase>
  <testcase classname="a" name="broken"><error message="no"/></testcase>
  <testcase classname="a" name="later"><skipped message="no git here"/></testcase>
  <testcase classname="a" name="never"><skipped>No tests applicable.</skipped></testcase>
</testsuite></testsuites>"""


def python(tmp_path: Path, code: str, **more: t.Any) -> Check:
    return Check("python", [sys.executable, "-c", code], tmp_path, **more)


def counts(outcome: Outcome) -> tuple[int, int, int]:
    return outcome.passed, outcome.failed, outcome.skipped


def pytest_in(folder: Path, code: str, seconds: int = 1200) -> checks.Check:
    """pytest in a directory, whose second test is this code."""
    (folder / "test_it.py").write_text(f"import os, time\n\ndef test_a():\n    pass\n\ndef test_b():\n    {code}\n")
    report = folder / "report.xml"
    options = ["-q", "-p", "no:cacheprovider", "-p", "infrastructure.current_test", f"--junit-xml={report}"]
    command = [sys.executable, "-m", "pytest", *options, "test_it.py"]
    surroundings = {"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).resolve().parents[1])}
    return checks.Check("pytest", command, folder, surroundings, report, seconds)


@pytest.mark.parametrize(("status", "expected"), [(0, (1, 0, 0)), (3, (0, 1, 0))])
def test_a_command_without_a_report_counts_by_its_exit_status(
    tmp_path: Path, status: int, expected: tuple[int, int, int]
) -> None:
    outcome = checks.run(python(tmp_path, f"raise SystemExit({status})"), tmp_path / "log")
    assert counts(outcome) == expected


def test_a_report_is_counted_and_its_failures_are_named(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    code = f"open({str(report)!r}, 'w').write({REPORT!r}); raise SystemExit(1)"
    outcome = checks.run(python(tmp_path, code, junit=report), tmp_path / "log")
    assert counts(outcome) == (1, 2, 1)
    assert outcome.failures == ["a::bad", "a::broken"]
    assert outcome.skips == ["no git here"]


def test_of_pytest_that_dies_the_test_is_named(tmp_path: Path) -> None:
    outcome = checks.run(pytest_in(tmp_path, "os.abort()"), tmp_path / "log")
    assert outcome.failures == ["ran no test (ended by SIGABRT)", "it was in test_it.py::test_b"]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("pass", "ran no test (exit status 0)"),
        ("raise SystemExit(5)", "ran no test (exit status 5)"),
        ("open('report.xml', 'w').write('<testsuite><testcase name=')", "its report is not whole"),
        (
            "open('report.xml', 'w').write('<testsuite><testcase name=\"x\"/></testsuite>'); raise SystemExit(2)",
            "exit status 2 although no test failed",
        ),
    ],
)
def test_a_run_that_cannot_be_counted_is_a_failure(tmp_path: Path, code: str, said: str) -> None:
    outcome = checks.run(python(tmp_path, code, junit=tmp_path / "report.xml"), tmp_path / "log")
    assert outcome.failed == 1
    assert said in outcome.failures[0]


def test_the_report_of_an_earlier_run_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "reports").mkdir()
    (tmp_path / "reports" / "old.xml").write_text(REPORT)
    outcome = checks.run(python(tmp_path, "pass", junit=tmp_path / "reports"), tmp_path / "log")
    assert counts(outcome) == (0, 1, 0)


@pytest.fixture
def up_once_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of a command is up when it has made the file C(started), however busy the machine is."""
    ends, asked = checks._ends, []

    def when_started(process: t.Any, seconds: float) -> bool:
        asked.append(seconds)
        while not (tmp_path / "started").exists():
            time.sleep(0.01)
        return ends(process, 0.1 if asked == [7] else 60)

    monkeypatch.setattr(checks, "_ends", when_started)


@pytest.mark.usefixtures("up_once_started")
def test_of_pytest_that_hangs_the_test_is_named(tmp_path: Path) -> None:
    outcome = checks.run(pytest_in(tmp_path, "open('started', 'w'); time.sleep(600)", 7), tmp_path / "log")
    assert outcome.failures == ["took longer than 7 seconds and was ended", "it was in test_it.py::test_b"]


@pytest.mark.usefixtures("up_once_started")
def test_a_command_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    child = "import os, signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); os.rename('new', 'started')"
    start = f"import subprocess, sys, time; subprocess.Popen([sys.executable, '-c', {child + '; time.sleep(600)'!r}])"
    code = f"import os; open('new', 'w').write(str(os.getpid())); {start}; time.sleep(600)"
    outcome = checks.run(python(tmp_path, code, seconds=7), tmp_path / "log")
    assert counts(outcome) == (0, 1, 0)
    group, until = int((tmp_path / "started").read_text()), time.monotonic() + 60
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < until:
            os.killpg(group, 0)
            time.sleep(0.01)


@pytest.mark.usefixtures("up_once_started")
def test_a_command_whose_time_is_up_can_tidy_and_say_where_it_was(tmp_path: Path) -> None:
    code = "import time\nopen('started', 'w').close()\ntime.sleep(600)"
    outcome = checks.run(python(tmp_path, code, seconds=7), tmp_path / "log")
    assert counts(outcome) == (0, 1, 0)
    assert "KeyboardInterrupt" in (tmp_path / "log").read_text()


def test_the_time_of_the_processor_is_that_of_what_was_started_too(tmp_path: Path) -> None:
    """Some work that the command starts; the wait beside it does not count."""
    work = "import time\nwhile time.process_time() < 0.3: pass"
    code = f"import subprocess, sys, time; subprocess.run([sys.executable, '-c', {work!r}]); time.sleep(0.3)"
    outcome = checks.run(python(tmp_path, code), tmp_path / "log")
    assert 0.3 <= outcome.cpu <= outcome.seconds - 0.3


@pytest.mark.parametrize("status", [0, 1])
def test_temporary_files_are_where_the_check_is_told_and_stay_when_it_fails(tmp_path: Path, status: int) -> None:
    place = tmp_path / "scratch"
    place.mkdir()
    (place / "yesterday").touch()
    code = f"import os, tempfile; assert os.listdir(tempfile.gettempdir()) == []; tempfile.mkdtemp(); exit({status})"
    outcome = checks.run(python(tmp_path, code, scratch=place), tmp_path / "log")
    assert counts(outcome) == (1 - status, status, 0)
    assert [path.name[:3] for path in place.glob("*")] == ["tmp"] * status


def test_commands_have_no_standard_input(tmp_path: Path) -> None:
    outcome = checks.run(python(tmp_path, "raise SystemExit(input())"), tmp_path / "log")
    assert "EOFError" in (tmp_path / "log").read_text()
    assert outcome.failed == 1


def test_a_failure_shows_the_output_and_a_success_does_not(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(stage(python(tmp_path, "print('quiet')"), python(tmp_path, "raise SystemExit('this is why')")), tmp_path)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(" in ")[0].split() for line in lines] == [
        ["stage", "python", "passed"],
        ["this", "is", "why"],
        ["stage", "python", "FAILED"],
    ]


def stage(*parts: Check | Skip | Exception, name: str = "stage") -> Stage:
    def prepare() -> t.Iterator[Check | Skip]:
        for part in parts:
            if isinstance(part, Exception):
                raise part
            yield part

    return Stage(name, "a test", ".", prepare)


def run(only: Stage, tmp_path: Path, at_once: int = 1) -> Outcome:
    return run_stages.run_stages([only], tmp_path, at_once=at_once)[only.name]


@pytest.mark.parametrize("at_once", [1, 2])
def test_all_checks_of_a_stage_run_when_one_fails(tmp_path: Path, at_once: int) -> None:
    bad, good = python(tmp_path, "raise SystemExit(1)"), python(tmp_path, "pass")
    outcome = run(stage(bad, good, Skip("other", "no such Python"), good), tmp_path, at_once)
    assert counts(outcome) == (2, 1, 1)
    assert outcome.failures == ["stage: python: exit status 1"]
    assert outcome.skips == ["stage: other: no such Python"]


def test_checks_of_different_stages_run_at_the_same_time_and_count_for_their_own(tmp_path: Path) -> None:
    """Each waits for the other, so one after the other they would not end."""
    meet = "import pathlib, sys, time; me, other = sys.argv[1:]; pathlib.Path(me).touch()"
    wait = "while not pathlib.Path(other).exists(): time.sleep(0.01)"

    def one(me: str, other: str, more: str) -> Stage:
        command = [sys.executable, "-c", f"{meet}\n{wait}\n{more}", me, other]
        return stage(Check("meet", command, tmp_path, seconds=120), name=me)

    stages = [one("here", "there", "pass"), one("there", "here", "raise SystemExit(1)")]
    results = run_stages.run_stages(stages, tmp_path, at_once=2)
    assert {name: counts(outcome) for name, outcome in results.items()} == {"here": (1, 0, 0), "there": (0, 1, 0)}
    assert list(results) == ["here", "there"]


def test_a_check_of_several_workers_leaves_so_many_places_less(tmp_path: Path) -> None:
    """Three places: the two workers wait for the others, of which each fails where another is at the same time."""
    here = f"import pathlib, sys, time; here = pathlib.Path({str(tmp_path)!r}); name = sys.argv[1]"
    wait = "while len(list(here.glob('done-*'))) < 4: time.sleep(0.01)"
    alone = "(here / 'me').touch(exist_ok=False); time.sleep(0.1); (here / 'me').unlink(); (here / name).touch()"

    def one(code: str, name: str, **more: t.Any) -> Check:
        command = [sys.executable, "-c", f"{here}\n{code}", name]
        return Check(name, command, tmp_path, seconds=120, **more)

    checks_of_stage = [one(wait, "shared", workers=2, cost=60), *(one(alone, f"done-{number}") for number in range(4))]
    assert counts(run(stage(*checks_of_stage), tmp_path, at_once=3)) == (5, 0, 0)
    assert counts(run(stage(one("", "shared", workers=2)), tmp_path, at_once=1)) == (1, 0, 0)


def test_of_all_checks_that_are_ready_the_one_that_takes_longest_comes_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def one(name: str, *costs: int) -> Stage:
        return stage(*(replace(python(tmp_path, "pass", cost=cost), name=str(cost)) for cost in costs), name=name)

    run_stages.run_stages([one("here", 20, 60), one("there", 40, 80)], tmp_path)
    assert [line.split()[1] for line in capsys.readouterr().out.splitlines()] == ["80", "60", "40", "20"]


def test_one_stage_at_a_time_is_prepared_while_checks_of_others_run(tmp_path: Path) -> None:
    """The check of the first waits for the second to be prepared, and none is prepared beside another."""
    at_it: list[str] = []
    ready = tmp_path / "ready"

    def prepare(name: str, check: Check) -> t.Iterator[Check | Skip]:
        assert at_it == []
        at_it.append(name)
        time.sleep(0.2)
        at_it.remove(name)
        if name == "second":
            ready.touch()
        yield check

    code = f"import pathlib, time\nwhile not pathlib.Path({str(ready)!r}).exists(): time.sleep(0.01)"
    given = {
        "first": python(tmp_path, code, seconds=120),
        **dict.fromkeys(("second", "third"), python(tmp_path, "pass")),
    }
    stages = [Stage(name, "a test", ".", partial(prepare, name, check)) for name, check in given.items()]
    results = run_stages.run_stages(stages, tmp_path, at_once=3)
    assert [counts(outcome) for outcome in results.values()] == [(1, 0, 0)] * 3


def test_a_stage_that_cannot_be_prepared_has_failed_but_runs_what_was_ready(tmp_path: Path) -> None:
    trouble = CannotPrepare("no package index\nand more")
    outcome = run(stage(python(tmp_path, "pass"), trouble), tmp_path)
    assert counts(outcome) == (1, 1, 0)
    assert outcome.failures == ["stage: cannot be prepared: no package index"]


def test_the_report_ends_with_the_sums(tmp_path: Path) -> None:
    lint = Outcome(passed=2, failed=1, failures=["lint: reuse: exit status 1"], seconds=3.4, cpu=2.6)
    units = Outcome(passed=40, skipped=2, skips=["units: no git here", "units: no git here"], seconds=20, cpu=19)
    lines = run_stages.report({"lint": lint, "units": units}, 17).splitlines()
    assert lines[-1] == "42 passed, 1 failed, 2 skipped"
    assert "  lint: reuse: exit status 1" in lines
    assert "  units: no git here (2 times)" in lines
    assert [line.split() for line in lines[-6:-2]] == [
        ["stage", "seconds", "CPU", "passed", "failed", "skipped"],
        ["lint", "3", "3", "2", "1", "0"],
        ["units", "20", "19", "40", "0", "2"],
        ["total", "17", "22", "42", "1", "2"],
    ]


def test_the_exit_status_tells(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_stages, "LOGS", tmp_path)
    monkeypatch.setattr(run_stages, "CACHE", tmp_path)  # this test may itself be run by a run that holds the lock
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    for code, expected in (("pass", 0), ("raise SystemExit(1)", 1)):
        monkeypatch.setattr(run_stages, "STAGES", (stage(python(tmp_path, code)),))
        assert run_stages.main([]) == expected
    assert run_stages.main(["nosuch"]) == 2


@pytest.mark.parametrize(("status", "said"), [(0, True), (1, False)])
def test_where_a_result_is_is_said_once_it_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], status: int, said: bool
) -> None:
    stage = Stage("docs", "", "", lambda: iter([python(tmp_path, f"raise SystemExit({status})", note="It is there")]))
    run_stages.run_stages([stage], tmp_path / "logs")
    assert ("It is there\n" in capsys.readouterr().out) is said
