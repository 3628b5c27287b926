# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Pack virtualenvs: what one should be, what is there, and whether that may stay."""

from __future__ import annotations

import hashlib
import json
import os
import re
import typing as t

from .._deadline import Deadline
from .._errors import VirtualenvError
from .._files import file_digest, read_regular_file
from .._layout import VirtualenvsDirectory
from .._secrets import strip_urls

MARKER = ".stackstorm.st2.json"
_MOST_MARKER_BYTES = 1 << 20
REQUIREMENTS = "requirements.txt"
# st2common/st2common/constants/pack.py BASE_PACK_REQUIREMENTS
BASE_REQUIREMENT = "six>=1.9.0,<2.0"
_INCLUDE = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)[ =]?\s*(?P<path>\S+)")


class Interpreter(t.NamedTuple):
    """A Python that virtualenvs are made with.

    :arg path: As st2.conf names it.
    :arg version: C(X.Y), to which compiled packages are bound; a patch release keeps virtualenvs working.
    :arg signature: Size and time of the program behind C(path); while it is the same, so is the version.
    """

    path: str
    version: str
    signature: t.Tuple[int, int]


class Settings(t.NamedTuple):
    """Everything but the pack that a virtualenv depends on.

    :arg options: C([actionrunner] virtualenv_opts).
    :arg pip_options: C([actionrunner] pip_opts) and the task's C(pip_args).
    :arg st2_site_packages: Directory that the C(.pth) file adds, when StackStorm runs from a virtualenv.
    """

    python: str
    options: t.Tuple[str, ...] = ()
    pip_options: t.Tuple[str, ...] = ()
    st2_site_packages: t.Optional[str] = None

    def inputs(self, version: str, requirements: str) -> t.Dict[str, t.Any]:
        """What the fingerprint is taken of, in a form that the marker file shows to a person."""
        return {
            "python": self.python,
            "python_version": version,
            "options": list(self.options),
            "pip_options": [strip_urls(option) for option in self.pip_options],
            "st2_site_packages": self.st2_site_packages,
            "base_requirement": BASE_REQUIREMENT,
            "requirements": requirements,
        }


class Virtualenv(t.NamedTuple):
    """A virtualenv directory as it is.

    :arg health: C(absent), C(ok), C(foreign) (made by something else and working) or C(broken) (no usable interpreter).
    :arg locked: Digest of what it got by a lock, and nothing else; empty for what its requirements came to.
    """

    path: str
    health: str
    fingerprint: str = ""
    version: str = ""
    python: str = ""
    signature: t.Tuple[int, int] = (0, 0)
    locked: str = ""

    @property
    def usable(self) -> bool:
        """Whether an action could start in it."""
        return self.health in ("ok", "foreign")


def observe_virtualenv(directory: VirtualenvsDirectory, ref: str) -> Virtualenv:
    """What is there for a pack; starts no program."""
    path = directory.now(directory.virtualenv(ref))
    if not os.path.isdir(path):
        return Virtualenv(path, "absent")
    if not os.access(os.path.join(path, "bin", "python"), os.X_OK):
        return Virtualenv(path, "broken")
    try:
        marker = json.loads(read_regular_file(os.path.join(path, MARKER), _MOST_MARKER_BYTES))
        size, time = marker["signature"]
        inputs = marker["inputs"]
        version, python, locked = inputs["python_version"], inputs["python"], str(marker.get("locked", ""))
        return Virtualenv(path, "ok", marker["fingerprint"], version, python, (int(size), int(time)), locked)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return Virtualenv(path, "foreign")


def fingerprint(inputs: t.Mapping[str, t.Any]) -> str:
    """One value for everything a virtualenv was made from: equal values, equal virtualenvs."""
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()


def requirements_digest(pack_directory: str) -> str:
    """Digest of what a pack requires: its requirements.txt and the files of the pack that this one includes.

    :returns: Empty when the pack requires nothing.
    """
    digest = hashlib.sha256()
    todo, seen, significant = [REQUIREMENTS], set(), False
    while todo:
        name = os.path.normpath(todo.pop())
        path = os.path.join(pack_directory, name)
        if name in seen or name.startswith("..") or os.path.isabs(name) or not os.path.isfile(path):
            continue
        seen.add(name)
        digest.update(f"{name}\0{file_digest(path)}\n".encode())
        for line in _lines(path):
            significant = significant or bool(line.strip() and not line.lstrip().startswith("#"))
            include = _INCLUDE.match(line)
            if include:
                todo.append(os.path.join(os.path.dirname(name), include.group("path")))
    return digest.hexdigest() if significant else ""


def _lines(path: str) -> t.List[str]:
    with open(path, encoding="utf-8-sig", errors="replace") as stream:
        text = stream.read()
    if "coding" not in text and "\0" not in text:
        return text.splitlines()
    from .._content.requirements import lines_of

    return lines_of(path)


class Interpreters:
    """Versions of Python programs, asked for only when the program is not the one that a marker remembers."""

    def __init__(self, deadline: Deadline, environment: t.Mapping[str, str]) -> None:
        self._deadline = deadline
        self._environment = environment
        self._known: t.Dict[str, Interpreter] = {}

    def look(self, path: str, remembered: t.Optional[Virtualenv] = None) -> Interpreter:
        """The interpreter at C(path).

        :arg remembered: A virtualenv that was made with it, maybe.
        :raises VirtualenvError: when it is missing or does not run.
        """
        if path not in self._known:
            try:
                status = os.stat(path)
            except OSError as error:
                raise VirtualenvError(
                    f"The Python for pack virtualenvs, {path} ([actionrunner] python_binary), is not there: "
                    f"{error.strerror}."
                ) from error
            signature = (status.st_size, status.st_mtime_ns)
            if remembered and remembered.python == path and remembered.signature == signature:
                self._known[path] = Interpreter(path, remembered.version, signature)
            else:
                from .interpreter import ask_version

                version = ask_version(path, self._deadline, self._environment)
                self._known[path] = Interpreter(path, version, signature)
        return self._known[path]


def may_stay(
    virtualenv: Virtualenv,
    settings: Settings,
    interpreters: Interpreters,
    pack_directory: str,
    *,
    adopted: bool,
    locked: str = "",
) -> bool:
    """Whether a virtualenv is right for a pack as it lies in C(pack_directory).

    :arg adopted: Whether the pack was installed by something else; then its virtualenv is taken as that left it.
    :arg locked: Digest of what a lock has for it. Without, one that was made by a lock is as good as any other.
    """
    if virtualenv.health == "foreign":
        return adopted and not locked
    if virtualenv.health != "ok" or (locked and virtualenv.locked != locked):
        return False
    interpreter = interpreters.look(settings.python, virtualenv)
    inputs = settings.inputs(interpreter.version, requirements_digest(pack_directory))
    return virtualenv.fingerprint == fingerprint(inputs)
