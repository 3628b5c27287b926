# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""StackStorm's database in one run: what it has of packs, configs and overrides, held against the files."""

from __future__ import annotations

import os
import typing as t

from .._content.installed import InstalledPack, identity_of
from .._deadline import Deadline
from .._errors import ForbiddenError, St2Error
from .._st2.registration import TYPES, Registered, Resource
from .known import ABSENT, CURRENT, STALE, UNKNOWN, KnownConfig, KnownPack
from .own_places import OwnPlaces
from .records import OVERRIDDEN_TYPES, Records, Told

# Seconds to put the database back, when the time of the run is over.
_GRACE = 60.0
# What there is of a pack in the database and can be looked up there.
_KINDS = ("sensors", "actions", "rules", "aliases", "policies", "triggers")
ONLY_BY_API = (
    "only StackStorm's API tells what its database has. Give register=api with api_key, auth_token, or api_username "
    "and api_password."
)

if t.TYPE_CHECKING:
    from .._st2.registrar import Registrar
    from .._task import Task

    Choose = t.Callable[[Deadline], t.Tuple[Registrar, t.Sequence[str]]]

# Values, and why they are hidden.
KnownValues = t.Tuple[t.Optional[t.Mapping[str, t.Any]], str]


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
        self._choose = choose
        self._deadline = deadline
        self.lenient = not fail_on_failure
        self._prune = prune
        self._chosen: t.Optional[Registrar] = None
        self._versions: t.Dict[str, t.Optional[str]] = {}
        self._expected: t.Dict[str, t.Tuple[str, ...]] = {"configs": (), "resources": ()}
        self._configs: t.Dict[str, KnownValues] = {}
        self._resources: t.Dict[t.Tuple[str, str], t.List[Resource]] = {}
        self._healed: t.Mapping[str, t.Sequence[str]] = {}

    @property
    def registrar(self) -> Registrar:
        """The adapter that this run uses."""
        return self.choose()

    def choose(self) -> Registrar:
        """L(registrar), for who wants to know that there is one."""
        if self._chosen is None:
            self._chosen, warnings = self._choose(self._deadline)
            self.warnings += warnings
            if self._prune and self.tells and not self._chosen.reads:
                self.warnings.append(f"prune could remove nothing: {ONLY_BY_API}")
        return self._chosen

    @property
    def tells(self) -> bool:
        """Whether changes are registered in StackStorm at all."""
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
        return UNKNOWN if self.lenient else CURRENT

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
        if told is None or not self.still(told, identity, version, installed):
            return False
        return told.covers(self.types, lenient=self.lenient)

    def still(self, told: Told, identity: str, version: t.Optional[str], installed: t.Optional[InstalledPack]) -> bool:
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

    def expect(self, *, configs: t.Iterable[str] = (), resources: t.Iterable[str] = ()) -> None:
        """Name the packs of which configs or resources will be asked for, one by one: the first question is then for
        all of them."""
        self._expected = {"configs": tuple(configs), "resources": tuple(resources)}

    def forget(self) -> None:
        """Know nothing any more of packs, configs and resources, as the database is about to change, or may have."""
        self._versions.clear()
        self._configs.clear()
        self._resources.clear()

    def resources(self, ref: str, kinds: t.Sequence[str]) -> t.Sequence[Resource]:
        """The resources of some kinds that the database has of a pack."""
        for kind in kinds:
            if (ref, kind) not in self._resources:
                refs = tuple(dict.fromkeys((ref, *self._expected["resources"])))
                self._resources.update({(one, kind): [] for one in refs})
                for resource in self.registrar.resources_of(refs, (kind,)):
                    self._resources[resource.pack or ref, kind].append(resource)
        return [resource for kind in kinds for resource in self._resources[ref, kind]]

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
        values, hidden = self._values(ref)
        if hidden and hidden not in self.warnings:
            self.warnings.append(hidden)
        return KnownConfig(self.registrar.name, not hidden, values, recorded, digest)

    def _values(self, ref: str) -> KnownValues:
        """The values of a pack's config, or why StackStorm does not show them."""
        if ref not in self._configs:
            refs = tuple(dict.fromkeys((ref, *self._expected["configs"])))
            if len(refs) == 1:
                try:
                    self._configs[ref] = self.registrar.config(ref), ""
                except ForbiddenError as error:
                    self._configs[ref] = None, error.message
            else:
                found = self.registrar.configs(refs)
                self._configs.update({one: (found.values.get(one), found.hidden.get(one, "")) for one in refs})
        return self._configs[ref]

    def config_schema(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """The attributes of the config schema that the database has of a pack; C(None) when it has none, or nobody can
        tell."""
        return self.registrar.config_schema(ref) if self.registrar.reads else None

    def overrides(self, ref: str, digest: str) -> t.Optional[bool]:
        """Whether the overrides that apply to a pack now are those it was last registered with; C(None) when nobody
        knows."""
        told = self.records.read(ref).get("overrides")
        if set(self.healed(ref)) >= OVERRIDDEN_TYPES:
            return True
        if told is None or told.lenient or (told.digest and told.by != self.registrar.by):
            return None
        return told.digest == digest

    def version(self, ref: str) -> str:
        """The version that the database had of a pack when it was last looked at; empty for none."""
        return self._versions.get(ref) or ""

    def ask_anew(self) -> str:
        """Get the registrar again, with time of its own; return why that failed, empty when it did not."""
        self.forget()
        before = self.registrar
        try:
            found, _warnings = self._choose(Deadline(min(_GRACE, self._deadline.seconds)))
        except St2Error as error:
            return error.message
        if found.name != before.name:
            return "its API no longer responds."
        self._chosen = found
        return ""

    def suppose_healed(self, told: t.Mapping[str, t.Sequence[str]]) -> None:
        """For check mode: take for healed what an interrupted run was telling StackStorm of, as L(heal) takes it."""
        self._healed = told

    def healed(self, ref: str) -> t.Tuple[str, ...]:
        """The types of a pack of which the database is supposed to have what the files say, whatever it answers."""
        return tuple(self._healed[ref]) or TYPES if ref in self._healed else ()


def open_database(task: Task, deadline: Deadline, **how: t.Any) -> Database:
    """What StackStorm knows, by the registration options of a task; nobody is asked yet.

    :arg how: As L(Database) takes it.
    """
    from .._st2.registration_options import registration_options_from

    for secret in registration_options_from(task.params).secrets():
        task.redactor.add(secret)

    def choose(until: Deadline) -> t.Tuple[Registrar, t.Sequence[str]]:
        if task.params["register"] == "none":
            from .._st2.no_registrar import NoRegistrar

            return NoRegistrar(), ()
        from .._st2.choose_registrar import registrar_for

        return registrar_for(task, until)

    return Database(choose, deadline, Records(OwnPlaces(task.host).state), **how)


def _as_recorded(told: Told, identity: str) -> str:
    if told.digest != identity or not identity or told.types:
        return STALE
    return UNKNOWN if told.lenient else CURRENT
