# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a reviewer wants to know of one state of a pack, read from its files."""

from __future__ import annotations

import os
import typing as t

from .._content.config_schema import SCHEMA_FILE, read_schema
from .._content.metadata import MANIFEST
from .._content.resources import read_content
from .._errors import InvalidPackError
from .._files import file_digest
from .._yaml_file import load_yaml

_LICENCES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
_WANTS = ("stackstorm_version", "python_versions")


class Side(t.NamedTuple):
    """One state of a pack.

    :arg resources: Names by type.
    :arg config: The keys of its config, each with whether it is required.
    :arg wants: What C(pack.yaml) wants of its host, by key.
    :arg licence: By what its licence is told from another; empty for none.
    """

    resources: t.Mapping[str, t.Tuple[str, ...]]
    requirements: t.Tuple[str, ...]
    config: t.Mapping[str, bool]
    wants: t.Mapping[str, str]
    licence: str


def read_side(directory: str, ref: str) -> t.Optional[Side]:
    """The state of a pack that lies in a directory; C(None) where it cannot be read."""
    try:
        content = read_content(directory, ref, strict=False)
        document = load_yaml(os.path.join(directory, MANIFEST), shown=MANIFEST)
    except InvalidPackError:
        return None
    document = document if isinstance(document, dict) else {}
    return Side(
        content.by_type(),
        content.requirements,
        _config_keys(directory),
        {key: _text(document[key]) for key in _WANTS if document.get(key)},
        _licence(directory),
    )


def _config_keys(directory: str) -> t.Dict[str, bool]:
    try:
        schema = read_schema(os.path.join(directory, SCHEMA_FILE)) if _has(directory, SCHEMA_FILE) else None
    except InvalidPackError:
        schema = None
    if schema is None:
        return {}
    return {
        key: isinstance(rules, dict) and bool(rules.get("required")) and "default" not in rules
        for key, rules in schema.attributes.items()
        if key not in schema.pseudo_keys
    }


def _licence(directory: str) -> str:
    return next((file_digest(os.path.join(directory, name)) for name in _LICENCES if _has(directory, name)), "")


def _has(directory: str, name: str) -> bool:
    path = os.path.join(directory, name)
    return os.path.isfile(path) and not os.path.islink(path)


def _text(value: t.Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
