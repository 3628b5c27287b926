# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The report on a new lock: one line, rows, a diff, and Markdown for a pull request."""

from __future__ import annotations

import os
import typing as t

from .._lock.document import Lock
from .._printable import printable
from .changes import Difference, PackChange
from .wheels import Unlocked

_MOST_NAMED = 5


def line(path: str, lock: Lock, changes: t.Sequence[PackChange], changed: bool) -> str:
    """What happened, in one line."""
    number = f"{len(lock.packs)} pack{'' if len(lock.packs) == 1 else 's'}"
    if not changed:
        return f"{path}: nothing changes ({number})"
    shown = "; ".join(change.headline for change in changes[:_MOST_NAMED]) or "wheels"
    more = f"; and {len(changes) - _MOST_NAMED} more" if len(changes) > _MOST_NAMED else ""
    return f"{path}: {shown}{more} ({number})"


def rows(changes: t.Iterable[PackChange]) -> t.List[t.Dict[str, t.Any]]:
    """The packs that change, as modules return them."""
    return [
        {
            "ref": change.ref,
            "before": change.before.version if change.before else None,
            "after": change.after.version if change.after else None,
            "commit_before": (change.before.commit or None) if change.before else None,
            "commit": (change.after.commit or None) if change.after else None,
            "commits": change.ahead,
            "changes": [str(difference) for difference in change.differences],
        }
        for change in changes
    ]


def diff(changes: t.Iterable[PackChange], files: t.Sequence[Difference] = ()) -> t.List[t.Dict[str, str]]:
    """One Ansible diff for each pack that changes: what it loses on the one side, what it gets on the other.

    :arg files: What is different in files of Python packages.
    """
    found = []
    for change in changes:
        before, after = [], []
        if change.before:
            before = [f"version: {change.before.version}", *_commit(change.before.commit, change.before.title)]
        if change.after:
            after = [f"version: {change.after.version}", *_commit(change.after.commit, change.after.title)]
        header = f"pack {change.headline}{f' ({change.place})' if change.place else ''}"
        found.append(_one_diff(header, before, after, change.differences))
    return [*found, _one_diff("Python packages", [], [], files)] if files else found


def _one_diff(
    header: str, before: t.List[str], after: t.List[str], differences: t.Iterable[Difference]
) -> t.Dict[str, str]:
    for one in differences:
        (before if one.sign == "-" else after).append(_told(one))
    return {"before_header": header, "after_header": header, "before": _text(before), "after": _text(after)}


def markdown(
    path: str,
    changes: t.Sequence[PackChange],
    files: t.Sequence[Difference],
    unlocked: t.Sequence[Unlocked],
    warnings: t.Sequence[str],
) -> str:
    """All of it for a pull request. Names that others chose are code, so that they are read and not followed."""
    if not changes and not files:
        return ""
    lines = [f"## {_code(os.path.basename(path))}", ""]
    for change in changes:
        lines.append(f"### {change.headline.replace('->', '→')}")
        lines.append("")
        if change.place:
            lines.append(" ".join(map(_code, filter(None, (change.place, change.title)))))
            lines.append("")
        lines += [_item(difference) for difference in change.differences]
        lines += [""] if change.differences else []
    if files:
        lines += ["### Files of Python packages", "", *map(_item, files), ""]
    if unlocked:
        lines += ["### Python packages that are not locked", ""]
        lines += [f"- {_code(one.ref)} on {_code(one.platform)}: {_code(one.reason)}" for one in unlocked]
        lines.append("")
    if warnings:
        lines += ["### Warnings", "", *(f"- {_code(warning)}" for warning in warnings), ""]
    return "\n".join(lines)


def _item(difference: Difference) -> str:
    what = difference.text
    if difference.sign in "+-":
        what = f"{'new' if difference.sign == '+' else 'gone'}: {what}"
    name = f" {_code(difference.name)}" if difference.name else ""
    remark = f": {_plain(difference.remark)}" if difference.remark else ""
    text = f"{what}{name}{remark}"
    return f"- **{text}**" if difference.sign == "!" else f"- {text}"


def _code(text: str) -> str:
    return f"`{_plain(text)}`"


def _plain(text: str) -> str:
    return printable(text).replace("`", "'")


def _told(difference: Difference) -> str:
    sign = "! " if difference.sign == "!" else ""
    name = f" {difference.name}" if difference.name else ""
    return f"{sign}{difference.text}{name}{f': {difference.remark}' if difference.remark else ''}"


def _commit(commit: str, title: str) -> t.List[str]:
    return [f"commit: {commit}{f' {title}' if title else ''}"] if commit else []


def _text(lines: t.Sequence[str]) -> str:
    return "".join(f"{printable(one)}\n" for one in lines)
