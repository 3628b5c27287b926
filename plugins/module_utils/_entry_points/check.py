# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Entry points compiled by the Python that runs them, and imported as the service does."""

from __future__ import annotations

import glob
import json
import os
import typing as t

from .._content.installed import InstalledPack
from .._deadline import Deadline
from .._errors import St2Error
from .._lint.child_program import source_of
from .._lint.compiling import compile_files
from .._process import run
from .._secrets import Redactor
from .._st2.conf import read_settings
from .._st2.executions import last_exception
from .._st2.host import Host
from . import import_child
from .accounts import Account
from .found import EntryPoint

_IMPORT_SECONDS = 60
_MOST_MEMORY = 4 << 30


class Checks:
    """Checks the entry points of packs.

    :arg accounts: By C(action) and C(sensor), whose they are imported as; C(None) for that of this process.
    """

    def __init__(
        self,
        host: Host,
        virtualenv_of: t.Callable[[str], str],
        *,
        environment: t.Mapping[str, str],
        scratch: str,
        deadline: Deadline,
        redactor: Redactor,
        accounts: t.Optional[t.Mapping[str, t.Optional[Account]]] = None,
    ) -> None:
        self._host = host
        self._virtualenv_of = virtualenv_of
        self._scratch = scratch
        self._deadline = deadline
        self._redactor = redactor
        self._accounts = accounts
        settings = read_settings(host.st2_conf, environment, host.service_environment)
        found = settings.get("packs", "enable_common_libs")
        self._common_libs = found is not None and found.value.strip().lower() in ("true", "1", "yes", "on")

    def check(self, pack: InstalledPack, points: t.Sequence[EntryPoint]) -> None:
        """Note in each entry point of a pack why StackStorm cannot run it, if it cannot.

        :raises DeadlineError: when the deadline passes.
        """
        python = self._python(pack)
        if not os.access(python, os.X_OK):
            for point in points:
                point.error = point.error or f"there is no virtualenv of the pack to run it ({python} is missing)"
            return
        self._compile(python, points)
        for kind in ("action", "sensor") if self._accounts is not None else ():
            self._import(pack, python, kind, [one for one in points if one.kind == kind and not one.error])

    def _python(self, pack: InstalledPack) -> str:
        """The Python of a pack's virtualenv; StackStorm's own packs have none (st2common/util/sandboxing.py
        get_sandbox_python_binary_path)."""
        if pack.is_system:
            return self._host.st2_python or self._host.python_binary
        return os.path.join(self._virtualenv_of(pack.ref), "bin", "python")

    def _compile(self, python: str, points: t.Sequence[EntryPoint]) -> None:
        files = list(dict.fromkeys(point.file for point in points if not point.error))
        if not files:
            return
        try:
            results = compile_files(python, files, scratch=self._scratch, deadline=self._deadline)
        except St2Error as error:
            self._deadline.check(f"{python} was compiling entry points")
            _spoil(points, self._redactor.text(error.message).rstrip("."))
            return
        found = dict(zip(files, results))
        for point in points:
            if point.error:
                continue
            result = found.get(point.file)
            if result is None:
                point.error = "was not compiled, as Python did not finish with files before it"
            elif result.error:
                point.error = f"line {result.line}: {result.error}" if result.line else result.error

    def _import(self, pack: InstalledPack, python: str, kind: str, points: t.Sequence[EntryPoint]) -> None:
        if not points:
            return
        classes = [[point.file, point.name if kind == "sensor" else ""] for point in points]
        task = {
            "files": classes,
            "account": self._account(kind),
            "python": python,
            "environment": self._environment(pack, kind),
            "program": source_of(import_child),
            "seconds": _IMPORT_SECONDS,
        }
        path = os.path.join(self._scratch, "import.json")
        with open(path, "w", encoding="utf-8") as stream:
            json.dump(task, stream)
        # Without -I and -S, code of the virtualenv would be run before it is the account.
        argv = [python, "-I", "-S", "-B", "-c", source_of(import_child), "become"]
        try:
            with open(path, "rb") as stdin:
                completed = run(
                    argv,
                    deadline=self._deadline,
                    environment={},
                    cwd="/",
                    check=False,
                    stdin=stdin,
                    redactor=self._redactor,
                    most_memory=_MOST_MEMORY,
                )
        except St2Error as error:
            self._deadline.check(f"{python} was importing entry points")
            _spoil(points, error.message.rstrip("."))
            return
        answers = [json.loads(line) for line in completed.stdout.splitlines() if line.startswith("{")]
        for point, answer in zip(points, answers):
            point.error = " ".join(self._redactor.text(answer["error"]).split())
        reason = last_exception(completed.stderr) or f"exit status {completed.returncode}"
        _spoil(points[len(answers) :], f"cannot be imported: {reason}".rstrip("."))

    def _account(self, kind: str) -> t.Optional[t.List[t.Any]]:
        account = (self._accounts or {}).get(kind)
        return [account.name, account.uid, account.gid] if account else None

    def _environment(self, pack: InstalledPack, kind: str) -> t.Dict[str, str]:
        """What the service gives to a Python action or sensor (python_runner.py, process_container.py)."""
        account = (self._accounts or {}).get(kind)
        virtualenv = "" if pack.is_system else self._virtualenv_of(pack.ref)
        paths = []
        if self._common_libs:
            paths.append(os.path.join(pack.location, "lib"))
        if virtualenv and kind == "action":
            for library in sorted(glob.glob(os.path.join(glob.escape(virtualenv), "lib", "python*")))[:1]:
                paths += [library, os.path.join(library, "site-packages")]
            paths.append(os.path.join(pack.location, "actions", "lib"))
        if self._host.st2_site_packages:
            paths.append(self._host.st2_site_packages)
        programs = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
        return {
            **(self._host.service_environment if kind == "action" else {}),
            "PATH": ":".join(([os.path.join(virtualenv, "bin")] if virtualenv else []) + programs),
            "PYTHONPATH": ":".join(paths),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": account.home if account else os.path.expanduser("~"),
            "LC_ALL": "C.UTF-8",
        }


def _spoil(points: t.Iterable[EntryPoint], error: str) -> None:
    for point in points:
        point.error = point.error or error
