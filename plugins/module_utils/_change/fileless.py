# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Configs and config schemas of packs that have no file for them: what the database has of those, noted and put back.

Registering the former files of a pack puts back what they have. A schema that a refused version brought and the former
one has not would stay, and refuse configs that nothing on disk says anything against (tried on 3.9.0).
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field

from .._errors import RegistrationError, St2Error
from .._st2.registrar import Registrar
from .._st2.registration import Configs
from .on_disk import OnDisk
from .staging import Staging

if t.TYPE_CHECKING:
    from .telling import Registration

_HIDDEN = "hidden"
Schema = t.Optional[t.Mapping[str, t.Any]]


@dataclass(frozen=True)
class Fileless:
    """What the database has of packs that lack a file.

    :arg schemas: The attributes of the schema, or C(None) for none, of packs without config.schema.yaml.
    :arg configs: The digest of the config, empty for none or where nobody can tell, of packs without a config file, and
        of packs that are not there.
    """

    schemas: t.Mapping[str, Schema] = field(default_factory=dict)
    configs: t.Mapping[str, str] = field(default_factory=dict)

    def document(self) -> t.Dict[str, t.Any]:
        """What L(fileless_from) reads."""
        return {"schemas": dict(self.schemas), "configs": dict(self.configs)}


def fileless_from(document: t.Mapping[str, t.Any]) -> Fileless:
    """What was noted, as a journal says; nothing when that makes no sense."""
    try:
        found = document["fileless"]
        return Fileless(dict(found["schemas"]), dict(found["configs"]))
    except (KeyError, TypeError, ValueError):
        return Fileless()


def note(registrar: Registrar, refs: t.Iterable[str], on_disk: OnDisk) -> Fileless:
    """Look at packs that are going to be registered.

    :raises RegistrationError: when it does not answer.
    """
    without = [ref for ref in refs if _lacks_config(ref, on_disk)]
    if not registrar.reads:
        return Fileless({}, dict.fromkeys(without, ""))
    there = [ref for ref in refs if on_disk.installation.get(ref)]
    schemas = {ref: registrar.config_schema(ref) for ref in there if not on_disk.has_schema(ref)}
    return Fileless(schemas, _configs(registrar, without, on_disk))


def _lacks_config(ref: str, on_disk: OnDisk) -> bool:
    """Whether registering what is on disk gives the database no config."""
    return not on_disk.installation.get(ref) or not os.path.lexists(on_disk.config_path(ref))


def _configs(registrar: Registrar, refs: t.Sequence[str], on_disk: OnDisk) -> t.Dict[str, str]:
    """The digests of the configs that the database has of packs; L(_HIDDEN) of those that it does not show."""
    known = registrar.configs(refs) if refs else Configs()
    return {ref: _HIDDEN if ref in known.hidden else on_disk.values_digest(known.values.get(ref)) for ref in refs}


def carriers(registrar: Registrar, before: Fileless, on_disk: OnDisk, staging: Staging) -> t.List[Registration]:
    """Carriers of the schemas as they were, to be registered before their packs; see C(_st2/stale_config.py).

    Where the database cannot be read, one that was noted is carried whatever is there now.

    :raises RegistrationError: when the database does not answer.
    :raises OSError: when one cannot be written.
    """
    found: t.List[Registration] = []
    for ref, schema in before.schemas.items():
        pack = on_disk.installation.get(ref)
        if pack is None or on_disk.has_schema(ref):
            continue
        now = registrar.config_schema(ref) if registrar.reads else schema
        if now is None or (registrar.reads and now == schema):
            continue
        from .._st2.stale_config import open_schema
        from .carrier import stage_schema

        if schema is None:
            schema = open_schema(now, _values(on_disk.config_path(ref)))
        found.append(stage_schema(on_disk.host, staging, ref, pack.location, schema))
    return found


def _values(path: str) -> t.Mapping[t.Any, t.Any]:
    from .._yaml_file import load_yaml

    try:
        found = load_yaml(path)
    except (St2Error, OSError):
        return {}
    return found if isinstance(found, dict) else {}


def remains(registrar: Registrar, before: Fileless, on_disk: OnDisk) -> t.List[str]:
    """Names of configs that the database has now and that no request takes out of it."""
    refs = sorted(ref for ref in before.configs if _lacks_config(ref, on_disk))
    if not registrar.reads:
        return [f"the config of {ref} (if StackStorm accepted it, which only its API can tell)" for ref in refs]
    try:
        now = _configs(registrar, refs, on_disk)
    except RegistrationError:
        return []
    return [f"the config of {ref}" for ref, digest in now.items() if digest not in ("", before.configs[ref])]
