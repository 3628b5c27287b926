# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What became of each pack in a run that failed."""

from __future__ import annotations

import typing as t

from .._change.known import UNKNOWN
from .._content.installed import Installation
from .._content.request import PackRequest
from .._secrets import strip_urls
from .plan import PackPlan, Plan, State, state_of
from .report import Row, identity, row_of
from .wording import few

# What there is of a virtualenv after what a plan says of it did not happen.
_UNDONE_VIRTUALENV = {"built": "none", "rebuilt": "kept", "removed": "kept"}


class Failure(t.NamedTuple):
    """A failure of a run: the pack it is about (empty when about none), the step, and the sentence for it."""

    ref: str
    step: str
    message: str


def rows_after_failure(
    plan: Plan,
    failed: t.Sequence[Failure],
    *,
    done: t.Container[str] = (),
    installation: t.Optional[Installation] = None,
    stuck: t.Container[str] = (),
    astray: t.Container[str] = (),
    states: t.Callable[[str], str] = lambda _ref: UNKNOWN,
) -> t.List[Row]:
    """The result per pack, in the order of the plan.

    :arg failed: What went wrong.
    :arg done: Refs whose change stands.
    :arg installation: The packs as they are after the failure; without, as they were before it.
    :arg stuck: Refs of which something was moved and could not be put back.
    :arg astray: Refs of which StackStorm's database was told something that could not be put back.
    :arg states: Tells what the database has of a pack after the failure.
    """
    found = []
    for pack in plan.packs:
        row = row_of(pack)
        if pack.ref not in done:
            after = _there(pack, installation) if installation else pack.before
            before = row["before"]
            changed = pack.ref in stuck or pack.ref in astray or identity(after) != before
            row.update(after=identity(after), changed=changed, database_state=states(pack.ref), pruned=[])
            row["virtualenv"] = _UNDONE_VIRTUALENV.get(pack.virtualenv, pack.virtualenv)
            if pack.changed:
                undone = "and not put back" if changed else "not done"
                row["msg"] = f"{row['msg']}: {undone}, because of {_blamed(failed)}"
        own = next((one for one in failed if one.ref == pack.ref), None)
        if own:
            row.update(msg=_own(own, failed), step=own.step)
        found.append(row)
    return found


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
        state = identity(state_of(pack)) if pack else None
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
                "msg": _own(own, failed) if own else f"Not done, because of {_blamed(failed)}.",
            }
        )
    return found


def _there(pack: PackPlan, installation: Installation) -> t.Optional[State]:
    copies = [installation.get(pack.ref), *installation.shadowed(pack.ref)] if pack.ref else []
    return next((state_of(copy) for copy in copies if copy and copy.base_path == pack.base_path), None)


def _own(own: Failure, failed: t.Sequence[Failure]) -> str:
    """What a pack's row says of its failure: where it is the only one, the task's own message says all of it."""
    return own.message if len(failed) > 1 else failed_at(own.step)


def failed_at(step: t.Optional[str]) -> str:
    """For a pack whose failure is that of the task."""
    return f"Failed{f' at the step {step}' if step else ''}. See msg of the task."


def _blamed(failed: t.Sequence[Failure]) -> str:
    return few([one.ref for one in failed if one.ref]) or "the failure"
