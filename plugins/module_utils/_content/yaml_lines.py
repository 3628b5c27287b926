# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The lines of a YAML file at which its keys and items stand, for messages."""

from __future__ import annotations

import typing as t

Path = t.Tuple[t.Union[str, int], ...]


class Lines:
    """Where the parts of one YAML document stand.

    :arg found: The line, counted from 1, of every key and item by its path.
    :arg columns: Likewise their columns.
    """

    def __init__(
        self, found: t.Optional[t.Mapping[Path, int]] = None, columns: t.Optional[t.Mapping[Path, int]] = None
    ) -> None:
        self._found = found or {}
        self._columns = columns or {}

    def of(self, path: Path) -> t.Optional[int]:
        """The line of a path, or of the closest thing around it; C(None) when not even that is known."""
        return self._closest(self._found, path)

    def column_of(self, path: Path) -> t.Optional[int]:
        """The column of what L(of) gives the line of."""
        return self._closest(self._columns, path)

    @staticmethod
    def _closest(found: t.Mapping[Path, int], path: Path) -> t.Optional[int]:
        while path:
            if path in found:
                return found[path]
            path = path[:-1]
        return None


def lines_of(node: t.Any) -> Lines:
    """The lines of a composed document; what an alias stands for has the lines of its anchor."""
    found: t.Dict[Path, int] = {}
    columns: t.Dict[Path, int] = {}
    waiting: t.List[t.Tuple[Path, t.Any]] = [((), node)] if node is not None else []
    while waiting:
        path, one = waiting.pop()
        if one.id == "mapping":
            for key, value in one.value:
                below = (*path, str(key.value))
                found[below] = key.start_mark.line + 1
                columns[below] = key.start_mark.column + 1
                waiting.append((below, value))
        elif one.id == "sequence":
            for number, value in enumerate(one.value):
                item = (*path, number)
                found[item] = value.start_mark.line + 1
                columns[item] = value.start_mark.column + 1
                waiting.append((item, value))
    return Lines(found, columns)


def shown_path(path: t.Iterable[t.Union[str, int]]) -> str:
    """A path for people: C(hosts[0].name)."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text
