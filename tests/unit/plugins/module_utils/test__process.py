# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs: the deadline holds for all their children, nothing is left behind, nothing is asked, nothing leaks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils import _process
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError, St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._process import Completed, ProgramError, last_lines, run
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import REDACTED, Redactor

pytestmark = pytest.mark.real_start

ENVIRONMENT = {"PATH": os.environ.get("PATH", os.defpath)}


def sh(script, *, deadline=None, **options):
    return run(["sh", "-c", script], deadline=deadline or Deadline(60), environment=ENVIRONMENT, **options)


def lives(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class WrittenDeadline(Deadline):
    """A deadline that is over as soon as some files are written, however slow the machine is."""

    def __init__(self, *paths):
        super().__init__(0.5)
        self._paths = paths

    def remaining(self):
        return 0.0 if all(path.exists() and path.read_text().strip() for path in self._paths) else 60.0


def is_gone(pid):
    """Whether a process ends soon; long before what the tests let it do."""
    end = time.monotonic() + 30
    while lives(pid) and time.monotonic() < end:
        time.sleep(0.01)
    return not lives(pid)


def read_pid(path):
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if path.exists() and path.read_text().strip():
            return int(path.read_text())
        time.sleep(0.01)
    raise AssertionError(f"{path} was not written")


def test_what_a_program_answers():
    assert sh("echo out; echo err >&2") == Completed(0, "out\n", "err\n")


def test_a_failure_is_an_error_with_what_it_wrote():
    with pytest.raises(ProgramError, match="sh failed with exit status 3: broken") as caught:
        sh("echo some; echo broken >&2; exit 3")
    assert caught.value.completed == Completed(3, "some\n", "broken\n")
    assert caught.value.stderr == "broken"


def test_a_failure_without_stderr_shows_stdout():
    with pytest.raises(ProgramError, match="exit status 1: only this"):
        sh("echo only this; exit 1")


def test_a_failure_can_be_an_answer():
    assert sh("exit 3", check=False).returncode == 3


def test_a_program_killed_by_a_signal_is_an_error():
    with pytest.raises(ProgramError, match=f"exit status -{int(signal.SIGTERM)}"):
        sh("kill -TERM $$")


def test_the_environment_is_the_one_given_and_no_other(monkeypatch):
    monkeypatch.setenv("HUNTER2", "hunter2")
    completed = run(["/usr/bin/env"], deadline=Deadline(20), environment={"A": "1"})
    assert completed.stdout == "A=1\n"


def test_a_program_cannot_ask():
    assert sh("if read answer; then echo got $answer; else echo nothing to read; fi").stdout == "nothing to read\n"
    assert sh("if (exec < /dev/tty) 2>/dev/null; then echo tty; else echo no tty; fi").stdout == "no tty\n"


def test_the_working_directory(tmp_path):
    assert sh("pwd -P", cwd=str(tmp_path)).stdout == f"{tmp_path.resolve()}\n"


def test_arguments_are_not_a_shells():
    completed = run(["printf", "%s", "$(id); `id` *"], deadline=Deadline(20), environment=ENVIRONMENT)
    assert completed.stdout == "$(id); `id` *"


@pytest.mark.parametrize("argv", [["/no/such/program"], ["/"], ["sh\0"]])
def test_a_program_that_cannot_be_started_is_named(argv):
    with pytest.raises(St2Error, match=r"cannot be started"):
        run(argv, deadline=Deadline(20), environment=ENVIRONMENT)


def test_a_missing_working_directory_is_named(tmp_path):
    with pytest.raises(St2Error, match=f"{tmp_path}/none"):
        sh("true", cwd=f"{tmp_path}/none")


# The deadline


def test_the_deadline_ends_a_program_and_all_its_children(tmp_path):
    with pytest.raises(DeadlineError, match=r"The timeout of 0\.5 s ran out while sh was at work") as caught:
        sh(
            f"echo working >&2; sleep 600 & echo $! > {tmp_path}/child;"
            f"(sleep 600 & echo $! > {tmp_path}/grandchild; wait)",
            deadline=WrittenDeadline(tmp_path / "child", tmp_path / "grandchild"),
        )
    assert caught.value.stderr == "working"
    assert is_gone(read_pid(tmp_path / "child"))
    assert is_gone(read_pid(tmp_path / "grandchild"))


def test_a_program_that_ignores_signals_is_ended_all_the_same(tmp_path):
    with pytest.raises(DeadlineError):
        sh(
            f"trap '' TERM INT HUP; echo $$ > {tmp_path}/pid; while :; do sleep 0.05; done",
            deadline=WrittenDeadline(tmp_path / "pid"),
        )
    assert is_gone(read_pid(tmp_path / "pid"))


def test_no_program_starts_when_the_time_is_over(tmp_path):
    with pytest.raises(DeadlineError):
        sh(f"touch {tmp_path}/started", deadline=Deadline(0))
    assert os.listdir(tmp_path) == []


# Nothing is left behind


def test_what_a_program_leaves_running_ends_with_it(tmp_path):
    sh(f"sleep 600 > /dev/null 2>&1 & echo $! > {tmp_path}/child")
    assert is_gone(read_pid(tmp_path / "child"))


def test_what_a_failing_program_leaves_running_ends_with_it(tmp_path):
    with pytest.raises(ProgramError):
        sh(f"sleep 600 > /dev/null 2>&1 & echo $! > {tmp_path}/child; exit 1")
    assert is_gone(read_pid(tmp_path / "child"))


def test_an_interrupt_ends_the_program(tmp_path, monkeypatch):
    def interrupted(process, seconds):
        read_pid(tmp_path / "pid")
        raise KeyboardInterrupt

    monkeypatch.setattr(_process, "_wait_for", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sh(f"echo $$ > {tmp_path}/pid; sleep 600")
    assert is_gone(read_pid(tmp_path / "pid"))


@pytest.mark.parametrize("parent, status", [(os.getpid, 7 << 8), (os.getppid, signal.SIGKILL)], ids=["alive", "dead"])
def test_a_program_is_not_begun_when_its_parent_has_been_killed(parent, status):
    expected = parent()
    child = os.fork()
    if child == 0:
        _process._die_with_parent(expected, None, None)
        os._exit(7)
    assert os.waitpid(child, 0)[1] == status


@pytest.mark.parametrize("trouble", [AttributeError, OSError], ids=["old Python", "old kernel"])
def test_without_handles_of_processes_the_end_is_seen_and_the_deadline_kept(monkeypatch, trouble):
    def missing(pid):
        raise trouble

    monkeypatch.setattr(os, "pidfd_open", missing, raising=False)
    assert sh("echo done").stdout == "done\n"
    with pytest.raises(DeadlineError):
        sh("sleep 60", deadline=Deadline(0.2))


def test_a_program_dies_with_a_parent_that_is_killed(tmp_path):
    script = (
        "from ansible_collections.stackstorm.st2.plugins.module_utils._process import Deadline, run\n"
        f"argv = ['sh', '-c', 'echo $$ > {tmp_path}/pid; exec sleep 600']\n"
        f"run(argv, deadline=Deadline(60), environment={ENVIRONMENT!r})\n"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with subprocess.Popen([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}) as parent:
        try:
            pid = read_pid(tmp_path / "pid")
            assert lives(pid)
        finally:
            parent.kill()
    assert is_gone(pid)


# Output


def test_output_is_bounded_and_its_end_is_kept():
    completed = sh("head -c 9000000 /dev/zero | tr '\\0' x; echo the end")
    assert len(completed.stdout) <= 8 << 20
    assert completed.stdout.endswith("xxxthe end\n")


def test_output_that_is_no_text():
    assert sh("printf 'caf\\351'").stdout == "caf\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("text", "most", "expected"),
    [("  a\n", 10, "a"), ("abc", 3, "abc"), ("abcd", 3, "...bcd"), ("", 3, ""), ("abcd  \n", 4, "abcd")],
)
def test_last_lines(text, most, expected):
    assert last_lines(text, most) == expected


# Secrets


def test_secrets_are_out_of_what_is_returned_and_raised(tmp_path):
    redactor = Redactor(["hunter2"])
    completed = sh("echo hunter2 >&2; echo https://u:other@h/ >&2", redactor=redactor)
    assert completed == Completed(0, "", f"{REDACTED}\nhttps://{REDACTED}@h/\n")
    with pytest.raises(ProgramError) as failed:
        sh("echo hunter2; echo hunter2 >&2; exit 1", redactor=redactor)
    with pytest.raises(DeadlineError) as late:
        deadline = WrittenDeadline(tmp_path / "said")
        sh(f"echo hunter2 >&2; echo yes > {tmp_path}/said; sleep 60", redactor=redactor, deadline=deadline)
    for error in (failed.value, late.value):
        assert "hunter2" not in f"{error} {error.stderr} {vars(error)}"
        assert REDACTED in error.stderr


def test_an_answer_is_not_changed_by_a_secret_that_is_an_ordinary_word():
    done = sh("echo main7; echo denied7 >&2", redactor=Redactor(["main7", "denied7"]))
    assert (done.stdout, done.stderr, done.told) == ("main7\n", f"{REDACTED}\n", "denied7\n")
    assert "denied7" not in repr(done)
    with pytest.raises(ProgramError) as failed:
        sh("echo main7; exit 1", redactor=Redactor(["main7"]))
    assert "main7" not in f"{failed.value} {failed.value.completed}"


def test_urls_are_clean_without_a_redactor():
    assert sh("echo https://u:hunter2@h/ >&2").stderr == f"https://{REDACTED}@h/\n"


def test_a_secret_that_the_bound_cuts_in_two_does_not_show(monkeypatch):
    monkeypatch.setattr(_process, "_MOST_OUTPUT", 20)
    script = "(echo one-long-secret-hunter2; echo the end) >&2"
    completed = sh(script, redactor=Redactor(["one-long-secret-hunter2"]))
    assert "hunter2" not in completed.stderr
    assert completed.stderr.endswith("the end\n")


def test_a_lower_limit_of_the_host_stays(tmp_path):
    """A process may not raise a hard limit; root may, and does not either."""
    code = f"""
import os, resource
from {_process.__name__} import run
from {Deadline.__module__} import Deadline
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
resource.setrlimit(resource.RLIMIT_DATA, (1 << 29, 1 << 29))
if os.geteuid() == 0:
    os.setuid(65534)
done = run(["sh", "-c", "ulimit -Hf; ulimit -Hd"], deadline=Deadline(60), environment={ENVIRONMENT!r}, cwd="/",
    most_written=256 << 20, most_memory=2 << 30)
print(done.stdout)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "TMPDIR": "/tmp"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=False, cwd="/"
    )
    assert done.returncode == 0, done.stderr
    blocks, kilobytes = done.stdout.split()
    assert int(blocks) * (1024 if "bash" in os.path.realpath("/bin/sh") else 512) == 1 << 20
    assert int(kilobytes) << 10 == 1 << 29
