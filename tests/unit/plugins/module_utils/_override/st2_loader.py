# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What StackStorm 3.9.0 does with override files, for tests to compare with; it shares nothing with the collection.

Follows the documented behaviour of st2common/content/loader.py OverrideLoader: every file is read for every resource,
whatever is in it is indexed as it comes, and Python's own errors are what registration fails with.
"""

from __future__ import annotations

import os
from pathlib import Path

import yaml
from infrastructure.st2_stub.yaml_files import read_yaml

KINDS = ("sensors", "actions", "rules", "aliases")
NAMES = {"sensors": "class_name", "actions": "name", "rules": "name", "aliases": "name"}
DEFAULTS = {"sensors": True, "actions": True, "rules": False, "aliases": True}


def override(directory, pack, kind, content):
    """Change the metadata of one resource as its overrides say, and tell whether StackStorm counts it."""
    original = dict(content)
    for name in ("_global", pack):
        path = os.path.join(directory, f"{name}.yaml")
        if os.path.exists(path):
            document = read_yaml(Path(path))
            apply(document, kind, content, exceptions=name != "_global")
    if content == original:
        return False
    if "enabled" in content:
        original.setdefault("enabled", True)
    return content != original


def apply(document, kind, content, *, exceptions):
    """One file over one resource."""
    if kind not in document:
        return
    section = document[kind]
    name = content[NAMES[kind]]
    if "defaults" in section:
        for key in section["defaults"]:
            if key != "enabled":
                raise ValueError(f"invalid default key {key}")
            content[key] = section["defaults"][key]
    if exceptions and "exceptions" in section and name in section["exceptions"]:
        for key in section["exceptions"][name]:
            if key != "enabled":
                raise ValueError(f"invalid exceptions key {key}")
            content[key] = section["exceptions"][name][key]


def stored(kind, content):
    """What the database has of C(enabled) then."""
    value = content.get("enabled", DEFAULTS[kind])
    if value is None:
        return kind != "actions"
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is not of type 'boolean'")
    return value


def contents(pack_dir, kind):
    """The metadata of a pack's resources, as registration takes them."""
    directory = os.path.join(pack_dir, kind)
    names = sorted(os.listdir(directory)) if os.path.isdir(directory) else []
    for name in names:
        if name.endswith((".yaml", ".yml")) and not (kind == "actions" and name.startswith("config.y")):
            with open(os.path.join(directory, name), encoding="utf-8") as stream:
                yield yaml.safe_load(stream)
