# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Values of a config: put together, compared, and told apart."""

from __future__ import annotations

import datetime
import typing as t
from dataclasses import dataclass

from .._content.yaml_lines import Path, shown_path
from .._yaml_text import same

Values = t.Dict[str, t.Any]

# st2common/constants/secrets.py MASKED_ATTRIBUTE_VALUE: what StackStorm shows for a secret.
MASKED = "********"


@dataclass(frozen=True)
class Changes:
    """The keys in which two configs differ, as paths such as C(hosts[0].name), in the order of the configs."""

    added: t.Tuple[str, ...] = ()
    removed: t.Tuple[str, ...] = ()
    changed: t.Tuple[str, ...] = ()

    @property
    def all(self) -> t.Tuple[str, ...]:
        """All of them."""
        return self.added + self.removed + self.changed

    def as_dict(self) -> t.Dict[str, t.List[str]]:
        """As modules return them."""
        return {"added": list(self.added), "removed": list(self.removed), "changed": list(self.changed)}


def merged(base: t.Mapping[str, t.Any], over: t.Mapping[str, t.Any]) -> Values:
    """C(base) with the values of C(over) put into it: mappings go together at every depth, anything else replaces."""
    result = dict(base)
    for key, value in over.items():
        below = result.get(key)
        result[key] = merged(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result


def without(base: t.Mapping[str, t.Any], keys: t.Mapping[str, t.Any]) -> Values:
    """C(base) without some keys: a mapping with something in it names keys of what is below, anything else its own."""
    result = dict(base)
    for key, value in keys.items():
        below = result.get(key)
        if not (isinstance(value, dict) and value):
            result.pop(key, None)
        elif isinstance(below, dict):
            result[key] = without(below, value)
    return result


def agrees(database: t.Any, wanted: t.Any) -> bool:
    """Whether StackStorm's database has the wanted values, as far as it shows them.

    A value that it masks says nothing. Dates come back as text, and a whole C(float) may come back without its point.
    """
    if database == MASKED and wanted is not None:
        return True
    if isinstance(database, dict) and isinstance(wanted, dict):
        return database.keys() == {str(key) for key in wanted} and all(
            agrees(database[str(key)], value) for key, value in wanted.items()
        )
    if isinstance(database, list) and isinstance(wanted, list):
        return len(database) == len(wanted) and all(map(agrees, database, wanted))
    if isinstance(wanted, (datetime.date, datetime.datetime)):
        return isinstance(database, str) and database[:10] == wanted.isoformat()[:10]
    if isinstance(wanted, float) and isinstance(database, int) and not isinstance(database, bool):
        return database == wanted
    return same(database, wanted)


def differences(before: t.Any, after: t.Any, hides: t.Callable[[Path], bool] = lambda _path: False) -> Changes:
    """The keys in which two configs differ; lists differ as a whole.

    :arg hides: Says of a path that what is below it must not be told apart.
    """
    found: t.Dict[str, t.List[str]] = {"added": [], "removed": [], "changed": []}
    for kind, path in _differ(before, after, (), hides):
        found[kind].append(shown_path(path))
    return Changes(tuple(found["added"]), tuple(found["removed"]), tuple(found["changed"]))


def _differ(
    before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any], path: Path, hides: t.Callable[[Path], bool]
) -> t.Iterator[t.Tuple[str, Path]]:
    for key in dict.fromkeys((*before, *after)):
        below = (*path, key)
        if key not in before:
            yield "added", below
        elif key not in after:
            yield "removed", below
        elif isinstance(before[key], dict) and isinstance(after[key], dict) and not hides(below):
            yield from _differ(before[key], after[key], below, hides)
        elif not same(before[key], after[key]):
            yield "changed", below
