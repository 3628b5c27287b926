# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan and its outcome as a person reads them: one line, a diff, a list per pack."""

from __future__ import annotations

import typing as t

from .._change.telling import UNKNOWN
from .._content.installed import Installation
from .._secrets import strip_urls
from .._st2.registration import Resource
from .plan import PackPlan, Plan, State, state_of
from .request import PackRequest

# What there is of a virtualenv after what a plan says of it did not happen.
_UNDONE_VIRTUALENV = {"built": "none", "rebuilt": "kept", "removed": "kept"}


def line(plan: Plan, recovered: t.Sequence[str] = ()) -> str:
    """What happens, or happened, in one short line: C(sensu 1.0.1 -> 1.0.2 108d52b).

    :arg recovered: The packs of which an interrupted run left something to put back.
    """
    changed = [pack for pack in plan.packs if pack.changed]
    parts = [_change(pack) for pack in changed]
    if recovered:
        parts.insert(0, f"interrupted run undone ({', '.join(recovered)})")
    if parts:
        return "; ".join(parts)
    return "; ".join(_unchanged(pack) for pack in plan.packs) or "nothing asked"


def _change(pack: PackPlan) -> str:
    if pack.action == "repair":
        return f"{pack.ref} {_short(pack.after)} repaired: {_few(pack.edits)}"
    if pack.action == "virtualenv":
        return f"{pack.ref} {_short(pack.after)} virtualenv {pack.virtualenv}"
    if pack.action == "register":
        differences = f": {_few(pack.known.differences)}" if pack.known.differences else ""
        return f"{pack.ref} {_short(pack.after)} registered{differences}"
    if pack.action == "prune":
        return f"{pack.ref} {_short(pack.after)} pruned: {_few([_named(resource) for resource in pack.surplus])}"
    if pack.action == "unload":
        return f"{pack.ref} unloaded from StackStorm's database"
    if pack.action == "purge":
        return f"{pack.ref} purged: {', '.join(dict.fromkeys(kind for kind, _path in pack.leftovers))}"
    if pack.after is None:
        return f"{pack.ref} {_short(pack.before)} -> absent"
    before = pack.before.version or "unknown" if pack.before else "absent"
    if pack.before and before == pack.after.version:
        before = pack.before.short
    # What StackStorm itself will install from a URL shows only afterwards.
    kept = f" (the directory that was there is kept: {pack.displaced.kept})" if pack.displaced else ""
    return f"{pack.ref} {before} -> {pack.after.short or 'what the source has'}{kept}"


def _unchanged(pack: PackPlan) -> str:
    return (
        f"{pack.ref} {_short(pack.after)} is there" if pack.after else f"{pack.ref or pack.requested[0]} is not there"
    )


def _short(state: t.Optional[State]) -> str:
    return state.short if state else "absent"


def _named(resource: Resource) -> str:
    return f"{resource.kind} {resource.name}"


def _few(items: t.Sequence[str], most: int = 3) -> str:
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")


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
    before += _entries("not in the database as the files say", pack.known.differences)
    before += _entries("only in the database", [_named(resource) for resource in pack.surplus])
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


class Failure(t.NamedTuple):
    """A failure of a run: the pack it is about (empty when about none), the step, and the sentence for it."""

    ref: str
    step: str
    message: str


def rows(
    plan: Plan,
    *,
    done: t.Container[str] = (),
    failed: t.Sequence[Failure] = (),
    installation: t.Optional[Installation] = None,
    stuck: t.Container[str] = (),
    astray: t.Container[str] = (),
    states: t.Callable[[str], str] = lambda _ref: UNKNOWN,
) -> t.List[t.Dict[str, t.Any]]:
    """The result per pack, in the order of the plan.

    :arg done: Refs whose change stands. Without a failure every change does.
    :arg failed: What went wrong.
    :arg installation: The packs as they are after the failure; without, as they were before it.
    :arg stuck: Refs of which something was moved and could not be put back.
    :arg astray: Refs of which StackStorm's database was told something that could not be put back.
    :arg states: Tells what the database has of a pack after the failure.
    """
    found = []
    for pack in plan.packs:
        stands = not failed or pack.ref in done
        after = pack.after if stands else pack.before
        if installation and not stands:
            after = _there(pack, installation)
        changed = (
            pack.changed
            if stands
            else (pack.ref in stuck or pack.ref in astray or _public(after) != _public(pack.before))
        )
        row = _row(pack, stands, after, failed, changed)
        state = pack.database_state if stands else states(pack.ref)
        found.append({**row, "database_state": state, "pruned": [one.ref for one in pack.surplus] if stands else []})
    return found


def _there(pack: PackPlan, installation: Installation) -> t.Optional[State]:
    copies = [installation.get(pack.ref), *installation.shadowed(pack.ref)] if pack.ref else []
    return next((state_of(copy) for copy in copies if copy and copy.base_path == pack.base_path), None)


def _row(
    pack: PackPlan, stands: bool, after: t.Optional[State], failed: t.Sequence[Failure], changed: bool
) -> t.Dict[str, t.Any]:
    message, step = (_change(pack) if pack.changed else _unchanged(pack)), None
    own = next((one for one in failed if one.ref == pack.ref), None)
    if own:
        message, step = own.message, own.step
    elif failed and not stands and pack.changed:
        undone = "and not put back" if changed else "not done"
        message = f"{message}: {undone}, because of {_blamed(failed)}"
    return {
        "ref": pack.ref or None,
        "name": pack.name or None,
        "requested": list(pack.requested),
        "source": _source(pack),
        "before": _public(pack.before),
        "after": _public(after),
        "action": pack.action,
        "changed": changed,
        "virtualenv": pack.virtualenv if stands else _UNDONE_VIRTUALENV.get(pack.virtualenv, pack.virtualenv),
        "edits": list(pack.edits),
        "step": step,
        "msg": message,
    }


def _blamed(failed: t.Sequence[Failure]) -> str:
    return _few([one.ref for one in failed if one.ref]) or "the failure"


def _source(pack: PackPlan) -> t.Optional[str]:
    state = pack.after or pack.before
    return strip_urls(state.source) or None if state else None


def _public(state: t.Optional[State]) -> t.Optional[t.Dict[str, t.Optional[str]]]:
    if state is None:
        return None
    return {"version": state.version or None, "commit": state.commit or None, "digest": state.digest or None}


def rows_of_requests(
    requests: t.Sequence[PackRequest],
    installation: Installation,
    failed: t.Sequence[Failure],
    states: t.Callable[[str], str],
) -> t.List[t.Dict[str, t.Any]]:
    """The result per request of a run that failed before it had a plan; nothing was changed."""
    found = []
    for request in requests:
        ref = request.expected_ref
        pack = installation.get(ref) if ref else None
        state = _public(state_of(pack)) if pack else None
        source = request.source or (pack.source.url if pack and pack.source else None)
        own = next((one for one in failed if one.ref == ref), failed[0] if len(requests) == 1 else None)
        found.append(
            {
                "ref": ref,
                "name": pack.name if pack else ref,
                "requested": [request.requested],
                "source": strip_urls(source) if source else None,
                "before": state,
                "after": state,
                "action": "none",
                "changed": False,
                "virtualenv": "kept" if pack else "none",
                "edits": [],
                "database_state": states(ref) if ref else UNKNOWN,
                "pruned": [],
                "step": own.step if own else None,
                "msg": own.message if own else f"Not done, because of {_blamed(failed)}.",
            }
        )
    return found
