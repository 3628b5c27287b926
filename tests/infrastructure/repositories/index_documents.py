# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Index documents in the form that the StackStorm Exchange publishes (v1)."""

from __future__ import annotations

import hashlib
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import yaml

from ..packs.tree import TreeFile
from .git_repository import GitRepository

RESOURCES = ("actions", "aliases", "policies", "rules", "sensors", "triggers")
GENERATED_TS = 1_770_000_000


def index_entry(files: t.Mapping[str, TreeFile], repo_url: str, versions: t.Iterable[str]) -> t.Dict[str, t.Any]:
    """Return the entry of a pack with these files: all of pack.yaml, its URL, versions and content, keys sorted.

    The versions are sorted as text, newest-looking first, as the Exchange does it.
    """
    metadata = yaml.safe_load(files["pack.yaml"].content)
    entry = dict(metadata, repo_url=repo_url, versions=sorted(versions, reverse=True), content=_content(files))
    entry.setdefault("python_versions", ["3"])
    return dict(sorted(entry.items()))


def index_document(
    packs: t.Iterable[t.Union[GitRepository, t.Mapping[str, t.Any]]],
    base_url: str,
    root: t.Optional[t.Union[str, Path]] = None,
) -> t.Dict[str, t.Any]:
    """Return an index of repositories (their default branches) and of entries made by `index_entry`.

    :arg base_url: the address of the git server, without a slash at the end.
    :arg root: the folder it serves; by default the one each repository lies in.
    """
    entries: t.Dict[str, t.Any] = {}
    for pack in packs:
        if isinstance(pack, GitRepository):
            path = pack.path.relative_to(root or pack.path.parent).as_posix()
            path = path[:-4] if path.endswith(".git") else path
            entry: t.Mapping[str, t.Any] = index_entry(pack.head.files, f"{base_url}/{path}", pack.versions)
        else:
            entry = pack
        entries[entry.get("ref") or entry["name"]] = dict(entry)
    return _document(dict(sorted(entries.items())))


def rewrite_index(
    real_index: t.Mapping[str, t.Any],
    base_url: str,
    available: t.Union[t.Mapping[str, str], t.Iterable[str]],
    keep_missing: bool = False,
) -> t.Dict[str, t.Any]:
    """Return a real index whose repo_urls point below ``base_url``.

    :arg available: the keys of the packs that are there; as a mapping, with their paths below ``base_url``, else each
        keeps the path it has.
    :arg keep_missing: keep the other packs too, at their paths below ``base_url``, where nothing will be found.
    """
    paths = dict(available) if isinstance(available, t.Mapping) else dict.fromkeys(available, "")
    entries = {}
    for key, entry in real_index["packs"].items():
        if key in paths or keep_missing:
            path = paths.get(key) or urlsplit(entry["repo_url"]).path.strip("/")
            entries[key] = dict(entry, repo_url=f"{base_url}/{path}")
    return _document(entries)


def _document(entries: t.Dict[str, t.Any]) -> t.Dict[str, t.Any]:
    digest = hashlib.md5("".join(str(entry) for entry in entries.values()).encode()).hexdigest()
    return {"metadata": {"generated_ts": GENERATED_TS, "hash": digest}, "packs": entries}


def _content(files: t.Mapping[str, TreeFile]) -> t.Dict[str, t.Any]:
    content: t.Dict[str, t.Any] = {}
    for kind in RESOURCES:
        names = sorted(_names(files, kind))
        if names:
            content[kind] = {"count": len(names), "resources": names}
    return content


def _names(files: t.Mapping[str, TreeFile], kind: str) -> t.Iterator[str]:
    for path, file in files.items():
        parts = path.split("/")
        if len(parts) == 2 and parts[0] == kind and path.endswith((".yaml", ".yml")):
            found = yaml.safe_load(file.content)
            yield str(found.get("name") or found.get("class_name")) if isinstance(found, dict) else parts[1]
