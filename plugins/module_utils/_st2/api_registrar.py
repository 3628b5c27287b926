# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Registration by StackStorm's REST API (st2api/controllers/v1/packs.py and its neighbours)."""

from __future__ import annotations

import typing as t

from .._errors import ForbiddenError, MissingError, UnexpectedAnswerError
from .._libraries import require
from .._secrets import Redactor
from .api_client import ApiClient, path_of
from .host import Host
from .registration import Configs, PackFiles, Registered, Resource

_NO_SCHEMA = "ConfigSchemaDB"
# st2common/constants/secrets.py MASKED_ATTRIBUTE_VALUE
_MASKED = "********"
_POLL_SECONDS = 0.5


def list_versions(client: ApiClient, ref: str = "", *, expected: int = 0) -> t.Dict[str, str]:
    """The version of every pack that the database has, by its ref; or of one pack.

    From the list, as a pack whose ref begins with C(index) or C(views) cannot be read by its own address
    (st2common/openapi.yaml.j2).

    :arg expected: About how many packs there are.
    """
    params = {"include_attributes": "ref,version", **({"ref": ref} if ref else {})}
    items = client.list("/packs", params, expected=expected)
    return {item["ref"]: item.get("version") or "" for item in items if isinstance(item.get("ref"), str)}


class ApiReader:
    """What StackStorm's database has, as its API tells.

    :arg client: With credentials, and with the task's deadline.
    """

    def __init__(self, client: ApiClient) -> None:
        self._client = client

    def config(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """As L(Registrar.config).

        :raises ForbiddenError: for a pack without a schema, when the account may not see secrets: StackStorm cannot
            mask the values then, and shows nothing (recordings of 3.9.0; models/db/pack.py ConfigDB.mask_secrets). And
            for one whose schema has a key C(secret): then it masks all of it.
        """
        try:
            answer = self._client.get(path_of("configs", ref), {"show_secrets": "true"})
        except MissingError as error:
            if _NO_SCHEMA in error.message:
                raise ForbiddenError(
                    f"StackStorm has a config of {ref} but no schema for it, so it shows the config to nobody but "
                    "administrators.",
                    ref=ref,
                ) from None
            return None
        if isinstance(answer, dict) and answer.get("values") == _MASKED:
            raise ForbiddenError(f"StackStorm shows the config of {ref} to nobody but administrators.", ref=ref)
        return _mapping(answer, "values", f"config of {ref}", ref)

    def configs(self, refs: t.Sequence[str]) -> Configs:
        """As L(Registrar.configs).

        To an account that may not see secrets StackStorm gives no list at all as long as one pack, be it any, has a
        config and no schema (models/db/pack.py ConfigDB.mask_secrets): then every pack is asked for by itself.
        """
        if not refs:
            return Configs()
        try:
            items = self._client.list("/configs", {"show_secrets": "true"}) if len(refs) > 1 else None
        except MissingError as error:
            if _NO_SCHEMA not in error.message:
                raise
            items = None
        if items is None:
            return self._single_configs(refs)
        found = {str(item.get("pack")): item for item in items}
        if any(found[ref].get("values") == _MASKED for ref in refs if ref in found):
            return self._single_configs(refs)
        return Configs({ref: _mapping(found[ref], "values", f"config of {ref}", ref) for ref in refs if ref in found})

    def _single_configs(self, refs: t.Sequence[str]) -> Configs:
        values: t.Dict[str, t.Mapping[str, t.Any]] = {}
        hidden: t.Dict[str, str] = {}
        for ref in refs:
            try:
                one = self.config(ref)
            except ForbiddenError as error:
                hidden[ref] = error.message
            else:
                if one is not None:
                    values[ref] = one
        return Configs(values, hidden)

    def config_schema(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """As L(Registrar.config_schema)."""
        try:
            answer = self._client.get(path_of("config_schemas", ref))
        except MissingError:
            return None
        return _mapping(answer, "attributes", f"config schema of {ref}", ref)


class ApiRegistrar(ApiReader):
    """The adapter for the REST API.

    :arg client: As of L(ApiReader).
    :arg host: Where the packs and configs are, to say which one StackStorm does not like.
    :arg known: What L(list_versions) has just said of all packs: the answer to the first question for versions, unless
        the database is changed before.
    """

    name = "api"
    reads = True
    unloads = True

    def __init__(
        self,
        client: ApiClient,
        host: Host,
        redactor: Redactor,
        *,
        known: t.Optional[t.Mapping[str, str]] = None,
        poll_seconds: float = _POLL_SECONDS,
    ) -> None:
        super().__init__(client)
        self.by = client.url
        self._redactor = redactor
        self._known = known
        self._poll_seconds = poll_seconds
        self._host = host

    def require(self) -> None:
        """As L(Registrar.require)."""
        require("requests")

    def register(
        self, packs: t.Sequence[PackFiles], types: t.Sequence[str] = (), *, fail_on_failure: bool = True
    ) -> Registered:
        """As L(Registrar.register)."""
        from .api_registration import ApiRegistration

        self._known = None
        registration = ApiRegistration(self._client, self._host, self._redactor, self._poll_seconds)
        return registration.register(packs, types, fail_on_failure)

    def unload(self, refs: t.Sequence[str]) -> None:
        """As L(Registrar.unload), by the action C(packs.unload): the API itself has nothing for it. A pack that
        StackStorm does not know is fine; C(core), C(packs), C(linux) and C(chatops) it refuses."""
        self._known = None
        if refs:
            from .executions import require_sight, run_action

            require_sight(self._client, "packs.unload")
            execution = run_action(self._client, "packs.unload", {"packs": list(refs)}, self._poll_seconds)
            execution.require_success(self._redactor)

    def versions(self, refs: t.Sequence[str]) -> t.Mapping[str, str]:
        """As L(Registrar.versions)."""
        if not refs:
            return {}
        known, self._known = self._known, None
        if known is None:
            known = list_versions(self._client, refs[0] if len(refs) == 1 else "", expected=len(refs))
        return {ref: known[ref] for ref in refs if ref in known}

    def resources_of(self, refs: t.Sequence[str], kinds: t.Sequence[str]) -> t.Sequence[Resource]:
        """As L(Registrar.resources_of)."""
        from .api_resources import list_resources

        return [one for kind in kinds for one in list_resources(self._client, kind, refs)] if refs else []

    def every(self, kind: str) -> t.Sequence[Resource]:
        """As L(Registrar.every)."""
        from .api_resources import list_resources

        return list_resources(self._client, kind)

    def delete(self, resource: Resource) -> None:
        """As L(Registrar.delete)."""
        self._known = None
        from .api_resources import delete_resource

        delete_resource(self._client, resource)

    def close(self) -> None:
        """Let go of the connection."""
        self._client.close()


def _mapping(answer: t.Any, key: str, what: str, ref: str) -> t.Mapping[str, t.Any]:
    found = answer.get(key) if isinstance(answer, dict) else None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UnexpectedAnswerError(f"StackStorm's {what} is no mapping.", ref=ref)
    return found
