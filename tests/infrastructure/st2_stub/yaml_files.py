# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading YAML as StackStorm's processes do, quickly."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

_SAFE_LOADER: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _UniqueKeyLoader(_SAFE_LOADER):  # type: ignore[misc]
    """The loader of a process that has read the API specification (st2common/util/yml.py UniqueKeyLoader)."""


def _mapping(loader: t.Any, node: t.Any) -> t.Dict[t.Any, t.Any]:
    """Make a mapping; its keys are made like any value, so a merge key is one that nobody knows how to make."""
    found: t.Dict[t.Any, t.Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node)
        if key in found:
            raise yaml.constructor.ConstructorError(f'found duplicate key "{key_node.value}"')
        found[key] = loader.construct_object(value_node)
    return found


_UniqueKeyLoader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def read_yaml(path: Path) -> t.Any:
    """Return what a YAML file says to st2api and ``st2-register-content``: duplicate and merge keys are refused.

    Raises PyYAML's errors and OSError.
    """
    return yaml.load(path.read_bytes(), Loader=_UniqueKeyLoader)


def read_yaml_leniently(path: Path) -> t.Any:
    """Return what a YAML file says to an action of StackStorm's own: the last of duplicate keys, merge keys merged.

    Raises PyYAML's errors and OSError.
    """
    return yaml.load(path.read_bytes(), Loader=_SAFE_LOADER)
