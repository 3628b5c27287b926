# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Registration by StackStorm's REST API (st2api/controllers/v1/packs.py and its neighbours)."""

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
from .api_client import ApiClient, path_of
from .executions import POLL_SECONDS, Execution, run_action
from .host import Host
from .registration import PackFiles, Registered, Resource

# The list of each kind, and what its items may be cut down to. Others are taken whole: their models cannot be made from
# parts (st2common/models/api/rule.py RuleAPI.from_model looks the trigger up).
_LISTS = {
    "sensors": ("sensortypes", ""),
    "actions": ("actions", "ref,name,pack,enabled,metadata_file"),
    "rules": ("rules", ""),
    "aliases": ("actionalias", ""),
    "policies": ("policies", ""),
    "triggers": ("triggertypes", ""),
}
_OVERRIDDEN = "(overridden)"
_CONFIG = "config"


class ApiRegistrar:
    """The adapter for the REST API.

    :arg client: With credentials, and with the task's deadline.
    :arg host: Where the packs and configs are, to say which one StackStorm does not like.
    """

    name = "api"
    reads = True
    unloads = True

    def __init__(
        self, client: ApiClient, host: Host, redactor: Redactor, *, poll_seconds: float = POLL_SECONDS
    ) -> None:
        self.by = client.url
        self._client = client
        self._host = host
        self._redactor = redactor
        self._poll_seconds = poll_seconds

    def register(
        self, packs: t.Sequence[PackFiles], types: t.Sequence[str] = (), *, fail_on_failure: bool = True
    ) -> Registered:
        """As L(Registrar.register). Packs go one at a time: in an answer about several, C(X(overridden)) is the last
        pack's number only, and an error does not always say whose it is.

        :raises RegistrationError: with the pack in C(ref).
        """
        done = Registered()
        for pack in packs:
            try:
                done = done.add(_registered(self._register(pack.ref, types, fail_on_failure)))
            except RegistrationError as error:
                error.ref = error.ref or pack.ref
                raise
        return done

    def unload(self, refs: t.Sequence[str]) -> None:
        """As L(Registrar.unload), by the action C(packs.unload): the API itself has nothing for it. A pack that
        StackStorm does not know is fine; C(core), C(packs), C(linux) and C(chatops) it refuses."""
        if refs:
            self._run("packs.unload", {"packs": list(refs)}).require_success(self._redactor)

    def versions(self, refs: t.Sequence[str]) -> t.Mapping[str, str]:
        """As L(Registrar.versions), from the list: a pack whose ref begins with C(index) or C(views) cannot be read by
        its own address (st2common/openapi.yaml.j2)."""
        if not refs:
            return {}
        params = {"include_attributes": "ref,version", **({"ref": refs[0]} if len(refs) == 1 else {})}
        wanted = set(refs)
        found = {item.get("ref"): item.get("version") for item in self._client.list("/packs", params)}
        return {ref: version or "" for ref, version in found.items() if isinstance(ref, str) and ref in wanted}

    def config(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """As L(Registrar.config).

        :raises ForbiddenError: for a pack without a schema, when the account may not see secrets: StackStorm cannot
            mask the values then, and shows nothing (recordings of 3.9.0; models/db/pack.py ConfigDB.mask_secrets).
        """
        try:
            answer = self._client.get(path_of("configs", ref), {"show_secrets": "true"})
        except MissingError as error:
            if "ConfigSchemaDB" in error.message:
                raise ForbiddenError(
                    f"StackStorm has a config of {ref} but no schema for it, so it shows the config to nobody but "
                    "administrators.",
                    ref=ref,
                ) from None
            return None
        values = answer.get("values") if isinstance(answer, dict) else None
        if values is None:
            return {}
        if not isinstance(values, dict):
            raise UnexpectedAnswerError(f"StackStorm's config of {ref} is no mapping.", ref=ref)
        return values

    def resources(self, ref: str, kinds: t.Sequence[str]) -> t.Sequence[Resource]:
        """As L(Registrar.resources)."""
        found: t.List[Resource] = []
        for kind in kinds:
            path, attributes = _LISTS[kind]
            params = {"pack": ref, **({"include_attributes": attributes} if attributes else {})}
            items = self._client.list(f"/{path}", params)
            # A rule or policy of another pack is never taken for one of this.
            found.extend(_resource(kind, item) for item in items if item.get("pack", ref) == ref)
        return found

    def delete(self, resource: Resource) -> None:
        """As L(Registrar.delete). StackStorm has no way to delete a sensor alone: it is switched off instead, which
        ends its process, and stays in the database, disabled, until the pack is unloaded."""
        path = path_of(_LISTS[resource.kind][0], resource.ref)
        try:
            if resource.kind == "sensors":
                sensor = self._client.get(path)
                if not isinstance(sensor, dict):
                    raise UnexpectedAnswerError(f"StackStorm does not answer GET {path} with a sensor.")
                self._client.put(path, {**sensor, "enabled": False})
            else:
                # Without a body the API breaks down for actions (st2api/controllers/v1/actions.py delete).
                self._client.delete(path, {"remove_files": False} if resource.kind == "actions" else None)
        except MissingError:
            pass

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()

    def _register(self, ref: str, types: t.Sequence[str], fail_on_failure: bool) -> t.Any:
        body: t.Dict[str, t.Any] = {"packs": [ref]}
        if types:
            body["types"] = list(types)
        if not fail_on_failure:
            body["fail_on_failure"] = False
        try:
            return self._client.post("/packs/register", body)
        except GatewayTimeoutError:
            return self._register_behind_gateway(ref, types, body)
        except ServerError as error:
            raise self._suspect(ref, types, error) from None

    def _register_behind_gateway(self, ref: str, types: t.Sequence[str], body: t.Dict[str, t.Any]) -> t.Any:
        """The counts, when the gateway does not wait for them: nginx gives up after 90 s (conf/nginx/st2.conf).

        What the first request does cannot be asked for. So it is done again as an execution, which can be waited for;
        where that is not allowed, by the same request until it is answered. Doing it twice changes nothing.
        """
        load = body.get("fail_on_failure", True)  # packs.load knows nothing else.
        while True:
            self._pause(f"StackStorm was registering {ref}")
            try:
                if load:
                    try:
                        return self._load(ref, types)
                    except (ForbiddenError, InvalidContentError, MissingError):
                        load = False
                return self._client.post("/packs/register", body)
            except GatewayTimeoutError:
                continue
            except ServerError as error:
                raise self._suspect(ref, types, error) from None

    def _load(self, ref: str, types: t.Sequence[str]) -> t.Any:
        remaining = max(1, int(self._client.deadline.remaining()))
        execution = self._run(
            "packs.load", {"packs": [ref], "register": ",".join(types) or "all", "timeout": remaining}
        )
        execution.require_success(self._redactor)
        return execution.result.get("result")

    def _run(self, action: str, parameters: t.Mapping[str, t.Any]) -> Execution:
        return run_action(self._client, action, parameters, self._poll_seconds)

    def _pause(self, doing: str) -> None:
        self._client.deadline.check(doing)
        time.sleep(min(self._poll_seconds, self._client.deadline.remaining()))

    def _suspect(self, ref: str, types: t.Sequence[str], error: ServerError) -> RegistrationError:
        """What a bare 500 means: that a config does not fit its schema, which the API does not say."""
        config = os.path.join(self._host.configs_path, f"{ref}.yaml")
        if types and not {_CONFIG, "configs", "all"} & set(types):
            return error
        if not os.path.lexists(config):
            return ServerError(
                f"{error.message} The usual reason is a config that does not fit its schema, but this host has no "
                f"{config}.",
                ref=ref,
            )
        return ServerError(
            f"StackStorm at {self.by} broke down over registering {ref}, without saying why. It does so when a config "
            f"does not fit the pack's schema: look at {config}. If it does fit, its log (st2api.log) says why.",
            ref=ref,
        )


def _registered(answer: t.Any) -> Registered:
    """StackStorm's counts, C(X(overridden)) apart."""
    if not isinstance(answer, dict):
        raise UnexpectedAnswerError("StackStorm does not answer with counts to a registration.")
    numbers = {name: value for name, value in answer.items() if isinstance(value, int) and not isinstance(value, bool)}
    return Registered(
        {name: value for name, value in numbers.items() if not name.endswith(_OVERRIDDEN)},
        {name[: -len(_OVERRIDDEN)]: value for name, value in numbers.items() if name.endswith(_OVERRIDDEN)},
    )


def _resource(kind: str, item: t.Mapping[str, t.Any]) -> Resource:
    ref = str(item.get("ref") or "")
    name = item.get("class_name") if kind == "sensors" else item.get("name")
    enabled = item.get("enabled")
    return Resource(
        kind=kind,
        name=str(name or ref.partition(".")[2]),
        ref=ref,
        enabled=enabled if isinstance(enabled, bool) else None,
        metadata_file=str(item.get("metadata_file") or ""),
    )
