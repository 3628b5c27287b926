# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The StackStorm Exchange rebuilt from metadata: real pack.yaml files, names and tags, around made-up bodies."""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t
from pathlib import Path

import yaml

from ..packs import bodies
from ..packs.tree import ICON, Tree, to_yaml
from .git_repository import GitRepository
from .index_documents import rewrite_index

ORGANISATION = "StackStorm-Exchange"
KINDS = ("actions", "sensors", "rules", "aliases", "policies", "triggers", "tests")
LOCAL_REQUIREMENT = "tinydep>=1.0.0\n"
"""What ``requirements="local"`` puts in place of real entries: a package of `servers.PackageIndex`."""


@dataclasses.dataclass(frozen=True)
class ExchangePack:
    """One rebuilt pack: its folder's name in the data, ref, path below the served root, repository, real metadata."""

    name: str
    ref: str
    path: str
    repository: GitRepository
    metadata: t.Mapping[str, t.Any]

    @property
    def python_2_only(self) -> bool:
        """Whether StackStorm 3.9 takes it by force only."""
        return {str(entry) for entry in self.metadata.get("python_versions") or []} == {"2"}


@dataclasses.dataclass(frozen=True)
class Exchange:
    """All rebuilt packs by name, below ``root``, which a git server can serve."""

    root: Path
    packs: t.Mapping[str, ExchangePack]

    def index(self, real_index: t.Mapping[str, t.Any], base_url: str) -> t.Dict[str, t.Any]:
        """Return the real index with those packs only that are here, their repo_url below ``base_url``."""
        return rewrite_index(real_index, base_url, {name: pack.path for name, pack in self.packs.items()})


def build_exchange(
    target_dir: t.Union[str, Path],
    data_dir: t.Union[str, Path],
    requirements: str = "none",
    names: t.Optional[t.Iterable[str]] = None,
) -> Exchange:
    """Build a bare repository for each pack in ``<data_dir>/exchange/packs``, below ``target_dir``.

    Each tag ``v<version>`` (and the odd ones) is a commit whose pack.yaml says that version; HEAD is one further commit
    with the real metadata. An action of the newest tag is missing from older ones, so that versions differ in content.

    :arg requirements: ``none`` empties requirements.txt, ``real`` keeps it, ``local`` asks for a package of the tests'
        own index wherever the real file has entries.
    :arg names: only these folders.
    """
    root = Path(target_dir)
    source = Path(data_dir) / "exchange" / "packs"
    chosen = sorted(names) if names is not None else sorted(entry.name for entry in source.iterdir() if entry.is_dir())
    packs = {name: _build_pack(root, source / name, requirements) for name in chosen}
    return Exchange(root, packs)


def _build_pack(root: Path, source: Path, requirements: str) -> ExchangePack:
    files = json.loads((source / "FILES.json").read_text(encoding="utf-8"))
    metadata = yaml.safe_load((source / "pack.yaml").read_bytes())
    ref = metadata.get("ref") or metadata["name"]
    path = f"{ORGANISATION}/stackstorm-{source.name}"
    (root / ORGANISATION).mkdir(parents=True, exist_ok=True)
    repository = GitRepository(root / f"{path}.git", files["default_branch"])
    newest = _tree(source, files, ref, requirements)
    older = newest.copy()
    late = _latest_action(newest)
    if late:
        older.remove(late)
    tags = sorted(files["tags"], key=_version_order)
    for tag in tags:
        tree = (newest if tag == tags[-1] else older).copy()
        _set_version(tree, tag.lstrip("v"))
        repository.commit(tree, message=f"Release {tag}")
        repository.tag(tag)
    head = newest.copy().add("CHANGES.md", newest.files["CHANGES.md"].content + b"\n## Unreleased\n")
    repository.commit(head, message="Work in progress")
    repository.build()
    return ExchangePack(source.name, ref, path, repository, metadata)


def _version_order(tag: str) -> t.Tuple[t.Any, ...]:
    found = re.match(r"v?(\d+)\.(\d+)\.(\d+)(-.*)?$", tag)
    if not found:
        return (-1, tag)
    # A pre-release comes before its release; of two equal versions the tag without a v comes first.
    return (*(int(part) for part in found.groups()[:3]), found.group(4) is None, found.group(4) or "", tag[0] == "v")


def _set_version(tree: Tree, version: str) -> None:
    text = tree.files["pack.yaml"].content
    changed, count = re.subn(rb"(?m)^version\s*:[^\r\n]*", b"version: " + version.encode(), text, count=1)
    assert count == 1, "a real pack.yaml says its version on one line"
    tree.add("pack.yaml", changed)


