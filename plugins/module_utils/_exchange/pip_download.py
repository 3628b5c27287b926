# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Asking pip what the packages for another host than this one are, and getting them.

pip evaluates the markers of requirements (C(python_version < "3.9")) for the Python that it runs on, whatever
C(--python-version) says (pypa/pip#11664): of a package for 3.8 it would leave out what only 3.8 needs. So it is told
here whom it evaluates them for.
"""

from __future__ import annotations

import json
import os
import re
import sys
import typing as t

from .._deadline import Deadline
from .._errors import St2Error
from .._pack.locked_wheels import OLD_NAMES, parsed_platform
from .._process import run
from .._secrets import Redactor
from .requirement_sets import RequirementSet

_SCRIPT = """\
import json, sys
from pip._vendor.packaging.markers import Marker

hosts, evaluate = json.loads(sys.argv.pop(1)), Marker.evaluate

def evaluate_for_hosts(self, environment=None, *rest, **named):
    return any(evaluate(self, {**host, **(environment or {})}, *rest, **named) for host in hosts)

Marker.evaluate = evaluate_for_hosts
from pip._internal.cli.main import main

sys.argv[0] = "pip"
sys.exit(main())
"""
# Requires-Python counts for the lowest one, which no distribution falls short of; markers for the lowest and the
# highest, so that both kinds of hosts find all that they need.
_LOWEST_RELEASE, _HIGHEST_RELEASE = 2, 99
_LARGEST_FILE = 2 << 30
_OLDEST_GLIBC = 5
_MACHINE = re.compile(r"[a-z0-9_]+")
# pip 23 and 24; what it says once for each try when nobody answers.
_UNREACHED = re.compile(r"^WARNING: Retrying \(Retry\(", re.MULTILINE)
_EXPLAINED = "The conflict is caused by:"
_UNMET = re.compile(r"(?:No matching distribution found for|depends on|requested) ([A-Za-z0-9][A-Za-z0-9._-]*)([^\n]*)")


class Target(t.NamedTuple):
    """The hosts that packages are for.

    :arg python: Such as C(3.8).
    :arg platform: The tag of the platform, such as C(manylinux_2_28_x86_64).
    """

    python: str
    platform: str

    @property
    def key(self) -> str:
        """As a person reads it."""
        return f"Python {self.python} on {self.platform}"

    @property
    def tags(self) -> t.Tuple[str, ...]:
        """The tags of the platforms whose wheels will do, the best one first (PEP 600, PEP 656).

        :raises ValueError: for a platform that is not one of Linux.
        """
        found = parsed_platform(self.platform)
        if not found or not _MACHINE.fullmatch(found.group("machine")):
            raise ValueError(f"{self.platform} is not a platform such as manylinux_2_28_x86_64")
        libc, major, minor, machine = found.group("libc", "major", "minor", "machine")
        least = _OLDEST_GLIBC if libc == "manylinux" else 0
        tags = []
        for number in range(int(minor), least - 1, -1):
            tags.append(f"{libc}_{major}_{number}_{machine}")
            tags += [f"{old}_{machine}" for old, new in OLD_NAMES.items() if new == f"{libc}_{major}_{number}"]
        return (*tags, f"linux_{machine}")

    def marker_environments(self) -> t.List[t.Dict[str, str]]:
        """What markers are evaluated with, where it is not as here."""
        machine = self.tags[-1][len("linux_") :]
        releases = (f"{self.python}.{number}" for number in (_LOWEST_RELEASE, _HIGHEST_RELEASE))
        return [
            {
                "python_version": self.python,
                "python_full_version": release,
                "implementation_version": release,
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
                "platform_machine": machine,
                "platform_system": "Linux",
                "sys_platform": "linux",
                "os_name": "posix",
            }
            for release in releases
        ]

    def options(self) -> t.List[str]:
        """The options by which pip takes wheels for these hosts."""
        number = self.python.replace(".", "")
        abi = f"cp{number}m" if number in ("36", "37") else f"cp{number}"
        platforms = [word for tag in self.tags for word in ("--platform", tag)]
        version = f"{self.python}.{_LOWEST_RELEASE}"
        return ["--implementation", "cp", "--python-version", version, "--abi", abi, *platforms]


class Pip:
    """pip of the Python that runs this, with the package index that it is to use.

    :arg environment: The whole environment, with the addresses of indexes, and passwords in them.
    :arg find_links: Directories with files, beside the index.
    """

    def __init__(self, environment: t.Mapping[str, str], find_links: t.Sequence[str], redactor: Redactor) -> None:
        self._environment = {
            **environment,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_NO_INPUT": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        self._environment.pop("PYTHONPATH", None)
        self._find_links = find_links
        self._redactor = redactor

    def check(self, deadline: Deadline) -> None:
        """:raises St2Error: when there is no pip."""
        try:
            run([sys.executable, "-Im", "pip", "--version"], deadline=deadline, environment=self._environment, cwd="/")
        except St2Error as error:
            raise St2Error(
                f"pip is needed to get Python packages, and cannot be run: {error.message.rstrip('.')}. Install it "
                "(python3-pip of Debian and Red Hat), or leave pythons empty.",
                stderr=error.stderr,
            ) from error

    def download(
        self, wanted: RequirementSet, target: Target, *, into: str, find_links: str, cache: str, deadline: Deadline
    ) -> None:
        """Download wheels of some requirements and of all that they require in turn. Nothing is built.

        :arg into: An empty directory for them.
        :arg find_links: A directory with further wheels.
        :raises ProgramError: when pip refuses.
        :raises DeadlineError: when time is over.
        """
        path = f"{into}.txt"
        with open(path, "w", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in wanted.lines)
        links = [word for place in (*self._find_links, find_links) for word in ("--find-links", place)]
        run(
            [
                *(sys.executable, "-I", "-c", _SCRIPT, json.dumps(target.marker_environments())),
                *("download", "--dest", into, "--only-binary", ":all:", "--progress-bar", "off"),
                *("--retries", "2", "--timeout", "30"),
                *target.options(),
                *links,
                *(["--pre"] if wanted.prereleases else []),
                *("-r", path),
            ],
            deadline=deadline,
            environment={**self._environment, "PIP_CACHE_DIR": cache},
            redactor=self._redactor,
            cwd=os.path.dirname(into),
            most_written=_LARGEST_FILE,
        )


def is_unreached(said: str) -> bool:
    """Whether pip says that no index answers."""
    return bool(_UNREACHED.search(said))


def unmet(said: str, told: str = "") -> t.Dict[str, bool]:
    """The packages that pip names where it found no wheels that fit together, and whether a single version of one is
    asked for.

    :arg said: What it wrote to standard error.
    :arg told: And to standard output, where it explains conflicts.
    """
    found: t.Dict[str, bool] = {}
    for name, rest in _UNMET.findall(f"{said}\n{told.partition(_EXPLAINED)[2]}"):
        found[name] = found.get(name, False) or "==" in rest
    return found
