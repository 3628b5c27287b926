# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm 3.9.0 refuses of a policy: a type that is none, and parameters that are not as the type has them.

That is PolicyAPI.validate of st2common/models/api/policy.py; the types are those of st2common/policies/meta.
"""

from __future__ import annotations

import typing as t

from .._printable import printable
from .yaml_lines import Path

_SHOWN = 60
_Judge = t.Callable[[t.Any], str]
"""Says what a value has to be, and is not; nothing when it is right."""


def _one_of(*choices: str) -> _Judge:
    return lambda value: "" if value in choices else f"one of {', '.join(choices)}"


def _integer(value: t.Any) -> str:
    # StackStorm's draft of JSON schema takes neither 1.0 nor true for one.
    return "" if isinstance(value, int) and not isinstance(value, bool) else "an integer"


def _max_retry_count(value: t.Any) -> str:
    return "" if not _integer(value) and 1 <= value <= 5 else "an integer from 1 to 5"


def _delay(value: t.Any) -> str:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "" if is_number and 0 <= value <= 120 else "a number from 0 to 120"


def _attributes(value: t.Any) -> str:
    names = isinstance(value, list) and all(isinstance(name, str) and name for name in value)
    return "" if names and len(set(value)) == len(value) else "a list of strings, none of them empty or twice"


_CONCURRENCY: t.Mapping[str, _Judge] = {"threshold": _integer, "action": _one_of("delay", "cancel")}
# The parameters of each type, and those that must be there.
_TYPES: t.Mapping[str, t.Tuple[t.Mapping[str, _Judge], str]] = {
    "action.concurrency": (_CONCURRENCY, "threshold"),
    "action.concurrency.attr": ({**_CONCURRENCY, "attributes": _attributes}, "threshold"),
    "action.retry": (
        {"retry_on": _one_of("failure", "timeout"), "max_retry_count": _max_retry_count, "delay": _delay},
        "retry_on",
    ),
}
POLICY_TYPES = tuple(_TYPES)


def policy_refusals(policy: t.Mapping[t.Any, t.Any]) -> t.Iterator[t.Tuple[Path, str]]:
    """What makes registration refuse a policy, for its type and parameters. What types YAML has is judged elsewhere."""
    kind, parameters = policy.get("policy_type"), policy.get("parameters", {})
    if not isinstance(kind, str) or not kind:
        return
    if kind not in _TYPES:
        known = ", ".join(POLICY_TYPES)
        yield ("policy_type",), f"StackStorm has no type {printable(kind[:_SHOWN])} of policies, only {known}"
        return
    if parameters is None:
        yield ("parameters",), "parameters is null"
        return
    if not isinstance(parameters, dict):
        return
    judges, required = _TYPES[kind]
    for name, value in parameters.items():
        path = ("parameters", str(name))
        shown = f"parameters.{printable(str(name)[:_SHOWN])}"
        if name not in judges:
            yield path, f"{shown} is no parameter of {kind}, which has {', '.join(judges)}"
        else:
            wanted = judges[name](value)
            if wanted:
                yield path, f"{shown} is not {wanted}"
    if required not in parameters:
        yield ("parameters",), f"{kind} must have parameters.{required}"
