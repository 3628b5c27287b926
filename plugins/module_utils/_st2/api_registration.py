# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""C(POST /packs/register) of StackStorm's REST API (st2api/controllers/v1/packs.py), also behind a gateway."""

from __future__ import annotations

import os
import time
import typing as t

from .._errors import (
    ForbiddenError,
    GatewayTimeoutError,
    InvalidContentError,
    MissingError,
    RegistrationError,
    ServerError,
    UnexpectedAnswerError,
)
from .._secrets import Redactor
from .api_client import ApiClient
from .executions import Execution, run_action
from .host import Host
from .one_by_one import REFUSALS, refusal, register_each
from .registration import PackFiles, Registered

_OVERRIDDEN = "(overridden)"
_CONFIG = "config"


class ApiRegistration:
    """Registers packs.

    :arg client: With credentials, and with the task's deadline.
    :arg host: Where the packs and configs are, to say which one StackStorm does not like.
    """

    def __init__(self, client: ApiClient, host: Host, redactor: Redactor, poll_seconds: float) -> None:
        self._client = client
        self._host = host
        self._redactor = redactor
        self._poll_seconds = poll_seconds

    def register(self, packs: t.Sequence[PackFiles], types: t.Sequence[str], fail_on_failure: bool) -> Registered:
        """All packs by one request, which registers StackStorm's own runners, half of the work, once for all.

        In the answer about several packs C(X(overridden)) is one pack's number and no sum, so that it is left out.
        Where the request is refused, neither its status nor always its words say whose fault it is, and nobody
        knows which packs are registered: only then they go one at a time.

        :raises RegistrationError: with the first pack that is at fault in C(ref).
        """
        if not packs:
            return Registered()
        try:
            return _registered(self._ask(packs, types, fail_on_failure), len(packs))
        except REFUSALS as error:
            if len(packs) == 1:
                raise refusal(packs, (), {packs[0].ref: self._explained(packs[0].ref, types, error)}) from None

        def one(pack: PackFiles) -> Registered:
            try:
                return _registered(self._ask([pack], types, fail_on_failure), 1)
            except REFUSALS as error:
                raise self._explained(pack.ref, types, error) from None

        return register_each(packs, one)

    def _ask(self, packs: t.Sequence[PackFiles], types: t.Sequence[str], fail_on_failure: bool) -> t.Any:
        body: t.Dict[str, t.Any] = {"packs": [self._address(pack) for pack in packs]}
        if types:
            body["types"] = list(types)
        if not fail_on_failure:
            body["fail_on_failure"] = False
        try:
            return self._client.post("/packs/register", body)
        except GatewayTimeoutError:
            return self._ask_behind_gateway(body, types, ", ".join(pack.ref for pack in packs))

    def _address(self, pack: PackFiles) -> str:
        """What StackStorm joins to its packs base paths (content/utils.py get_pack_base_path): the ref, or the way to a
        directory that lies deeper."""
        for base in self._host.packs_base_paths:
            below = os.path.relpath(pack.path, base)
            if os.sep in below and not below.startswith(os.pardir):
                return below
        return pack.ref

    def _ask_behind_gateway(self, body: t.Dict[str, t.Any], types: t.Sequence[str], names: str) -> t.Any:
        """The counts, when the gateway does not wait for them: nginx gives up after 90 s (conf/nginx/st2.conf).

        What the first request does cannot be asked for. So it is done again as an execution, which can be waited for;
        where that is not allowed, by the same request until it is answered. Doing it twice changes nothing.
        """
        load = body.get("fail_on_failure", True)  # packs.load knows nothing else.
        while True:
            self._client.deadline.check(f"StackStorm was registering {names}")
            time.sleep(min(self._poll_seconds, self._client.deadline.remaining()))
            try:
                execution = self._load(body["packs"], types) if load else None
                if execution is None:
                    load = False
                    return self._client.post("/packs/register", body)
            except GatewayTimeoutError:
                continue
            return self._counts_of(execution)

    def _load(self, names: t.Sequence[str], types: t.Sequence[str]) -> t.Optional[Execution]:
        """The execution, when it has ended; C(None) where none may be started."""
        remaining = max(1, int(self._client.deadline.remaining()))
        parameters = {"packs": list(names), "register": ",".join(types) or "all", "timeout": remaining}
        try:
            return run_action(self._client, "packs.load", parameters, self._poll_seconds)
        except (ForbiddenError, InvalidContentError, MissingError):
            return None

    def _counts_of(self, execution: Execution) -> t.Any:
        try:
            execution.require_success(self._redactor)
        except RegistrationError as error:
            # It passes on what the same request says.
            raise InvalidContentError(error.message) from None
        return execution.result.get("result")

    def _explained(self, ref: str, types: t.Sequence[str], error: RegistrationError) -> RegistrationError:
        """What a bare 500 means: that a config does not fit its schema, which the API does not say."""
        if not isinstance(error, ServerError) or (types and not {_CONFIG, "configs", "all"} & set(types)):
            return error
        config = os.path.join(self._host.configs_path, f"{ref}.yaml")
        if not os.path.lexists(config):
            return ServerError(
                f"{error.message} The usual reason is a config that does not match its schema, but this host has no "
                f"{config}.",
                ref=ref,
            )
        return ServerError(
            f"StackStorm at {self._client.url} broke down over registering {ref}, without saying why. This happens if "
            f"a config does not match the schema of the pack: check {config}. If it does match, see its log "
            "(st2api.log).",
            ref=ref,
        )


def _registered(answer: t.Any, packs: int) -> Registered:
    """StackStorm's counts, C(X(overridden)) apart."""
    if not isinstance(answer, dict):
        raise UnexpectedAnswerError("StackStorm does not return counts for a registration.")
    numbers = {name: value for name, value in answer.items() if isinstance(value, int) and not isinstance(value, bool)}
    counts = {name: value for name, value in numbers.items() if not name.endswith(_OVERRIDDEN)}
    overridden = {name[: -len(_OVERRIDDEN)]: value for name, value in numbers.items() if name.endswith(_OVERRIDDEN)}
    # The key is there when any pack has one, with the number of the last such pack.
    return Registered(counts, overridden if packs == 1 or not overridden else None)
