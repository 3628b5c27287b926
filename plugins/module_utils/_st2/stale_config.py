# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Configs and config schemas that StackStorm's database has and that have no file any more: how to be rid of them.

StackStorm registers what there is and takes nothing away: without C(configs/REF.yaml) the old values stay, without
C(config.schema.yaml) the old schema stays, and goes on refusing configs (bootstrap/configsregistrar.py
register_from_pack, bootstrap/base.py _register_pack_config_schema_db). There is no request that deletes either, and
C(packs.unload), which does, takes along what people made by hand. What registration does is replace, so:

* A config is replaced by an empty one, which is the same to every action and sensor as none
  (util/config_loader.py ContentPackConfigLoader.get_config).
* A schema is replaced by one that refuses nothing. An empty schema file is refused, so there is one attribute in it.

An empty config does not fit a schema that requires a key, and the file of a schema that refuses nothing has no place in
the pack. Both stand in a directory of their own, the carrier. StackStorm takes the ref of a config and a schema from
the *name* of the directory that it registers, and the config from C(configs/REF.yaml) whatever directory it is; the
REST API looks a pack up by joining the name that it is given to a packs base path (content/utils.py
get_pack_base_path), so that a directory below the collection's own place there can be named to it. That also writes
the carrier's path and files into the pack's row, so that the pack itself must be registered once more afterwards,
which touches neither row: the pack has no such files.
"""

from __future__ import annotations

import json
import os
import re
import typing as t
from dataclasses import dataclass

from .registration import PackFiles

_ONLY = ("config",)
# What tells that a schema is one of ours. No pack has such a key.
_MARK = "this_version_has_no_config_schema"
# st2common/models/api/pack.py ConfigSchemaAPI
_NAME = re.compile(r"\w+")
# StackStorm takes an attribute of no type for a string unless it has such a choice, to which it adds null
# (util/schema/__init__.py modify_schema_allow_default_none).
_ANYTHING = {"anyOf": [{"type": one} for one in ("array", "boolean", "integer", "number", "object", "string")]}


@dataclass(frozen=True)
class FileStep:
    """A file or directory to be put in place, with the directories above it, or to be taken away.

    :arg content: C(None) to take it away, with all that is in it.
    """

    path: str
    content: t.Optional[bytes]


@dataclass(frozen=True)
class RegisterStep:
    """To be registered by C(registrar.register([pack], types))."""

    pack: PackFiles
    types: t.Tuple[str, ...] = _ONLY


Step = t.Union[FileStep, RegisterStep]


def clearing(
    pack: PackFiles, pack_yaml: bytes, configs_path: str, carriers: str, has_schema: bool
) -> t.Tuple[Step, ...]:
    """How to replace the config that the database has of a pack by an empty one.

    After a failure or a kill in between, either all of it is done again, or the config file is put back, the carrier
    taken away, and the pack registered (C(config)), which gives the database the file's values and the pack's schema.

    :arg pack: As it is installed. Its config file is gone or is to go: the last file step takes it away.
    :arg pack_yaml: The content of its C(pack.yaml), which may not change what the database has of the pack.
    :arg configs_path: The directory of the configs.
    :arg carriers: A directory that StackStorm's user can read and search, at least two levels below the packs base path
        of the pack, so that StackStorm finds no pack in it by itself.
    :arg has_schema: Whether the database has a config schema of the pack, or may have one.
    """
    config = os.path.join(configs_path, f"{pack.ref}.yaml")
    empty = FileStep(config, b"{}\n")
    if not has_schema:
        return (empty, RegisterStep(pack), FileStep(config, None))
    carrier = PackFiles(pack.ref, os.path.join(carriers, pack.ref))
    return (
        *_carrying(carrier, pack_yaml, open_schema(None, {})),
        empty,
        RegisterStep(carrier),
        FileStep(config, None),
        FileStep(carrier.path, None),
        RegisterStep(pack),
    )


def opening(
    ref: str,
    pack_yaml: bytes,
    carriers: str,
    schema: t.Optional[t.Mapping[str, t.Any]],
    values: t.Mapping[t.Any, t.Any],
) -> t.Tuple[Step, ...]:
    """How to replace the schema that the database has of a pack, which has none any more, by one that refuses nothing.

    Before the pack itself is registered, which must follow, and with C(configs/REF.yaml) as it is to be: it is
    registered along. To be done again whenever a config with other keys is to be registered.

    :arg pack_yaml: As the pack has it that is to be registered.
    :arg carriers: As for L(clearing).
    :arg schema: The attributes that the database has now; C(None) when that is not known.
    :arg values: Of the config.
    """
    return carrying(ref, pack_yaml, carriers, open_schema(schema, values))


def carrying(ref: str, pack_yaml: bytes, carriers: str, schema: t.Mapping[str, t.Any]) -> t.Tuple[Step, ...]:
    """How to give the database any schema of a pack that has none itself. As L(opening), but the schema is given."""
    carrier = PackFiles(ref, os.path.join(carriers, ref))
    return (*_carrying(carrier, pack_yaml, schema), RegisterStep(carrier), FileStep(carrier.path, None))


def open_schema(schema: t.Optional[t.Mapping[str, t.Any]], values: t.Mapping[t.Any, t.Any]) -> t.Dict[str, t.Any]:
    """The attributes of a config schema that fits every config with these keys.

    What was secret stays secret, else everybody could read the values that StackStorm has. It names the keys of the
    config, as StackStorm breaks down over C(decrypt_kv) at a key that is in no schema; where that filter is used the
    value is no secret to StackStorm, which refuses the filter otherwise (util/pack.py validate_config_against_schema).
    """
    attributes: t.Dict[str, t.Any] = {
        _MARK: {"type": "string", "description": "Stands for no schema at all: any config is accepted."}
    }
    for name in values:
        if isinstance(name, str) and _NAME.fullmatch(name):
            attributes[name] = _ANYTHING
    for name, attribute in (schema or {}).items():
        value = values.get(name)
        if _is_secret(attribute) and not (isinstance(value, str) and "decrypt_kv" in value):
            attributes[name] = {"secret": True, **_ANYTHING}
    return attributes


def is_open(schema: t.Optional[t.Mapping[str, t.Any]]) -> bool:
    """Whether it is what L(open_schema) makes, and so as good as none."""
    return schema is not None and _MARK in schema


def is_open_for(schema: t.Optional[t.Mapping[str, t.Any]], values: t.Mapping[t.Any, t.Any]) -> bool:
    """Whether a schema in the database is an open one that is right for a config, and need not be made anew."""
    if schema is None or not is_open(schema):
        return False
    return all(name in schema and schema[name] == one for name, one in open_schema(schema, values).items())


def _is_secret(attribute: t.Any) -> bool:
    """Whether any of it is secret, however deep."""
    if isinstance(attribute, dict):
        return attribute.get("secret") is True or any(_is_secret(one) for one in attribute.values())
    return isinstance(attribute, list) and any(_is_secret(one) for one in attribute)


def _carrying(carrier: PackFiles, pack_yaml: bytes, schema: t.Mapping[str, t.Any]) -> t.Tuple[Step, ...]:
    # JSON is YAML.
    text = json.dumps(schema, indent=1).encode() + b"\n"
    return (
        FileStep(os.path.join(carrier.path, "pack.yaml"), pack_yaml),
        FileStep(os.path.join(carrier.path, "config.schema.yaml"), text),
    )
