# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The way through the rooms for overrides: observe, resolve and plan, apply, verify."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from .._change.lock import HostLock
from .._change.own_places import OwnPlaces
from .._change.recovery import interrupted, recover
from .._content.installed import Installation
from .._errors import HostError, St2Error
from .._process import Deadline
from .._st2.host import Host
from .._st2.registration import Registrar
from .apply import apply
from .document import GLOBAL, KINDS
from .observe import Observed, Records, installed_packs, view
from .options import Options
from .override_file import OverrideFile, read_override_file
from .plan import Plan, make_plan, scope


@dataclass
class Outcome:
    """What a run came to.

    :arg plan: What was planned; C(None) when it failed before.
    :arg failure: The error that ended it, if one did; then nothing of the plan stands, unless C(stuck).
    :arg stuck: Whether the override file could not be put back.
    """

    plan: t.Optional[Plan] = None
    warnings: t.List[str] = field(default_factory=list)
    failure: t.Optional[St2Error] = None
    stuck: bool = False

    @property
    def changed(self) -> bool:
        """Whether the host is different now, or would be."""
        if self.failure is not None:
            return self.stuck
        return self.plan is not None and self.plan.changed


class Run:
    """One run about one override file.

    :arg check: Plan only; nothing is written or registered.
    """

    def __init__(
        self,
        host: Host,
        options: Options,
        *,
        check: bool,
        registrar: Registrar,
        records: Records,
        deadline: Deadline,
    ) -> None:
        self._host = host
        self._options = options
        self._check = check
        self._registrar = registrar
        self._records = records
        self._deadline = deadline
        self._places = OwnPlaces(host)

    def run(self) -> Outcome:
        """Walk through the rooms.

        :raises St2Error: for what fails before there is a plan; a later failure is in the outcome.
        """
        if not os.path.isdir(self._host.system_packs_path):
            raise HostError(
                f"The packs directory {self._host.system_packs_path} does not exist. Is StackStorm installed here, and "
                f"is {self._host.st2_conf} its configuration (option st2_conf)?"
            )
        outcome = Outcome()
        try:
            self._run(outcome)
        except OSError as error:
            raise HostError(f"A file of this host cannot be read or written: {error}.") from error
        return outcome

    def _run(self, outcome: Outcome) -> None:
        self._places.require()
        with HostLock(self._places.state) as lock:
            lock.acquire(self._deadline, create=False)
            outcome.plan = make_plan(self._options, self._observe())
            if outcome.plan.changed and not self._check:
                alone = lock.held
                lock.acquire(self._deadline, create=True)
                recovered = self._recover(outcome)
                if recovered or not alone:  # Until now another run may have been at work.
                    outcome.plan = make_plan(self._options, self._observe())
                self._apply(outcome, outcome.plan)
        outcome.warnings += outcome.plan.warnings

    def _apply(self, outcome: Outcome, plan: Plan) -> None:
        try:
            apply(plan, self._registrar, self._records)
        except St2Error as error:
            outcome.failure = error
            now = read_override_file(self._host.overrides_path, self._options.pack)
            outcome.stuck = plan.writes and now.content != plan.before

    def _recover(self, outcome: Outcome) -> bool:
        """Undo what a killed run of M(st2_pack) left, before StackStorm is told of it."""
        found = interrupted(self._places)
        outcome.warnings += recover(found).warnings
        return bool(found)

    def _observe(self) -> Observed:
        directory = self._host.overrides_path
        target = read_override_file(directory, self._options.pack)
        for_all = target if self._options.for_all else read_override_file(directory, GLOBAL)
        installation = Installation(self._host.packs_base_paths, interrupted(self._places).moved)
        kinds = self._kinds(target)
        packs = [
            view(pack, directory, kinds, registrar=self._registrar, records=self._records)
            for pack in installed_packs(installation, None if self._options.for_all else self._options.pack)
        ]
        return Observed(target, for_all, tuple(packs), self._registrar.name != "none")

    def _kinds(self, target: OverrideFile) -> t.Sequence[str]:
        """The kinds of resources to look at. Of all packs together there are many, so no more than is needed."""
        if self._options.for_all and (self._registrar.reads or self._registrar.name == "none"):
            return scope(self._options, target.overrides, bool(target.problems))
        return KINDS
