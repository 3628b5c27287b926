# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Building virtualenvs aside: a base for all packs is made once, copied by links, filled, and made fit for its place.

Nothing here touches a virtualenv that StackStorm uses.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import typing as t

from .._change.staging import Staging
from .._deadline import Deadline
from .._errors import DeadlineError, St2Error, VirtualenvError
from .._file_changes import remove_tree, sync_trees, write_atomically
from .._layout import VirtualenvsDirectory, entries
from .._own_directory import make_own_directory
from .._process import run
from .._secrets import Redactor
from .virtualenv import (
    BASE_REQUIREMENT,
    MARKER,
    REQUIREMENTS,
    Interpreter,
    fingerprint,
    marker_document,
    requirements_digest,
)
from .virtualenv_backend import Backend

# Named so that it comes last, as st2common/util/virtualenvs.py inject_st2_pth_into_virtualenv does.
_PTH_NAME = "zzzzzzzzzz__st2__.pth"
_PTH = "# StackStorm's own packages, for the actions of this pack.\nimport sys; addsitedir({path!r}, known_paths)\n"
_LARGEST_SCRIPT = 1 << 20
_CONFIGURATION = "pyvenv.cfg"


class VirtualenvBuilder:
    """Makes the virtualenvs of one task.

    :arg environment: For the programs: proxies, certificates, package index; no secret of it reaches argv.
    """

    def __init__(
        self,
        directory: VirtualenvsDirectory,
        backend: Backend,
        interpreter: Interpreter,
        *,
        staging: Staging,
        deadline: Deadline,
        environment: t.Mapping[str, str],
        redactor: Redactor,
    ) -> None:
        self._directory = directory
        self._staging = staging
        self._backend = backend
        self._interpreter = interpreter
        self._deadline = deadline
        self._environment = {**environment, **backend.variables}
        self._environment.pop("PYTHONPATH", None)
        self._redactor = redactor

    def build(self, base: str, ref: str, pack_directory: str, staged: str, *, version: str = "") -> None:
        """Make the virtualenv of one pack at C(staged), ready to be renamed to its place.

        :arg base: What L(ensure_base) returned.
        :arg pack_directory: The pack whose requirements it gets.
        :arg version: Of that pack, for messages.
        :raises VirtualenvError: when the requirements cannot be installed; C(staged) is debris then.
        :raises DeadlineError: when the task's time is over.
        """
        live, label = self._directory.virtualenv(ref), f"{ref} {version}" if version else ref
        clone_tree(base, staged, base, staged)
        requirements = requirements_digest(pack_directory)
        if requirements:
            path = os.path.join(pack_directory, REQUIREMENTS)
            try:
                # Relative paths in a requirements file are the pack's.
                self._run(self._backend.install(staged, "--upgrade", "-r", path), cwd=pack_directory)
                self._prove(staged)
            except DeadlineError:
                raise
            except St2Error as error:
                raise VirtualenvError(
                    f"The requirements of {label} cannot be installed: {error.message}",
                    stderr=error.stderr,
                    ref=ref,
                ) from error
        retarget(staged, staged, live)
        inputs = self._backend.settings.inputs(self._interpreter.version, requirements)
        write_atomically(os.path.join(staged, MARKER), marker_document(inputs, self._interpreter.signature))

    def ensure_base(self) -> str:
        """The virtualenv that all packs start from: interpreter, six, pip and the way to StackStorm's packages.

        Kept for later runs; made anew when the interpreter or the options change.

        :returns: Its path.
        :raises VirtualenvError: when it cannot be made.
        :raises DeadlineError: when the task's time is over.
        """
        inputs = self._backend.settings.inputs(self._interpreter.version, "")
        name = fingerprint({**inputs, "backend": self._backend.name, "signature": self._interpreter.signature})[:16]
        path = os.path.join(self._directory.bases, name)
        # What has its name there is whole at every instant: it comes and goes by rename.
        with make_own_directory(self._directory.bases) as bases:
            if not os.path.islink(bases.at(name)) and os.path.isfile(bases.at(f"{name}/{_CONFIGURATION}")):
                return path
            for outdated in bases.names():
                _take_away(bases.at(outdated), self._staging.path(self._directory.staging, "old", outdated))
            making = self._staging.path(self._directory.staging, "base")
            self._make_base(making, path)
            sync_trees([making])
            os.rename(making, bases.at(name))
        return path

    def _make_base(self, making: str, path: str) -> None:
        try:
            self._run(self._backend.create(making))
            self._run(self._backend.install(making, BASE_REQUIREMENT))
            self._ensure_pip(making)
            self._prove(making)
        except DeadlineError:
            raise
        except St2Error as error:
            raise VirtualenvError(
                f"A virtualenv cannot be made with {self._backend.name}: {error.message}", stderr=error.stderr
            ) from error
        self._add_path(making)
        retarget(making, making, path)

    def _ensure_pip(self, path: str) -> None:
        # StackStorm's own packs.update_virtualenv and st2ctl call bin/pip of an existing virtualenv.
        if os.path.exists(os.path.join(path, "bin", "pip")):
            return
        try:
            self._run(self._backend.install(path, "pip"))
        except St2Error:
            self._run([os.path.join(path, "bin", "python"), "-Im", "ensurepip", "--upgrade", "--default-pip"])

    def _add_path(self, path: str) -> None:
        added = self._backend.settings.st2_site_packages
        if added:
            content = _PTH.format(path=added).encode()
            write_atomically(os.path.join(site_packages(path), _PTH_NAME), content)

    def _prove(self, path: str) -> None:
        self._run([os.path.join(path, "bin", "python"), "-c", "import six"])

    def _run(self, argv: t.Sequence[str], cwd: t.Optional[str] = None) -> None:
        run(argv, deadline=self._deadline, environment=self._environment, redactor=self._redactor, cwd=cwd or "/")


