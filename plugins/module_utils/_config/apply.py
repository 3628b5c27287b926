# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Apply: the only room that writes. The file first, then the database; when that fails, the file is put back."""

from __future__ import annotations

import contextlib
import os
import time
import typing as t
from dataclasses import dataclass, field

from .._change.records import RegisteredRecords
from .._errors import ApplyError, ConfigError, St2Error
from .._files import TEMPORARY_PREFIX, write_atomically
from .._st2.registration import PackFiles, Registered, Registrar
from .._yaml_text import block
from .document import ConfigFile
from .options import Attributes
from .plan import ConfigPlan

_TYPE = ("config",)
_RECORDED = ("pack", "overrides", "by")


@dataclass
class Applied:
    """What was done, and how to undo it.

    :arg backup: The copy of the old file, when one was asked for.
    :arg registered: StackStorm's counts.
    :arg stuck: Whether something was changed and could not be put back.
    """

    backup: t.Optional[str] = None
    registered: Registered = field(default_factory=Registered)
    stuck: bool = False


class Applier:
    """Carries out one plan.

    :arg pack: The pack on this host; C(None) when it is not here.
    """

    def __init__(
        self,
        plan: ConfigPlan,
        pack: t.Optional[PackFiles],
        registrar: Registrar,
        records: RegisteredRecords,
        *,
        backup: bool = False,
    ) -> None:
        self._plan = plan
        self._pack = pack
        self._registrar = registrar
        self._records = records
        self._backup = backup
        self._path = plan.before.path
        self._told = False
        self.applied = Applied()

    def apply(self) -> Applied:
        """Do it, all or nothing.

        :raises St2Error: with the file as it was, which the message says.
        """
        self._clean()
        try:
            self._apply()
        except BaseException as error:
            self.undo(error if isinstance(error, St2Error) else None)
            raise
        return self.applied

    def undo(self, error: t.Optional[St2Error] = None) -> None:
        """Put the file back, and tell the database again where it had been told; say so in an error's message."""
        if self._plan.action == "none" and not self._plan.clear:
            return
        try:
            put_back(self._plan.before)
        except OSError as problem:
            self.applied.stuck = True
            if error:
                error.message += f" The file {self._path} could not be put back: {problem.strerror}."
            return
        if error:
            error.message += f" The file {self._path} is as it was."
        if self._told and self._pack and self._plan.before.exists:
            with contextlib.suppress(St2Error):
                self._registrar.register([self._pack], _TYPE)

    def _apply(self) -> None:
        plan = self._plan
        with _about(self._path):
            if self._backup and plan.before.content and plan.action in ("change", "remove"):
                self.applied.backup = back_up(plan.before)
            if plan.clear == "empty":
                self._write(block({}).encode(), plan.attributes)
            elif plan.action in ("create", "change"):
                self._write(plan.content, plan.attributes)
            elif plan.action == "attributes":
                set_attributes(plan.before, plan.attributes)
        if plan.clear == "unload":
            self._remove()
            self._unload()
        elif plan.register or plan.clear == "empty":
            self._register(_TYPE)
        if plan.clear == "empty" or plan.action == "remove":
            self._remove()
        self._record()

    def _write(self, content: bytes, attributes: Attributes) -> None:
        write_atomically(self._path, content, mode=attributes.mode, uid=attributes.uid, gid=attributes.gid)

    def _remove(self) -> None:
        with _about(self._path), contextlib.suppress(FileNotFoundError):
            os.unlink(self._path)

    def _register(self, types: t.Sequence[str]) -> None:
        if self._pack is None:
            return
        self._forget()
        self.applied.registered = self._registrar.register([self._pack], types)
        self._told = True

    def _unload(self) -> None:
        """Take the whole pack out of the database and register it again: a config alone cannot be taken out."""
        known = self._records.read(self._plan.ref)
        self._records.forget(self._plan.ref)
        self._registrar.unload([self._plan.ref])
        self._told = True
        if self._pack is not None:
            self.applied.registered = self._registrar.register([self._pack])
            self._records.write(self._plan.ref, {key: known[key] for key in _RECORDED if key in known})

    def _forget(self) -> None:
        """Nobody knows what the database has until it has answered; of another database, nothing holds any more."""
        ref = self._plan.ref
        keys = ("config",) if self._records.read(ref).get("by", "") == self._registrar.by else ()
        self._records.forget(ref, keys)

    def _record(self) -> None:
        plan = self._plan
        if self._told and not plan.clear and self._registrar.by:
            digest = self._records.config_digest(self._path)
            self._records.write(plan.ref, {"config": digest, "by": self._registrar.by})

    def _clean(self) -> None:
        """Remove what a killed run was writing. Nobody else writes such names, and this run has the host's lock."""
        directory = os.path.dirname(self._path)
        for name in os.listdir(directory):
            if name.startswith(TEMPORARY_PREFIX):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(directory, name))


def put_back(file: ConfigFile) -> None:
    """Let a file be as it was when it was read.

    :raises OSError: when that cannot be done.
    """
    if not file.exists:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(file.path)
    elif file.link is not None:
        if not os.path.islink(file.path):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(file.path)
            os.symlink(file.link, file.path)
    else:
        write_atomically(file.path, file.content, mode=file.mode, uid=file.uid, gid=file.gid)


def back_up(file: ConfigFile) -> str:
    """Keep a copy of a file beside it, for its owner alone, and return its path. StackStorm does not look at it."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime())
    path = f"{file.path}.{os.getpid()}.{stamp}~"
    write_atomically(path, file.content, mode=0o600, uid=file.uid, gid=file.gid)
    return path


def set_attributes(file: ConfigFile, wanted: Attributes) -> None:
    """Change owner, group and mode of a file, and nothing of a file that has taken its place.

    :raises OSError: when that cannot be done.
    """
    descriptor = os.open(file.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if (wanted.uid, wanted.gid) != (file.uid, file.gid):
            os.fchown(descriptor, wanted.uid, wanted.gid)
        os.fchmod(descriptor, wanted.mode)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _about(path: str) -> t.Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise ApplyError(
            f"This account may not change {path}, or give it to another owner or group: {error.strerror}. Run with "
            "become, or set owner and group to this account's."
        ) from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be changed: {error.strerror}.", step="apply") from error
