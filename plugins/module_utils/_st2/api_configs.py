# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Configs and their schemas as StackStorm's API shows them (st2api/controllers/v1/pack_configs.py)."""

from __future__ import annotations

import typing as t

from .._errors import ForbiddenError, MissingError, UnexpectedAnswerError
from .api_client import ApiClient, path_of
from .registration import Configs

_NO_SCHEMA = "ConfigSchemaDB"
# st2common/constants/secrets.py MASKED_ATTRIBUTE_VALUE
_MASKED = "********"


def read_config(client: ApiClient, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
    """As L(Registrar.config).

    :raises ForbiddenError: for a pack without a schema, when the account may not see secrets: StackStorm cannot
        mask the values then, and shows nothing (recordings of 3.9.0; models/db/pack.py ConfigDB.mask_secrets). And
        for one whose schema has a key C(secret): then it masks all of it.
    """
    try:
        answer = client.get(path_of("configs", ref), {"show_secrets": "true"})
    except MissingError as error:
        if _NO_SCHEMA in error.message:
            raise ForbiddenError(
                f"StackStorm has a config of {ref} but no schema for it, so it only shows the config to "
                "administrators.",
                ref=ref,
            ) from None
        return None
    if isinstance(answer, dict) and answer.get("values") == _MASKED:
        raise ForbiddenError(f"StackStorm only shows the config of {ref} to administrators.", ref=ref)
    return _mapping(answer, "values", f"config of {ref}", ref)


def read_configs(client: ApiClient, refs: t.Sequence[str]) -> Configs:
    """As L(Registrar.configs).

    To an account that may not see secrets StackStorm gives no list at all as long as one pack, be it any, has a
    config and no schema (models/db/pack.py ConfigDB.mask_secrets): then every pack is asked for by itself.
    """
    if not refs:
        return Configs()
    try:
        items = client.list("/configs", {"show_secrets": "true"}) if len(refs) > 1 else None
    except MissingError as error:
        if _NO_SCHEMA not in error.message:
            raise
        items = None
    if items is None:
        return _single_configs(client, refs)
    found = {str(item.get("pack")): item for item in items}
    if any(found[ref].get("values") == _MASKED for ref in refs if ref in found):
        return _single_configs(client, refs)
    return Configs({ref: _mapping(found[ref], "values", f"config of {ref}", ref) for ref in refs if ref in found})


def _single_configs(client: ApiClient, refs: t.Sequence[str]) -> Configs:
    values: t.Dict[str, t.Mapping[str, t.Any]] = {}
    hidden: t.Dict[str, str] = {}
    for ref in refs:
        try:
            one = read_config(client, ref)
        except ForbiddenError as error:
            hidden[ref] = error.message
        else:
            if one is not None:
                values[ref] = one
    return Configs(values, hidden)


def read_config_schema(client: ApiClient, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
    """As L(Registrar.config_schema)."""
    try:
        answer = client.get(path_of("config_schemas", ref))
    except MissingError:
        return None
    return _mapping(answer, "attributes", f"config schema of {ref}", ref)


def _mapping(answer: t.Any, key: str, what: str, ref: str) -> t.Mapping[str, t.Any]:
    found = answer.get(key) if isinstance(answer, dict) else None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise UnexpectedAnswerError(f"StackStorm's {what} is not a mapping.", ref=ref)
    return found
