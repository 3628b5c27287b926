# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The packs of a change set as a plan that puts back what was there before, and the moves by which that is done."""

from __future__ import annotations

import os
import typing as t

from .._change.change_sets import ALONG, PACK, VIRTUALENV, ChangeSet, Part, State
from .._change.database import Database
from .._change.journal import Move
from .._change.session import View
from .._change.staging import Staging
from .._content.installed import InstalledPack
from .._content.receipt import Contents
from .._content.versions import same_version, sort_versions
from .._layout import PacksDirectory
from .._own_directory import is_own, root_of
from .._pack import inspection, releases
from .._pack.plan import Facts, PackPlan, plan_installed, registration_for
from .._pack.plan import State as PackState
from .._pack.removal import deregistration
from .._pack.virtualenv import observe_virtualenv


class FormerPacks:
    """The packs of one change set, as they were before it.

    :arg changes: The change set; what keeps it from being gone back on was looked for.
    :ivar arriving: By ref, where the files of those lie that come back.
    """

    def __init__(self, view: View, database: Database, changes: ChangeSet) -> None:
        self._view = view
        self._database = database
        self._changes = changes
        self._installation = view.installation
        self.arriving = {part.ref: view.now(part.kept) for part in changes.of(PACK) if part.kept}

    @property
    def refs(self) -> t.List[str]:
        """All packs that the change set is about."""
        return list(dict.fromkeys(part.ref for part in self._changes.parts if part.ref != "_global"))

    def plans(self) -> t.Iterator[PackPlan]:
        """What happens to each of them."""
        for ref in self.refs:
            part = next((part for part in self._changes.of(PACK) if part.ref == ref), None)
            yield self._restored(part) if part else self.staying(ref, self._virtualenv_of(ref))

    def staying(self, ref: str, virtualenv: str = "") -> PackPlan:
        """What happens to a pack whose files stay; registered where the database does not have it as they are.

        :arg virtualenv: What becomes of its virtualenv.
        """
        installed = self._installation.get(ref)
        if installed is None:
            known = self._database.pack(ref, None)
            registration = deregistration(known)
            action = "unload" if registration == "unload" else "none"
            return PackPlan(ref, ref, action, "none", "", None, None, registration=registration, known=known)
        facts = Facts(
            virtualenv=observe_virtualenv(self._view.virtualenvs, ref).health,
            virtualenv_fits=True,
            known=self._database.pack(ref, installed, installed.location),
        )
        made = plan_installed(installed, facts, policy="auto", requested=())
        if not virtualenv:
            return made
        return made._replace(action="virtualenv", virtualenv=virtualenv)

    def _virtualenv_of(self, ref: str) -> str:
        part = next((part for part in self._changes.of(VIRTUALENV) if part.ref == ref), None)
        if part is None:
            return ""
        return "restored" if part.kept else "removed"

    def _restored(self, part: Part) -> PackPlan:
        before, after = _state(part.after), _state(part.before)
        installed = self._installation.get(part.ref)
        directory = self._installation.directory(os.path.dirname(part.live))
        kept = self._kept(part)
        if kept is None:
            known = self._database.pack(part.ref, None)
            registration = deregistration(known)
        else:
            known = self._database.pack(part.ref, installed, kept.location)
            registration = registration_for(known, new=True)
        return PackPlan(
            ref=part.ref,
            name=installed.name if installed else part.ref,
            action=_direction(before, after),
            virtualenv=self._virtualenv_of(part.ref) or ("kept" if self._has_virtualenv(part.ref) else "none"),
            base_path=directory.path,
            before=before,
            after=after if kept else None,
            contents_before=inspection.contents_of(installed, directory) if installed else Contents(),
            contents_after=inspection.contents_of(kept, directory) if kept else Contents(),
            installed=installed,
            registration=registration,
            known=known,
        )

    def _has_virtualenv(self, ref: str) -> bool:
        return observe_virtualenv(self._view.virtualenvs, ref).health != "absent"

    def _kept(self, part: Part) -> t.Optional[InstalledPack]:
        """The pack that comes back; C(None) where none does."""
        location = self.arriving.get(part.ref, "")
        if not location or not os.path.lexists(os.path.join(location, "pack.yaml")):
            return None
        version = part.before.version if part.before else None
        return InstalledPack(part.ref, part.ref, part.live, location, os.path.dirname(part.live), version)

    def moves(self) -> t.List[Move]:
        """The moves that put all of them, their receipts and virtualenvs back."""
        return [move for part in self._changes.parts for move in self._moves(part)]

    def _moves(self, part: Part) -> t.Iterator[Move]:
        if part.what not in (PACK, VIRTUALENV, *ALONG):
            return
        staged = part.kept if part.kept and os.path.lexists(part.kept) else None
        there = os.path.lexists(part.live)
        if staged or there:
            yield Move(part.ref, part.what, part.live, staged, self._place_for(part))

    def emptied(self) -> t.List[Move]:
        """The moves that take away the releases that are none any more, once they are back in place."""
        found = []
        for part in self._changes.of(PACK):
            release = os.path.dirname(part.kept)
            if part.kept and os.path.lexists(release):
                place = Staging.beside(os.path.join(root_of(release), "any"))
                kept = self._view.staging.path(place, "old", "releases", part.ref, os.path.basename(release))
                found.append(Move(part.ref, "release", release, None, kept))
        return found

    def _place_for(self, part: Part) -> str:
        """Where that is kept which is there now: packs as releases, so that one can go back to them in turn."""
        pack = next((one for one in self._changes.of(PACK) if one.ref == part.ref), None)
        if part.what == VIRTUALENV or pack is None or pack.after is None:
            root = root_of(part.live) if is_own(part.live) else os.path.dirname(part.live)
            place = Staging.beside(os.path.join(root, "any"))
            return self._view.staging.path(place, "old", part.what, part.ref)
        directory = PacksDirectory(os.path.dirname(pack.live))
        release = releases.next_release(directory, part.ref, pack.after.short)
        return os.path.join(release, "pack" if part.what == PACK else f"{part.what}.json")


def _state(state: t.Optional[State]) -> t.Optional[PackState]:
    return PackState(state.version, state.commit, state.digest, state.source) if state else None


def _direction(before: t.Optional[PackState], after: t.Optional[PackState]) -> str:
    if after is None:
        return "remove"
    if before is None:
        return "install"
    if same_version(before.version, after.version):
        return "replace"
    return "upgrade" if sort_versions([before.version, after.version])[0] == after.version else "downgrade"
