# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Registration: what stands in the host's directories goes into the database, and nothing ever leaves it."""

from __future__ import annotations

import typing as t
from pathlib import Path

from . import resource_files, triggers
from .config_values import check_config, check_config_schema, plain
from .database import Database, Record
from .overrides import NAMED_BY, override
from .pack_files import pack_document, read_config_schema
from .paths import HostPaths
from .schema_rules import SchemaViolation
from .unique_keys import require_unique
from .yaml_files import read_yaml

# The order of registration, and by which names callers ask for it (st2api/controllers/v1/packs.py ENTITIES).
KINDS = {
    "triggers": "trigger",
    "sensors": "sensor",
    "actions": "action",
    "rules": "rule",
    "aliases": "alias",
    "policies": "policy",
    "configs": "config",
}
_DOCUMENTS: t.Mapping[str, t.Callable[[t.Dict[str, t.Any]], t.Dict[str, t.Any]]] = {
    "actions": resource_files.action,
    "rules": resource_files.rule,
    "aliases": resource_files.alias,
    "policies": resource_files.policy,
    "triggers": resource_files.trigger,
}

Counts = t.Tuple[int, int]


class Died(BaseException):
    """The process that registers is gone in the middle of it, as a test has ordered."""


class Registrars:
    """Registers packs of a host, kind by kind.

    :arg fail_on_failure: stop at the first failure; else go on, and count what succeeded.
    :arg once: register the pack itself once only, as ``st2-register-content`` does; the API does it for each kind.
    """

    def __init__(self, paths: HostPaths, database: Database, fail_on_failure: bool = True, once: bool = False) -> None:
        self._paths = paths
        self._database = database
        self._fail = fail_on_failure
        self._seen: t.Optional[t.Set[str]] = set() if once else None

    def all_packs(self, kind: str) -> Counts:
        """Register one kind of every pack in every base path; return how many, and how many overrides count.

        Raises ValueError where a base path is missing, or for the first failure.
        """
        for name, directory in self._paths.all_packs().items():
            self._register_pack(name, directory)
        if kind == "configs":
            return self._all_configs(), 0
        counts = [self._resources(kind, name, path) for name, path in self._paths.all_content(kind).items()]
        return sum(count for count, _overridden in counts), sum(overridden for _count, overridden in counts)

    def one_pack(self, kind: str, directory: Path) -> Counts:
        """Register one kind of the pack in ``directory``.

        Raises ValueError where that is missing (not for configs, which have no directory of their own), or for the
        first failure, `SchemaViolation` for an invalid config whatever ``fail_on_failure`` is.
        """
        name = directory.name
        if kind != "configs" and not directory.is_dir():
            raise ValueError(f'Directory "{directory}" doesn\'t exist')
        self._register_pack(name, directory)
        if kind == "configs":
            if not self._paths.config_file(name).is_file():
                return 0, 0
            self._config(name)
            return 1, 0
        return self._resources(kind, name, directory / kind) if (directory / kind).is_dir() else (0, 0)

    def _register_pack(self, name: str, directory: Path) -> None:
        if self._seen is not None:
            if name in self._seen:
                return
            self._seen.add(name)
        try:
            self._store_pack(name, directory)
        except Exception as error:
            if self._fail:
                raise ValueError(f'Failed to register pack "{name}": {error}') from error

    def _store_pack(self, name: str, directory: Path) -> None:
        document = pack_document(directory, name)
        for other in self._database.all("packs", name=document["name"]):
            if other["ref"] != document["ref"]:
                raise ValueError(
                    "Tried to save duplicate unique keys (E11000 duplicate key error collection: st2.pack_d_b index: "
                    f'name_1 dup key: {{ name: "{document["name"]}" }})'
                )
        self._database.put("packs", document["ref"], document)
        schema = read_config_schema(directory)
        if schema is not None:
            check_config_schema(schema)
            self._database.put("config_schemas", name, {"pack": name, "attributes": schema})

    def _resources(self, kind: str, pack: str, folder: Path) -> Counts:
        registered = overridden = 0
        for path in sorted(path for ending in ("*.yaml", "*.yml") for path in folder.glob(ending)):
            if kind == "actions" and path.name.startswith(("config.yaml", "config.yml")):
                continue
            try:
                altered = self._resource(kind, pack, path)
            except Exception as error:
                if self._fail:
                    raise ValueError(
                        f'Failed to register {KINDS[kind]} "{path}" from pack "{pack}": {error}'
                    ) from error
            else:
                registered += 1
                overridden += altered
        return registered, overridden

    def _resource(self, kind: str, pack: str, path: Path) -> bool:
        self._refuse(kind, pack)
        content = resource_files.load(read_yaml(path), pack, f"{kind}/{path.name}")
        if kind == "sensors" and not content.get("entry_point"):
            raise ValueError("Sensor definition missing entry_point")
        altered = kind in NAMED_BY and override(self._paths.overrides, pack, kind, content)
        if kind == "sensors":
            self._sensor(content, path)
        else:
            self._save(kind, _DOCUMENTS[kind](content))
        return altered

    def _sensor(self, content: Record, path: Path) -> None:
        document, trigger_types = resource_files.sensor(content, path)
        for each in trigger_types:
            triggers.add_type(self._database, each)
        if content.get("class_name"):  # the database refuses it without, and nobody listens: it counts as registered
            self._database.put("sensors", document["ref"], document)

    def _save(self, kind: str, document: Record) -> None:
        if kind == "triggers":
            triggers.add_type(self._database, document)
        elif kind == "rules":
            # What an old migration left in the pack default goes, whoever has made it (rulesregistrar.py).
            if document["pack"] != "default":
                self._database.delete("rules", f"default.{document['name']}")
            triggers.put_rule(self._database, document)
        else:
            before = self._namesake(kind, document)
            require_unique(self._database, kind, document, before or document["ref"])
            self._database.put(kind, document["ref"], document, before=before)

    def _namesake(self, kind: str, document: t.Mapping[str, t.Any]) -> str:
        """Return the ref that a document replaces: aliases and policies are found by their bare name."""
        if kind not in ("aliases", "policies"):
            return ""
        found = self._database.all(kind, name=document["name"])
        return str(found[0]["ref"]) if found else ""

    def _all_configs(self) -> int:
        registered = 0
        for name in self._paths.all_packs():
            path = self._paths.config_file(name)
            if not path.is_file():
                continue
            try:
                self._config(name)
            except Exception as error:
                if self._fail:
                    raise ValueError(f'Failed to register config "{path}" for pack "{name}": {error}') from error
            else:
                registered += 1
        return registered

    def _config(self, pack: str) -> None:
        path = self._paths.config_file(pack)
        save_config(self._database, pack, read_yaml(path), path)

    def _refuse(self, kind: str, pack: str) -> None:
        """Fail, or die, where a test has said that this pack shall."""
        refusal = self._database.find("refusals", pack)
        if refusal is None or refusal["kind"] != kind:
            return
        if refusal["dies"]:
            self._database.delete("refusals", pack)
            raise Died
        raise ValueError(refusal["message"])


