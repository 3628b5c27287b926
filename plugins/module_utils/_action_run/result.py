# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Results of actions: held against what a task expects, and made short enough to be returned."""

from __future__ import annotations

import json
import typing as t

MOST_RESULT = 64 << 10
_MOST_DIFFERENCES = 5
_SHOWN = 120
_LEAST_TEXT = 200


def differences(expected: t.Any, found: t.Any, path: str = "result") -> t.List[str]:
    """Where a result is not as expected, as clauses.

    :arg expected: Of dictionaries, the keys in it have to be there; others may be there too. Anything else has to be
        equal.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        clauses: t.List[str] = []
        for key, value in expected.items():
            if key in found:
                clauses += differences(value, found[key], f"{path}.{key}")
            else:
                clauses.append(f"{path}.{key} is missing")
        return clauses
    if _equal(expected, found):
        return []
    of_type = "" if _shown(expected) != _shown(found) else f" of another type ({type(found).__name__})"
    return [f"{path} is {_shown(found)}{of_type} instead of {_shown(expected)}"]


def _equal(expected: t.Any, found: t.Any) -> bool:
    """Whether they are equal; unlike for Python, true is not 1."""
    if isinstance(expected, list) and isinstance(found, list):
        return len(expected) == len(found) and all(map(_equal, expected, found))
    if isinstance(expected, dict) and isinstance(found, dict):
        return expected.keys() == found.keys() and all(_equal(expected[key], found[key]) for key in expected)
    return isinstance(expected, bool) == isinstance(found, bool) and bool(expected == found)


def first_differences(clauses: t.Sequence[str]) -> str:
    """Clauses as one, the first few of them."""
    more = len(clauses) - _MOST_DIFFERENCES
    return "; ".join(clauses[:_MOST_DIFFERENCES]) + (f"; and {more} more" if more > 0 else "")


def _shown(value: t.Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return f'"{text}"' if len(text) <= _SHOWN else f'"{text[:_SHOWN]}..."'


def shortened(value: t.Any, most: int = MOST_RESULT) -> t.Any:
    """A value of which the JSON has about C(most) characters at most: long texts are cut, and then what is at the end
    of lists and dictionaries is left out."""
    size = len(json.dumps(value, default=str))
    longest = most // 2
    while size > most and longest >= _LEAST_TEXT:
        value = _cut(value, longest)
        size = len(json.dumps(value, default=str))
        longest //= 2
    return value if size <= most else _left_out(value, most)[0]


def _cut(value: t.Any, most: int) -> t.Any:
    if isinstance(value, dict):
        return {key: _cut(item, most) for key, item in value.items()}
    if isinstance(value, list):
        return [_cut(item, most) for item in value]
    return f"{value[:most]}..." if isinstance(value, str) and len(value) > most + 3 else value


def _left_out(value: t.Any, most: int) -> t.Tuple[t.Any, int]:
    """What of a value fits, and how much room is left."""
    if not isinstance(value, (dict, list)):
        return value, most - len(json.dumps(value, default=str)) - 2
    kept: t.List[t.Tuple[t.Any, t.Any]] = []
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        most -= len(str(key)) + 4 if isinstance(value, dict) else 0
        if most <= 0:
            break
        part, most = _left_out(item, most)
        kept.append((key, part))
    return (dict(kept) if isinstance(value, dict) else [part for _key, part in kept]), most
