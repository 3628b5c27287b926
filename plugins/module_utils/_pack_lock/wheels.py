# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Wheels of a lock: what the virtualenv of each pack gets on each platform, as uv resolves it, with digests.

Nothing is built for that: a package that has no wheel would run its own code here. What cannot be locked is told.
"""

from __future__ import annotations

import importlib
import os
import re
import sys
import typing as t
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import unquote, urlsplit

from .._content.requirements import REQUIREMENTS, read_requirements
from .._deadline import Deadline
from .._errors import OptionError, VirtualenvError
from .._lock.document import Platform
from .._pack.virtualenv import BASE_REQUIREMENT, Settings
from .._pack.virtualenv_failure import reason
from .._process import ProgramError, run
from .._secrets import Redactor

_PARALLEL = 4
_GLIBC = re.compile(r"manylinux_2_(?P<minor>[0-9]+)_(?P<machine>x86_64|aarch64)")
# The releases of glibc that uv knows as platforms; a newer one takes what was made for these.
_KNOWN_GLIBC = (17, 28, *range(31, 41))
_NO_WHEEL = re.compile(r"(?:Because|because|that) (\S+) has no (?:usable )?wheels", re.MULTILINE)
_NOT_BUILT = re.compile(r"[Bb]uilding (?:from )?source(?: distributions)?(?: for `?([^\s`]+)`?)? is disabled")
_OF_ITS_OWN = re.compile(
    r"(?:^|@\s*)(?:git|hg|svn|bzr)\+|^-e\b|^--editable\b|^\.{0,2}/|@\s*(?:https?|file):|^(?:https?|file):"
)


class Unlocked(t.NamedTuple):
    """Requirements of a pack that have no digests to be installed by.

    :arg platform: Its key.
    :arg reason: Why, as a clause.
    """

    ref: str
    platform: str
    reason: str


class Wheels(t.NamedTuple):
    """What the packs get.

    :arg pins: By ref and platform key, what is installed, each as C(NAME==VERSION).
    :arg files: By pin the files that fit, with their digests.
    """

    pins: t.Mapping[str, t.Mapping[str, t.Tuple[str, ...]]]
    files: t.Mapping[str, t.Mapping[str, str]]
    unlocked: t.Sequence[Unlocked]


class WheelResolver:
    """Asks uv, once for each pack and platform.

    :arg environment: For uv: proxies, certificates, package index; no secret of it reaches argv.
    :raises VirtualenvError: without uv, or where it cannot be told what pip is told.
    :raises OptionError: for platforms that uv does not know.
    """

    def __init__(
        self,
        platforms: t.Sequence[Platform],
        *,
        scratch: str,
        deadline: Deadline,
        environment: t.Mapping[str, str],
        redactor: Redactor,
    ) -> None:
        from .._pack.virtualenv_backend import find_uv

        _toml()
        self._backend = find_uv(Settings(sys.executable), environment)
        self._names = {platform: _name_for_uv(platform) for platform in platforms}
        self._deadline = deadline
        self._environment = {**environment, **self._backend.variables, "UV_PYTHON_DOWNLOADS": "never"}
        self._environment.pop("PYTHONPATH", None)
        self._redactor = redactor
        # Not that of the pack, which may hold settings for uv.
        self._directory = scratch
        self._base = os.path.join(scratch, "base.in")
        with open(self._base, "w", encoding="utf-8") as stream:
            stream.write(f"{BASE_REQUIREMENT}\n")

    def resolve(self, packs: t.Mapping[str, str]) -> Wheels:
        """What packs get on all platforms.

        :arg packs: Their directories, by ref.
        :raises VirtualenvError: for requirements that nobody can meet, or when the package index is out of reach.
        """
        asked = [(ref, platform) for ref in sorted(packs) for platform in self._names]
        with ThreadPoolExecutor(max_workers=_PARALLEL) as pool:
            futures = [pool.submit(self._ask, ref, packs[ref], platform) for ref, platform in asked]
        pins: t.Dict[str, t.Dict[str, t.Tuple[str, ...]]] = {ref: {} for ref in packs}
        files: t.Dict[str, t.Dict[str, str]] = {}
        unlocked = []
        for (ref, platform), future in zip(asked, futures):
            found = future.result()
            if isinstance(found, str):
                unlocked.append(Unlocked(ref, platform.key, found))
                continue
            pins[ref][platform.key] = tuple(sorted(found))
            for pin, known in found.items():
                files.setdefault(pin, {}).update(known)
        return Wheels(pins, files, unlocked)

    def _ask(self, ref: str, directory: str, platform: Platform) -> t.Union[str, t.Dict[str, t.Dict[str, str]]]:
        """The files of one pack on one platform by pin, or why they cannot be told."""
        own = [entry for entry in read_requirements(directory).entries if _OF_ITS_OWN.search(entry)]
        if own:
            return f"{own[0]} is no package of an index"
        given = [self._base]
        if os.path.isfile(os.path.join(directory, REQUIREMENTS)):
            given.append(os.path.join(directory, REQUIREMENTS))
        try:
            answer = run(
                self._command(platform, given),
                deadline=self._deadline,
                environment=self._environment,
                redactor=self._redactor,
                cwd=self._directory,
            )
        except ProgramError as error:
            said = error.completed.stderr
            without = _NO_WHEEL.search(said) or _NOT_BUILT.search(said)
            if without:
                return f"{without.group(1) or 'a package'} has no wheel for it"
            raise VirtualenvError(
                f"The requirements of {ref} cannot be resolved for {platform.key}: {reason(said)} (said uv).",
                stderr=error.stderr,
                ref=ref,
            ) from error
        return _read_answer(answer.stdout)

    def _command(self, platform: Platform, given: t.Sequence[str]) -> t.List[str]:
        return [
            *(self._backend.program, "pip", "compile", "--quiet", "--no-header", "--no-annotate"),
            *("--format", "pylock.toml", "--only-binary", ":all:", "--python", sys.executable),
            *("--python-version", platform.python, "--python-platform", self._names[platform]),
            *self._backend.install_options,
            *given,
        ]


def _name_for_uv(platform: Platform) -> str:
    found = _GLIBC.fullmatch(platform.platform)
    minor = max((one for one in _KNOWN_GLIBC if found and one <= int(found.group("minor"))), default=None)
    if found is None or minor is None or platform.abi != "cp" + platform.python.replace(".", ""):
        raise OptionError(
            f"Wheels cannot be locked for {platform.key}: uv knows CPython on Linux with glibc 2.17 or newer, for "
            "x86_64 and aarch64, such as manylinux_2_36_x86_64 with cp311."
        )
    return f"{found.group('machine')}-manylinux_2_{minor}"


def _read_answer(text: str) -> t.Union[str, t.Dict[str, t.Dict[str, str]]]:
    """The files in a lock by PEP 751, which has those that fit one platform; or what in it cannot be locked."""
    found: t.Dict[str, t.Dict[str, str]] = {}
    for package in _toml().loads(text).get("packages", ()):
        name = package["name"]
        files = {}
        for wheel in package.get("wheels", ()):
            digest = wheel.get("hashes", {}).get("sha256")
            if not digest:
                return f"the package index has no SHA-256 of {name}"
            files[_file_name(wheel)] = f"sha256:{digest}"
        if not files:
            return f"{name} has no wheel for it"
        found[f"{name}=={package['version']}"] = files
    return found


def _toml() -> t.Any:
    try:
        return importlib.import_module("tomllib")
    except ImportError:
        raise VirtualenvError("Locking wheels requires Python 3.11 or newer.") from None


def _file_name(wheel: t.Mapping[str, t.Any]) -> str:
    place = wheel.get("name") or unquote(urlsplit(wheel.get("url", "")).path) or wheel.get("path", "")
    return os.path.basename(str(place))
