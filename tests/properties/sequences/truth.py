# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What disk and database have. Whether they agree is found by registering: where that changes nothing, they do.

The registration is the stand-in's own, on a copy of its database.
"""

from __future__ import annotations

import contextlib
import typing as t
from dataclasses import dataclass
from pathlib import Path

import yaml
from infrastructure.snapshot import Snapshot
from infrastructure.st2_stub.database import RESOURCES, Database
from infrastructure.st2_stub.database_snapshot import comparable
from infrastructure.st2_stub.paths import HostPaths
from infrastructure.st2_stub.registrars import KINDS, register
from infrastructure.st2_stub.triggers import shown_rule

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import is_open

from .catalogue import REFS
from .world import World

OVERRIDDEN = ("sensors", "actions", "rules", "aliases")
Documents = t.Dict[str, t.Any]
"""All of a database, as L(StackStormStub.database_snapshot) gives it."""


class _WithoutOverrides(HostPaths):
    """Directories in which nobody finds an override."""

    @property
    def overrides(self) -> Path:
        """A directory that is not there."""
        return self.base_path / "nowhere"


def registered(
    world: World, refs: t.Iterable[str], before: t.Dict[str, Documents], *, overrides: bool = True
) -> t.Tuple[Documents, t.FrozenSet[str]]:
    """What the database would have if these packs were registered now, without what StackStorm refuses of them, and
    the parts and kinds of resources of which it refuses something.

    :arg before: What it has, as L(Database.everything) gives it.
    :arg overrides: Whether the override files count.
    """
    paths = world.stackstorm.paths
    if not overrides:
        paths = _WithoutOverrides(paths.base_path, paths.packs_base_paths)
    copy = _copied(before)
    refused: t.Set[str] = set()
    for ref in refs:
        for kind in KINDS:
            try:
                register(paths, copy, [kind], [ref])
            except Exception:
                refused |= {"config"} if kind == "configs" else {"pack", kind}
                with contextlib.suppress(Exception):
                    register(paths, copy, [kind], [ref], fail_on_failure=False)
    return shown(copy.everything()), frozenset(refused)


def shown(everything: t.Dict[str, Documents]) -> Documents:
    """What L(Database.everything) gives, in a form that can be compared."""
    copy = _copied({"rule_triggers": everything["rule_triggers"]})
    rules = {key: shown_rule(copy, rule) for key, rule in everything["rules"].items()}
    return comparable({**everything, "rules": rules})


def _copied(everything: t.Dict[str, Documents]) -> Database:
    copy = Database()
    with copy.session():
        for collection, documents in everything.items():
            for key, document in documents.items():
                copy.put(collection, key, document)
    return copy


@dataclass(frozen=True)
class Truth:
    """Disk and database at one time.

    :arg files: All that is not the collection's own.
    :arg database: All that StackStorm has.
    :arg everything: The same, as L(Database.everything) gives it.
    :arg agreeing: The parts of packs of which the database has what the files are: C((ref, part)). Of the overrides
        the kinds of resources as well; C(files) is the pack but for a schema that it has no more.
    """

    files: Snapshot
    database: Documents
    everything: t.Dict[str, Documents]
    agreeing: t.FrozenSet[t.Tuple[str, str]]
    versions: t.Mapping[str, str]

    def there(self, ref: str) -> bool:
        """Whether a pack is on disk."""
        return ref in self.versions

    def knows(self, ref: str) -> bool:
        """Whether the database has anything of a pack that comes from files."""
        kinds = ("packs", "configs", "config_schemas")
        if any(self.database[kind].get(ref) for kind in kinds):
            return True
        return any(
            document["pack"] == ref and document.get("metadata_file")
            for kind in RESOURCES
            for document in self.database[kind].values()
        )


def look(world: World) -> Truth:
    """Look at both."""
    everything = world.stackstorm.database.everything()
    database = shown(everything)
    files = world.files()
    versions = {}
    for ref in REFS:
        path = world.a.packs / ref / "pack.yaml"
        if path.is_file():
            versions[ref] = str(yaml.safe_load(path.read_bytes())["version"])
    agreeing = {(ref, part) for ref in versions for part in _agreeing(world, ref, everything, files)}
    return Truth(files, database, everything, frozenset(agreeing), versions)


def _agreeing(world: World, ref: str, everything: t.Dict[str, Documents], files: Snapshot) -> t.Iterator[str]:
    database = shown(everything)
    plain, refused_plain = registered(world, [ref], everything, overrides=False)
    wanted, refused = plain, refused_plain
    if any(path.startswith("overrides/") for path in files) or "rules" in refused:
        # What overrides say of a rule does not depend on whether its trigger is there.
        wanted, refused = registered(world, [ref], _with_triggers(world, ref, everything))
    schema = f"packs/{ref}/config.schema.yaml" in files or _is_free(database["config_schemas"].get(ref))
    config = database["configs"].get(ref) or {}
    wanted_config = (plain["configs"].get(ref) or {}) if f"configs/{ref}.yaml" in files else {}
    if "pack" not in refused_plain and _but_enabled(database) == _but_enabled(plain):
        yield from ("files", "pack") if schema else ("files",)
    same = [kind for kind in OVERRIDDEN if _enabled(database, kind, ref) == _enabled(wanted, kind, ref)]
    yield from (kind for kind in same if kind not in refused)
    if len(same) == len(OVERRIDDEN) and not refused & set(OVERRIDDEN):
        yield "overrides"
    if "config" not in refused and config == wanted_config:
        yield "config"


def _with_triggers(world: World, ref: str, everything: t.Dict[str, Documents]) -> t.Dict[str, Documents]:
    """All of a database, and a trigger for every rule in the files of a pack that could not be registered without."""
    found = dict(everything["rule_triggers"])
    for path in sorted((world.a.packs / ref / "rules").glob("*.yaml")):
        kind = yaml.safe_load(path.read_bytes())["trigger"]["type"]
        found.setdefault(kind, {"ref": kind, "type": kind, "pack": ref, "parameters": {}, "ref_count": 0})
    return {**everything, "rule_triggers": found}


def _is_free(schema: t.Optional[t.Mapping[str, t.Any]]) -> bool:
    return schema is None or is_open(schema)


def _but_enabled(database: Documents) -> Documents:
    kinds = ("packs", "config_schemas", *RESOURCES)
    return {
        kind: {
            key: {name: value for name, value in document.items() if name != "enabled" or kind not in OVERRIDDEN}
            for key, document in database[kind].items()
        }
        for kind in kinds
    }


def _enabled(database: Documents, kind: str, ref: str) -> t.Dict[str, t.Any]:
    return {key: document.get("enabled") for key, document in database[kind].items() if document["pack"] == ref}
