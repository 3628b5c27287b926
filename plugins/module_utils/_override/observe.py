# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Observe: everything on a host, and in StackStorm's database, that decides what an override switches."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .._change.database import Database
from .._change.records import overrides_digest, read_content
from .._content.installed import Installation, InstalledPack, identity_of
from .._st2.registration import Resource
from .document import GLOBAL, KINDS, SINGULAR
from .override_file import OverrideFile, override_path, read_override_file
from .pack_resources import PackResources, read_pack_resources

if t.TYPE_CHECKING:
    from .._st2.registrar import Registrar

# Whether each resource in the database is enabled, by kind and name.
Enabled = t.Mapping[t.Tuple[str, str], t.Optional[bool]]


@dataclass(frozen=True)
class PackView:
    """One installed pack, as far as overrides are concerned.

    :arg path: Where StackStorm sees it.
    :arg file: Its own override file.
    :arg database: What the database has of it; C(None) when that cannot be read.
    :arg recorded: Whether the overrides that apply now are those last registered; C(None) when that is not known.
    :arg healed: The kinds of which the database is to be taken for what the files say, see L(Database.healed).
    :arg outdated: Whether other resources were last registered than the files have, where only the record says.
    """

    path: str
    resources: PackResources
    file: OverrideFile
    database: t.Optional[Enabled] = None
    recorded: t.Optional[bool] = None
    healed: t.Tuple[str, ...] = ()
    outdated: bool = False

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
    database: Database,
    now: t.Callable[[str], str] = str,
    registered: bool = False,
) -> PackView:
    """Look at one pack.

    :arg directory: The host's overrides directory.
    :arg kinds: The kinds of resources to look at.
    :arg database: Is read, too, if it lets itself.
    :arg now: Where a file is just now, as L(View.now).
    :arg registered: Whether the whole pack is registered by the same task anyway.
    :raises RegistrationError: when the database does not answer.
    """
    resources = read_pack_resources(pack.ref, pack.location, kinds)
    found = _enabled(database.resources(pack.ref, kinds)) if database.registrar.reads else None
    file = read_override_file(directory, pack.ref, now)
    recorded = recorded_overrides(database, pack.ref, directory, now)
    healed = tuple(kind for kind in kinds if registered or SINGULAR[kind] in database.healed(pack.ref))
    outdated = found is None and len(healed) < len(kinds) and is_outdated(database, pack, kinds)
    return PackView(pack.path, resources, file, found, True if registered else recorded, healed, outdated)


def is_outdated(database: Database, pack: InstalledPack, kinds: t.Sequence[str]) -> bool:
    """Whether the record says that StackStorm does not have these kinds of resources of a pack as the files are."""
    told = database.records.read(pack.ref).get("pack")
    if told is None:
        return False
    types = [SINGULAR[kind] for kind in kinds]
    return told.digest != identity_of(pack) or not told.covers(types, lenient=False)


def recorded_overrides(database: Database, ref: str, directory: str, now: t.Callable[[str], str]) -> t.Optional[bool]:
    """Whether the overrides that apply to a pack now are those last registered; C(None) when that is not known."""
    try:
        for_all, own = (read_content(now(override_path(directory, name))) for name in (GLOBAL, ref))
    except OSError:
        return False
    return database.overrides(ref, overrides_digest(for_all, own)) if database.tells else None


def read_database(registrar: Registrar, ref: str, kinds: t.Sequence[str]) -> Enabled:
    """What the database has of a pack; nothing is asked where there are no kinds."""
    return _enabled(registrar.resources_of([ref], tuple(kinds))) if kinds else {}


def _enabled(resources: t.Iterable[Resource]) -> Enabled:
    return {(found.kind, found.name): found.enabled for found in resources}


def installed_packs(installation: Installation, ref: t.Optional[str]) -> t.List[InstalledPack]:
    """One pack, if it is installed, or all of them."""
    if ref is None:
        return installation.all()
    pack = installation.get(ref)
    return [pack] if pack else []
