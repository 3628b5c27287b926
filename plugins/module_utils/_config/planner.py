# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The config of one pack on its way through observe, plan, change and verify."""

from __future__ import annotations

import os
import typing as t
from dataclasses import replace

from .._change.carrier import stage_clearing, stage_opening
from .._change.database import Database
from .._change.journal import Move
from .._change.planner import Staged
from .._change.session import View
from .._change.staging import Staging
from .._change.telling import Registration
from .._content.obstacle import require_own_place
from .._errors import ApplyError, St2Error
from .._file_changes import backup_path, write_atomically
from .._secrets import Redactor
from .._yaml_text import block
from .observe import Observed, PackPlace, observe, why_not_unload
from .options import Attributes, ConfigOptions
from .plan import ConfigPlan, has_config, is_to_go, plan_absent, plan_present, state_of
from .redaction import Redaction
from .verify import verify_database, verify_file

_MODE_OF_BACKUPS = 0o600
Moves = t.List[Move]
Schema = t.Optional[t.Mapping[str, t.Any]]


class ConfigPlanner:
    """Plans and prepares what a task asks of a pack's config.

    :arg redactor: Is told every secret, of the task, the file and the database.
    :ivar redaction: Masks the secrets of this config.
    :ivar backup: The copy of the old file, when one was made.
    """

    def __init__(self, view: View, database: Database, options: ConfigOptions, redactor: Redactor) -> None:
        self.warnings: t.List[str] = []
        self.redaction = Redaction(None, options.secrets)
        self.backup = ""
        self._view = view
        self._database = database
        self._options = options
        self._redactor = redactor
        self._location = ""

    def at_rest(self, place: t.Optional[PackPlace]) -> t.Optional[ConfigPlan]:
        """The plan when there is nothing to do, else C(None)."""
        plan = self.make(place)
        return None if plan.changed else plan

    def make(self, place: t.Optional[PackPlace], *, stored: Schema = None, registered: bool = False) -> ConfigPlan:
        """The plan.

        :arg place: Where the pack is, or will be; C(None) for nowhere.
        :arg stored: The schema that the database has of another version of the pack than the one that comes.
        :arg registered: Whether the whole pack is registered by the same task anyway.
        :raises RefusedConfig: for a config that StackStorm would refuse.
        :raises St2Error: for files that cannot be read, and a database that does not answer.
        """
        options = self._options
        lenient = options.state == "absent" and not options.names_keys
        observed = observe(self._view, self._database, options.pack, place, schema=options.schema, lenient=lenient)
        observed = replace(observed, registered=registered)
        self._location = observed.location
        self._learn_secrets(observed)
        absent = is_to_go(observed.file, options)
        if absent and has_config(observed.database):
            why = why_not_unload(self._database.registrar, options.pack)
            observed = replace(observed, why_not_unload=why)
        make = plan_absent if absent else plan_present
        plan = make(observed, options, self.redaction)
        if (plan.changed or stored) and place and observed.schema is None and not options.schema:
            # Else the config is as wanted and was taken: whatever schema the database still has, it fits that.
            stored = stored or self._database.config_schema(options.pack)
            observed = replace(observed, stored_schema=stored)
            plan = make(observed, options, self.redaction)
        if plan.action != "none" or plan.clear:
            require_own_place(plan.before.path, self._view.now(plan.before.path), "config", plan.ref)
        self.warnings = list(plan.warnings)
        return plan

    def _learn_secrets(self, observed: Observed) -> None:
        self.redaction = Redaction(observed.schema, self._options.secrets)
        for secret in self.redaction.secret_texts(self._options.given, observed.file.values, observed.database.values):
            self._redactor.add(secret)

    def stage(self, plan: ConfigPlan) -> Staged:
        """Prepare the file aside, and the carrier where one is needed.

        :raises ApplyError: when it cannot be written.
        """
        path = plan.before.path
        try:
            moves, closing = self._stage(plan, Staging.beside(path))
            return Staged(moves, closing, plan.telling._replace(first=self._carriers(plan)))
        except PermissionError as error:
            raise ApplyError(
                f"This account may not change {path}, or give it to another owner or group: {error.strerror}. Run with "
                "become, or set owner and group to this account's.",
                ref=plan.ref,
            ) from error
        except OSError as error:
            raise ApplyError(f"{path} cannot be changed: {error.strerror}.", ref=plan.ref) from error

    def _carriers(self, plan: ConfigPlan) -> t.Tuple[Registration, ...]:
        if plan.pack is not None and plan.clear == "carrier":
            return (stage_clearing(self._view.host, self._view.staging, plan.pack, self._location),)
        if plan.pack is not None and plan.opens is not None:
            return (
                stage_opening(
                    self._view.host, self._view.staging, plan.ref, self._location, plan.opens, plan.values or {}
                ),
            )
        return ()

    def _stage(self, plan: ConfigPlan, staging: str) -> t.Tuple[Moves, Moves]:
        path, moves = plan.before.path, []
        name = os.path.basename(path)

        def move(live: str, what: str, content: t.Optional[bytes], attributes: Attributes) -> Move:
            kept = self._view.staging.path(staging, "old", what, os.path.basename(live))
            if content is None:
                return Move(plan.ref, what, live, None, kept)
            staged = self._view.staging.path(staging, what, os.path.basename(live))
            write_atomically(staged, content, mode=attributes.mode, uid=attributes.uid, gid=attributes.gid)
            return Move(plan.ref, what, live, staged, kept)

        file = plan.before
        if self._options.backup and file.content and plan.action in ("change", "remove"):
            self.backup = backup_path(path)
            moves.append(move(self.backup, "backup", file.content, Attributes(_MODE_OF_BACKUPS, file.uid, file.gid)))
        if plan.clear in ("empty", "carrier"):
            empty = move(path, "config", block({}).encode(), plan.attributes)
            kept = self._view.staging.path(staging, "old", "empty", name)
            return [*moves, empty], [Move(plan.ref, "config", path, None, kept)]
        if plan.action in ("create", "change", "attributes"):
            content = file.content if plan.action == "attributes" else plan.content
            moves.append(move(path, "config", content, plan.attributes))
        elif plan.action == "remove":
            moves.append(move(path, "config", None, plan.attributes))
        return moves, []

    def verify(self, plan: ConfigPlan) -> None:
        """Compare the file with the plan, while nothing else was done yet.

        :raises VerifyError: that names the difference, and no value.
        """
        if plan.action != "none" and plan.clear not in ("empty", "carrier"):
            verify_file(plan)

    def verify_database(self, plan: ConfigPlan) -> None:
        """Compare file and database with the plan, once all is done. Raises what L(verify) raises."""
        if plan.changed:
            verify_file(plan)
        if plan.register or plan.clear:
            verify_database(plan, self._database.config(plan.ref, ""))

    def state(self, place: t.Optional[PackPlace]) -> str:
        """What the database has of the config now, for a task that failed."""
        try:
            observed = observe(self._view, self._database, self._options.pack, place, lenient=True)
        except St2Error:
            return "unknown"
        return state_of(observed.database, observed.file.values if observed.file.exists else None)
