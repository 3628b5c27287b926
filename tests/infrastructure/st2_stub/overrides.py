# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides as StackStorm applies them, the crashes on empty and null sections included."""

from __future__ import annotations

import typing as t
from pathlib import Path

from .yaml_files import read_yaml

# By which key of the metadata the exceptions of a type go (st2common/content/loader.py OverrideLoader).
NAMED_BY = {"sensors": "class_name", "actions": "name", "rules": "name", "aliases": "name"}


def override(folder: Path, pack: str, kind: str, content: t.Dict[str, t.Any]) -> bool:
    """Apply ``_global.yaml`` and ``<pack>.yaml`` to the metadata of one resource; return whether that counts.

    It counts when the metadata is different now, with a missing ``enabled`` taken for true, also in rules where it is
    false in truth.

    Raises what an empty or null section raises (TypeError, KeyError), and ValueError for any key but ``enabled``.
    """
    before = dict(content)
    _apply(folder / "_global.yaml", pack, kind, content, exceptions=False)
    _apply(folder / f"{pack}.yaml", pack, kind, content, exceptions=True)
    if content == before:
        return False
    if "enabled" in content:
        before.setdefault("enabled", True)
    return content != before


def _apply(path: Path, pack: str, kind: str, content: t.Dict[str, t.Any], exceptions: bool) -> None:
    if not path.exists():
        return
    document = read_yaml(path)
    if kind not in document:
        return
    section = document[kind]
    name = content[NAMED_BY[kind]]
    if "defaults" in section:
        _set(content, section["defaults"], "default", pack)
    if exceptions and "exceptions" in section and name in section["exceptions"]:
        _set(content, section["exceptions"][name], "exceptions", pack)


def _set(content: t.Dict[str, t.Any], values: t.Any, word: str, pack: str) -> None:
    for key in values:
        if key != "enabled":
            raise ValueError(f"Override attempted with invalid {word} key {key} in pack {pack}")
        content[key] = values[key]
