# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Building virtualenvs aside: a base for all packs is made once, copied, filled, and made fit for its place.

Nothing here touches a virtualenv that StackStorm uses.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import typing as t

from .._change.staging import Staging
from .._content.requirements import builds_of_itself
from .._deadline import Deadline
from .._errors import DeadlineError, St2Error, VirtualenvError
from .._file_changes import remove_tree, sync_trees, write_atomically
from .._layout import VirtualenvsDirectory
from .._own_directory import make_own_directory
from .._process import ProgramError, last_lines, run
from .._secrets import Redactor
from .virtualenv import (
    BASE_REQUIREMENT,
    MARKER,
    REQUIREMENTS,
    Interpreter,
    fingerprint,
    requirements_digest,
)
from .virtualenv_backend import Backend
from .virtualenv_failure import reason
from .virtualenv_paths import clone_tree, compile_command, retarget, site_packages

if t.TYPE_CHECKING:
    from .locked_wheels import Pins

# Named so that it comes last, as st2common/util/virtualenvs.py inject_st2_pth_into_virtualenv does.
_PTH_NAME = "zzzzzzzzzz__st2__.pth"
_PTH = "# StackStorm's own packages, for the actions of this pack.\nimport sys; addsitedir({path!r}, known_paths)\n"
_CONFIGURATION = "pyvenv.cfg"


