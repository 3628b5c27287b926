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

Schema = t.Optional[t.Mapping[str, t.Any]]


@dataclass(frozen=True)
class Fileless:
    """What the database has of packs that it has, and that lack a file.

    :arg schemas: The attributes of the schema, or C(None) for none, of packs without config.schema.yaml.
    :arg configs: The digest of the config, empty for none, of packs without a config file.
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
    """Look at packs that the database has.

    :raises RegistrationError: when it does not answer.
    """
    there = [ref for ref in refs if on_disk.installation.get(ref)]
    if not registrar.reads or not there:
        return Fileless()
    return Fileless(
        {ref: registrar.config_schema(ref) for ref in there if not on_disk.has_schema(ref)},
        _configs(registrar, [ref for ref in there if not os.path.lexists(on_disk.config_path(ref))], on_disk),
    )


def _configs(registrar: Registrar, refs: t.Sequence[str], on_disk: OnDisk) -> t.Dict[str, str]:
    """The digests of the configs that the database shows of packs."""
    known = registrar.configs(refs) if refs else Configs()
    return {ref: on_disk.values_digest(known.values.get(ref)) for ref in refs if ref not in known.hidden}


def carriers(registrar: Registrar, before: Fileless, on_disk: OnDisk, staging: Staging) -> t.List[Registration]:
    """Carriers of the schemas as they were, to be registered before their packs; see C(_st2/stale_config.py).

    :raises RegistrationError: when the database does not answer.
    :raises OSError: when one cannot be written.
    """
    found: t.List[Registration] = []
    for ref, schema in before.schemas.items():
        pack = on_disk.installation.get(ref)
        if pack is None or on_disk.has_schema(ref):
            continue
        now = registrar.config_schema(ref)
        if now is None or now == schema:
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
    refs = sorted(ref for ref in before.configs if not os.path.lexists(on_disk.config_path(ref)))
    try:
        now = _configs(registrar, refs, on_disk)
    except RegistrationError:
        return []
    return [f"the config of {ref}" for ref, digest in now.items() if digest not in ("", before.configs[ref])]
