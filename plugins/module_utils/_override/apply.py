# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Apply: the only writer. The override file is changed, and StackStorm told; when it refuses, both are as before."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._change.records import overrides_digest
from .._errors import ApplyError, St2Error
from .._files import sync_directory, write_atomically
from .._st2.registration import Registrar
from .observe import Records
from .plan import Plan
from .verify import verify

_MODE = 0o644
_DIRECTORY_MODE = 0o755
# In the record while a registration is going on: equal to no digest, so that whoever comes after a kill registers.
_PENDING = "pending"


def apply(plan: Plan, registrar: Registrar, records: Records) -> None:
    """Carry out a plan, and read back that it is.

    :raises St2Error: when something was refused or is not as planned; file and database are as before then, or the
        message says what is not.
    """
    change = _FileChange(plan)
    told = False
    try:
        for pack in plan.registers:
            records.write(pack.ref, {"overrides": _PENDING})
        change.carry_out()
        if plan.registers:
            told = True
            registrar.register(plan.registers, plan.types)
        verify(plan, registrar)
    except St2Error as error:
        error.message += _put_back(plan, registrar, change, told)
        raise
    except BaseException:
        change.undo()
        raise
    _remember(plan, registrar, records)


def _remember(plan: Plan, registrar: Registrar, records: Records) -> None:
    registered = {pack.ref for pack in plan.registers}
    for ref in plan.agreeing:
        values = {"overrides": overrides_digest(os.path.dirname(plan.path), ref)}
        records.write(ref, {**values, "by": registrar.by} if ref in registered else values)


def _put_back(plan: Plan, registrar: Registrar, change: _FileChange, told: bool) -> str:
    """Undo a change; return what is to be said of it, after the error."""
    if not change.made:
        return ""
    try:
        change.undo()
    except OSError as error:
        return f" {plan.path} could not be put back as it was: {error.strerror}."
    said = f" {plan.path} was put back as it was"
    if not told:
        return f"{said}."
    refused = []
    for pack in plan.registers:  # One by one: that one is refused again must not keep the others from it.
        try:
            registrar.register([pack], plan.types)
        except St2Error as error:
            refused.append(f"{pack.ref}: {error.message}")
    if refused:
        return f"{said}, but what StackStorm has of these packs may be old and new: {' '.join(refused)}"
    return f"{said}, and registered again."


class _FileChange:
    """The change of one override file, which can be undone."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._directory = os.path.dirname(plan.path)
        self._made_directory = False
        self._before: t.Optional[os.stat_result] = None
        self._link: t.Optional[str] = None
        self.made = False

    def carry_out(self) -> None:
        """Write or remove the file, where the plan says so.

        :raises ApplyError: when this account may not, or the disk is full; the file is what it was then.
        """
        if not self._plan.writes:
            return
        try:
            with contextlib.suppress(FileNotFoundError):
                self._before = os.lstat(self._plan.path)
            if os.path.islink(self._plan.path):
                self._link = os.readlink(self._plan.path)
            self.made = True
            if self._plan.after is None:
                os.unlink(self._plan.path)
                sync_directory(self._directory)
            else:
                self._make_directory()
                write_atomically(self._plan.path, self._plan.after, mode=_MODE)
                self._own()
        except OSError as error:
            what = "removed" if self._plan.after is None else "written"
            raise ApplyError(
                f"{self._plan.path} cannot be {what}: {error.strerror}. Run as an account that may write there "
                "(become)."
            ) from error

    def undo(self) -> None:
        """Make the file what it was; fine where nothing was changed."""
        if not self.made:
            return
        before = self._plan.before
        if self._link is not None:
            temporary = f"{self._plan.path}.new-{os.urandom(4).hex()}"
            os.symlink(self._link, temporary)
            os.replace(temporary, self._plan.path)
        elif before is not None and self._before is not None:
            write_atomically(self._plan.path, before, mode=self._before.st_mode & 0o7777)
            self._give(self._before.st_uid, self._before.st_gid)
        elif self._before is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self._plan.path)
        if self._made_directory:
            with contextlib.suppress(OSError):
                os.rmdir(self._directory)
        self.made = False

    def _make_directory(self) -> None:
        if os.path.isdir(self._directory):
            return
        above = os.stat(os.path.dirname(self._directory))
        os.mkdir(self._directory, _DIRECTORY_MODE)
        self._made_directory = True
        with contextlib.suppress(PermissionError):
            os.chown(self._directory, above.st_uid, above.st_gid)

    def _own(self) -> None:
        """The owner and group of the file before, else of the directory, as its neighbours have."""
        owner = self._before or os.stat(self._directory)
        self._give(owner.st_uid, owner.st_gid)

    def _give(self, uid: int, gid: int) -> None:
        status = os.stat(self._plan.path)
        if (status.st_uid, status.st_gid) != (uid, gid):
            # Whoever may not give files away has a file that everybody can read, which is all that StackStorm needs.
            with contextlib.suppress(PermissionError):
                os.chown(self._plan.path, uid, gid)
