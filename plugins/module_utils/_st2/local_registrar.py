# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Registration by C(st2-register-content) on the host (st2common/content/bootstrap.py): needs no token."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import typing as t

from .._deadline import Deadline
from .._errors import InvalidContentError, RegistrationError, UnreachableError
from .._process import Completed, run
from .._secrets import Redactor
from .error_text import error_text
from .executions import last_exception
from .host import Host
from .no_registrar import NoRegistrar
from .one_by_one import register_each
from .register_together import PROGRAM as TOGETHER
from .register_together import Outcome, arguments, outcomes
from .registration import PackFiles, Registered

PROGRAM = "st2-register-content"
# Each type of the port as the flags name it, and as the directory of the pack is called that holds such resources.
# --register-all with --register-pack breaks down for a pack without actions (bootstrap/actionsregistrar.py
# register_from_pack).
_NAMES = {
    "trigger": "triggers",
    "sensor": "sensors",
    "action": "actions",
    "rule": "rules",
    "alias": "aliases",
    "policy": "policies",
    "config": "configs",
}
_COUNT = re.compile(r"Registered (?P<count>\d+) (?P<name>[a-z]+(?: types)?)\.")
_OVERRIDDEN = re.compile(r"(?P<count>\d+) (?P<name>[a-z]+) had their metadata overridden\.")
_DOWN = re.compile(
    r"ServerSelectionTimeoutError|AutoReconnect|ConnectionFailure|OperationalError|ConnectionRefusedError|"
    r"Connection refused|OperationFailure"
)
# What stands in our environment for the API is no business of a program that does not use it.
_OURS = ("ST2_API_KEY", "ST2_AUTH_TOKEN")


def find_program(host: Host, environment: t.Mapping[str, str]) -> t.Optional[str]:
    """The path of C(st2-register-content): beside StackStorm's own Python, else on C(PATH).

    Not on C(PATH) for a host in a root directory of its own: what is there works on the system's StackStorm.
    """
    beside = os.path.join(os.path.dirname(host.st2_python), PROGRAM) if host.st2_python else ""
    if beside and os.access(beside, os.X_OK):
        return beside
    if host.root:
        return None
    return shutil.which(PROGRAM, path=environment.get("PATH", os.defpath))


class LocalRegistrar(NoRegistrar):
    """The adapter for C(st2-register-content). It can tell the database of packs, and neither read it nor take
    anything out of it.

    :arg program: The path of C(st2-register-content).
    :arg environment: Of this process. What is said of the service (C(ST2_SECTION__OPTION)) goes along.
    """

    name = "local"
    by = "local"

    def __init__(
        self,
        program: str,
        host: Host,
        *,
        environment: t.Mapping[str, str],
        deadline: Deadline,
        redactor: t.Optional[Redactor] = None,
    ) -> None:
        self._program = program
        self._host = host
        self._deadline = deadline
        self._redactor = redactor or Redactor()
        service = {name: value for name, value in host.service_environment.items() if name.startswith("ST2_")}
        ours = {name: value for name, value in environment.items() if name not in _OURS}
        # Without a locale StackStorm cannot even log names that are not ASCII.
        self._environment = {"LC_ALL": "C.UTF-8", **service, **ours}

    def register(
        self, packs: t.Sequence[PackFiles], types: t.Sequence[str] = (), *, fail_on_failure: bool = True
    ) -> Registered:
        """As L(Registrar.register). Several packs are registered by one process where StackStorm's Python is known, one
        after the other (L(register_together)); else each by a process of its own, one at a time.

        :raises RegistrationError: with the first pack that is at fault in C(ref).
        """
        chosen = {pack.ref: _types_of(pack, types) for pack in packs}
        left = [pack for pack in packs if chosen[pack.ref]]
        known = self._together(left, chosen, fail_on_failure) if len(left) > 1 else {}

        def one(pack: PackFiles) -> Registered:
            outcome = known.pop(pack.ref, None)
            if outcome is None or outcome.taken is None:
                return self._register(pack, chosen[pack.ref], fail_on_failure)
            if not outcome.taken:
                raise self._failure(pack, Completed(1, outcome.stdout, outcome.stderr))
            return parse_counts(f"{outcome.stdout}\n{outcome.stderr}")

        return register_each(left, one)

    def _together(
        self, packs: t.Sequence[PackFiles], chosen: t.Mapping[str, t.Sequence[str]], fail_on_failure: bool
    ) -> t.Dict[str, Outcome]:
        """What became of the packs in one process; packs that it did not get to are left out."""
        python = self._host.st2_python
        if not python or os.path.dirname(python) != os.path.dirname(self._program):
            return {}
        mark = f"{secrets.token_hex(16)} "
        argv = [python, "-c", TOGETHER, *self._options(fail_on_failure)]
        completed = self._run([*argv, arguments(mark, [(pack.path, chosen[pack.ref]) for pack in packs])])
        found = outcomes(mark, completed.stdout, completed.told)
        if not found and _DOWN.search(last_exception(completed.told)):
            raise self._failure(packs[0], completed)
        return {pack.ref: outcome for pack, outcome in zip(packs, found)}

    def _register(self, pack: PackFiles, names: t.Sequence[str], fail_on_failure: bool) -> Registered:
        flags = [f"--register-{name}" for name in names]
        options = self._options(fail_on_failure)
        completed = self._run([self._program, *options[:2], "--register-pack", pack.path, *flags, *options[2:]])
        if completed.returncode:
            raise self._failure(pack, completed)
        return parse_counts(f"{completed.stdout}\n{completed.told}")

    def _options(self, fail_on_failure: bool) -> t.List[str]:
        lenient = [] if fail_on_failure else ["--register-no-fail-on-failure"]
        return ["--config-file", self._host.st2_conf, *lenient]

    def _run(self, argv: t.Sequence[str]) -> Completed:
        return run(argv, deadline=self._deadline, environment=self._environment, redactor=self._redactor, check=False)

    def _failure(self, pack: PackFiles, completed: Completed) -> RegistrationError:
        # What the program wrote may hold a whole config, so it is not passed on: only its last exception is, cleaned.
        output = completed.told if completed.told.strip() else completed.stdout
        exception = last_exception(output)
        reason = self._redactor.text(error_text(exception)).rstrip(".") or "it said nothing"
        if _DOWN.search(exception):
            return UnreachableError(
                f"{PROGRAM} cannot reach StackStorm's database or message bus to register {pack.ref}: {reason}. Start "
                f"MongoDB and RabbitMQ, check {self._host.st2_conf}, or set register=none.",
                ref=pack.ref,
            )
        return InvalidContentError(
            f"{PROGRAM} failed with exit status {completed.returncode} for {pack.ref}: {reason}.", ref=pack.ref
        )


def _types_of(pack: PackFiles, types: t.Sequence[str]) -> t.List[str]:
    """The types that the pack has, as the program's flags name them. C(configs) also registers the pack itself, and its
    config schema."""
    wanted = [_NAMES[one] for one in _NAMES if not types or one in types]
    return [name for name in wanted if name == "configs" or os.path.isdir(os.path.join(pack.path, name))]


def parse_counts(output: str) -> Registered:
    """The counts in what C(st2-register-content) logs, by the names that the API gives them."""

    def found(pattern: t.Pattern[str]) -> t.Dict[str, int]:
        return {match.group("name").replace(" ", "_"): int(match.group("count")) for match in pattern.finditer(output)}

    return Registered(found(_COUNT), {name: count for name, count in found(_OVERRIDDEN).items() if count})
