# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: the config of a pack, and its schema, as StackStorm's database has them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._config.document import ConfigFile
from .._config.values import MASKED, Values
from .._content.config_schema import ConfigSchema
from .._errors import RegistrationError
from .._st2.api_client import ApiClient, path_of
from .._st2.api_configs import read_config, read_config_schema
from .._st2.api_registrar import list_versions
from .._yaml_text import block


@dataclass(frozen=True)
class StoredConfig:
    """What StackStorm has.

    :arg address: Of the config in the API, for people.
    :arg installed: Whether it has the pack.
    :arg schema: C(None) when the pack has none.
    :arg values: C(None) when there is no config.
    """

    ref: str
    address: str
    installed: bool
    schema: t.Optional[ConfigSchema] = None
    values: t.Optional[Values] = field(default=None, repr=False)

    @property
    def masked(self) -> bool:
        """Whether secrets are among the values, and not shown."""
        return _holds_mask(self.values)

    def as_file(self) -> ConfigFile:
        """The same in the place of a config's file. An empty config is as good as none
        (st2common/util/config_loader.py)."""
        values = ordered(self.values or {})
        text = block(values) if values else ""
        return ConfigFile(self.address, exists=bool(values), values=values, text=text, mode=-1)


def observe_config(client: ApiClient, ref: str) -> StoredConfig:
    """Look at one config.

    :raises RegistrationError: when StackStorm cannot be asked, or does not show it.
    """
    address = f"{client.url}{path_of('configs', ref)}"
    if ref not in list_versions(client, ref):
        return StoredConfig(ref, address, False)
    attributes = read_config_schema(client, ref)
    schema = ConfigSchema(attributes, f"{client.url}{path_of('config_schemas', ref)}") if attributes else None
    values = read_config(client, ref)
    return StoredConfig(ref, address, True, schema, None if values is None else dict(values))


def sees_secrets(client: ApiClient) -> bool:
    """Whether StackStorm shows secrets to this account, as it does to administrators, who are all without RBAC
    (st2api/controllers/resource.py _get_mask_secrets)."""
    try:
        rbac = client.get("/user").get("rbac")
    except (RegistrationError, AttributeError):
        return False
    return isinstance(rbac, dict) and bool(rbac.get("is_admin") or not rbac.get("enabled"))


def ordered(values: t.Any) -> t.Any:
    """The values with sorted keys, as StackStorm writes them to its file. In what order its database has them depends
    on how they got there."""
    if isinstance(values, dict):
        return {key: ordered(values[key]) for key in sorted(values, key=str)}
    return [ordered(one) for one in values] if isinstance(values, list) else values


def _holds_mask(value: t.Any) -> bool:
    if isinstance(value, dict):
        return any(map(_holds_mask, value.values()))
    if isinstance(value, list):
        return any(map(_holds_mask, value))
    return bool(value == MASKED)