class VirtualenvBuilder:
    """Makes the virtualenvs of one task.

    :arg environment: For the programs: proxies, certificates, package index; no secret of it reaches argv.
    :ivar warnings: What was done otherwise than was planned, and why.
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
        self._given = environment
        self._redactor = redactor
        self.warnings: t.List[str] = []
        self._by_pip: t.Set[str] = set()

    @property
    def backend(self) -> str:
        """The name of the backend that virtualenvs are made with."""
        return self._backend.name

    def fell_back(self, ref: str) -> bool:
        """Whether pip installed the requirements of a pack, because uv did not."""
        return ref in self._by_pip

    def build(
        self,
        base: str,
        ref: str,
        pack_directory: str,
        staged: str,
        *,
        version: str = "",
        place: str = "",
        pins: t.Optional[Pins] = None,
    ) -> None:
        """Make the virtualenv of one pack at C(staged), ready to be renamed to its place.

        :arg base: What L(ensure_base) returned.
        :arg pack_directory: The pack whose requirements it gets.
        :arg version: Of that pack, for messages.
        :arg place: Where the pack will be.
        :arg pins: What it gets by a lock instead of what its requirements say.
        :raises VirtualenvError: when the requirements cannot be installed; C(staged) is debris then.
        :raises DeadlineError: when the task's time is over.
        """
        live, label = self._directory.virtualenv(ref), f"{ref} {version}" if version else ref
        requirements, lines = requirements_digest(pack_directory), pins.lines if pins else ()
        source = pack_directory
        if requirements and not lines and builds_of_itself(pack_directory):
            # Whoever builds a package leaves files beside it, and the pack shall stay what it is.
            source = f"{staged}.pack"
            shutil.copytree(pack_directory, source, symlinks=True)
        clone_tree(base, staged, base, staged)
        if lines:
            self._install(base, ref, label, staged, lambda backend: self._fill_by_lock(backend, lines, staged))
        elif requirements:
            self._install(base, ref, label, staged, lambda backend: self._fill(backend, source, staged))
        retarget(staged, {staged: live, source: place or pack_directory})
        if self._backend.installer == "pip" or self.fell_back(ref):
            self._compile(staged)
        if source != pack_directory:
            remove_tree(source)
        inputs = self._backend.settings.inputs(self._interpreter.version, requirements)
        marker = marker_document(inputs, self._interpreter.signature, pins.digest if pins else "")
        write_atomically(os.path.join(staged, MARKER), marker)

    def _install(self, base: str, ref: str, label: str, staged: str, fill: t.Callable[[Backend], None]) -> None:
        """Install what C(fill) installs, by pip where uv refuses."""
        backend = self._backend
        try:
            fill(backend)
        except ProgramError as error:
            if backend.installer == "pip" or backend.otherwise is None:
                raise _refused(label, ref, backend, error) from error
            refusal = _said(error)
            backend = backend.otherwise
            remove_tree(staged)
            clone_tree(base, staged, base, staged)
            try:
                fill(backend)
            except ProgramError as further:
                raise _refused(label, ref, backend, further) from further
            self._by_pip.add(ref)
            self.warnings.append(
                f"uv does not install the requirements of {label} ({refusal}), so pip did, which installs them as "
                "StackStorm does. virtualenv_backend=venv takes pip at once."
            )
        try:
            self._prove(backend, staged)
        except ProgramError as error:
            raise VirtualenvError(
                f"The requirements of {label} break six, which StackStorm needs in each virtualenv: {_said(error)}.",
                stderr=error.stderr,
                ref=ref,
            ) from error

    def _fill(self, backend: Backend, source: str, staged: str) -> None:
        # Relative paths in a requirements file are the pack's.
        what = ("--upgrade", "-r", os.path.join(source, REQUIREMENTS))
        self._run(backend, backend.install(staged, *what), cwd=source)

    def _fill_by_lock(self, backend: Backend, lines: t.Sequence[str], staged: str) -> None:
        """Exactly what is locked: also what the base has already, which nobody has compared with any digest."""
        path = f"{staged}.txt"
        write_atomically(path, "".join(f"{line}\n" for line in lines).encode())
        what = ("--require-hashes", "--no-deps", *backend.reinstall, "-r", path)
        backend = backend.by_digests()
        self._run(backend, backend.install(staged, *what))

    def ensure_base(self) -> str:
        """The virtualenv that all packs start from: interpreter, six, pip and the way to StackStorm's packages.

        Kept for later runs; made anew when the interpreter or the options change.

        :returns: Its path.
        :raises VirtualenvError: when it cannot be made.
        :raises DeadlineError: when the task's time is over.
        """
        while True:
            try:
                return self._base()
            except VirtualenvError as error:
                if self._backend.otherwise is None:
                    raise
                self.warnings.append(
                    f"{self._backend.name} cannot create virtualenvs here, so {self._backend.otherwise.name} is used: "
                    f"{error.message}"
                )
                self._backend = self._backend.otherwise

    def _base(self) -> str:
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
        backend = self._backend
        try:
            self._run(backend, backend.create(making))
            self._run(backend, backend.install(making, BASE_REQUIREMENT))
            self._ensure_pip(making)
            self._prove(backend, making)
        except DeadlineError:
            raise
        except St2Error as error:
            said = _said(error) if isinstance(error, ProgramError) else error.message.rstrip(".")
            raise VirtualenvError(
                f"A virtualenv cannot be created with {backend.name}: {said}.", stderr=error.stderr
            ) from error
        self._add_path(making)
        retarget(making, {making: path})
        if backend.installer == "pip":
            self._compile(making)

    def _ensure_pip(self, path: str) -> None:
        # StackStorm's own packs.update_virtualenv and st2ctl call bin/pip of an existing virtualenv.
        if os.path.exists(os.path.join(path, "bin", "pip")):
            return
        try:
            self._run(self._backend, self._backend.install(path, "pip"))
        except St2Error:
            python = os.path.join(path, "bin", "python")
            self._run(self._backend, [python, "-Im", "ensurepip", "--upgrade", "--default-pip"])

    def _add_path(self, path: str) -> None:
        added = self._backend.settings.st2_site_packages
        if added:
            content = _PTH.format(path=added).encode()
            write_atomically(os.path.join(site_packages(path), _PTH_NAME), content)

    def _prove(self, backend: Backend, path: str) -> None:
        self._run(backend, [os.path.join(path, "bin", "python"), "-c", "import six"])

    def _compile(self, path: str) -> None:
        # What cannot be compiled, such as a template, is nothing to fail for.
        with contextlib.suppress(ProgramError):
            self._run(self._backend, compile_command(path))

    def _run(self, backend: Backend, argv: t.Sequence[str], cwd: t.Optional[str] = None) -> None:
        # Bytecode of what runs meanwhile would name the place where that is.
        environment = {**self._given, **backend.variables, "PYTHONDONTWRITEBYTECODE": "1"}
        environment.pop("PYTHONPATH", None)
        run(argv, deadline=self._deadline, environment=environment, redactor=self._redactor, cwd=cwd or "/")


def marker_document(inputs: t.Mapping[str, t.Any], signature: t.Tuple[int, int], locked: str = "") -> bytes:
    """The marker file that goes into a finished virtualenv.

    :arg locked: As in L(Virtualenv).
    """
    document = {"fingerprint": fingerprint(inputs), "inputs": inputs, "signature": list(signature)}
    if locked:
        document["locked"] = locked
    return (json.dumps(document, indent=1, sort_keys=True) + "\n").encode()


def _refused(label: str, ref: str, backend: Backend, error: ProgramError) -> VirtualenvError:
    clause = _said(error)
    return VirtualenvError(
        f"The requirements of {label} cannot be installed: {clause} (said {backend.installer}).",
        stderr=error.stderr or last_lines(error.completed.stdout),
        ref=ref,
    )


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


def _said(error: ProgramError) -> str:
    return reason(error.completed.stderr, error.completed.stdout, error.completed.returncode)