def _latest_action(tree: Tree) -> t.Optional[str]:
    actions = [path for path in sorted(tree.files) if re.match(r"actions/[^/]+\.ya?ml$", path)]
    return actions[-1] if len(actions) > 1 else None


def _tree(source: Path, files: t.Mapping[str, t.Any], ref: str, requirements: str) -> Tree:
    tree = Tree()
    for kind in KINDS:
        names = files.get(kind) or []
        scripts = [name for name in names if name.endswith(".py") and "/" not in name]
        listing = _Listing(frozenset(names), min(scripts, default=""))
        for name in names:
            tree.add(f"{kind}/{name}", _body(kind, name, listing, ref))
    for name in files["rootfiles"]:
        real = source / name
        tree.add(name, real.read_bytes() if real.is_file() else _root_body(name, ref))
    for name in files["dirs"]:
        if name not in KINDS:
            tree.add(f"{name}/.gitkeep", "")
    if "CHANGES.md" not in tree.files:
        tree.add("CHANGES.md", _root_body("CHANGES.md", ref))
    _replace_requirements(tree, requirements)
    return tree


def _replace_requirements(tree: Tree, requirements: str) -> None:
    assert requirements in ("none", "real", "local"), requirements
    if requirements == "real" or "requirements.txt" not in tree.files:
        return
    lines = tree.text("requirements.txt").splitlines()
    wanted = any(line.strip() and not line.lstrip().startswith("#") for line in lines)
    tree.add("requirements.txt", LOCAL_REQUIREMENT if wanted and requirements == "local" else "")


class _Listing(t.NamedTuple):
    """The files of one kind: their names, and the first script among them for metadata that have none of their own."""

    names: t.FrozenSet[str]
    script: str


def _root_body(name: str, ref: str) -> t.Union[str, bytes]:
    if name == "icon.png":
        return ICON
    return "" if name == ".gitmodules" else f"# {name} of {ref}\n"


def _body(kind: str, name: str, listing: _Listing, ref: str) -> str:
    """Return a minimal valid body for a file of that kind and name."""
    is_metadata = name.endswith((".yaml", ".yml")) and "/" not in name
    if is_metadata and kind != "tests":
        return to_yaml(_METADATA[kind](name, listing, ref))
    if name.startswith("workflows/"):
        return to_yaml(bodies.workflow("core.noop"))
    if name.endswith(".py"):
        return _SCRIPTS.get(kind, "") if "/" not in name else ""
    return "{}\n" if name.endswith((".json", ".yaml", ".yml")) else f"# {name} of {ref}\n"


def _action(name: str, listing: _Listing, ref: str) -> t.Dict[str, t.Any]:
    stem = re.sub(r"\.(meta\.)?ya?ml$", "", name)
    if f"{stem}.py" in listing.names:
        return bodies.python_action(stem)
    for flow in (f"workflows/{stem}.yaml", f"workflows/{stem}.meta.yaml"):
        if flow in listing.names:
            return bodies.workflow_action(stem, entry_point=flow)
    return bodies.python_action(stem, listing.script) if listing.script else bodies.command_action(stem)


def _sensor(name: str, listing: _Listing, ref: str) -> t.Dict[str, t.Any]:
    return bodies.sensor(ref, name.rsplit(".", 1)[0])


def _rule(name: str, listing: _Listing, ref: str) -> t.Dict[str, t.Any]:
    return bodies.rule(ref, name.rsplit(".", 1)[0], "core.st2.webhook")


def _alias(name: str, listing: _Listing, ref: str) -> t.Dict[str, t.Any]:
    return bodies.alias(name.rsplit(".", 1)[0], f"{ref}.anything")


def _policy(name: str, listing: _Listing, ref: str) -> t.Dict[str, t.Any]:
    return bodies.policy(name.rsplit(".", 1)[0], f"{ref}.anything")


def _trigger(name: str, listing: _Listing, ref: str) -> t.Dict[str, t.Any]:
    return bodies.trigger(ref, name.rsplit(".", 1)[0])


_METADATA: t.Mapping[str, t.Callable[[str, _Listing, str], t.Dict[str, t.Any]]] = {
    "actions": _action,
    "sensors": _sensor,
    "rules": _rule,
    "aliases": _alias,
    "policies": _policy,
    "triggers": _trigger,
}
ACTION_SCRIPT = """\
import sys

from st2common.runners.base_action import Action


class AnyAction(Action):
    def run(self, **parameters):
        return {"executable": sys.executable, "parameters": parameters}
"""
_SCRIPTS = {"actions": ACTION_SCRIPT, "sensors": bodies.SENSOR_SCRIPT}
