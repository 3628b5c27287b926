# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Plan: what changes in an override file, which resources that switches, and which packs must be registered.

A pure function of what is observed and what is wanted: check mode, the diff and the run have this one plan.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field, replace

from .._change.known import CURRENT, STALE, UNKNOWN
from .._change.telling import Registration, Telling
from .._errors import HostError, OptionError
from .._printable import printable
from .._st2.registration import PackFiles
from .._yaml_edit import edit
from .document import KINDS, SINGULAR, Overrides
from .observe import Observed, PackView
from .options import Options
from .override_file import OverrideFile, ignored_warning
from .precedence import Effect, Layer, effect, overridden_counts
from .resolve import Wanted, resolve

_MOST_COMPLAINTS = 5
# Of a file that is written anew.
_HEAD = "---\n"
Key = t.Tuple[str, str]


@dataclass(frozen=True)
class Switch:
    """One resource that overrides decide about.

    :arg before: Whether it is enabled now: in the database where that can be read, else by the files; C(None) when
        that cannot be told.
    :arg after: Whether it is enabled afterwards; C(None) when that cannot be told.
    :arg origin: What decides that: C(metadata), C(global), C(defaults) or C(exception).
    """

    pack: str
    kind: str
    name: str
    before: t.Optional[bool]
    after: t.Optional[bool]
    origin: str

    @property
    def changed(self) -> bool:
        """Whether it is switched."""
        return self.before != self.after


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    :arg pack: The ref, or C(_global).
    :arg path: The override file.
    :arg before: Its content; C(None) where there is no file, or none that can be read. Of a link, where it leads.
    :arg after: Its content afterwards; C(None) where there is to be none.
    :arg writes: Whether the file is to be written or removed.
    :arg switches: The resources that the file decides about, before or after, and all that are switched.
    :arg registers: The packs to register.
    :arg types: The types to register, as L(registration.TYPES).
    :arg expected: What the database has to say of each pack afterwards.
    :arg concerned: The packs that the file is about.
    :arg agreeing: The packs of which the database has what the overrides say, once this plan is carried out.
    :arg state: What the database has of all that they are about, once this plan is carried out, one of
        L(known.WORDS).
    :arg overridden: How many resources StackStorm says are overridden, by kind.
    :arg installed: Whether the pack is there; always for C(_global).
    """

    pack: str
    path: str
    before: t.Optional[bytes]
    after: t.Optional[bytes]
    writes: bool
    switches: t.Tuple[Switch, ...] = ()
    registers: t.Tuple[PackFiles, ...] = ()
    types: t.Tuple[str, ...] = ()
    expected: t.Mapping[str, t.Mapping[Key, bool]] = field(default_factory=dict)
    concerned: t.Tuple[str, ...] = ()
    agreeing: t.Tuple[str, ...] = ()
    state: str = UNKNOWN
    overridden: t.Mapping[str, int] = field(default_factory=dict)
    installed: bool = True
    warnings: t.Tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return self.writes or bool(self.registers)

    @property
    def acts(self) -> bool:
        """As L(planner.Plan.acts)."""
        return self.changed

    @property
    def parts(self) -> t.Mapping[str, t.Sequence[str]]:
        """As L(planner.Plan.parts)."""
        return dict.fromkeys(self.concerned, ("overrides",)) if self.writes else {}

    @property
    def telling(self) -> Telling:
        """What StackStorm is told."""
        register = tuple(Registration(pack, self.types) for pack in self.registers)
        return Telling(register=register, agreeing=self.agreeing if self.changed else ())


def make_plan(options: Options, observed: Observed) -> Plan:
    """Make the plan.

    :raises OptionError: for names that the pack does not have, and a pack that is not installed.
    :raises HostError: for a file that others broke, which is left alone.
    """
    target = observed.target
    _check_target(options, target)
    warnings = ignored_warning(target)
    if not options.for_all and not observed.packs:
        warnings += _not_installed(options)
    resources = observed.packs[0].resources if observed.packs and not options.for_all else None
    wanted = resolve(options, target.overrides, resources)
    content, writes, lost = _content(options, target, wanted.overrides)
    warnings += [*wanted.warnings, *_removed(options, target, wanted.overrides), *lost]
    effects = _Effects(options, observed, wanted)
    for pack in observed.packs:
        effects.take(pack)
    return Plan(
        pack=options.pack,
        path=target.path,
        before=target.shown,
        after=content,
        writes=writes,
        switches=tuple(effects.switches),
        registers=tuple(effects.registers),
        types=tuple(SINGULAR[kind] for kind in KINDS if kind in effects.kinds),
        expected=effects.expected,
        concerned=tuple(pack.ref for pack in observed.packs),
        agreeing=tuple(effects.agreeing) if observed.registers else (),
        state=effects.state,
        overridden=effects.overridden,
        installed=options.for_all or bool(observed.packs),
        warnings=tuple(warnings + effects.warnings),
    )


def _healed(pack: PackView, now: t.Mapping[Key, Effect]) -> PackView:
    """The pack with a database that has what the files say of the kinds that are healed first."""
    if pack.database is None or not pack.healed:
        return pack
    found = {key: one.enabled for key, one in now.items() if key[0] in pack.healed and one.enabled is not None}
    return replace(pack, database={**pack.database, **found})


def _agrees(pack: PackView, expected: t.Mapping[Key, bool]) -> bool:
    """Whether the database has what it shall, without being told."""
    if pack.database is None:
        return bool(pack.recorded) and not pack.outdated
    return all(pack.database.get(key) == enabled for key, enabled in expected.items())


def _lacks_all(pack: PackView, resources: t.Iterable[Key]) -> bool:
    """Whether the database has none of the resources that the pack's files have."""
    return pack.database is not None and not any(key in pack.database for key in resources)


