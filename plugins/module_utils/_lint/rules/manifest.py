# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules about pack.yaml."""

from __future__ import annotations

import os
import typing as t

from ..._content.metadata import MANIFEST, REFUSED_KEY, incompatibilities
from ..._content.metadata_schema import PACK_SCHEMA
from ..._layout import SYSTEM_PACKS
from ..._printable import printable
from ..finding import Finding
from ..pack import Pack, YamlFile
from ..rule import Rule

UNREADABLE = Rule(
    "pack-yaml", "error", "pack.yaml exists and is a mapping.", "st2common/bootstrap/base.py _register_pack_db"
)
INVALID = Rule(
    "pack-yaml-invalid",
    "error",
    "pack.yaml has what StackStorm requires, and a ref can be derived from it.",
    "st2common/models/api/pack.py PackAPI, models/db/pack.py PackDB, util/pack.py get_pack_ref_from_metadata",
)
INCOMPATIBLE = Rule(
    "pack-incompatible",
    "error",
    "The pack supports the given StackStorm version (the option stackstorm_version), and Python 3.",
    "st2common/util/pack_management.py verify_pack_version",
)
UNKNOWN_KEY = Rule(
    "pack-yaml-key", "warning", "pack.yaml has no key that StackStorm drops.", "st2common/models/api/pack.py to_model"
)
NO_REF = Rule("pack-ref", "info", "pack.yaml has a ref.", "st2common/util/pack.py get_pack_ref_from_metadata")
TAKEN = Rule(
    "pack-ref-taken",
    "error",
    "The ref is not that of one of StackStorm's own packs.",
    "st2_pack refuses it; st2common/constants/pack.py SYSTEM_PACK_NAMES",
)
DIRECTORY = Rule(
    "pack-directory",
    "warning",
    "The repository of a pack is called stackstorm-REF.",
    "StackStorm Exchange, names of repositories",
)
SPARSE = Rule(
    "pack-keywords", "info", "pack.yaml has keywords and python_versions.", "StackStorm Exchange, what its page shows"
)
SECOND = Rule(
    "pack-yaml-second",
    "info",
    "There is only one pack.yaml: those below the root are ignored.",
    "st2common/content/loader.py ContentPackLoader",
)
RULES = (UNREADABLE, INVALID, INCOMPATIBLE, UNKNOWN_KEY, NO_REF, TAKEN, DIRECTORY, SPARSE, SECOND)
_KNOWN = frozenset((*PACK_SCHEMA["properties"], "files", "path"))
_PREFIX = "stackstorm-"


def check(pack: Pack) -> t.Iterator[Finding]:
    """Check pack.yaml."""
    yield from _second(pack)
    if pack.manifest is None:
        yield _unreadable(pack)
        return
    for problem in pack.manifest.problems:
        if problem.kind == REFUSED_KEY:
            continue  # That is a rule about all files.
        yield INVALID.at(MANIFEST, problem.message, problem.line)
    if not pack.has(MANIFEST):
        return
    file, document = pack.yaml(MANIFEST), pack.manifest.document
    if pack.ref in SYSTEM_PACKS:
        yield TAKEN.of(file, ("ref",) if document.get("ref") else ("name",), f"the ref {pack.ref} is StackStorm's own")
    yield from _compatible(pack, file)
    yield from _keys(file, document)
    yield from _directory(pack)


def _compatible(pack: Pack, file: YamlFile) -> t.Iterator[Finding]:
    metadata, version = pack.manifest.metadata if pack.manifest else None, pack.against.stackstorm_version
    for clause in incompatibilities(metadata, st2_version=version) if metadata else ():
        key = "stackstorm_version" if "StackStorm" in clause.partition(",")[0] else "python_versions"
        yield INCOMPATIBLE.of(file, (key,), f"StackStorm {version} does not install it: {clause}")


def _keys(file: YamlFile, document: t.Mapping[t.Any, t.Any]) -> t.Iterator[Finding]:
    for key in document:
        if isinstance(key, str) and key not in _KNOWN:
            near = next((known for known in sorted(_KNOWN) if known == key.lower()), None)
            hint = f": {near} is meant" if near else ""
            yield UNKNOWN_KEY.of(file, (key,), f"StackStorm drops the key {printable(key[:60])}{hint}")
    if not document.get("ref"):
        yield NO_REF.at(MANIFEST, "there is no ref, so the name is used")
    for key in ("keywords", "python_versions"):
        if not document.get(key):
            yield SPARSE.at(MANIFEST, f"there are no {key}")


def _unreadable(pack: Pack) -> Finding:
    if pack.has(MANIFEST):
        file = pack.yaml(MANIFEST)
        if file.error:
            problem, line, column = file.problem
            return UNREADABLE.at(MANIFEST, problem, line, column)
    return UNREADABLE.at(MANIFEST, pack.manifest_error.message if pack.manifest_error else "")


def _second(pack: Pack) -> t.Iterator[Finding]:
    for path in pack.below("", f"/{MANIFEST}"):
        yield SECOND.at(printable(path), "StackStorm ignores this one")


def _directory(pack: Pack) -> t.Iterator[Finding]:
    name = os.path.basename(pack.directory)
    if pack.ref and name.startswith(_PREFIX) and name[len(_PREFIX) :] != pack.ref:
        yield DIRECTORY.at(MANIFEST, f"the ref is {pack.ref}, and the directory is called {printable(name)}")
