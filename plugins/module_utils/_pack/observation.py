# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: what there is of the packs that a task asks for, found without network and programs."""

from __future__ import annotations

import typing as t

from .._change.database import ONLY_BY_API, Database
from .._change.session import View
from .._content.installed import InstalledPack
from .._deadline import Deadline
from .._errors import OptionError
from .._layout import SYSTEM_PACKS
from .options import Options
from .plan import Facts
from .virtualenv import Interpreters, Settings, may_stay, observe_virtualenv

if t.TYPE_CHECKING:
    from .._change.known import KnownPack
    from .comparison import Comparison
    from .dependencies import Pack
    from .locked_wheels import Pins
    from .virtualenv import Virtualenv


class Observation:
    """One look at a host and at StackStorm's database, for the packs of one task.

    :arg base_path: The packs base path for packs that are not there yet.
    :arg environment: For the programs that a task starts.
    :ivar warnings: What the person who wrote the task should know.
    """

    def __init__(
        self,
        view: View,
        options: Options,
        database: Database,
        *,
        base_path: str,
        deadline: Deadline,
        environment: t.Mapping[str, str],
    ) -> None:
        host = view.host
        self.view = view
        self.options = options
        self.database = database
        self.base_path = base_path
        self.environment = environment
        self.installation = view.installation
        self.virtualenvs = view.virtualenvs
        self.warnings = [warning for request in options.requests for warning in request.warnings]
        self.settings = Settings(
            host.python_binary, host.virtualenv_opts, (*host.pip_opts, *options.pip_args), host.st2_site_packages
        )
        self.interpreters = Interpreters(deadline, environment)
        self._comparison: t.Optional[Comparison] = None

    def expect(self, refs: t.Iterable[str]) -> None:
        """Let the database be asked once for what is looked at of all packs that are to be there."""
        compares = self.options.verify == "database"
        if not compares and not self.options.prune:
            return
        expected = [ref for ref in refs if ref not in SYSTEM_PACKS]
        self.database.expect(resources=expected, configs=expected if compares else ())
        if compares and expected and not self.database.registrar.reads:
            self.warnings.append(f"verify=database could compare nothing: {ONLY_BY_API}")

    def require_base_path(self, installed: t.Optional[InstalledPack]) -> None:
        """:raises OptionError: when a pack is in another base path than the task asks for."""
        if installed and self.options.base_path and installed.base_path != self.base_path:
            raise OptionError(
                f"base_path asks for {installed.ref} in {self.base_path}, but it is in {installed.base_path}. "
                "Packs are not moved between base paths: remove it there first (state=absent).",
                ref=installed.ref,
            )

    def facts_of(self, pack: InstalledPack) -> Facts:
        """The facts about an installed pack that stays."""
        facts = self.facts(pack, pack.location, adopted=pack.receipt is None or pack.receipt.adopted)
        if pack.is_system:
            return facts
        known = self.database.pack(pack.ref, pack, pack.location)
        return facts._replace(known=self._compared(pack.ref, pack.location, known))

    def facts(self, pack: Pack, location: str, *, adopted: bool) -> Facts:
        """What is there beside the pack itself.

        :arg location: Where the files of the pack are that will be there.
        :arg adopted: Whether something else installed the pack.
        """
        virtualenv = observe_virtualenv(self.virtualenvs, pack.ref)
        pins = self._pins(pack, virtualenv) if self.options.lock else None
        if self.options.virtualenv == "never" or virtualenv.health == "absent":
            return Facts(virtualenv=virtualenv.health, pins=pins)
        locked = pins.digest if pins else ""
        fits = may_stay(virtualenv, self.settings, self.interpreters, location, adopted=adopted, locked=locked)
        return Facts(virtualenv=virtualenv.health, virtualenv_fits=fits, pins=pins)

    def _pins(self, pack: Pack, virtualenv: Virtualenv) -> t.Optional[Pins]:
        from .locked_wheels import pins_of

        return pins_of(self.options, pack, lambda: self.interpreters.look(self.settings.python, virtualenv).version)

    def _compared(self, ref: str, location: str, known: KnownPack) -> KnownPack:
        if self.options.verify != "database" or not self.database.registrar.reads:
            return known
        if self._comparison is None:
            from .comparison import Comparison

            self._comparison = Comparison(self.view, self.database, self.database.types)
        known = self._comparison.known(ref, location, known)
        self.warnings += self._comparison.warnings
        return known