def scope(options: Options, current: Overrides, broken: bool) -> t.List[str]:
    """The kinds of resources that a task about a file can have to do with.

    :arg current: What the file says now.
    :arg broken: Whether the file has problems.
    """
    if broken or options.replaces:
        return [kind for kind in KINDS if broken or kind in options.sections or current.of(kind)]
    if options.removes_file and not options.for_all:
        return list(KINDS)
    return [kind for kind in KINDS if kind in options.sections or current.of(kind)]


def _check_target(options: Options, target: OverrideFile) -> None:
    if target.kind:
        raise HostError(f"{target.path} is {target.kind}. Remove it first.")
    if options.removes_file or options.replaces:
        return
    if target.link is not None:
        raise HostError(
            f"{target.path} is a symbolic link to {target.link}, which is not changed. Remove it, or replace it with "
            "merge=replace."
        )
    if target.problems:
        complaints = " ".join(target.complaints[:_MOST_COMPLAINTS])
        raise HostError(
            f"The override file was not written by this module and is invalid: {complaints} It was not changed. Fix "
            "it, or replace it with merge=replace."
        )


def _not_installed(options: Options) -> t.List[str]:
    if options.state == "absent":
        return []
    if not options.allow_missing and not options.predicts:
        raise OptionError(
            f"The pack {options.pack} is not installed, so its overrides cannot be checked. Install it first, or set "
            "allow_missing to write them before the pack is installed."
        )
    if not options.allow_missing:
        return [
            f"The pack {options.pack} is not installed, so the names in its overrides are not checked, and which "
            "resources they switch is not known. Unless it is installed by then, or allow_missing is set, the run "
            "fails."
        ]
    return [
        f"The pack {options.pack} is not installed: the names in its overrides are not checked, and nothing is "
        "registered."
    ]


