# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The database's side of one run: what StackStorm knows of the packs, what it is told, and how that is put back.

Files and database cannot change in one step. So the record of what was registered is taken away before StackStorm is
told anything, and written when all is done: whatever ends a run in between, the next one sees that it has to tell.
"""

from __future__ import annotations

import contextlib
import json
import os
import typing as t

from .._change.own_places import OwnPlaces
from .._change.records import RegisteredRecords
from .._content.installed import Installation, InstalledPack
from .._content.receipt import stamp
from .._errors import ForbiddenError, RegistrationError, St2Error
from .._own_directory import make_own_directory, open_own_directory
from .._process import Deadline
from .._st2.registration import PackFiles, Registered, Registrar, Resource
from .._st2.registration_options import registration_options_from
from .._task import Task
from .plan import Known, PackPlan, Plan

# In place of the identity of what was registered, while StackStorm is told of another.
_UNDER_WAY = "under way"
# Names the packs that StackStorm is being told of.
_MARKER = ".under-way.json"
_MOST_BYTES = 1 << 20
# Seconds to put the database back, when the time of the run is over.
_GRACE = 60.0
# What there is of a pack in the database and can be looked up there.
_KINDS = ("sensors", "actions", "rules", "aliases", "policies", "triggers")


class Database:
    """What StackStorm knows of the packs of one run.

    :arg choose: Gives the registrar for a deadline, and warnings about the choice; asked when it is first needed.
    :arg deadline: Of the run. What has to be put back after it gets some time of its own.
    :arg records: What was last registered, by the host's own account.
    :arg types: What is registered of a pack; everything when empty.
    :arg prune: Whether to look for resources whose file is gone.
    """

    def __init__(
        self,
        choose: t.Callable[[Deadline], t.Tuple[Registrar, t.Sequence[str]]],
        deadline: Deadline,
        records: RegisteredRecords,
        *,
        types: t.Sequence[str] = (),
        fail_on_failure: bool = True,
        prune: bool = False,
    ) -> None:
        self.warnings: t.List[str] = []
        self.registered = Registered()
        self._choose = choose
        self._deadline = deadline
        self._records = records
        self._types = tuple(types)
        self._fail_on_failure = fail_on_failure
        self._prune = prune
        self._chosen: t.Optional[Registrar] = None
        self._versions: t.Dict[str, t.Optional[str]] = {}
        self._touched: t.List[str] = []
        self.astray: t.FrozenSet[str] = frozenset()

    @property
    def registrar(self) -> Registrar:
        """The adapter that this run uses."""
        if self._chosen is None:
            self._chosen, warnings = self._choose(self._deadline)
            self.warnings += warnings
        return self._chosen

    def close(self) -> None:
        """Let go of connections."""
        if self._chosen is not None:
            self._chosen.close()

    def summary(self) -> t.Dict[str, t.Any]:
        """What StackStorm was told, in its own counts."""
        return {
            "by": self._chosen.name if self._chosen else None,
            "counts": dict(self.registered.counts),
            "overridden": dict(self.registered.overridden),
        }

    def look(self, refs: t.Iterable[str]) -> None:
        """Ask once for the versions of many packs, before L(known) is asked for each."""
        wanted = [ref for ref in refs if ref not in self._versions]
        if wanted and self.registrar.reads:
            found = self.registrar.versions(wanted)
            self._versions.update({ref: found.get(ref) for ref in wanted})

    def known(self, ref: str, installed: t.Optional[InstalledPack], location: str = "") -> Known:
        """What is known of a pack.

        :arg installed: The pack as it is on disk.
        :arg location: The directory with the files that the pack will have, to find what is left of earlier ones.
        """
        if self.registrar.name == "none":
            return Known()
        self.look([ref])
        recorded = self._records.read(ref).get("pack")
        has = self._versions.get(ref)
        if self.registrar.reads:
            # Nothing recorded: something else registered it, and in this version.
            same = installed and has == (installed.version or "") and recorded in (None, identity_of(installed))
            current = bool(same) if installed else has is None
            present: t.Optional[bool] = has is not None
        else:
            current = recorded == identity_of(installed) if installed else recorded is None
            present = None if recorded is None else True
        surplus = tuple(self._surplus(ref, location)) if self._prune and location and has is not None else ()
        return Known(True, current, present, self.registrar.unloads, has or "", surplus)

    def _surplus(self, ref: str, location: str) -> t.Iterator[Resource]:
        if not self.registrar.reads:
            return
        for resource in self.registrar.resources(ref, _KINDS):
            # A sensor cannot be deleted, only switched off: one that is off is done with.
            done = resource.kind == "sensors" and resource.enabled is False
            gone = not os.path.lexists(os.path.join(location, resource.metadata_file))
            if resource.metadata_file and gone and not done:
                yield resource

    def unload(self, plan: Plan) -> None:
        """Take what goes out of the database, before its files go.

        :raises RegistrationError: when StackStorm did not; L(put_back) then restores what it may have begun.
        """
        refs = [pack.ref for pack in plan.packs if pack.registration == "unload"]
        if refs:
            with self._telling(refs):
                self.registrar.unload(refs)
                self._check(dict.fromkeys(refs, ""))

    def register(self, plan: Plan, installation: Installation) -> None:
        """Tell the database of what is new, once for all packs.

        :arg installation: The packs as they are now.
        :raises RegistrationError: when StackStorm refused, or has not got what it was told; see L(put_back).
        """
        packs = [pack for pack in plan.packs if pack.registration == "register"]
        if packs:
            with self._telling([pack.ref for pack in packs]):
                self.registered = self._tell([installation.get(pack.ref) for pack in packs])
                self._check({pack.ref: pack.after.version for pack in packs if pack.after})

    def _tell(self, packs: t.Sequence[t.Optional[InstalledPack]]) -> Registered:
        files = [PackFiles(pack.ref, pack.path) for pack in packs if pack]
        return self.registrar.register(files, self._types, fail_on_failure=self._fail_on_failure)

    @contextlib.contextmanager
    def _telling(self, refs: t.Sequence[str]) -> t.Iterator[None]:
        before = {ref: self._records.read(ref).get("pack", "") for ref in refs}
        for ref in refs:
            self._records.write(ref, {"pack": _UNDER_WAY})
        self._touched += refs
        with make_own_directory(self._records.directory) as directory:
            directory.write(_MARKER, json.dumps(sorted(self._touched)).encode())
        try:
            yield
        except ForbiddenError:
            # What an account may not do, StackStorm has not begun.
            for ref, recorded in before.items():
                self._records.write(ref, {"pack": recorded})
            self._touched = []
            self._settle()
            raise

    def _check(self, wanted: t.Mapping[str, str]) -> None:
        """Read back what StackStorm has now; an empty version is a pack that it must not have."""
        if not self.registrar.reads:
            return
        found = self.registrar.versions(list(wanted))
        for ref, version in wanted.items():
            has = found.get(ref, "")
            if has != version:
                told = f"to register {ref} {version}" if version else f"to unload {ref}"
                raise RegistrationError(
                    f"StackStorm was told {told} and reported success, but its database has "
                    f"{f'version {has}' if has else 'no such pack'}. Look at the log of st2api.",
                    ref=ref,
                )

    def commit(self, plan: Plan, installation: Installation) -> None:
        """Record what StackStorm has now. Comes when files and database agree and stay."""
        for pack in plan.packs:
            installed = installation.get(pack.ref) if pack.ref else None
            if pack.registration in ("unload", "current") and not installed and pack.changed:
                self._records.forget(pack.ref)
            elif installed and self._learned(pack):
                self._record(installed)
        if self._touched:
            self._settle()

    def _learned(self, pack: PackPlan) -> bool:
        """Whether this run knows more of a pack in the database than the record says."""
        if pack.registration == "current":
            return self._records.read(pack.ref).get("pack") is None
        return pack.registration == "register"

    def _record(self, pack: InstalledPack) -> None:
        self._records.write(pack.ref, {"pack": identity_of(pack), "by": self.registrar.by})

    def put_back(self, installation: Installation) -> str:
        """Make the database what the files are again, after they were put back.

        :arg installation: The packs as they are now.
        :returns: A sentence (after a blank) about what could not be put back; empty when all could.
        """
        if not self._touched:
            return ""
        problem = self._ask_anew() or self.heal(self._touched, installation)
        if not problem:
            self._settle()
            return self._remains(installation)
        self.astray = frozenset(self._touched)
        return f" StackStorm's database could not be put back, which the next run does: {problem}"

    def _remains(self, installation: Installation) -> str:
        gone = [ref for ref in dict.fromkeys(self._touched) if not installation.get(ref)]
        if not gone or self.registrar.unloads:
            return ""
        return (
            f" StackStorm's database may keep what it had taken of {', '.join(gone)}, as st2-register-content takes "
            "nothing out of it."
        )

    def _ask_anew(self) -> str:
        """Get the registrar again, with time of its own; return why that failed, empty when it did not."""
        before = self.registrar
        try:
            found, _warnings = self._choose(Deadline(min(_GRACE, self._deadline.seconds)))
        except St2Error as error:
            return error.message
        if found.name != before.name:
            return "its API does not answer any more."
        self._chosen = found
        return ""

    def heal(self, refs: t.Sequence[str], installation: Installation) -> str:
        """Make the database agree with the files of some packs, whatever it has of them.

        :returns: Why that failed, empty when it did not.
        """
        if not refs or self.registrar.name == "none":
            return ""
        present = [pack for pack in map(installation.get, dict.fromkeys(refs)) if pack]
        gone = [ref for ref in dict.fromkeys(refs) if not installation.get(ref)]
        try:
            if present:
                self._tell(present)
                for pack in present:
                    self._record(pack)
            if gone and self.registrar.unloads:
                self.registrar.unload(gone)
                for ref in gone:
                    self._records.forget(ref)
        except St2Error as error:
            return error.message
        return ""

    def interrupted(self) -> t.Tuple[str, ...]:
        """The refs that an interrupted run was telling StackStorm of, sorted; none when nobody is told anyway."""
        try:
            directory = open_own_directory(self._records.directory)
            if directory is None:
                return ()
            with directory:
                refs = tuple(json.loads(directory.read(_MARKER, _MOST_BYTES)))
        except (OSError, ValueError):
            return ()
        return () if self.registrar.name == "none" else refs

    def mend(self, refs: t.Sequence[str], installation: Installation) -> str:
        """Tell StackStorm of packs that an interrupted run was telling it of, as they are now.

        :arg refs: Those of L(interrupted) that this run has not dealt with.
        :returns: Why that failed, empty when it did not.
        """
        problem = self.heal(refs, installation)
        if not problem:
            self._settle()
        return problem

    def _settle(self) -> None:
        with make_own_directory(self._records.directory) as directory:
            directory.remove(_MARKER)

    def delete_surplus(self, packs: t.Sequence[PackPlan]) -> None:
        """Take resources whose file is gone out of the database. This cannot be undone, and so comes last.

        :raises RegistrationError: naming the pack; what was deleted before stays so.
        """
        for pack in packs:
            for resource in pack.surplus:
                try:
                    self.registrar.delete(resource)
                except RegistrationError as error:
                    error.ref = pack.ref
                    raise


def open_database(task: Task, deadline: Deadline, **how: t.Any) -> Database:
    """What StackStorm knows, by the registration options of a task; nobody is asked yet.

    :arg how: As L(Database) takes it.
    """
    for secret in registration_options_from(task.params).secrets():
        task.redactor.add(secret)

    def choose(until: Deadline) -> t.Tuple[Registrar, t.Sequence[str]]:
        from .._st2.choose_registrar import registrar_for

        return registrar_for(task, until)

    return Database(choose, deadline, RegisteredRecords(OwnPlaces(task.host).state), **how)


def identity_of(pack: InstalledPack) -> str:
    """By what a pack's content is told from another: its commit, its digest, or size and time of its C(pack.yaml)."""
    digest = pack.receipt.digest if pack.receipt else ""
    if pack.commit or digest:
        return pack.commit or digest
    try:
        size, time = stamp(pack.location)
    except OSError:
        return "unknown"
    return f"{size} {time}"
