# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The registration of one change: what StackStorm is asked, what is recorded of it, and how that is put back.

Files and database cannot change in one step. The journal names what is being registered, and the record of it
is void until all is done: whatever ends a run in between, the next one sees that it has to register.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._errors import ForbiddenError, InvalidContentError, RegistrationError, St2Error
from .._st2.executions import UnseenError
from .._st2.one_by_one import REFUSALS
from .._st2.registration import PackFiles, Registered, Resource
from .._st2.undo import Snapshot, snapshot_from, take_snapshot, undo
from .database import Database
from .fileless import Fileless, carriers, fileless_from, note, remains
from .known import CURRENT
from .on_disk import OnDisk
from .records import NO_CONFIG, OVERRIDDEN_TYPES, PARTS, Record, Told
from .recovery import Interrupted
from .staging import Staging
from .surplus import switched
from .telling import Registration, Telling, both
from .waiting import compare_rules, waiting_packs


def told_elsewhere(ref: str, database: Database, on_disk: OnDisk) -> Record:
    """What is recorded of a pack that another host of the cluster has registered from the same files.

    :raises OSError: when its config or overrides cannot be read.
    """
    by, config = database.registrar.by, on_disk.config(ref)
    told = {"pack": Told(on_disk.pack(ref), by), "overrides": Told(on_disk.overrides(ref), by)}
    return {**told, "config": Told(config, by)} if config else told