def _removed(options: Options, target: OverrideFile, wanted: Overrides) -> t.List[str]:
    """A warning about what goes from the file because of the default of C(merge), which was another up to 0.2.0."""
    if options.merge is not None or not options.replaces:
        return []
    gone = [
        name
        for kind in KINDS
        for section, kept in ((target.overrides.of(kind), wanted.of(kind)),)
        for name in (
            *((f"{kind}.defaults",) if section.default is not None and kept.default is None else ()),
            *(f"{kind}.exceptions.{name}" for name in section.exceptions if name not in kept.exceptions),
        )
    ]
    what = []
    if target.link is not None:
        # Nothing of what it leads to: that may be any file.
        what.append(f"{target.path} is a symbolic link to {target.link}. It is replaced with a file.")
    elif target.problems:
        what.append(f"{' '.join(target.complaints[:_MOST_COMPLAINTS])} The file is replaced.")
    if gone and target.link is None:
        what.append(f"{target.path} no longer contains {', '.join(map(printable, gone))}.")
    if not what:
        return []
    return [
        f"{' '.join(what)} The default of merge is replace since 0.3.0. Set merge=merge to keep other overrides, or "
        "merge=replace to disable this warning."
    ]


def _content(
    options: Options, target: OverrideFile, wanted: Overrides
) -> t.Tuple[t.Optional[bytes], bool, t.List[str]]:
    """The content of the file afterwards, whether it is to be written, and warnings."""
    if not wanted:
        # A file that says nothing is removed as well: StackStorm cannot register anything with an empty one.
        return None, target.exists, []
    same = target.exists and not target.problems and target.overrides.document() == wanted.document()
    if same and target.link is None:
        return target.content, False, []
    usable = target.content is not None and not target.problems and target.link is None
    before = target.content.decode("utf-8") if target.content is not None and usable else ""
    text, comments_lost = edit(before, wanted.document(), head=_HEAD)
    lost = [f"The comments in {target.path} are lost, since the file had to be rewritten."] if comments_lost else []
    return text.encode("utf-8"), True, lost


