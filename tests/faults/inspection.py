# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a host looks like, in a form in which two runs that did the same are equal: no times, no random names."""

from __future__ import annotations

import json
import os
import re
import typing as t
from pathlib import Path

from infrastructure.snapshot import Snapshot, compare
from infrastructure.st2_host import SYSTEM_PACKS, ScratchHost

STATE = ".stackstorm.st2"
CONTENT = ("actions", "aliases", "policies", "rules", "runners", "sensors", "triggers", "workflows", "pack.yaml")
"""What StackStorm looks for in every sub-directory of a packs path (st2common/content/loader.py)."""

ABSENT = "absent"
# Of .git: the index has times, logs have times and the committer, packs are named after how they were compressed. uv
# notes the time of the file that it installed from.
_VARIES = re.compile(
    r"(^|/)\.git/(index|logs(/.*)?|ORIG_HEAD|FETCH_HEAD|objects/pack/pack-.*)$|\.pyc$|(^|/)__pycache__(/|$)"
    r"|\.dist-info/uv_cache\.json$"
)
_RELEASE = re.compile(r"(/\.stackstorm\.st2/releases/[^/]+/)\d+-")
# In staged plans, files have numbers for names.
_RECEIPT = re.compile(rf"{re.escape(STATE)}/(re[^/]+/.*\.json|staged/[0-9a-f]{{64}}/\d+)$")
_OF_CHANCE = re.compile(r"\.stackstorm\.st2/(lock|registered/\.key|staged/[0-9a-f]{64}/plan\.json)$")

Content = t.Dict[str, t.Tuple[t.Any, ...]]


def normal_content(host: ScratchHost) -> Content:
    """Return all paths of the host with what is comparable of them."""
    return _normal(host.snapshot(), host.root)


def _normal(snapshot: Snapshot, root: Path) -> Content:
    found: Content = {}
    for path, entry in snapshot.items():
        if _VARIES.search(path) or f"{STATE}/changes/" in path:
            continue  # Change sets have times and digests of chance, and what they no longer need goes with the next.
        content = entry.content
        if _OF_CHANCE.search(path):
            content = "another one on each host"
        elif entry.type == "file" and _RECEIPT.search(path):
            content = _without_stamp(root / path)
        elif path.endswith(".dist-info/RECORD"):
            lines = (root / path).read_text().splitlines()
            content = "\n".join(line for line in lines if "uv_cache.json" not in line)
        found[_RELEASE.sub(r"\1N-", path)] = (entry.type, entry.mode, content)
    return found


def _without_stamp(path: Path) -> str:
    document = json.loads(path.read_text())
    if "stamp" in document:
        document["stamp"] = document["stamp"][0]
    return json.dumps(document, sort_keys=True)


def below(content: Content, path: str) -> t.Union[str, Content]:
    """Return what lies at one path, the path itself taken off; `ABSENT` where there is nothing."""
    if path not in content:
        return ABSENT
    cut = len(path) + 1
    return {name[cut:]: entry for name, entry in content.items() if name.startswith(path + "/")}


def differences(before: Content, after: Content, most: int = 8) -> t.List[str]:
    """Return how two contents differ, a line each, not all where there are many."""
    lines = [f"- {path}" for path in sorted(before.keys() - after.keys())]
    lines += [f"+ {path}" for path in sorted(after.keys() - before.keys())]
    lines += [f"! {path}" for path in sorted(before.keys() & after.keys()) if before[path] != after[path]]
    return lines[:most] + ([f"... and {len(lines) - most} more"] if len(lines) > most else [])


def packs_and_virtualenvs(*hosts: Content) -> t.List[str]:
    """Return the paths of all packs and virtualenvs that any of the contents has."""
    pattern = re.compile(r"opt/stackstorm/(packs|virtualenvs)/[^/]+$")
    return sorted({path for host in hosts for path in host if pattern.match(path) and not path.endswith(STATE)})


def torn(now: Content, sides: t.Mapping[str, Content]) -> t.List[str]:
    """Return the packs and virtualenvs that are wholly those of no side (the old, the new), with a reason each."""
    found = []
    for path in packs_and_virtualenvs(now, *sides.values()):
        here = below(now, path)
        if isinstance(here, dict) and not side(now, sides, path):
            wanted = {name: below(content, path) for name, content in sides.items()}
            how = {name: differences(one, here) for name, one in wanted.items() if isinstance(one, dict)}
            found.append(f"{path} is torn: {how}")
        elif not side(now, sides, path):
            found.append(f"{path} is missing")
    return found


def side(now: Content, sides: t.Mapping[str, Content], path: str) -> t.Set[str]:
    """Return the sides that a pack or virtualenv is of: several where these do not differ."""
    here = below(now, path)
    return {name for name, content in sides.items() if below(content, path) == here}


def strangers(host: ScratchHost, expected: t.Collection[str]) -> t.List[str]:
    """Return what lies where StackStorm would take it for a pack or for content, or beside packs for no reason.

    :arg expected: the refs that may be there.
    """
    found = []
    for base in (host.packs, *host.extra_base_paths):
        for name in sorted(os.listdir(base)):
            if name == STATE:
                found += [str(base / name / inner) for inner in CONTENT if (base / name / inner).exists()]
            elif name not in expected and name not in SYSTEM_PACKS:
                found.append(str(base / name))
    for directory in (host.virtualenvs, host.configs, host.overrides):
        names = {name for ref in expected for name in (ref, f"{ref}.yaml")} | {STATE}
        found += [str(directory / name) for name in sorted(os.listdir(directory)) if name not in names]
    return found


def debris(host: ScratchHost) -> t.List[str]:
    """Return what only a run that is under way may have: staged trees, the journal, temporary files, half releases."""
    found = [path for place in host.root.glob(f"opt/**/{STATE}") for path in _debris_of(place)]
    return sorted(str(path.relative_to(host.root)) for path in found)


def _debris_of(place: Path) -> t.Iterator[Path]:
    yield from place.glob("staging/*")
    yield from place.glob("*.json")
    yield from (path for path in place.glob("*") if path.name.startswith(".new-"))
    yield from (path for path in place.glob("bases/*") if path.suffix == ".new")
    yield from (path for path in place.glob("receipts/*") if not path.name.endswith(".json"))
    yield from place.glob("blobs/.*")
    for path in place.glob("releases/*/*"):
        # A directory without pack.yaml that was in a pack's way is kept, too.
        if not (path / "pack" / ("" if path.name.endswith("-no-pack") else "pack.yaml")).exists():
            yield path


def touched(before: Snapshot, after: Snapshot) -> t.List[str]:
    """Return the paths that are not the same files any more, in snapshots that were taken with their identities."""
    changes = compare(before, after)
    return [*changes.added, *changes.removed, *changes.changed]
