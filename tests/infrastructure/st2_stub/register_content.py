# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for ``st2-register-content``: its flags, its words on stderr, its exit codes and its known crash."""

from __future__ import annotations

import argparse
import datetime
import os
import signal
import sys
import time
import traceback
import typing as t
from pathlib import Path

from .database import Database
from .faults import LONGEST, take_program_fault
from .paths import HostPaths
from .registrars import Died, Registrars
from .resource_files import POLICY_TYPES, RUNNERS
from .triggers import add_internal_types

# In the order of st2common/content/bootstrap.py register_content.
TYPES = ("triggers", "sensors", "runners", "actions", "rules", "aliases", "policies", "configs")
WITH_OVERRIDES = ("sensors", "actions", "rules", "aliases")
RULER = "=" * 57

PROGRAM = """\
#!{python}
# Made for tests: a stand-in for the program of this name.
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, {tests!r})
from infrastructure.st2_stub.register_content import main

sys.exit(main(sys.argv[1:], {database!r}))
"""


def install(service: Path, database: Path) -> Path:
    """Put the program into a service's ``bin`` and return its path.

    :arg service: StackStorm's virtualenv.
    :arg database: the file of the database that it shares with the stand-in server.
    """
    tests = Path(__file__).resolve().parents[2]
    program = service / "bin" / "st2-register-content"
    program.write_text(PROGRAM.format(python=sys.executable, tests=str(tests), database=str(database)))
    program.chmod(0o755)
    return program


def main(arguments: t.Sequence[str], database: str) -> int:
    """Run the program and return its exit code; a failure raises, as it does there, and ends with a traceback."""
    options = _parser().parse_args(arguments)
    if not options.config_file:
        print("Config file is needed: pass --config-file", file=sys.stderr)
        return 2
    shared = Database(database)
    fault = take_program_fault(shared)
    code = 0
    if fault is None or fault["work"]:
        code = _register(options, shared)
    if fault is None:
        return code
    if fault["hang"]:
        time.sleep(LONGEST)
    print(fault["stderr"], file=sys.stderr)
    if fault["exit_code"] < 0:
        os.kill(os.getpid(), -fault["exit_code"])
    return int(fault["exit_code"])


def _register(options: argparse.Namespace, database: Database) -> int:
    try:
        with database.session():
            add_internal_types(database)
        _Run(options, database).everything()
    except Died:
        os.kill(os.getpid(), signal.SIGKILL)
    except Exception:
        traceback.print_exc()
        return 1
    return 0


class _Run:
    def __init__(self, options: argparse.Namespace, database: Database) -> None:
        self._options = options
        self._database = database
        self._paths = HostPaths.of_settings(options.config_file)
        self._fail = not options.register_no_fail_on_failure
        self._registrars = Registrars(self._paths, database, self._fail, once=True)

    def everything(self) -> None:
        """Register what the flags say, in StackStorm's order."""
        wanted = [kind for kind in TYPES if self._options.register_all or getattr(self._options, f"register_{kind}")]
        if "actions" in wanted and "runners" not in wanted:
            wanted.insert(wanted.index("actions"), "runners")
        for kind in wanted:
            if kind == "runners":
                self._title("runners")
                self._say(f"Registered {len(RUNNERS)} runners.")
            else:
                self._kind(kind)

    def _kind(self, kind: str) -> None:
        if kind == "policies":
            self._title("policy types")
            self._say(f"Registered {len(POLICY_TYPES)} policy types.")
        self._title(kind)
        registered = overridden = 0
        try:
            with self._database.session():
                registered, overridden = self._register(kind)
        except Exception as error:
            self._say(f"Failed to register {kind}: {error}", "WARNING")
            if self._fail:
                raise
        self._say(f"Registered {registered} {kind}.")
        if kind in WITH_OVERRIDES:
            self._say(f"{overridden} {kind} had their metadata overridden.")

    def _register(self, kind: str) -> t.Tuple[int, int]:
        if not self._options.register_pack:
            return self._registrars.all_packs(kind)
        directory = Path(self._options.register_pack.rstrip("/"))
        found = self._registrars.one_pack(kind, directory)
        if kind == "actions" and not (directory / "actions").is_dir():
            # ActionsRegistrar.register_from_pack returns a bare number then, which its caller takes apart.
            raise TypeError("cannot unpack non-iterable int object")
        self._inside_a_base_path(directory, kind, found)
        return found

    def _inside_a_base_path(self, directory: Path, kind: str, found: t.Tuple[int, int]) -> None:
        """Fail as content/utils.py get_relative_path_to_pack_file does for a pack that lies elsewhere."""
        if not any(found) or kind == "configs" or directory.parent in self._paths.packs_base_paths:
            return
        raise ValueError(
            f'file_path ("{directory / kind}") needs to be located inside the pack directory '
            f'("{self._paths.packs / directory.name}")'
        )

    def _title(self, what: str) -> None:
        self._say(RULER)
        self._say(f"{'#' * 14} Registering {what} ".ljust(len(RULER), "#"))
        self._say(RULER)

    def _say(self, text: str, level: str = "INFO") -> None:
        now = datetime.datetime.now().strftime("%Y-%m-%d %H:%M:%S,%f")[:-3]
        print(f"{now} {level} [-] {text}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="st2-register-content", allow_abbrev=False)
    parser.add_argument("--config-file")
    parser.add_argument("--config-dir")
    parser.add_argument("-v", "--verbose", action="store_true")
    parser.add_argument("--experimental", action="store_true")
    for name in ("all", *TYPES, "setup-virtualenvs", "recreate-virtualenvs", "no-fail-on-failure", "fail-on-failure"):
        parser.add_argument(f"--register-{name}", action="store_true")
    parser.add_argument("--register-pack")
    parser.add_argument("--register-runner-dir")
    return parser
