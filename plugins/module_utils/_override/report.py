# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The plan and its outcome as a person reads them: one line, a diff, a list of resources."""

from __future__ import annotations

import typing as t

from .document import GLOBAL, KINDS, SINGULAR
from .plan import Plan, Switch

_WORDS = {True: "enabled", False: "disabled", None: "unknown"}


def line(plan: Plan) -> str:
    """What happens, or happened, in one short line: C(sensu: 2 actions disabled, 1 sensor enabled; registered)."""
    if not plan.changed:
        return f"{plan.pack}: overrides are as asked"
    parts = [_number(plan, kind, enabled) for enabled in (False, True) for kind in ("actions", "sensors", *KINDS[2:])]
    told = ", ".join(part for part in parts if part)
    if told and plan.pack == GLOBAL:
        packs = len({switch.pack for switch in plan.switches if switch.changed})
        told += f" in {packs} pack{'' if packs == 1 else 's'}"
    if not told:
        told = f"overrides {'removed' if plan.after is None else 'written'}, nothing switched" if plan.writes else ""
    if not plan.installed:
        told = f"overrides {'removed' if plan.after is None else 'written'}, the pack is not installed"
    return f"{plan.pack}: " + "; ".join(part for part in (told, _registered(plan)) if part)


def _number(plan: Plan, kind: str, enabled: bool) -> str:
    number = sum(switch.changed and switch.kind == kind and switch.after is enabled for switch in plan.switches)
    return f"{number} {SINGULAR[kind] if number == 1 else kind} {_WORDS[enabled]}" if number else ""


def _registered(plan: Plan) -> str:
    if plan.registers:
        return "registered"
    return "not registered" if any(switch.changed for switch in plan.switches) else ""


def diff(plan: Plan) -> t.List[t.Dict[str, str]]:
    """Ansible's diff: the file's text, and a line for each resource that is switched."""
    found = []
    if plan.writes:
        before, after = _text(plan.before), _text(plan.after)
        found.append({"before_header": plan.path, "after_header": plan.path, "before": before, "after": after})
    lines = [_line(plan, switch) for switch in plan.switches if switch.changed]
    if lines:
        found.append({"prepared": "".join(f"{line}\n" for line in lines)})
    return found


def _line(plan: Plan, switch: Switch) -> str:
    pack = f"{switch.pack} " if plan.pack == GLOBAL else ""
    name = f"{pack}{switch.kind} {switch.name}"
    return f"{name}: {_WORDS[switch.before]} -> {_WORDS[switch.after]} ({switch.origin})"


def _text(content: t.Optional[bytes]) -> str:
    return content.decode("utf-8", "replace") if content else ""


def resources(plan: Plan) -> t.List[t.Dict[str, t.Any]]:
    """Every resource that the overrides decide about, or that is switched, in the order of pack, kind and name."""
    return [
        {
            "pack": switch.pack,
            "kind": switch.kind,
            "name": switch.name,
            "before": switch.before,
            "after": switch.after,
            "from": switch.origin,
            "changed": switch.changed,
        }
        for switch in plan.switches
    ]


def counts(plan: Plan) -> t.Dict[str, t.Dict[str, int]]:
    """How many resources of each kind are switched on and off, and how many StackStorm says are overridden."""
    return {
        kind: {
            "enabled": sum(one.changed and one.kind == kind and one.after is True for one in plan.switches),
            "disabled": sum(one.changed and one.kind == kind and one.after is False for one in plan.switches),
            "overridden": plan.overridden.get(kind, 0),
        }
        for kind in KINDS
    }
