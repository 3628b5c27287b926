# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The overrides of one pack, or of all, on their way through observe, plan, change and verify."""

from __future__ import annotations

import os
import stat
import typing as t

from .._change.database import Database
from .._change.journal import Move
from .._change.planner import Staged
from .._change.session import View
from .._change.staging import Staging
from .._content.installed import Installation
from .._content.obstacle import require_own_place
from .._errors import ApplyError
from .._file_changes import write_atomically
from .document import GLOBAL, KINDS
from .observe import Observed, installed_packs, is_outdated, recorded_overrides, view
from .options import Options
from .override_file import OverrideFile, read_override_file, unread_warning
from .plan import Plan, make_plan, scope
from .verify import verify_database, verify_file

_MODE = 0o644
_DIRECTORY_MODE = 0o755


class OverridePlanner:
    """Plans and prepares what a task asks of one override file.

    :arg installation: The packs, as they are or will be.
    :arg registered: Whether the whole pack is registered by the same task anyway.
    """

    def __init__(
        self,
        host_view: View,
        database: Database,
        options: Options,
        installation: Installation,
        *,
        registered: bool = False,
    ) -> None:
        self.warnings: t.List[str] = []
        self._view = host_view
        self._database = database
        self._options = options
        self._installation = installation
        self._registered = registered

    def make(self) -> Plan:
        """The plan.

        :raises OptionError: for names that the pack does not have.
        :raises HostError: for a file that others broke, which is left alone.
        :raises RegistrationError: when the database does not answer.
        """
        plan = make_plan(self._options, self._observe())
        if plan.writes:
            require_own_place(plan.path, self._view.now(plan.path), "overrides", plan.pack)
        unread = unread_warning(self._view.host.st2_version) if plan.after is not None else []
        self.warnings = [*unread, *plan.warnings]
        return plan

    def _observe(self) -> Observed:
        directory, now = self._view.host.overrides_path, self._view.now
        target = read_override_file(directory, self._options.pack, now)
        for_all = target if self._options.for_all else read_override_file(directory, GLOBAL, now)
        kinds = self._kinds(target, for_all)
        packs = installed_packs(self._installation, None if self._options.for_all else self._options.pack)
        if self._options.for_all:
            self._database.expect(resources=[pack.ref for pack in packs])
        views = [
            view(pack, directory, kinds, database=self._database, now=now, registered=self._registered)
            for pack in packs
        ]
        return Observed(target, for_all, tuple(views), self._database.tells)

    def _kinds(self, target: OverrideFile, for_all: OverrideFile) -> t.Sequence[str]:
        """The kinds of resources to look at: no more than the files are about, unless they were about others when
        they were last registered."""
        reads, tells, ref = self._database.registrar.reads, self._database.tells, self._options.pack
        concerned = scope(self._options, target.overrides, bool(target.problems))
        if self._options.for_all:
            return concerned if not tells or (reads and self._knows_the_rest(concerned)) else KINDS
        recorded = self._recorded(ref)
        if not reads or for_all.problems or recorded is False:
            return KINDS
        return [kind for kind in KINDS if kind in concerned or for_all.overrides.of(kind)]

    def _knows_the_rest(self, concerned: t.Sequence[str]) -> bool:
        """Whether the override files of all packs were last registered as they are. Packs that nobody registered as
        they are only matter where there is nothing else to look at."""
        packs = [pack for pack in self._installation.all() if not pack.is_system]
        found = {self._recorded(pack.ref) for pack in packs}
        if False in found or concerned:
            return False not in found
        return None not in found and not any(is_outdated(self._database, pack, KINDS) for pack in packs)

    def _recorded(self, ref: str) -> t.Optional[bool]:
        return recorded_overrides(self._database, ref, self._view.host.overrides_path, self._view.now)

    def stage(self, plan: Plan) -> Staged:
        """Prepare the file aside.

        :raises ApplyError: when it cannot be written.
        """
        if not plan.writes:
            return Staged(telling=plan.telling)
        name = os.path.basename(plan.path)
        try:
            self._make_directory(os.path.dirname(plan.path))
            staging = Staging.beside(plan.path)
            kept = self._view.staging.path(staging, "old", name)
            staged = None
            if plan.after is not None:
                staged = self._view.staging.path(staging, "overrides", name)
                write_atomically(staged, plan.after, mode=_mode_of(plan.path))
                _own_as(staged, plan.path)
        except OSError as error:
            what = "removed" if plan.after is None else "written"
            raise ApplyError(
                f"{plan.path} cannot be {what}: {error.strerror}. Run as an account that may write there (become).",
                ref=plan.pack,
            ) from error
        return Staged([Move(plan.pack, "overrides", plan.path, staged, kept)], (), plan.telling)

    @staticmethod
    def _make_directory(directory: str) -> None:
        """StackStorm's package makes it, and does without it where it is not."""
        if not os.path.isdir(directory):
            above = os.stat(os.path.dirname(directory))
            os.mkdir(directory, _DIRECTORY_MODE)
            _give(directory, above.st_uid, above.st_gid)

    @staticmethod
    def verify(plan: Plan) -> None:
        """Compare the file with the plan.

        :raises VerifyError: when it is another.
        """
        if plan.writes:
            verify_file(plan)

    def verify_database(self, plan: Plan) -> None:
        """Compare the database with the plan.

        :raises VerifyError: naming every difference.
        """
        verify_database(plan, self._database.registrar)


def _mode_of(place: str) -> int:
    """The mode of the file that is there, for the one that takes its place."""
    try:
        mode = os.lstat(place).st_mode
    except OSError:
        return _MODE
    return stat.S_IMODE(mode) if stat.S_ISREG(mode) else _MODE


def _own_as(path: str, place: str) -> None:
    """Give a new file the owner and group of the one whose place it takes, else those of the directory."""
    try:
        like = os.lstat(place)
    except FileNotFoundError:
        like = os.stat(os.path.dirname(place))
    _give(path, like.st_uid, like.st_gid)


def _give(path: str, uid: int, gid: int) -> None:
    status = os.lstat(path)
    if (status.st_uid, status.st_gid) != (uid, gid):
        # Whoever may not give files away has a file that everybody can read, which is all that StackStorm needs.
        try:
            os.lchown(path, uid, gid)
        except PermissionError:
            pass