def save_config(database: Database, pack: str, values: t.Any, path: Path) -> t.Dict[str, t.Any]:
    """Put a config into the database after the schema there has had its say; an empty one is ``{}``.

    models/api/pack.py ConfigAPI. A pack without a schema may have any values. Raises `SchemaViolation`, `Misuse` and
    AttributeError as `check_config` does.
    """
    values = {} if values is None else plain(values)
    if not isinstance(values, dict):
        raise SchemaViolation(f"{values!r} is not of type 'object'")
    schema = database.find("config_schemas", pack)
    if schema is not None:
        check_config(schema["attributes"], values, pack, str(path))
    return database.put("configs", pack, {"pack": pack, "values": values})


def register(
    paths: HostPaths,
    database: Database,
    types: t.Sequence[str] = ("all",),
    packs: t.Sequence[str] = (),
    fail_on_failure: bool = True,
    once: bool = False,
) -> t.Dict[str, int]:
    """Do what ``POST /packs/register`` does, and return its counts.

    The packs are taken in the order of the alphabet (StackStorm: in none), and of overrides the last pack's count
    stays. Raises ValueError (400) or `SchemaViolation` (500).
    """
    wanted = set(types)
    counts = _counts_of_the_host(wanted)
    registrars = Registrars(paths, database, fail_on_failure, once)
    with database.session():
        for kind, singular in KINDS.items():
            if not wanted & {kind, singular, "all"}:
                continue
            counts[kind] = 0
            for registered, overridden in _each(registrars, paths, kind, packs):
                counts[kind] += registered
                if overridden:
                    counts[f"{kind}(overridden)"] = overridden
    return counts


def _each(registrars: Registrars, paths: HostPaths, kind: str, packs: t.Sequence[str]) -> t.Iterator[Counts]:
    if not packs:
        yield registrars.all_packs(kind)
    for pack in sorted(set(packs)):
        directory = paths.find_pack(pack)
        try:
            yield registrars.one_pack(kind, directory)
        except ValueError as error:
            if str(error).startswith('Directory "') and str(error).endswith("doesn't exist"):
                raise ValueError(f'Pack "{pack}" not found on disk: {error}') from error
            raise


def _counts_of_the_host(wanted: t.Set[str]) -> t.Dict[str, int]:
    counts = {}
    if wanted & {"all", "runner", "runners", "action", "actions"}:
        counts["runners"] = len(resource_files.RUNNERS)
    if wanted & {"all", "rule_type", "rule_types", "rule", "rules"}:
        counts["rule_types"] = len(resource_files.RULE_TYPES)
    if wanted & {"all", "policy_type", "policy_types", "policy", "policies"}:
        counts["policy_types"] = len(resource_files.POLICY_TYPES)
    return counts
