# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The resources of a pack as the Exchange lists and publishes them.

It follows utils/pack_content.py of StackStorm-Exchange/ci at 59a61ac: which files, which key is the name, what is left
out without a word. Where the order of files decides, which is whatever the file system gives there, it is that of their
names here.
"""

from __future__ import annotations

import os
import typing as t

from .._content.boundary import leads_out
from .._errors import InvalidPackError
from .._yaml_file import load_yaml

_EXTENSIONS = (".yaml", ".yml")
_NAME_KEYS = {
    **dict.fromkeys(("actions", "aliases", "policies", "rules", "runners", "triggers"), "name"),
    "sensors": "class_name",
}
TESTS = "tests"
# Of the files of one kind. Those of the largest known pack have 6 MB.
_MOST_BYTES = 32 << 20

Resources = t.Dict[str, t.List[t.Tuple[str, t.Dict[str, t.Any]]]]


def read_resources(pack_dir: str) -> Resources:
    """The resources of each kind that the pack has, each with its name, in the order of the files' names.

    What cannot be read, is no mapping or has no name is left out; whether it may be so is for others to judge.

    :raises InvalidPackError: when there is more of it than any pack needs.
    """
    found: Resources = {}
    for kind, key in sorted(_NAME_KEYS.items()):
        found[kind] = list(_read_kind(pack_dir, kind, key))
    found[TESTS] = [(name, {"filename": name}) for name in _names(pack_dir, TESTS) if name.endswith(".py")]
    return {kind: resources for kind, resources in sorted(found.items()) if resources}


def content_of(resources: Resources) -> t.Dict[str, t.Any]:
    """The value of C(content): of each kind how many resources there are, and their names. What is there twice counts
    twice."""
    return {
        kind: {"count": len(listed), "resources": sorted(name for name, _metadata in listed)}
        for kind, listed in resources.items()
    }


def _read_kind(pack_dir: str, kind: str, key: str) -> t.Iterator[t.Tuple[str, t.Dict[str, t.Any]]]:
    size = 0
    for path in _files(pack_dir, kind):
        if leads_out(pack_dir, path):
            continue
        size += os.path.getsize(os.path.join(pack_dir, path)) if os.path.exists(os.path.join(pack_dir, path)) else 0
        if size > _MOST_BYTES:
            raise InvalidPackError(f"The {kind} of the pack have more than {_MOST_BYTES >> 20} MiB.")
        try:
            metadata = load_yaml(os.path.join(pack_dir, path))
        except InvalidPackError:
            continue
        name = metadata.get(key) if isinstance(metadata, dict) else None
        if isinstance(name, str) and name:
            yield name, t.cast(t.Dict[str, t.Any], metadata)


def _files(pack_dir: str, kind: str) -> t.List[str]:
    if kind == "runners":
        return [
            f"{kind}/{name}/runner{extension}"
            for extension in _EXTENSIONS
            for name in _names(pack_dir, kind)
            if os.path.isfile(os.path.join(pack_dir, kind, name, f"runner{extension}"))
        ]
    names = _names(pack_dir, kind)
    return [f"{kind}/{name}" for extension in _EXTENSIONS for name in names if name.endswith(extension)]


def _names(pack_dir: str, directory: str) -> t.List[str]:
    """What is in a directory of the pack, but for hidden files; nothing where there is no such directory."""
    path = os.path.join(pack_dir, directory)
    if not os.path.isdir(path) or leads_out(pack_dir, directory):
        return []
    return sorted(name for name in os.listdir(path) if not name.startswith("."))
