# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Showing commands and running them exactly as shown; saying what was found, and stopping where it is wrong."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import textwrap
import time
import typing as t
from pathlib import Path

WIDTH = 100
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
BOLD, GREEN, RED, PLAIN = "\x1b[1m", "\x1b[32m", "\x1b[31m", "\x1b[0m"


class NotAsSaid(Exception):
    """Something is not as the demo says that it is."""


class Output(t.NamedTuple):
    """What came of a command: exit status, all that it wrote, without colours, and the seconds it took."""

    status: int
    text: str
    seconds: float


class Terminal:
    """Writes to standard output; in colour where that is a terminal.

    :arg directory: where commands are run, after its file C(activate) has been read.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def heading(self, text: str) -> None:
        """Write the title of a step."""
        self.write(f"\n{self._in(BOLD, f'== {text} '.ljust(WIDTH, '='))}\n")

    def say(self, text: str) -> None:
        """Write a paragraph, its lines broken where they fit."""
        self.write("\n".join(textwrap.wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)) + "\n")

    def write(self, text: str) -> None:
        """Write text as it is."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def show_file(self, path: Path) -> None:
        """Show a file as C(cat) does."""
        self._command(f"cat {path.name}")
        for line in path.read_text().splitlines():
            self._line(line)
        self.write("")

    def run(self, command: str) -> Output:
        """Show a command, run it, and show what it writes while it writes it."""
        self._command(command)
        prepare = ". ./activate; " + ("export ANSIBLE_FORCE_COLOR=1; " if self.colour else "")
        started = time.monotonic()
        process = subprocess.Popen(
            ["/bin/sh", "-c", prepare + command],
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
        assert process.stdout
        lines: t.List[str] = []
        blank = 0
        for line in process.stdout:
            # Blank lines between others are shown, those before and after all of them are not.
            if not line.strip():
                blank += 1
                continue
            if lines:
                sys.stdout.write("\n" * blank)
            blank = 0
            lines.append(line)
            self._line(line)
        status = process.wait()
        self.write("")
        return Output(status, COLOURS.sub("", "".join(lines)), time.monotonic() - started)

    def found(self, sentence: str, actual: object, expected: object) -> None:
        """Say that something is so. Raises NotAsSaid where C(actual) is not C(expected)."""
        if actual == expected:
            self.write(f"  {self._in(GREEN, 'ok')}  {sentence}")
        else:
            self.write(f"  {self._in(RED, 'NOT SO')}  {sentence}\n      expected: {expected}\n      found:    {actual}")
            raise NotAsSaid(sentence)

    def _command(self, command: str) -> None:
        self.write(f"  $ {self._in(BOLD, command)}\n")

    def _line(self, line: str) -> None:
        self.write(f"    {line}".rstrip())

    def _in(self, style: str, text: str) -> str:
        return f"{style}{text}{PLAIN}" if self.colour else text
