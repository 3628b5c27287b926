# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan and its outcome as a person reads them: one line, a diff, the returned values. No secret is in any."""

from __future__ import annotations

import typing as t

from .._change.known import ABSENT, CURRENT
from .._file_attributes import group_name, user_name
from .._yaml_text import block
from .options import Attributes
from .plan import ConfigPlan
from .redaction import Redaction

_MOST_KEYS = 5


def line(plan: ConfigPlan) -> str:
    """What happens, or happened: C(sensu config: api_url, password changed; registered)."""
    parts = [part for part in (_file_part(plan), _database_part(plan)) if part]
    if not parts:
        state = "not there" if plan.values is None else "as wanted"
        return f"{plan.ref} config is {state}"
    separator = " " if plan.action in ("create", "remove", "none") else ": "
    return f"{plan.ref} config{separator}{'; '.join(parts)}"


def _file_part(plan: ConfigPlan) -> str:
    if plan.action == "create":
        return "created"
    if plan.action == "remove":
        return "removed"
    if plan.action == "attributes":
        return " and ".join(_attribute_changes(plan))
    if plan.action == "change":
        kinds = plan.changes
        found = [
            f"{_few(keys)} {word}"
            for keys, word in ((kinds.changed, "changed"), (kinds.added, "added"), (kinds.removed, "removed"))
            if keys
        ]
        return ", ".join(found) or "written anew"
    return ""


def _database_part(plan: ConfigPlan) -> str:
    if plan.clear:
        return "cleared in StackStorm"
    if plan.register:
        return "registered" if plan.action != "none" else "registered, as StackStorm did not have it"
    if plan.changed and plan.state != (ABSENT if plan.values is None else CURRENT):
        return "StackStorm not told" if plan.values is None else "not registered"
    return ""


def _few(keys: t.Sequence[str]) -> str:
    more = f" and {len(keys) - _MOST_KEYS} more" if len(keys) > _MOST_KEYS else ""
    return ", ".join(keys[:_MOST_KEYS]) + more


def _attribute_changes(plan: ConfigPlan) -> t.List[str]:
    before = plan.before
    found = []
    if before.mode != plan.attributes.mode:
        found.append(f"mode {before.mode:04o} -> {plan.attributes.mode:04o}")
    if before.uid != plan.attributes.uid:
        found.append(f"owner {user_name(before.uid)} -> {user_name(plan.attributes.uid)}")
    if before.gid != plan.attributes.gid:
        found.append(f"group {group_name(before.gid)} -> {group_name(plan.attributes.gid)}")
    return found


def diff(plan: ConfigPlan, redaction: Redaction) -> t.List[t.Dict[str, str]]:
    """One Ansible diff of both sides with every secret masked; of one that differs, that it does."""
    if not plan.changed:
        return []
    file = plan.before
    before, after = redaction.pair(file.values, plan.values or {})
    header = f"config {plan.ref} ({file.path})"
    return [
        {
            "before_header": header,
            "after_header": header,
            "before": _side(before, file.exists, file.problem, Attributes(file.mode, file.uid, file.gid), plan, False),
            "after": _side(after, plan.values is not None, "", plan.attributes, plan, True),
        }
    ]


def _side(values: t.Any, exists: bool, problem: str, attributes: Attributes, plan: ConfigPlan, is_after: bool) -> str:
    lines = []
    if exists:
        names = [f"mode {attributes.mode:04o}"] if attributes.mode != -1 else []
        names += [f"owner {user_name(attributes.uid)}"] if attributes.uid != -1 else []
        names += [f"group {group_name(attributes.gid)}"] if attributes.gid != -1 else []
        lines += [f"# {', '.join(names)}\n"] if names else []
    if plan.register:
        lines.append(f"# StackStorm's database: {'this config' if is_after else 'another config, or none'}\n")
    if plan.clear:
        lines.append(f"# StackStorm's database: {'no config' if is_after else 'a config'}\n")
    if problem:
        lines.append(f"# {problem}\n")
    elif exists:
        lines.append(block(values))
    return "".join(lines)


def returned(plan: ConfigPlan, backup: str = "") -> t.Dict[str, t.Any]:
    """What the result says of one config.

    :arg backup: The copy of the old file, if one was made.
    """
    return {
        "pack": plan.ref,
        "path": plan.before.path,
        "changes": plan.changes.as_dict(),
        "database_state": plan.state,
        "backup_file": backup or None,
    }
