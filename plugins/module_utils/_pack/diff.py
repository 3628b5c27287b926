# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The diff of a plan."""

from __future__ import annotations

import typing as t

from .._secrets import strip_urls
from .plan import PackPlan, Plan, State
from .wording import named


def diff(plan: Plan) -> t.List[t.Dict[str, str]]:
    """One Ansible diff per pack that changes: its identity, and what is added to and removed from its content."""
    found = []
    for pack in plan.packs:
        if pack.changed:
            before, after = _sides(pack)
            header = f"pack {pack.ref}"
            found.append({"before_header": header, "after_header": header, "before": before, "after": after})
    return found


def _sides(pack: PackPlan) -> t.Tuple[str, str]:
    before, after = _identity(pack.before), _identity(pack.after)
    rows = [
        (kind, pack.contents_before.resources.get(kind, ()), pack.contents_after.resources.get(kind, ()))
        for kind in ("actions", "sensors", "rules", "aliases", "policies", "triggers")
    ]
    rows.append(("requirements", pack.contents_before.requirements, pack.contents_after.requirements))
    for kind, old, new in rows:
        before += _entries(kind, sorted(set(old) - set(new)))
        after += _entries(kind, sorted(set(new) - set(old)))
    before += _entries("files", pack.edits)
    if pack.displaced:
        before.append(f"in the way: {pack.displaced.text}")
        after.append(f"kept: {pack.displaced.kept}")
    if pack.builds_virtualenv:
        before += [] if pack.virtualenv == "built" else ["virtualenv: outdated"]
        after += ["virtualenv: current"]
    before += _entries("leftovers", [path for _kind, path in pack.leftovers])
    before += _entries("different in the database", pack.known.differences)
    before += _entries("only in the database", [named(resource) for resource in pack.surplus])
    if pack.action in ("register", "unload"):
        before.append(f"database: {pack.known.version or 'not known to have it'}")
        after += [f"database: {pack.after.version}"] if pack.after else []
    return _text(before), _text(after)


def _identity(state: t.Optional[State]) -> t.List[str]:
    if state is None:
        return []
    fields = {
        "version": state.version,
        "commit": state.commit,
        "digest": state.digest,
        "source": strip_urls(state.source),
    }
    return [f"{key}: {value}" for key, value in fields.items() if value]


def _entries(kind: str, names: t.Sequence[str]) -> t.List[str]:
    return [f"{kind}:", *(f"  - {name}" for name in names)] if names else []


def _text(lines: t.Sequence[str]) -> str:
    return "\n".join(lines) + "\n" if lines else ""
