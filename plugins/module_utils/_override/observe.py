# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: everything on a host, and in StackStorm's database, that decides what an override switches."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._change.records import overrides_digest
from .._content.installed import Installation, InstalledPack
from .._st2.registration import Registrar
from .document import KINDS
from .override_file import OverrideFile, read_override_file
from .pack_resources import PackResources, read_pack_resources

# Whether each resource in the database is enabled, by kind and name.
Database = t.Mapping[t.Tuple[str, str], t.Optional[bool]]


class Records(t.Protocol):
    """What was last registered of each pack, see L(RegisteredRecords)."""

    def read(self, ref: str) -> t.Mapping[str, str]:
        """The record of a pack; empty when nobody knows."""

    def write(self, ref: str, values: t.Mapping[str, str]) -> None:
        """Put values into it."""


@dataclass(frozen=True)
class PackView:
    """One installed pack, as far as overrides are concerned.

    :arg path: Where StackStorm sees it.
    :arg file: Its own override file.
    :arg database: What the database has of it; C(None) when that cannot be read.
    :arg recorded: Whether the overrides that apply now are those last registered; C(None) when that is not known.
    """

    path: str
    resources: PackResources
    file: OverrideFile
    database: t.Optional[Database] = None
    recorded: t.Optional[bool] = None

    @property
    def ref(self) -> str:
        """Its ref."""
        return self.resources.ref


@dataclass(frozen=True)
class Observed:
    """What an override file of a host is about.

    :arg target: The file that the task is about.
    :arg for_all: C(_global.yaml), which may be the same.
    :arg packs: The packs that the file concerns: one, all, or none when its pack is not installed.
    :arg registers: Whether the database can be told.
    """

    target: OverrideFile
    for_all: OverrideFile
    packs: t.Tuple[PackView, ...]
    registers: bool = False


def view(
    pack: InstalledPack,
    directory: str,
    kinds: t.Sequence[str] = KINDS,
    *,
    registrar: t.Optional[Registrar] = None,
    records: t.Optional[Records] = None,
) -> PackView:
    """Look at one pack.

    :arg directory: The host's overrides directory.
    :arg kinds: The kinds of resources to look at.
    :arg registrar: Where the database is to be read, too, if it can do that.
    :raises RegistrationError: when the database does not answer.
    """
    resources = read_pack_resources(pack.ref, pack.location, kinds)
    database = read_database(registrar, pack.ref, kinds) if registrar and registrar.reads else None
    recorded = _recorded(records, registrar, pack.ref, directory) if registrar and records else None
    return PackView(pack.path, resources, read_override_file(directory, pack.ref), database, recorded)


def _recorded(records: Records, registrar: Registrar, ref: str, directory: str) -> t.Optional[bool]:
    record = records.read(ref)
    if not record or record.get("by") != registrar.by:
        return None
    try:
        return record.get("overrides", "") == overrides_digest(directory, ref)
    except OSError:
        return False


def read_database(registrar: Registrar, ref: str, kinds: t.Sequence[str]) -> Database:
    """What the database has of a pack; nothing is asked where there are no kinds."""
    if not kinds:
        return {}
    return {(found.kind, found.name): found.enabled for found in registrar.resources_of([ref], tuple(kinds))}


def installed_packs(installation: Installation, ref: t.Optional[str]) -> t.List[InstalledPack]:
    """One pack, if it is installed, or all of them."""
    if ref is None:
        return installation.all()
    pack = installation.get(ref)
    return [pack] if pack else []