def _take_away(path: str, gone: str) -> None:
    try:
        os.rename(path, gone)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        # In a lower layer of an overlay file system. Without this file half of it is not taken for a base.
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(path, _CONFIGURATION))
        remove_tree(path)


def site_packages(path: str) -> str:
    """The C(lib/pythonX.Y/site-packages) of a virtualenv.

    :raises VirtualenvError: when there is none.
    """
    library = os.path.join(path, "lib")
    for name in entries(library):
        if name.startswith("python"):
            return os.path.join(library, name, "site-packages")
    raise VirtualenvError(f"{path} is not a virtualenv: it has no lib/python directory.")


def clone_tree(source: str, target: str, old: str, new: str) -> None:
    """Copy a virtualenv by hard links, which costs next to nothing; files that name their own path become copies.

    Installers replace files by unlinking, so a copy never changes its original.

    :arg old: The path that scripts name now.
    :arg new: The path that they shall name.
    """

    def link(one: str, other: str) -> str:
        try:
            os.link(one, other, follow_symlinks=False)
        except OSError:
            shutil.copy2(one, other, follow_symlinks=False)
        return other

    shutil.copytree(source, target, symlinks=True, copy_function=link)
    retarget(target, old, new)


def retarget(path: str, old: str, new: str) -> None:
    """Make the scripts and path files of a virtualenv name C(new) where they name C(old)."""
    if old == new:
        return
    packages = site_packages(path)
    candidates = [os.path.join(path, _CONFIGURATION)]
    candidates += [os.path.join(path, "bin", name) for name in entries(os.path.join(path, "bin"))]
    candidates += [os.path.join(packages, name) for name in entries(packages) if name.endswith((".pth", ".egg-link"))]
    for candidate in candidates:
        with contextlib.suppress(FileNotFoundError):
            _replace_in(candidate, os.fsencode(old), os.fsencode(new))


def _replace_in(path: str, old: bytes, new: bytes) -> None:
    if os.path.islink(path) or not os.path.isfile(path) or os.path.getsize(path) > _LARGEST_SCRIPT:
        return
    with open(path, "rb") as stream:
        content = stream.read()
    if old in content and b"\0" not in content:
        write_atomically(path, content.replace(old, new), mode=os.stat(path).st_mode & 0o777)