class Registering:
    """What one run tells StackStorm.

    :ivar astray: Packs of which it was told something that could not be put back, and that the next run puts back.
    :ivar lost: Packs of which nothing can put back all that it had.
    :ivar remains: Sentences (after a blank) about what it has now that it had not before, or the other way round.
    """

    def __init__(self, database: Database, staging: Staging) -> None:
        self.astray: t.FrozenSet[str] = frozenset()
        self.lost: t.Set[str] = set()
        self.remains = ""
        self._database = database
        self._staging = staging
        self._lenient = database.lenient
        self._before: t.Dict[str, Record] = {}
        self._files: t.Dict[str, str] = {}
        self._begun = False
        self._left_out: t.Set[str] = set()
        self._snapshot = Snapshot()
        self._fileless = Fileless()

    def prepare(self, telling: Telling, on_disk: OnDisk) -> None:
        """Note what the database has of the packs that are registered, to be able to go back to exactly that.

        :arg on_disk: The files as they still are.
        :raises MissingLibraryError: when telling needs a library that is not here.
        :raises RegistrationError: when it does not answer.
        """
        self._database.registrar.require()
        registered = {one.pack.ref for one in (*telling.register, *telling.closing) if one.types != ("config",)}
        self._snapshot = take_snapshot(self._database.registrar, sorted(registered.union(telling.unload)))
        configured = [ref for ref, types in telling.types().items() if not types or "config" in types]
        if not self._database.registrar.reads:  # Of the others it is said that nobody can tell what stays.
            configured = [ref for ref in configured if ref not in registered]
        self._fileless = note(self._database.registrar, configured, on_disk)

    @property
    def before(self) -> t.Mapping[str, t.Any]:
        """What it had when that was noted, for the journal; see L(snapshot_from)."""
        snapshot = self._snapshot.document() if self._snapshot.refs else {}
        return {**snapshot, **({"fileless": self._fileless.document()} if self._fileless != Fileless() else {})}

    def begin(self, telling: Telling, on_disk: OnDisk) -> None:
        """Make void what is known of all that is going to be told. Comes after it is in the journal.

        :arg on_disk: The files as they still are.
        """
        for ref, parts in telling.parts().items():
            known = self._before[ref] = self._database.records.read(ref)
            self._files[ref] = on_disk.pack(ref)
            void = {
                part: Told(by=self._database.registrar.by)
                for part in parts
                if self._changes(part, ref, telling, on_disk)
            }
            self._database.records.write(ref, {**{part: known.get(part) for part in parts}, **void})
        for ref in waiting_packs(self._snapshot, telling.unload, on_disk):
            # Its rules lose their trigger: the database will not have any more what its files say.
            self._before.setdefault(ref, self._database.records.read(ref))
            self._database.records.write(ref, {"pack": Told(by=self._database.registrar.by)})

    def _changes(self, part: str, ref: str, telling: Telling, on_disk: OnDisk) -> bool:
        """Whether a part is different in the database afterwards. One that is registered in part stays what it was."""
        if part != "pack" or ref in telling.unload:
            return True
        if any(one.pack.ref == ref and not one.types for one in (*telling.register, *telling.closing)):
            return True
        installed, told = on_disk.installation.get(ref), self._database.records.read(ref).get("pack")
        known = self._database.pack(ref, installed)
        still = told is not None and self._database.still(told, on_disk.pack(ref), known.version or None, installed)
        return known.state != CURRENT and not still

    def unload(self, telling: Telling) -> None:
        """Take what goes out of the database; its files are gone already.

        :raises RegistrationError: when StackStorm did not; L(put_back) then restores what it may have begun.
        """
        if telling.unload:
            self._database.forget()
            with self._not_begun_when_forbidden():
                self._database.registrar.unload(telling.unload)
            self._check(dict.fromkeys(telling.unload, ""))

    @contextlib.contextmanager
    def _not_begun_when_forbidden(self) -> t.Iterator[None]:
        """What an account may not do, StackStorm has not begun: unless it did something before, all is as it was."""
        begun, self._begun = self._begun, True
        try:
            yield
        except UnseenError:
            raise
        except ForbiddenError:
            self._begun = begun
            raise

    def register(self, registrations: t.Sequence[Registration], on_disk: OnDisk) -> None:
        """Tell the database of packs, once for all that are told alike.

        :arg on_disk: The files as they are now.
        :raises RegistrationError: when StackStorm refused, or has not got what it was told; see L(put_back).
        """
        self._database.forget()
        for types in dict.fromkeys(one.types for one in registrations):
            packs = [one.pack for one in registrations if one.types == types]
            with self._not_begun_when_forbidden():
                done = self._database.registrar.register(packs, types, fail_on_failure=not self._lenient)
            self._note_configs(packs, types, done, on_disk)
            self._database.registered = self._database.registered.add(done)
        wanted = {one.pack.ref: on_disk.installation.get(one.pack.ref) for one in registrations}
        self._check({ref: pack.version or "" for ref, pack in wanted.items() if pack})

    def _note_configs(
        self, packs: t.Sequence[PackFiles], types: t.Sequence[str], done: Registered, on_disk: OnDisk
    ) -> None:
        """Remember the packs whose config StackStorm may have left out, as it does not fit."""
        refs = {pack.ref for pack in packs if os.path.lexists(on_disk.config_path(pack.ref))}
        if not types or "config" in types:
            self._left_out.difference_update(refs)
            if self._lenient and done.counts.get("configs", len(refs)) < len(refs):
                self._left_out.update(refs)

    def _check(self, wanted: t.Mapping[str, str]) -> None:
        """Read back what StackStorm has now; an empty version is a pack that it must not have."""
        if not self._database.registrar.reads or not wanted:
            return
        self._database.look_again(wanted)
        for ref, version in wanted.items():
            has = self._database.version(ref)
            if has != version:
                told = f"to register {ref} {version}" if version else f"to unload {ref}"
                raise RegistrationError(
                    f"StackStorm was told {told} and reported success, but its database has "
                    f"{f'version {has}' if has else 'no such pack'}. Check the log of st2api.",
                    ref=ref,
                )

    def commit(self, telling: Telling, on_disk: OnDisk) -> None:
        """Record what StackStorm has now. Comes when files and database agree and are going to stay.

        :arg on_disk: The files as they are now.
        """
        for ref in telling.unload:
            self._database.records.write(ref, dict.fromkeys(telling.parts()[ref]))
        for one in (*telling.register, *telling.closing):
            self._database.records.write(one.pack.ref, self._told(one, on_disk))
        for ref in telling.agreeing:
            self._database.records.write(ref, {"overrides": Told(on_disk.overrides(ref), self._database.registrar.by)})
        self.learn(telling.known, on_disk)
        for ref in telling.elsewhere:
            self._database.records.write(ref, told_elsewhere(ref, self._database, on_disk))
        for ref in telling.without_config:
            there = on_disk.installation.get(ref) is not None
            self._database.records.write(
                ref, {"config": Told(NO_CONFIG, self._database.registrar.by) if there else None}
            )

    def _told(self, one: Registration, on_disk: OnDisk) -> t.Dict[str, t.Optional[Told]]:
        ref, by = one.pack.ref, self._database.registrar.by
        before = self._database.records.read(ref).get("pack")
        told: t.Dict[str, t.Optional[Told]] = {}
        files = on_disk.pack(ref)
        replaced = self._files.get(ref, files) != files
        if not one.types or replaced or (before is not None and not before.digest):
            told["pack"] = Told(files, by, one.types, self._lenient)
        elif before is not None and before.digest == files and before.types:
            told["pack"] = Told(before.digest, by, both(before.types, one.types), before.lenient or self._lenient)
        config = on_disk.config(ref) if "config" in one.parts else ""
        if config and ref not in self._left_out:
            told["config"] = Told(config, by)
        if not one.types or set(one.types) >= OVERRIDDEN_TYPES:
            told["overrides"] = Told(on_disk.overrides(ref), by, (), self._lenient)
        return told

    def learn(self, refs: t.Iterable[str], on_disk: OnDisk) -> None:
        """Record packs that the database turned out to have as they are, though nobody here told it."""
        for ref in refs:
            if "pack" not in self._database.records.read(ref):
                self._database.records.write(ref, {"pack": Told(on_disk.pack(ref), self._database.registrar.by)})

    def tell_nothing(self, parts: t.Mapping[str, t.Sequence[str]]) -> None:
        """Remember that files were changed of which StackStorm was told nothing."""
        for ref, changed in parts.items():
            self._database.records.write(ref, {part: Told() for part in changed})

    def delete(self, resources: t.Iterable[Resource]) -> None:
        """Take resources whose file is gone out of the database. This cannot be undone, and so comes last.

        :raises RegistrationError: naming the pack; what was deleted before stays so.
        """
        self._database.forget()
        for resource in resources:
            try:
                self._database.registrar.delete(resource)
            except RegistrationError as error:
                error.ref = resource.ref.partition(".")[0]
                raise

    def put_back(self, told: t.Mapping[str, t.Sequence[str]], on_disk: OnDisk) -> str:
        """Make the database what the files are again, after they were put back.

        :arg told: What was registered, as L(Telling.types).
        :arg on_disk: The files as they are now.
        :returns: A sentence (after a blank) about what could not be put back; empty when all could.
        """
        if not self._begun:
            for ref, record in self._before.items():
                self._database.records.write(ref, {**dict.fromkeys(PARTS), **record})
            return ""
        problem = self._database.ask_anew() or self.heal(told, on_disk, self._snapshot, self._fileless)
        if problem and self._is_as_before(told):
            for ref, record in self._before.items():
                self._database.records.write(ref, {**dict.fromkeys(PARTS), **record})
            return self.remains
        if problem:
            self.astray = frozenset(told)
            return f" StackStorm's database could not be put back, which the next run does: {problem}"
        for ref, record in self._before.items():
            untouched = ref not in told and ref not in self.lost
            if untouched or not on_disk.installation.get(ref):
                self._database.records.write(ref, {**dict.fromkeys(PARTS), **record})
            elif ref in told:
                # What was registered in part has made nothing void that was known: files and database are as before.
                now = self._database.records.read(ref)
                void = {part: one for part, one in record.items() if part in now and not now[part].digest}
                self._database.records.write(ref, void)
        return self.remains

    def _is_as_before(self, told: t.Mapping[str, t.Sequence[str]]) -> bool:
        """Whether the database has of overridden resources what was noted before. StackStorm may refuse the former
        files as it did the new ones; where it took nothing of them, nothing is to be put back."""
        only_overrides = all(types and OVERRIDDEN_TYPES.issuperset(types) for types in told.values())
        if not only_overrides or not self._database.registrar.reads:
            return False
        try:
            now = take_snapshot(self._database.registrar, self._snapshot.refs)
        except St2Error:
            return False
        return set(now.resources) == set(self._snapshot.resources) and now.versions == self._snapshot.versions

    def heal_after_crash(self, found: Interrupted, on_disk: OnDisk) -> str:
        """Tell StackStorm of what interrupted runs were telling it of, and let their journals end.

        :returns: A sentence about why that failed, empty when it did not.
        """
        problem = self.heal(found.told, on_disk, snapshot_from(found.before), fileless_from(found.before))
        if problem:
            return f"StackStorm's database may have {', '.join(found.told)} as an interrupted run left them: {problem}"
        for journal in found.entries:
            journal.end()
        return ""

    def heal(
        self,
        told: t.Mapping[str, t.Sequence[str]],
        on_disk: OnDisk,
        before: Snapshot = Snapshot(),  # noqa: B008  # It is frozen.
        fileless: Fileless = Fileless(),  # noqa: B008  # So is it.
    ) -> str:
        """Make the database agree with the files of some packs, whatever it has of them.

        :arg told: By ref, the types of which it may have anything; all of them when empty. No others are registered,
            which would reset what was switched by hand.
        :arg before: What it had, where that is known.
        :arg fileless: What it had that has no file.
        :returns: Why that failed, empty when it did not.
        """
        self._database.forget()
        try:
            self._take_out(before)
            self._give_schemas(fileless, on_disk)
            there = {ref: pack for ref in told for pack in (on_disk.installation.get(ref),) if pack}
            register = tuple(Registration(PackFiles(ref, pack.path), tuple(told[ref])) for ref, pack in there.items())
            self._register_again(register, on_disk)
            self.commit(Telling(register=register), on_disk)
            gone = [ref for ref in told if ref not in there]
            for ref in gone:
                self._database.records.write(ref, dict.fromkeys(PARTS))
            self._compare(before, gone)
            self._look_at_rules(before, there, on_disk)
            self._keep(switched(self._database.registrar, before, there, on_disk))
            self._keep(remains(self._database.registrar, fileless, on_disk))
        except St2Error as error:
            return error.message
        except OSError as error:
            return f"A file of this run cannot be written: {error}."
        return ""

    def _register_again(self, registrations: t.Sequence[Registration], on_disk: OnDisk) -> None:
        """Register files that were there before. What StackStorm refuses of them it did not have before either."""
        try:
            self.register(registrations, on_disk)
        except InvalidContentError:
            self._lenient = True
            self.register(registrations, on_disk)

    def _give_schemas(self, fileless: Fileless, on_disk: OnDisk) -> None:
        for carrier in carriers(self._database.registrar, fileless, on_disk, self._staging):
            try:
                self.register([carrier], on_disk)
            except REFUSALS:
                self._keep([f"the config schema of {carrier.pack.ref}"])

    def _keep(self, names: t.Sequence[str]) -> None:
        if names:
            self.remains += f" StackStorm's database keeps {', '.join(names)}."

    def _take_out(self, before: Snapshot) -> None:
        undone = undo(self._database.registrar, before)
        self._keep(undone.stays)
        by_hand = [one for one in undone.lost if one.by_hand]
        if by_hand:
            self.lost.update(one.pack for one in by_hand)
            names = ", ".join(sorted(f"{one.kind} {one.ref}" for one in by_hand))
            self.remains += f" StackStorm has removed what people had made by hand, and no file restores it: {names}."

    def _look_at_rules(self, before: Snapshot, registered: t.Container[str], on_disk: OnDisk) -> None:
        """Name the rules that have lost their trigger, or have one again, when what they wait for went and came."""
        rules = compare_rules(self._database.registrar, before, registered, on_disk)
        self._keep([f"{one.label} (which had no trigger, and works again)" for one in rules.revived])
        if rules.lost:
            self.lost.update(one.pack for one in rules.lost)
            names = ", ".join(sorted(one.ref for one in rules.lost))
            self.remains += (
                f" Rules have lost their trigger, and only work again after they are saved again: {names}. "
                "For rules of packs, st2_pack does this in the next task that manages their pack."
            )

    def _compare(self, before: Snapshot, gone: t.Sequence[str]) -> None:
        """Say what the database has of packs that it had, and that have no files any more to be registered again."""
        had = {ref: before.versions[ref] for ref in gone if ref in before.versions}
        if not had or not self._database.registrar.reads:
            return
        self._database.look_again(had)
        for ref, version in had.items():
            now = self._database.version(ref)
            if now != version:
                self.lost.add(ref)
                self.remains += (
                    f" StackStorm's database has {ref} {now or 'no more'} now instead of {version}, as no files of "
                    "that are here to be registered."
                )
