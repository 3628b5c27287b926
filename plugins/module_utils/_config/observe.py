# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: the config's file, the pack and its schema, and what StackStorm's database has."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._change.records import RegisteredRecords
from .._content.config_schema import ConfigSchema, read_schema
from .._errors import ForbiddenError, InvalidPackError
from .._layout import SYSTEM_PACKS
from .._st2.registration import PackFiles, Registrar
from .document import ConfigFile, config_path, read_config


@dataclass(frozen=True)
class Database:
    """What is known of a pack's config in StackStorm's database.

    :arg adapter: The registrar's name; with C(none) nothing is known and nothing will be told.
    :arg reads: Whether C(values) is what the database has.
    :arg values: The values that it has, C(None) for no config.
    :arg recorded: The digest of the file that was last registered there; empty when nobody knows.
    :arg digest: The digest of the file that is there now; empty for none.
    :arg unloads: Whether the pack can be taken out of the database, and nothing would be lost with it.
    """

    adapter: str = "none"
    reads: bool = False
    values: t.Optional[t.Mapping[str, t.Any]] = field(default=None, repr=False)
    recorded: str = ""
    digest: str = ""
    unloads: bool = False


@dataclass(frozen=True)
class Observed:
    """What was observed.

    :arg pack_path: The pack's directory, C(None) when it is not on this host.
    :arg schema: The schema to judge by: the task's, else the pack's.
    """

    file: ConfigFile
    pack_path: t.Optional[str] = None
    schema: t.Optional[ConfigSchema] = None
    database: Database = field(default_factory=Database)
    warnings: t.Tuple[str, ...] = ()

    def pack(self, ref: str) -> t.Optional[PackFiles]:
        """The pack as registration needs it."""
        return PackFiles(ref, self.pack_path) if self.pack_path else None


class Observer:
    """Looks at the config of one pack.

    :arg configs_path: The host's directory of configs.
    :arg find_pack: Gives the directory of a pack, or C(None).
    """

    def __init__(
        self,
        configs_path: str,
        find_pack: t.Callable[[str], t.Optional[str]],
        registrar: Registrar,
        records: RegisteredRecords,
    ) -> None:
        self._configs_path = configs_path
        self._find_pack = find_pack
        self._registrar = registrar
        self._records = records

    def observe(self, ref: str, *, schema: t.Optional[str] = None, lenient: bool = False) -> Observed:
        """Look.

        :arg schema: The file, or the directory of a pack, to take the schema from instead of the installed pack.
        :arg lenient: Do without a schema that StackStorm would refuse: it is only needed to know secrets by.
        :raises InvalidPackError: for a schema that StackStorm would refuse.
        :raises ConfigError: for a file that cannot be read.
        :raises RegistrationError: when the database does not answer.
        """
        file = read_config(config_path(self._configs_path, ref))
        pack_path = self._find_pack(ref)
        source = schema or pack_path
        warnings: t.List[str] = []
        found: t.Optional[ConfigSchema] = None
        try:
            found = read_schema(source) if source else None
        except InvalidPackError as error:
            if not lenient:
                raise
            warnings.append(error.message)
        database = self.database(ref, file, warnings)
        return Observed(file, pack_path, found, database, tuple(warnings))

    def database(self, ref: str, file: ConfigFile, warnings: t.List[str]) -> Database:
        """What the database has, asked where it can be, else from the record of what was last registered."""
        registrar = self._registrar
        if registrar.name == "none":
            return Database()
        record = self._records.read(ref)
        recorded = record.get("config", "") if record.get("by", "") == registrar.by else ""
        digest = self._records.config_digest(file.path) if file.exists and not file.problem else ""
        unread = Database(registrar.name, False, None, recorded, digest)
        if not registrar.reads:
            return unread
        try:
            values = registrar.config(ref)
        except ForbiddenError as error:
            warnings.append(error.message)
            return unread
        return Database(registrar.name, True, values, recorded, digest, registrar.unloads)

    def may_unload(self, ref: str) -> t.Optional[str]:
        """Why the pack cannot be taken out of the database for a moment; C(None) when it can.

        StackStorm refuses that for its own packs, and takes rules with it that somebody made by hand and that no file
        would bring back (contrib/packs/actions/pack_mgmt/unload.py).
        """
        if not self._registrar.unloads:
            return "only StackStorm's API can take it out"
        if ref in SYSTEM_PACKS:
            return "StackStorm does not let go of its own packs"
        rules = [one.name for one in self._registrar.resources_of([ref], ["rules"]) if not one.metadata_file]
        if rules:
            return f"rules that were made by hand in this pack would be lost: {', '.join(sorted(rules)[:5])}"
        return None
