# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""StackStorm's database in one run: what it has, what it is told, and how that is put back.

Files and database cannot change in one step. The journal names what StackStorm is being told of, and the record of it
is void until all is done: whatever ends a run in between, the next one sees that it has to tell.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._content.installed import InstalledPack
from .._deadline import Deadline
from .._errors import ForbiddenError, RegistrationError, St2Error
from .._st2.registration import TYPES, PackFiles, Registered, Registrar, Resource
from .._st2.registration_options import registration_options_from
from .._st2.undo import Snapshot, take_snapshot, undo
from .._task import Task
from .on_disk import OnDisk, identity_of
from .own_places import OwnPlaces
from .records import NO_CONFIG, PARTS, Record, Records, Told
from .telling import (
    ABSENT,
    CURRENT,
    OVERRIDDEN_TYPES,
    STALE,
    UNKNOWN,
    KnownConfig,
    KnownPack,
    Registration,
    Telling,
    both,
)

# Seconds to put the database back, when the time of the run is over.
_GRACE = 60.0
# What there is of a pack in the database and can be looked up there.
_KINDS = ("sensors", "actions", "rules", "aliases", "policies", "triggers")
Choose = t.Callable[[Deadline], t.Tuple[Registrar, t.Sequence[str]]]


class Database:
    """What StackStorm knows, and is told, in one run.

    :arg choose: Gives the registrar for a deadline, and warnings about the choice; asked when it is first needed.
    :arg deadline: Of the run. What has to be put back after it gets some time of its own.
    :arg types: What this task registers of a pack; everything when empty.
    :arg fail_on_failure: Whether a resource that cannot be registered is an error.
    :arg prune: Whether to look for resources whose file is gone.
    """

    def __init__(
        self,
        choose: Choose,
        deadline: Deadline,
        records: Records,
        *,
        types: t.Sequence[str] = (),
        fail_on_failure: bool = True,
        prune: bool = False,
    ) -> None:
        self.warnings: t.List[str] = []
        self.registered = Registered()
        self.records = records
        self.types = tuple(types)
        self.astray: t.FrozenSet[str] = frozenset()
        self._choose = choose
        self._deadline = deadline
        self._lenient = not fail_on_failure
        self._prune = prune
        self._chosen: t.Optional[Registrar] = None
        self._versions: t.Dict[str, t.Optional[str]] = {}
        self._before: t.Dict[str, Record] = {}
        self._begun = False
        self._snapshot = Snapshot()
        self._remains = ""
        self._healed: t.Mapping[str, t.Sequence[str]] = {}

    @property
    def registrar(self) -> Registrar:
        """The adapter that this run uses."""
        if self._chosen is None:
            self._chosen, warnings = self._choose(self._deadline)
            self.warnings += warnings
        return self._chosen

    @property
    def tells(self) -> bool:
        """Whether StackStorm is told of changes at all."""
        return self.registrar.name != "none"

    def close(self) -> None:
        """Let go of connections."""
        if self._chosen is not None:
            self._chosen.close()

    def summary(self) -> t.Dict[str, t.Any]:
        """What StackStorm was told, in its own counts."""
        return {
            "by": self._chosen.name if self._chosen else None,
            "counts": dict(self.registered.counts),
            "overridden": None if self.registered.overridden is None else dict(self.registered.overridden),
        }

    # What it has

    def look(self, refs: t.Iterable[str]) -> None:
        """Ask once for the versions of many packs, before L(pack) is asked for each."""
        wanted = [ref for ref in refs if ref not in self._versions]
        if wanted and self.registrar.reads:
            found = self.registrar.versions(wanted)
            self._versions.update({ref: found.get(ref) for ref in wanted})

    def look_again(self, refs: t.Iterable[str]) -> None:
        """As L(look), also for packs that were asked for before."""
        for ref in tuple(refs):
            self._versions.pop(ref, None)
        self.look(refs)

    def pack(self, ref: str, installed: t.Optional[InstalledPack], location: str = "") -> KnownPack:
        """What is known of a pack.

        :arg installed: The pack as it is on disk.
        :arg location: The directory with the files that the pack will have, to find what is left of earlier ones.
        """
        if not self.tells:
            return KnownPack()
        self.look([ref])
        if self.healed(ref) == TYPES:
            state = CURRENT if installed else ABSENT
            return KnownPack(True, state, True, self._becomes, self.registrar.unloads)
        told = self.records.read(ref).get("pack")
        identity = identity_of(installed) if installed else ""
        version = self._versions.get(ref)
        if self.registrar.reads:
            state = self._read_state(version, installed, told, identity)
        else:
            state = self._recorded_state(told, identity)
        settled = state == (CURRENT if installed else ABSENT) or self._said_so(told, identity, version, installed)
        surplus = tuple(self._surplus(ref, location)) if self._prune and location and version is not None else ()
        return KnownPack(True, state, settled, self._becomes, self.registrar.unloads, version or "", surplus)

    @property
    def _becomes(self) -> str:
        """What a pack is in the database when this task has registered it."""
        if self.types:
            return STALE
        return UNKNOWN if self._lenient else CURRENT

    def _read_state(
        self, version: t.Optional[str], installed: t.Optional[InstalledPack], told: t.Optional[Told], identity: str
    ) -> str:
        if version is None:
            return ABSENT
        if installed is None or version != (installed.version or ""):
            return STALE
        if told is None:
            return CURRENT  # Something else registered it, in this version.
        return _as_recorded(told, identity)

    def _recorded_state(self, told: t.Optional[Told], identity: str) -> str:
        if told is None or (told.digest and told.by != self.registrar.by):
            return UNKNOWN
        return _as_recorded(told, identity)

    def _said_so(
        self, told: t.Optional[Told], identity: str, version: t.Optional[str], installed: t.Optional[InstalledPack]
    ) -> bool:
        """Whether a task that registers less than everything has done so already."""
        if told is None or not self._still(told, identity, version, installed):
            return False
        return told.covers(self.types, lenient=self._lenient)

    def _still(self, told: Told, identity: str, version: t.Optional[str], installed: t.Optional[InstalledPack]) -> bool:
        """Whether what was told, be it in part, is what the files are, and the database still has the pack."""
        if installed is None or told.digest != identity or told.by != self.registrar.by:
            return False
        return not self.registrar.reads or version == (installed.version or "")

    def _surplus(self, ref: str, location: str) -> t.Iterator[Resource]:
        if not self.registrar.reads:
            return
        for resource in self.resources(ref, _KINDS):
            # A sensor cannot be deleted, only switched off: one that is off is done with.
            done = resource.kind == "sensors" and resource.enabled is False
            gone = not os.path.lexists(os.path.join(location, resource.metadata_file))
            if resource.metadata_file and gone and not done:
                yield resource

    def resources(self, ref: str, kinds: t.Sequence[str]) -> t.Sequence[Resource]:
        """The resources of some kinds that the database has of a pack."""
        return self.registrar.resources_of([ref], tuple(kinds))

    def config(self, ref: str, digest: str) -> KnownConfig:
        """What is known of a pack's config.

        :arg digest: Of the file that is there now; empty for none.
        :raises RegistrationError: when the database does not answer.
        """
        if not self.tells:
            return KnownConfig()
        if "config" in self.healed(ref) and digest:  # Without a file, nothing takes away what it may have.
            return KnownConfig(self.registrar.name, False, None, digest, digest)
        told = self.records.read(ref).get("config")
        recorded = told.digest if told and told.by == self.registrar.by else ""
        if not self.registrar.reads:
            return KnownConfig(self.registrar.name, False, None, recorded, digest)
        try:
            return KnownConfig(self.registrar.name, True, self.registrar.config(ref), recorded, digest)
        except ForbiddenError as error:
            self.warnings.append(error.message)
            return KnownConfig(self.registrar.name, False, None, recorded, digest)

    def config_schema(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """The attributes of the config schema that the database has of a pack; C(None) when it has none, or nobody can
        tell."""
        return self.registrar.config_schema(ref) if self.registrar.reads else None

    def overrides(self, ref: str, digest: str) -> t.Optional[bool]:
        """Whether the overrides that apply to a pack now are those it was last registered with; C(None) when nobody
        knows."""
        told = self.records.read(ref).get("overrides")
        if OVERRIDDEN_TYPES <= set(self.healed(ref)):
            return True
        if told is None or (told.digest and told.by != self.registrar.by):
            return None
        return told.digest == digest

    def suppose_healed(self, told: t.Mapping[str, t.Sequence[str]]) -> None:
        """For check mode: take for healed what an interrupted run was telling StackStorm of, as L(heal) takes it."""
        self._healed = told

    def healed(self, ref: str) -> t.Tuple[str, ...]:
        """The types of a pack of which the database is supposed to have what the files say, whatever it answers."""
        return tuple(self._healed[ref]) or TYPES if ref in self._healed else ()

    # What it is told

    def prepare(self, telling: Telling) -> None:
        """Note what the database has of the packs that it is told of, to be able to go back to exactly that.

        :raises RegistrationError: when it does not answer.
        """
        registered = {one.pack.ref for one in (*telling.register, *telling.closing) if one.types != ("config",)}
        self._snapshot = take_snapshot(self.registrar, sorted(registered - set(telling.unload)))

    @property
    def before(self) -> t.Mapping[str, t.Any]:
        """What it had when that was noted, for the journal; see L(snapshot_from)."""
        return self._snapshot.document() if self._snapshot.refs else {}

    def begin(self, telling: Telling, on_disk: OnDisk) -> None:
        """Make void what is known of all that is going to be told. Comes after it is in the journal.

        :arg on_disk: The files as they still are.
        """
        for ref, parts in telling.parts().items():
            known = self._before[ref] = self.records.read(ref)
            void = {part: Told(by=self.registrar.by) for part in parts if self._changes(part, ref, telling, on_disk)}
            self.records.write(ref, {**{part: known.get(part) for part in parts}, **void})

    def _changes(self, part: str, ref: str, telling: Telling, on_disk: OnDisk) -> bool:
        """Whether a part is different in the database afterwards. One that is registered in part stays what it was."""
        if part != "pack" or ref in telling.unload:
            return True
        if any(one.pack.ref == ref and not one.types for one in (*telling.register, *telling.closing)):
            return True
        installed, told = on_disk.installation.get(ref), self.records.read(ref).get("pack")
        known = self.pack(ref, installed)
        still = told is not None and self._still(told, on_disk.pack(ref), known.version or None, installed)
        return known.state != CURRENT and not still

    def unload(self, telling: Telling) -> None:
        """Take what goes out of the database, before its files go.

        :raises RegistrationError: when StackStorm did not; L(put_back) then restores what it may have begun.
        """
        if telling.unload:
            with self._not_begun_when_forbidden():
                self.registrar.unload(telling.unload)
            self._check(dict.fromkeys(telling.unload, ""))

    @contextlib.contextmanager
    def _not_begun_when_forbidden(self) -> t.Iterator[None]:
        """What an account may not do, StackStorm has not begun: unless it did something before, all is as it was."""
        begun, self._begun = self._begun, True
        try:
            yield
        except ForbiddenError:
            self._begun = begun
            raise

    def register(self, registrations: t.Sequence[Registration], on_disk: OnDisk) -> None:
        """Tell the database of packs, once for all that are told alike.

        :arg on_disk: The files as they are now.
        :raises RegistrationError: when StackStorm refused, or has not got what it was told; see L(put_back).
        """
        for types in dict.fromkeys(one.types for one in registrations):
            packs = [one.pack for one in registrations if one.types == types]
            with self._not_begun_when_forbidden():
                done = self.registrar.register(packs, types, fail_on_failure=not self._lenient)
            self.registered = self.registered.add(done)
        wanted = {one.pack.ref: on_disk.installation.get(one.pack.ref) for one in registrations}
        self._check({ref: pack.version or "" for ref, pack in wanted.items() if pack})

    def _check(self, wanted: t.Mapping[str, str]) -> None:
        """Read back what StackStorm has now; an empty version is a pack that it must not have."""
        if not self.registrar.reads or not wanted:
            return
        self.look_again(wanted)
        for ref, version in wanted.items():
            has = self._versions.get(ref) or ""
            if has != version:
                told = f"to register {ref} {version}" if version else f"to unload {ref}"
                raise RegistrationError(
                    f"StackStorm was told {told} and reported success, but its database has "
                    f"{f'version {has}' if has else 'no such pack'}. Look at the log of st2api.",
                    ref=ref,
                )

    def commit(self, telling: Telling, on_disk: OnDisk) -> None:
        """Record what StackStorm has now. Comes when files and database agree and are going to stay.

        :arg on_disk: The files as they are now.
        """
        for ref in telling.unload:
            self.records.write(ref, dict.fromkeys(telling.parts()[ref]))
        for one in (*telling.register, *telling.closing):
            self.records.write(one.pack.ref, self._told(one, on_disk))
        for ref in telling.agreeing:
            self.records.write(ref, {"overrides": Told(on_disk.overrides(ref), self.registrar.by)})
        self.learn(telling.known, on_disk)
        for ref in telling.without_config:
            there = on_disk.installation.get(ref) is not None
            self.records.write(ref, {"config": Told(NO_CONFIG, self.registrar.by) if there else None})

    def _told(self, one: Registration, on_disk: OnDisk) -> t.Dict[str, t.Optional[Told]]:
        ref, by = one.pack.ref, self.registrar.by
        before = self.records.read(ref).get("pack")
        told: t.Dict[str, t.Optional[Told]] = {}
        if not one.types or (before is not None and not before.digest):
            told["pack"] = Told(on_disk.pack(ref), by, one.types, self._lenient)
        elif before is not None and before.digest == on_disk.pack(ref) and before.types:
            told["pack"] = Told(before.digest, by, both(before.types, one.types), before.lenient or self._lenient)
        config = on_disk.config(ref) if "config" in one.parts else ""
        if config:
            told["config"] = Told(config, by)
        if not one.types or set(one.types) >= OVERRIDDEN_TYPES:
            told["overrides"] = Told(on_disk.overrides(ref), by)
        return told

    def learn(self, refs: t.Iterable[str], on_disk: OnDisk) -> None:
        """Record packs that the database turned out to have as they are, though nobody here told it."""
        for ref in refs:
            if "pack" not in self.records.read(ref):
                self.records.write(ref, {"pack": Told(on_disk.pack(ref), self.registrar.by)})

    def tell_nothing(self, parts: t.Mapping[str, t.Sequence[str]]) -> None:
        """Remember that files were changed of which StackStorm was told nothing."""
        for ref, changed in parts.items():
            self.records.write(ref, {part: Told() for part in changed})

    def delete(self, resources: t.Iterable[Resource]) -> None:
        """Take resources whose file is gone out of the database. This cannot be undone, and so comes last.

        :raises RegistrationError: naming the pack; what was deleted before stays so.
        """
        for resource in resources:
            try:
                self.registrar.delete(resource)
            except RegistrationError as error:
                error.ref = resource.ref.partition(".")[0]
                raise

    # What is put back

    def put_back(self, told: t.Mapping[str, t.Sequence[str]], on_disk: OnDisk) -> str:
        """Make the database what the files are again, after they were put back.

        :arg told: What it was told of, as L(Telling.types).
        :arg on_disk: The files as they are now.
        :returns: A sentence (after a blank) about what could not be put back; empty when all could.
        """
        if not self._begun:
            for ref, record in self._before.items():
                self.records.write(ref, {**dict.fromkeys(PARTS), **record})
            return ""
        problem = self._ask_anew() or self.heal(told, on_disk, self._snapshot)
        if problem:
            self.astray = frozenset(told)
            return f" StackStorm's database could not be put back, which the next run does: {problem}"
        for ref, record in self._before.items():
            if not on_disk.installation.get(ref):
                self.records.write(ref, {**dict.fromkeys(PARTS), **record})
        return self._remains

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

    def heal(
        self,
        told: t.Mapping[str, t.Sequence[str]],
        on_disk: OnDisk,
        before: Snapshot = Snapshot(),  # noqa: B008  # It is frozen.
    ) -> str:
        """Make the database agree with the files of some packs, whatever it has of them.

        :arg told: By ref, the types of which it may have anything; all of them when empty. No others are registered,
            which would reset what was switched by hand.
        :arg before: What it had, where that is known.
        :returns: Why that failed, empty when it did not.
        """
        try:
            self._take_out(before)
            there = {ref: pack for ref in told for pack in (on_disk.installation.get(ref),) if pack}
            register = tuple(Registration(PackFiles(ref, pack.path), tuple(told[ref])) for ref, pack in there.items())
            self.register(register, on_disk)
            self.commit(Telling(register=register), on_disk)
            for ref in told:
                if ref not in there:
                    self.records.write(ref, dict.fromkeys(PARTS))
        except St2Error as error:
            return error.message
        return ""

    def _take_out(self, before: Snapshot) -> None:
        undone = undo(self.registrar, before)
        if undone.stays:
            self._remains = f" StackStorm's database keeps {', '.join(undone.stays)}."


def open_database(task: Task, deadline: Deadline, **how: t.Any) -> Database:
    """What StackStorm knows, by the registration options of a task; nobody is asked yet.

    :arg how: As L(Database) takes it.
    """
    for secret in registration_options_from(task.params).secrets():
        task.redactor.add(secret)

    def choose(until: Deadline) -> t.Tuple[Registrar, t.Sequence[str]]:
        from .._st2.choose_registrar import registrar_for

        return registrar_for(task, until)

    return Database(choose, deadline, Records(OwnPlaces(task.host).state), **how)


def _as_recorded(told: Told, identity: str) -> str:
    if told.digest != identity or not identity or told.types:
        return STALE
    return UNKNOWN if told.lenient else CURRENT
