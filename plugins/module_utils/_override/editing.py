# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Override files as text: made anew, or changed where they are, so that the comments of others stay."""

from __future__ import annotations

import contextlib
import typing as t

from .._errors import ApplyError
from .._libraries import require
from .document import ENABLED, KINDS, Overrides

# A path of keys, and whether what stands there is true.
Path = t.Tuple[str, ...]


class Edited(t.NamedTuple):
    """The new content of a file, and whether comments of the old one are lost."""

    content: bytes
    comments_lost: bool


def render(overrides: Overrides) -> bytes:
    """An override file that says this and nothing else; it must say something.

    :raises ApplyError: when YAML cannot say it.
    :raises MissingLibraryError: without PyYAML.
    """
    yaml = require("PyYAML")

    document = overrides.document()
    for readable in (True, False):
        # PyYAML writes some characters, as they are, so that they cannot be read again.
        text = yaml.safe_dump(document, sort_keys=False, default_flow_style=False, allow_unicode=readable)
        with contextlib.suppress(UnicodeError, yaml.YAMLError):
            content = f"---\n{text}".encode()
            if yaml.safe_load(content) == document:
                return content
    raise ApplyError("The overrides cannot be written as YAML: a name in them has characters that no file can hold.")


def edit(content: bytes, before: Overrides, after: Overrides) -> Edited:
    """Change a file from what it says to something else that is not nothing.

    :arg content: A file without problems.
    :arg before: What it says.
    """
    yaml = require("PyYAML")

    text = content.decode("utf-8")
    try:
        edited = _Editor(text).change(before, after)
        kept = edited is not None and yaml.safe_load(edited) == after.document()
        changed = edited.encode() if kept and edited is not None else b""
    except (UnicodeError, yaml.YAMLError):
        changed = b""
    if changed:
        return Edited(changed, False)
    return Edited(render(after), "#" in text)


def _leaves(overrides: Overrides) -> t.Dict[Path, bool]:
    """What a file says, one path of keys for each truth value."""
    found: t.Dict[Path, bool] = {}
    for kind in KINDS:
        section = overrides.of(kind)
        if section.default is not None:
            found[(kind, "defaults", ENABLED)] = section.default
        for name, enabled in section.exceptions.items():
            found[(kind, "exceptions", name, ENABLED)] = enabled
    return found


class _Editor:
    """Edits the lines of a file in block style; what is in flow style can be changed, not taken away or added to."""

    def __init__(self, text: str) -> None:
        self._text = text

    def change(self, before: Overrides, after: Overrides) -> t.Optional[str]:
        """The new text; C(None) when this editor cannot make it."""
        old, new = _leaves(before), _leaves(after)
        for path in [path for path in old if path in new and old[path] != new[path]]:
            if not self._replace(path, new[path]):
                return None
        for path in [path for path in new if path not in old]:
            if not self._add(path, new[path]):
                return None
        for path in [path for path in old if path not in new]:
            if not self._remove(path, new):
                return None
        return self._text

    def _node(self) -> t.Any:
        yaml = require("PyYAML")

        return yaml.compose(self._text, Loader=yaml.SafeLoader)

    def _find(self, path: Path) -> t.Tuple[t.Any, t.Any, t.Any]:
        """The innermost mapping, key and value nodes of a path; C(None) for what is not there."""
        mapping, key, value = None, None, self._node()
        for name in path:
            mapping = value
            if mapping is None or mapping.id != "mapping":
                return None, None, None
            key, value = next(((k, v) for k, v in mapping.value if k.value == name), (None, None))
            if value is None:
                return mapping, None, None
        return mapping, key, value

    def _replace(self, path: Path, enabled: bool) -> bool:
        _mapping, _key, value = self._find(path)
        if value is None:
            return False
        lines = self._text.splitlines(keepends=True)
        start, end = value.start_mark, value.end_mark
        if start.line != end.line:
            return False
        line = lines[start.line]
        lines[start.line] = f"{line[: start.column]}{_word(enabled)}{line[end.column :]}"
        self._text = "".join(lines)
        return True

    def _add(self, path: Path, enabled: bool) -> bool:
        """Put a path below the longest part of it that is there."""
        depth = len(path) - 1
        while depth and self._find(path[:depth])[1] is None:
            depth -= 1
        parent = self._find(path[:depth])[2] if depth else self._node()
        if parent is None or parent.id != "mapping" or parent.flow_style or not parent.value:
            return False
        indent = parent.value[0][0].start_mark.column
        after = max(_last_line(value) for _key, value in parent.value)
        return self._insert(after + 1, _block(path[depth:], enabled, indent))

    def _insert(self, at: int, block: str) -> bool:
        lines = self._text.splitlines(keepends=True)
        if at >= len(lines) and lines and not lines[-1].endswith("\n"):
            lines[-1] += "\n"
        lines.insert(at, block)
        self._text = "".join(lines)
        return True

    def _remove(self, path: Path, kept: t.Mapping[Path, bool]) -> bool:
        """Take away the shortest part of a path below which nothing is kept."""
        depth = next(
            depth for depth in range(1, len(path) + 1) if not any(other[:depth] == path[:depth] for other in kept)
        )
        mapping, key, value = self._find(path[:depth])
        if key is None:
            return True  # Gone with another one.
        if mapping.flow_style:
            return False
        lines = self._text.splitlines(keepends=True)
        del lines[key.start_mark.line : _last_line(value) + 1]
        self._text = "".join(lines)
        return True


def _last_line(node: t.Any) -> int:
    """The last line that a node has something in; the end of a block is where the next one begins."""
    if node.id == "scalar" or node.flow_style or not node.value:
        return int(node.end_mark.line)
    if node.id == "mapping":
        return max(_last_line(value) for _key, value in node.value)
    return max(map(_last_line, node.value))


def _block(path: Path, enabled: bool, indent: int) -> str:
    yaml = require("PyYAML")

    lines = []
    for depth, name in enumerate(path):
        key = yaml.safe_dump(name, allow_unicode=True, default_flow_style=True, width=1000).split("\n")[0]
        end = f" {_word(enabled)}" if depth == len(path) - 1 else ""
        lines.append(f"{' ' * (indent + 2 * depth)}{key}:{end}\n")
    return "".join(lines)


def _word(enabled: bool) -> str:
    return "true" if enabled else "false"
