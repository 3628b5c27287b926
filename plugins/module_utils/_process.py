# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Programs that the collection runs: always with a deadline, never with a prompt, never with a secret in argv."""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
import resource
import select
import signal
import subprocess
import tempfile
import typing as t
from dataclasses import dataclass, field, replace

from ._deadline import Deadline
from ._errors import DeadlineError, St2Error
from ._printable import printable_lines
from ._secrets import Redactor

_PR_SET_PDEATHSIG = 1
_MOST_OUTPUT = 8 << 20
_RESERVED_OUTPUT = 32 << 10
# Read in front of what is kept, so that no secret is cut in two before it is looked for.
_LONGEST_SECRET = 1 << 16
_SHOWN = 2000
# A server can make a program talk for ever, and what it says is kept in files.
_MOST_WRITTEN = 256 << 20
_LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Completed:
    """What a program answered: exit status, and output as text, cut at 8 MiB.

    :arg stderr: Free of secrets, to be shown.
    :arg written: The same as it was written, to decide by: there a secret like C(denied) is a word as any other.
    """

    returncode: int
    stdout: str
    stderr: str
    written: str = field(default="", repr=False, compare=False)

    @property
    def told(self) -> str:
        """What the program wrote to standard error, never to be shown."""
        return self.written or self.stderr


def last_lines(text: str, most: int = _SHOWN) -> str:
    """The end of a program's output, which is where programs say what went wrong, fit for a terminal."""
    text = printable_lines(text.replace("\0", "").strip())
    return text if len(text) <= most else f"...{text[-most:]}"


class ProgramError(St2Error):
    """A program that ended with an error.

    :arg completed: What it answered, free of secrets.
    """

    def __init__(self, message: str, completed: Completed) -> None:
        super().__init__(message, stderr=last_lines(completed.stderr))
        self.completed = completed


def _load_libc() -> t.Optional[ctypes.CDLL]:
    try:
        return ctypes.CDLL(None)
    except OSError:
        return None


_LIBC = _load_libc()


def _die_with_parent(parent: int, most_written: t.Optional[int], most_memory: t.Optional[int]) -> None:
    # A module that is killed must not leave a git or pip behind that goes on writing.
    if _LIBC is not None:
        _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # killed before this was said
            os.kill(os.getpid(), signal.SIGKILL)
    if most_written is not None:
        _limit(resource.RLIMIT_CORE, 0)
        _limit(resource.RLIMIT_FSIZE, most_written)
    if most_memory is not None:
        _limit(resource.RLIMIT_DATA, most_memory)


def _limit(kind: int, most: int) -> None:
    """Set a limit, if the host has no lower one: that cannot be raised, and is as good."""
    _soft, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def run(
    argv: t.Sequence[str],
    *,
    deadline: Deadline,
    environment: t.Mapping[str, str],
    cwd: t.Optional[str] = None,
    redactor: t.Optional[Redactor] = None,
    check: bool = True,
    most_written: t.Optional[int] = None,
    most_memory: t.Optional[int] = None,
    stdin: t.Optional[t.IO[bytes]] = None,
    answer: t.Optional[t.IO[bytes]] = None,
) -> Completed:
    """Run a program to its end.

    :arg argv: Program and arguments; no shell is involved.
    :arg environment: The whole environment of the program.
    :arg redactor: Cleans what the program says (standard error) and everything that is raised. Its answer (standard
        output) stays as it is, as it is read by us: a password like C(main) must not change the name of a branch.
    :arg check: Whether an exit status other than zero is an error.
    :arg most_written: Bytes of any one file, the answer too, at which the program is ended by SIGXFSZ.
    :arg most_memory: Bytes that each process may take beside the files that it maps; it is refused more.
    :arg stdin: An open file that it reads, from where that is; nothing by default.
    :arg answer: An open file that it answers into, for answers that are not text or very long. C(stdout) of the result
        is empty then.
    :raises DeadlineError: when the deadline passes; the program and all its children are killed. What it leaves running
        when it ends by itself is killed too.
    :raises ProgramError: on an exit status other than zero, with the end of what it wrote.
    :raises St2Error: when the program cannot be started.
    """
    redactor = redactor or Redactor()
    deadline.check(f"{os.path.basename(argv[0])} was about to start")
    with contextlib.ExitStack() as opened:
        stdout = opened.enter_context(_output_file()) if answer is None else answer
        stderr = opened.enter_context(_output_file())
        try:
            # pylint: disable-next=ansible-bad-function  # AnsibleModule is not known below the runner.
            process = subprocess.Popen(
                argv,
                stdin=stdin or subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                env=dict(environment),
                cwd=cwd,
                start_new_session=True,
                preexec_fn=functools.partial(_die_with_parent, os.getpid(), most_written, most_memory),
            )
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            place = getattr(error, "filename", None) or argv[0]
            reason = getattr(error, "strerror", None) or error
            raise St2Error(f"The program {argv[0]} cannot be started: {place}: {reason}.") from error
        try:
            _wait(process, deadline, (stdout, stderr) if answer is None else (stderr,))
        except subprocess.TimeoutExpired:
            _kill_group(process)
            tail = last_lines(_read(stderr, redactor))
            raise DeadlineError(
                f"The timeout of {deadline.seconds:g} s ran out while {os.path.basename(argv[0])} was at work.",
                stderr=tail,
            ) from None
        except BaseException:
            _kill_group(process)
            raise
        # Such as a git gc in the background, which would go on writing in a directory that is about to be moved.
        _kill_group(process)
        answered = _read_raw(stdout) if answer is None else ""
        said, written = _read(stderr, redactor), _read_raw(stderr)
    completed = Completed(process.returncode, answered, said, written)
    if check and completed.returncode:
        completed = replace(completed, stdout=redactor.text(answered))
        raise ProgramError(
            f"{os.path.basename(argv[0])} failed with exit status {completed.returncode}: "
            f"{last_lines(completed.stderr or completed.stdout).rstrip('.') or 'it said nothing'}.",
            completed,
        )
    return completed


