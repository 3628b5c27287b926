# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of a pack directory in the database: the pack itself and its config schema."""

from __future__ import annotations

import fnmatch
import os
import re
import typing as t
from pathlib import Path

from .config_values import plain
from .schema_rules import SchemaViolation, check
from .yaml_files import read_yaml

REF = re.compile(r"^[a-z0-9_]+$")
VERSION = r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9a-z-]+(\.[0-9a-z-]+)*)?(\+[0-9a-z-]+(\.[0-9a-z-]+)*)?$"
STACKSTORM_VERSION = r"^((>?>|>=|=|<=|<?<)\s*[0-9]+\.[0-9]+\.[0-9]+?(\s*,)?\s*)+$"
EMAIL = re.compile(r"^[^@\s]+@[^@\s]+\.[A-Za-z][A-Za-z0-9-]*$")
EXCLUDED_FILES = ("*.pyc", ".git/*")

_TEXTS = {"type": "array", "items": {"type": "string"}}
PACK_SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "required": True},
        "ref": {"type": ["string", "null"], "pattern": REF.pattern},
        "description": {"type": "string", "required": True},
        "keywords": {**_TEXTS, "type": ["array", "null"]},
        "version": {"type": "string", "pattern": VERSION, "required": True},
        "stackstorm_version": {"type": ["string", "null"], "pattern": STACKSTORM_VERSION},
        "python_versions": {
            "type": ["array", "null"],
            "items": {"type": "string", "enum": ["2", "3"]},
            "minItems": 1,
            "maxItems": 2,
            "uniqueItems": True,
        },
        "author": {"type": "string", "required": True},
        "email": {"type": ["string", "null"]},
        "contributors": {"type": ["array", "null"], "items": {"type": "string", "maxLength": 100}},
        "dependencies": {**_TEXTS, "type": ["array", "null"]},
        "system": {"type": ["object", "null"]},
    },
}


def read_metadata(directory: Path, read: t.Callable[[Path], t.Any] = read_yaml) -> t.Dict[str, t.Any]:
    """Return what pack.yaml says (st2common/util/pack.py get_pack_metadata).

    :arg read: how the process that asks reads YAML.

    Raises ValueError where it is missing or empty, and PyYAML's errors.
    """
    path = directory / "pack.yaml"
    if not path.is_file():
        raise ValueError(f'Pack "{directory}" is missing pack.yaml file')
    content = read(path)
    if not content:
        raise ValueError(f'Pack "{directory}" metadata file is empty')
    return t.cast("t.Dict[str, t.Any]", content)


def pack_ref(metadata: t.Mapping[str, t.Any], directory_name: t.Optional[str] = None) -> str:
    """Return a pack's ref (get_pack_ref_from_metadata): ``ref`` as it is, else the directory's name, else ``name``.

    Raises ValueError where none will do, KeyError where there is no name.
    """
    ref = metadata.get("ref")
    if not ref:
        candidates = [directory_name, metadata["name"]] if directory_name else [metadata["name"]]
        ref = next((name for name in candidates if REF.match(name)), None)
    if ref is None:
        raise ValueError(
            f'Pack name "{metadata["name"]}" contains invalid characters and "ref" attribute is not available. You '
            'either need to add "ref" attribute which contains only word characters to the pack metadata file or '
            "update name attribute to contain onlyword characters."
        )
    if ref == "_global":
        raise ValueError(f"{ref} is a reserved name, and cannot be used as a pack name")
    return str(ref)


def pack_document(directory: Path, name: str) -> t.Dict[str, t.Any]:
    """Return the document of a pack (bootstrap/base.py _register_pack_db); null fields are left out.

    Raises what keeps StackStorm from registering it.
    """
    metadata = plain(read_metadata(directory))
    metadata["ref"] = pack_ref(metadata, name)
    if metadata.get("version"):
        metadata["version"] = str(metadata["version"])
    _check_metadata(metadata)
    if "email" not in metadata:
        raise AttributeError("'PackAPI' object has no attribute 'email'")
    if metadata["email"] is not None and not EMAIL.match(metadata["email"]):
        raise ValueError(f"ValidationError (PackDB:None) (Invalid email address: {metadata['email']}: ['email'])")
    document = {
        "uid": f"pack:{metadata['ref']}",
        **{key: metadata[key] for key in ("ref", "name", "description")},
        "keywords": metadata.get("keywords") or [],
        "version": metadata["version"],
        "stackstorm_version": metadata.get("stackstorm_version"),
        "python_versions": metadata.get("python_versions") or [],
        "author": metadata["author"],
        "email": metadata["email"],
        "contributors": metadata.get("contributors") or [],
        "files": pack_files(directory),
        "path": str(directory),
        "dependencies": metadata.get("dependencies") or [],
        "system": metadata.get("system") or {},
    }
    return {key: value for key, value in document.items() if value is not None}


def pack_files(directory: Path) -> t.List[str]:
    """Return the relative paths of a pack's files, as StackStorm lists them."""
    found: t.List[str] = []
    for folder, directories, files in os.walk(directory):
        directories.sort()
        relative = (os.path.relpath(os.path.join(folder, name), directory) for name in sorted(files))
        found.extend(path for path in relative if not any(fnmatch.fnmatch(path, each) for each in EXCLUDED_FILES))
    return found


def read_config_schema(directory: Path) -> t.Any:
    """Return what config.schema.yaml says; None where there is none. Raises ValueError where it is empty."""
    path = directory / "config.schema.yaml"
    if not path.is_file():
        return None
    values = read_yaml(path)
    if not values:
        raise ValueError(f'Config schema "{path}" is empty and invalid.')
    return plain(values)


def _check_metadata(metadata: t.Mapping[str, t.Any]) -> None:
    try:
        check(metadata, PACK_SCHEMA)
    except SchemaViolation as error:
        if "in schema['properties']['version']" in str(error) and "'pattern'" in str(error):
            raise SchemaViolation(
                f'Pack version "{metadata["version"]}" doesn\'t follow a valid semver format. Valid versions and '
                f"formats include: 0.1.0, 0.2.1, 1.1.0, etc.\n\n{error}"
            ) from None
        if "in schema['properties']['ref']" in str(error):
            raise SchemaViolation(
                "Pack ref / name can only contain valid word characters (a-z, 0-9 and _), dashes are not allowed."
                f"\n\n{error}"
            ) from None
        raise