class _Effects:
    """Gathers what the plan says of each pack."""

    def __init__(self, options: Options, observed: Observed, wanted: Wanted) -> None:
        self._options = options
        self._observed = observed
        self._wanted = wanted
        self.switches: t.List[Switch] = []
        self.registers: t.List[PackFiles] = []
        self.kinds: t.Set[str] = set()
        self.expected: t.Dict[str, t.Dict[Key, bool]] = {}
        self.agreeing: t.List[str] = []
        self.disagreeing: t.List[str] = []
        self.overridden: t.Dict[str, int] = {}
        self.warnings: t.List[str] = []

    def take(self, pack: PackView) -> None:
        """Add one pack."""
        before_layers, after_layers = self._layers(pack)
        resources = pack.resources.by_name()
        before = {key: effect(resource, *before_layers) for key, resource in resources.items()}
        pack = _healed(pack, before)
        after = {key: effect(resource, *after_layers) for key, resource in resources.items()}
        self.warnings += pack.resources.warnings
        for kind, number in overridden_counts(pack.resources.resources, *after_layers).items():
            self.overridden[kind] = self.overridden.get(kind, 0) + number
        lacking = self._options.for_all and _lacks_all(pack, after)
        if any(found.enabled is None for found in after.values()) or (lacking and pack.file.problems):
            self._cannot_register(pack)
            self.disagreeing.append(pack.ref)
            return
        kinds = self._kinds_to_register(pack, before, after)
        self._add_switches(pack, before, after, kinds)
        if kinds:
            self.registers.append(PackFiles(pack.ref, pack.path))
            self.kinds |= kinds
        compared = self._compared(pack, before, after) | {key for key in after if key[0] in kinds}
        self.expected[pack.ref] = {key: bool(after[key].enabled) for key in compared}
        agrees = not self._misses(pack, after, kinds) and (bool(kinds) or _agrees(pack, self.expected[pack.ref]))
        if kinds or pack.recorded or (agrees and pack.recorded is False):
            self.agreeing.append(pack.ref)
        if not agrees:
            self.disagreeing.append(pack.ref)

    def _misses(self, pack: PackView, after: t.Iterable[Key], kinds: t.Container[str]) -> bool:
        """Whether the database lacks resources of the files, of kinds that are not registered; they are named."""
        if pack.database is None or not self._observed.registers:
            return False
        missing = sorted(key for key in after if key not in pack.database and key[0] not in kinds)
        if missing:
            names = ", ".join(f"{SINGULAR[kind]} {name}" for kind, name in missing[:_MOST_COMPLAINTS])
            self.warnings.append(f"StackStorm's database does not have all of the pack {pack.ref}: {names}.")
        return bool(missing)

    @property
    def state(self) -> str:
        """What the database has afterwards."""
        if not self._observed.registers or not self._observed.packs:
            return UNKNOWN
        return STALE if self.disagreeing else CURRENT

    def _layers(self, pack: PackView) -> t.Tuple[t.Tuple[Layer, Layer], t.Tuple[Layer, Layer]]:
        new = Layer(self._wanted.overrides)
        if self._options.for_all:
            return (self._observed.target.layer, pack.file.layer), (new, pack.file.layer)
        for_all = self._observed.for_all.layer
        return (for_all, self._observed.target.layer), (for_all, new)

    def _cannot_register(self, pack: PackView) -> None:
        broken = pack.file if self._options.for_all else self._observed.for_all
        complaint = " ".join(broken.complaints[:1])
        if self._options.for_all or not self._observed.registers:
            self.warnings.append(
                f"StackStorm cannot register the pack {pack.ref}: {complaint} The effect on its resources is not known."
            )
            return
        raise HostError(
            f"StackStorm could not register the pack {pack.ref}: {complaint} Nothing was changed. Fix that file "
            f"first, or replace it with pack={broken.pack} and merge=replace."
        )

    def _compared(self, pack: PackView, before: t.Mapping[Key, Effect], after: t.Mapping[Key, Effect]) -> t.Set[Key]:
        """The resources whose state in the database matters: overridden now or before, or named by the task.

        Others may have been switched by hand. When the whole file is to be gone, or other override files were last
        registered, what was overridden once is not known, so all of them matter; also when it has none of them.
        """
        if (self._options.removes_file and not self._options.for_all) or pack.recorded is False:
            return set(after)
        if _lacks_all(pack, after) and not pack.recorded and not self._options.for_all:
            return set(after)
        named = self._wanted.named
        return {
            key
            for key in after
            if {before[key].origin, after[key].origin} != {"metadata"} or key in named or (key[0], None) in named
        }

    def _kinds_to_register(
        self, pack: PackView, before: t.Mapping[Key, Effect], after: t.Mapping[Key, Effect]
    ) -> t.Set[str]:
        """The kinds of which the database has, or may have, something else than it is to have."""
        if not self._observed.registers:
            return set()
        switched = {key for key in after if before[key].enabled != after[key].enabled}
        if pack.database is None:
            overridden = any(found.origin != "metadata" for found in after.values())
            stale = overridden if pack.recorded is None else not pack.recorded
            return {kind for kind, _name in (after if stale else switched)}
        keys = self._compared(pack, before, after) | switched
        if _lacks_all(pack, after):
            return {kind for kind, _name in keys}
        return {key[0] for key in keys if key in pack.database and pack.database[key] != after[key].enabled}

    def _add_switches(
        self, pack: PackView, before: t.Mapping[Key, Effect], after: t.Mapping[Key, Effect], kinds: t.Collection[str]
    ) -> None:
        """Add what the file decides about, and what else is switched because its kind is registered."""
        own = ("global",) if self._options.for_all else ("defaults", "exception")
        for key in sorted(after, key=lambda key: (KINDS.index(key[0]), key[1])):
            old, new = before[key], after[key]
            there = (pack.database or {}).get(key)
            switch = Switch(pack.ref, *key, old.enabled if there is None else there, new.enabled, new.origin)
            happens = key[0] in kinds or old.enabled != new.enabled
            if old.origin in own or new.origin in own or (switch.changed and happens):
                self.switches.append(switch)