def _wait(process: subprocess.Popen[bytes], deadline: Deadline, streams: t.Iterable[t.IO[bytes]]) -> None:
    """Wait for the end of a program, as long as there is time and it does not say too much."""
    while True:
        remaining = deadline.remaining()
        try:
            _wait_for(process, min(_LOOK_SECONDS, remaining))
            return
        except subprocess.TimeoutExpired:
            if remaining <= _LOOK_SECONDS:
                raise
        if any(os.lseek(stream.fileno(), 0, os.SEEK_CUR) > _MOST_WRITTEN for stream in streams):
            program = os.path.basename(str(process.args[0]))  # type: ignore[index]  # It is a list.
            raise St2Error(f"{program} was stopped, because it wrote more than {_MOST_WRITTEN >> 20} MiB of messages.")


def _wait_for(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Wait for a program to end. Python's own C(wait) looks now and then, up to 50 ms late: much for a call of git."""
    try:
        handle = os.pidfd_open(process.pid)  # from Python 3.9 and Linux 5.3
    except (AttributeError, OSError):
        process.wait(timeout=seconds)
        return
    try:
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        if not poll.poll(max(0.0, seconds) * 1000):
            raise subprocess.TimeoutExpired(process.args, seconds)
    finally:
        os.close(handle)
    process.wait()


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()


def _output_file() -> t.IO[bytes]:
    """A file for what a program says, with room set aside: a program that fills the disk can still say so.

    :raises OSError: when the disk is full already.
    """
    stream = tempfile.TemporaryFile()  # noqa: SIM115  # Whoever called closes it.
    try:
        os.posix_fallocate(stream.fileno(), 0, _RESERVED_OUTPUT)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            stream.close()
            raise OSError(error.errno, os.strerror(error.errno), tempfile.gettempdir()) from error
    return stream


def _read_raw(stream: t.IO[bytes]) -> str:
    end = os.lseek(stream.fileno(), 0, os.SEEK_CUR)
    start = max(0, end - _MOST_OUTPUT)
    return os.pread(stream.fileno(), end - start, start).decode("utf-8", "replace")


def _read(stream: t.IO[bytes], redactor: Redactor) -> str:
    # The program wrote to the same open file, so its position is the end of what was written.
    end = os.lseek(stream.fileno(), 0, os.SEEK_CUR)
    start = max(0, end - _MOST_OUTPUT - _LONGEST_SECRET)
    text = redactor.text(os.pread(stream.fileno(), end - start, start).decode("utf-8", "replace"))
    return text[_LONGEST_SECRET:] if start else text[-_MOST_OUTPUT:]
