# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: the config's file, the pack and its schema, and what StackStorm's database has."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, field, replace

from .._change.database import Database
from .._change.known import KnownConfig
from .._change.session import View
from .._content.config_schema import SCHEMA_FILE, ConfigSchema, read_schema
from .._errors import InvalidPackError
from .._layout import SYSTEM_PACKS
from .._st2.registration import PackFiles
from .document import ConfigFile, config_path, read_config

if t.TYPE_CHECKING:
    from .._st2.registrar import Registrar


@dataclass(frozen=True)
class Observed:
    """What was observed.

    :arg pack: The pack as registration needs it, C(None) when it is not on this host.
    :arg schema: The schema to judge by: the task's, else the pack's.
    :arg location: Where the pack's files are.
    :arg stored_schema: The attributes of the schema that the database has of a pack that has none itself; C(None) when
        it has none, or nobody can tell.
    :arg why_not_unload: Why the pack cannot be taken out of the database for a moment; C(None) when it can.
    :arg registered: Whether the whole pack is registered by the same task anyway.
    """

    file: ConfigFile
    pack: t.Optional[PackFiles] = None
    schema: t.Optional[ConfigSchema] = None
    database: KnownConfig = field(default_factory=KnownConfig)
    location: str = ""
    stored_schema: t.Optional[t.Mapping[str, t.Any]] = None
    why_not_unload: t.Optional[str] = None
    warnings: t.Tuple[str, ...] = ()
    registered: bool = False


@dataclass(frozen=True)
class PackPlace:
    """Where a pack is.

    :arg path: Where StackStorm sees it, or will.
    :arg location: Where its files are just now.
    """

    path: str
    location: str


def observe(
    view: View,
    database: Database,
    ref: str,
    place: t.Optional[PackPlace],
    *,
    schema: t.Optional[str] = None,
    lenient: bool = False,
) -> Observed:
    """Look at the config of one pack.

    :arg place: Where the pack is, or will be; C(None) for nowhere.
    :arg schema: The file, or the directory of a pack, to take the schema from instead.
    :arg lenient: Do without a schema that StackStorm would refuse: it is only needed to know secrets by.
    :raises InvalidPackError: for a schema that StackStorm would refuse.
    :raises ConfigError: for a file that cannot be read.
    :raises RegistrationError: when the database does not answer.
    """
    path = config_path(view.host.configs_path, ref)
    file = read_config(path, view.now(path))
    source = schema or (place.location if place else None)
    warnings: t.List[str] = []
    found: t.Optional[ConfigSchema] = None
    try:
        found = read_schema(source) if source else None
        if found and place and not schema:
            # Where people will find it; what lies there just now is this run's own.
            found = replace(found, path=os.path.join(place.path, SCHEMA_FILE))
    except InvalidPackError as error:
        if not lenient:
            raise
        warnings.append(error.message)
    digest = database.records.config_digest(file.content) if file.exists and not file.problem else ""
    pack = PackFiles(ref, place.path) if place else None
    known = database.config(ref, digest)
    location = place.location if place else ""
    return Observed(file, pack, found, known, location, None, None, tuple(warnings))


def why_not_unload(registrar: Registrar, ref: str) -> t.Optional[str]:
    """Why a pack cannot be taken out of the database for a moment; C(None) when it can.

    StackStorm refuses that for its own packs, and takes with it what somebody made by hand and no file would bring back
    (contrib/packs/actions/pack_mgmt/unload.py).
    """
    if not registrar.unloads:
        return "only StackStorm's API can remove it"
    if ref in SYSTEM_PACKS:
        return "StackStorm does not unload its own packs"
    kinds = ("rules", "actions", "aliases", "policies")
    by_hand = [f"{one.kind} {one.name}" for one in registrar.resources_of([ref], kinds) if one.by_hand]
    if by_hand:
        return f"what was made by hand in this pack would be lost: {', '.join(sorted(by_hand)[:5])}"
    return None
