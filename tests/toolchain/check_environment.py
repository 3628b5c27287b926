# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a check gets of this machine: its system's programs, and none of anybody's settings.

A check finds no StackStorm, no uv, no virtualenv and no pip but those of its own virtual environment, and git and ssh
without what the system says to them. Whatever it starts or reads all the same, it trips over: see L(Tripwires).
"""

from __future__ import annotations

import os
import re
import shlex
import threading
import typing as t
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import interpreters
from environments import CACHE, ROOT

HOMES = CACHE / "homes"
PROGRAMS = CACHE / "programs"
TRIPWIRES = CACHE / "tripwires"

# Of this machine's variables; all others are left out.
KEPT = re.compile(
    r"CI|EXAMPLES|TERM|TMPDIR|LD_LIBRARY_PATH|ST2_(TEST_DATA|TEST_PACKS|KILLS|SEED|WORKERS|HOSTILE_CASES)"
)
# Programs of this machine that no check may find; the interpreters get wrappers. pip asks rustc for its version, and
# that of rustup makes itself at home in whatever home there is.
HIDDEN = re.compile(r"(st2|uv|pip|pyenv|conda|virtualenv|python|ansible|pytest|rustc).*")
# What the system says to git and ssh (/etc/gitconfig, /etc/ssh/ssh_config, ~/.ssh/config) does not count.
WRAPPERS = {
    "git": '#!/bin/sh\nGIT_CONFIG_NOSYSTEM=1 exec {program} "$@"\n',
    "ssh": '#!/bin/sh\nexec {program} -F /dev/null "$@"\n',
}
INTERPRETER = '#!/bin/sh\nexec {program} "$@"\n'

TRIPWIRE = """\
#!/bin/sh
PATH=/usr/bin:/bin
echo "$0 $* was started by $(tr '\\0' ' ' < "/proc/$PPID/cmdline" | cut -c1-300)" >> {log}
exit 97
"""
WIRED = ("st2", "st2ctl", "st2-register-content")
# A home that is somebody's. Each setting would change a result, or start the tripwire.
SOMEBODYS = {
    ".gitconfig": """\
[core]
hooksPath = {programs}
fsmonitor = {wire}
sshCommand = {wire}
editor = {wire}
[commit]
gpgSign = true
[tag]
gpgSign = true
[gpg]
program = {wire}
[init]
defaultBranch = somebodys
[credential]
helper = !{wire}
[url "https://somebodys.invalid/"]
insteadOf = https://
insteadOf = http://
insteadOf = ssh://
insteadOf = git://
insteadOf = file://
""",
    ".config/pip/pip.conf": "[global]\nindex-url = http://127.0.0.1:9/somebodys\nno-binary = :all:\n",
    ".config/uv/uv.toml": 'index-url = "http://127.0.0.1:9/somebodys"\nno-index = true\n',
    ".st2/config": "[api]\nurl = http://127.0.0.1:9/somebodys\n[credentials]\napi_key = somebodys\n",
}

_making = threading.Lock()


@dataclass(frozen=True)
class Tripwires:
    """Programs and settings that no check may come near, for one check: the place of all, and what they write."""

    place: Path

    @property
    def log(self) -> Path:
        """The file that gets a line each time that one of the programs is started."""
        return self.place / "log"

    @property
    def programs(self) -> Path:
        """The directory of the programs, for the end of PATH."""
        return self.place / "bin"

    def lay(self, home: Path | None = None) -> None:
        """Make the programs, and with C(home) the settings in it."""
        self.programs.mkdir(parents=True, exist_ok=True)
        for name in (*WIRED, "pre-commit", "post-checkout", "reference-transaction"):
            write_program(self.programs / name, TRIPWIRE.format(log=shlex.quote(str(self.log))))
        for name, text in SOMEBODYS.items() if home else ():
            path = home / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(programs=self.programs, wire=self.programs / "st2"), encoding="utf-8")


def environment(programs: Path, check: str = "tools", *, somebodys: bool = False) -> dict[str, str]:
    """The environment of a check: these programs first, then the system's; a home of its own, UTF-8.

    :arg check: Names the home and the tripwires: no two checks that may run at the same time have the same.
    :arg somebodys: Whether the home has settings of somebody, which the check must not read.
    """
    home = HOMES / check
    tripwires = Tripwires(TRIPWIRES / check)
    with _making:
        home.mkdir(parents=True, exist_ok=True)
        if not somebodys:
            (home / ".gitconfig").write_text(f"[safe]\n\tdirectory = {ROOT}\n", encoding="utf-8")
        tripwires.lay(home if somebodys else None)
        system = system_programs(PROGRAMS)
    return {
        **{name: value for name, value in os.environ.items() if KEPT.fullmatch(name)},
        "HOME": str(home),
        "PATH": os.pathsep.join(map(str, [programs, system, tripwires.programs])),
        "GIT_CONFIG_NOSYSTEM": "1",
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "UV_NO_CONFIG": "1",
        "LC_ALL": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "NO_COLOR": "1",
    }


@lru_cache(maxsize=None)
def system_programs(place: Path) -> Path:
    """A directory with the programs of this machine, but those that no check may find; returns it.

    C(python3.N) is a real interpreter for every version there is. Each is started by a wrapper, as a link would take
    away from it where its own files are.
    """
    place.mkdir(parents=True, exist_ok=True)
    wanted: dict[str, str | None] = {}
    for directory in interpreters.search_path():
        for path in _programs_in(directory):
            if not HIDDEN.fullmatch(path.name) and path.name not in wanted:
                wrapper = WRAPPERS.get(path.name)
                wanted[path.name] = wrapper and wrapper.format(program=shlex.quote(str(path)))
                if wrapper is None:
                    _link(place / path.name, path)
    for (major, minor), path in interpreters.find().items():
        wanted[f"python{major}.{minor}"] = INTERPRETER.format(program=shlex.quote(str(path)))
    for name, text in wanted.items():
        if text is not None:
            write_program(place / name, text)
    for stale in [path for path in place.iterdir() if path.name not in wanted]:
        stale.unlink()
    return place


def write_program(path: Path, text: str) -> None:
    """Write a program, where it is not there already, in one step: a run that is going on may be starting it."""
    if path.is_symlink() or not path.exists() or path.read_text(encoding="utf-8", errors="replace") != text:
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        new.write_text(text, encoding="utf-8")
        new.chmod(0o755)
        new.replace(path)


def _link(path: Path, target: Path) -> None:
    if not path.is_symlink() or os.readlink(path) != str(target):
        new = path.with_name(f"{path.name}.{os.getpid()}.new")
        new.symlink_to(target)
        new.replace(path)


def _programs_in(directory: Path) -> t.Iterator[Path]:
    try:
        entries = sorted(os.scandir(directory), key=lambda entry: entry.name)
    except OSError:
        return
    for entry in entries:
        try:
            if entry.is_file() and os.access(entry.path, os.X_OK):
                yield Path(entry.path)
        except OSError:
            continue
