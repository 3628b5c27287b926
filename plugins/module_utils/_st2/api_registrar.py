# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Registration by StackStorm's REST API (st2api/controllers/v1/packs.py and its neighbours)."""

from __future__ import annotations

import typing as t

from .._libraries import require
from .._secrets import Redactor
from .api_client import ApiClient
from .host import Host
from .registration import Configs, PackFiles, Registered, Resource

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


class ApiRegistrar:
    """The adapter for the REST API.

    :arg client: With credentials, and with the task's deadline.
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
        self.by = client.url
        self._client = client
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

    def config(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """As L(Registrar.config). Raises what L(read_config) raises."""
        from .api_configs import read_config

        return read_config(self._client, ref)

    def configs(self, refs: t.Sequence[str]) -> Configs:
        """As L(Registrar.configs)."""
        from .api_configs import read_configs

        return read_configs(self._client, refs)

    def config_schema(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """As L(Registrar.config_schema)."""
        from .api_configs import read_config_schema

        return read_config_schema(self._client, ref)

    def resources_of(self, refs: t.Sequence[str], kinds: t.Sequence[str]) -> t.Sequence[Resource]:
        """As L(Registrar.resources_of)."""
        from .api_resources import list_resources

        return [one for kind in kinds for one in list_resources(self._client, kind, refs)] if refs else []

    def runners(self) -> t.Sequence[str]:
        """As L(Registrar.runners)."""
        return [str(item.get("name")) for item in self._client.list("/runnertypes", {"include_attributes": "name"})]

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
