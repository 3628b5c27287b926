# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""YAML files of packs, read as StackStorm reads them, and safe against files that were made to do harm."""

from __future__ import annotations

import os
import re
import stat
import typing as t

from ._errors import InvalidPackError
from ._libraries import require
from ._yaml_keys import refused_keys

MOST_BYTES = 4 << 20
# libyaml's composer recurses in C without a limit: a hundred thousand brackets end the process, not the parse.
MOST_DEPTH = 200
# What the nodes of a file may add up to, with every alias written out in full.
MOST_EXPANDED = 200_000
# All multiples of 2**61 - 1 have one hash: a mapping with very many of them as keys would take minutes.
MOST_NUMBER_KEYS = 1000
# Python's int() takes quadratic time: a file of one long number would take minutes. Hexadecimal ones are read quickly,
# but what has more than 4300 decimal digits cannot be shown.
_LONG_NUMBER = re.compile(r"[0-9_:]{4000}|0x[0-9a-fA-F_]{3500}")
# A bracket makes at most two levels, a column of indentation likewise: a file with few brackets and no long run of the
# characters that indent cannot nest deeply, which spares most files the count.
_FEW_BRACKETS = 60
# Each of a file's nodes takes two bytes at least.
_FEW_BYTES = 2 * MOST_EXPANDED
_HASHED_ALIKE = re.compile(r"[0-9a-fA-F_:]{16}")
_DEEP_INDENTATION = re.compile(r"[ \t?:-]{40}")


class YamlFileError(InvalidPackError):
    """A file that is no YAML that StackStorm can read.

    :arg problem: What is wrong, as a clause that quotes no value.
    :arg line: Where, counted from 1, if that is known; likewise C(column).
    """

    def __init__(self, shown: str, problem: str, line: t.Optional[int] = None, column: t.Optional[int] = None) -> None:
        where = f", line {line}," if line else ""
        super().__init__(f"{shown}{where} is not YAML that StackStorm can read: {problem}.")
        self.problem = problem
        self.line = line
        self.column = column


def load_yaml(
    path: str, *, shown: t.Optional[str] = None, most_bytes: int = MOST_BYTES, registered: bool = False
) -> t.Any:
    """The content of a YAML file, as StackStorm's own reader gives it.

    UTF-8, one document, the safe loader, with libyaml where PyYAML has it (st2common/constants/meta.py yaml_safe_load,
    st2common/content/loader.py MetaLoader).

    :arg shown: What to call the file in messages, such as its path inside the pack.
    :arg registered: Whether to read it as the processes do that register content, to which a key that stands twice and
        a merge key are errors (L(refused_keys)); to others the last one holds, and merge keys are merged.
    :returns: Anything that YAML can say; C(None) for an empty file.
    :raises InvalidPackError: when the file cannot be read, is no YAML, or is too large, too deep or too long once its
        aliases are written out. The message has the line and never quotes a value.
    :raises MissingLibraryError: without PyYAML.
    """
    source = _Source(path, shown or path, most_bytes)
    return source.work(lambda loader: source.construct(loader, source.compose(loader, registered)))


def key_lines(path: str, *, shown: t.Optional[str] = None, most_bytes: int = MOST_BYTES) -> t.List[t.Tuple[t.Any, int]]:
    """The keys of the mapping that a YAML file is, each with its line, counted from 1, in the order of the file.

    A key that stands there twice is there twice. Keys are as written, as text. Raises what M(load_yaml) raises.
    """
    source = _Source(path, shown or path, most_bytes)

    def read(loader: t.Any) -> t.List[t.Tuple[t.Any, int]]:
        node = source.compose(loader)
        pairs = node.value if node is not None and node.id == "mapping" else ()
        return [(key.value, key.start_mark.line + 1) for key, _value in pairs if key.id == "scalar"]

    result: t.List[t.Tuple[t.Any, int]] = source.work(read)
    return result


def load_composed(
    path: str,
    *,
    shown: t.Optional[str] = None,
    most_bytes: int = MOST_BYTES,
    content: t.Optional[bytes] = None,
    look: t.Callable[[t.Any], None] = lambda node: None,
    registered: bool = False,
) -> t.Tuple[t.Any, t.Any, str]:
    """The content of a YAML file with the node it was composed to, for the lines of its parts, and its text.

    Takes and raises what M(load_yaml) does. The node of an empty file is C(None).

    :arg content: What the file holds, when it was read already; then C(path) is only for messages.
    :arg look: Gets the node as it stands in the file: to make values of it, merge keys are resolved in it.
    """
    source = _Source(path, shown or path, most_bytes, content)

    def read(loader: t.Any) -> t.Tuple[t.Any, t.Any, str]:
        node = source.compose(loader, registered)
        if node is not None:
            look(node)
        return source.construct(loader, node), node, source.text

    result: t.Tuple[t.Any, t.Any, str] = source.work(read)
    return result


def nested_key_lines(
    path: str, *, levels: int, shown: t.Optional[str] = None, most_bytes: int = MOST_BYTES
) -> t.List[t.Tuple[t.Tuple[str, ...], int]]:
    """The keys of the mappings in a YAML file, with their lines as of M(key_lines), each as its path from the top.

    :arg levels: How deep to go; 1 is what M(key_lines) gives. Raises what M(load_yaml) raises.
    """
    source = _Source(path, shown or path, most_bytes)

    def read(loader: t.Any) -> t.List[t.Tuple[t.Tuple[str, ...], int]]:
        node = source.compose(loader)
        return list(_key_lines(node, (), levels)) if node is not None else []

    result: t.List[t.Tuple[t.Tuple[str, ...], int]] = source.work(read)
    return result


class _Source:
    """One file on its way to nodes and values; every failure becomes an error that names the file."""

    def __init__(self, path: str, shown: str, most_bytes: int, content: t.Optional[bytes] = None) -> None:
        self.yaml = require("PyYAML")
        self.loader_class = getattr(self.yaml, "CSafeLoader", self.yaml.SafeLoader)
        self.shown = shown
        self.text = self._decode(self._read(path, most_bytes) if content is None else content, most_bytes)

    def work(self, function: t.Callable[[t.Any], t.Any]) -> t.Any:
        """Call C(function) with a loader of the text."""
        try:
            self._refuse_depth_and_number()
            if _LONG_NUMBER.search(self.text):
                raise self.error("a number in it has thousands of digits")
            loader = self.loader_class(self.text)
            try:
                return function(loader)
            finally:
                loader.dispose()
        except self.yaml.YAMLError as error:
            raise self._syntax_error(error) from error
        except RecursionError as error:
            raise self.error("it is nested too deeply") from error

    def compose(self, loader: t.Any, registered: bool = False) -> t.Any:
        """The node of the only document, C(None) for none."""
        node = loader.get_single_node()
        if node is not None and "&" in self.text and "*" in self.text and _weight(node) > MOST_EXPANDED:
            raise self.error(
                f"its aliases stand for more than {MOST_EXPANDED} values, or one for something that it is a part of"
            )
        if len(_HASHED_ALIKE.findall(self.text)) > MOST_NUMBER_KEYS and _most_number_keys(node) > MOST_NUMBER_KEYS:
            raise self.error(f"a mapping in it has more than {MOST_NUMBER_KEYS} numbers as keys")
        for key in refused_keys(node) if registered else ():
            raise self.error(key.clause, key.line, key.column)
        return node

    def construct(self, loader: t.Any, node: t.Any) -> t.Any:
        """The value of a node."""
        if node is None:
            return None
        try:
            return loader.construct_document(node)
        except (self.yaml.YAMLError, RecursionError):
            raise
        except Exception as error:  # whatever int(), datetime() and their like raise for text that only looks right
            raise self.error("a value is not what its form or its tag promises", self._bad_scalar(node)) from error

    def error(self, problem: str, line: t.Optional[int] = None, column: t.Optional[int] = None) -> YamlFileError:
        """The error that says what is wrong with the file."""
        return YamlFileError(self.shown, problem, line, column)

    def _read(self, path: str, most_bytes: int) -> bytes:
        try:
            # Opening a FIFO must not wait for somebody to write into it.
            with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
                status = os.fstat(stream.fileno())
                if not stat.S_ISREG(status.st_mode):
                    raise InvalidPackError(f"{self.shown} is not a regular file.")
                # read() reserves what it is asked for: thousands of small files must not ask for megabytes.
                return stream.read(min(status.st_size, most_bytes) + 1)
        except OSError as error:
            raise InvalidPackError(f"{self.shown} cannot be read: {error.strerror}.") from error

    def _decode(self, content: bytes, most_bytes: int) -> str:
        if len(content) > most_bytes:
            raise InvalidPackError(f"{self.shown} has more than {most_bytes} bytes, which is too large.")
        try:
            return content.decode("utf-8")
        except UnicodeDecodeError as error:
            raise self.error("it is not UTF-8", content.count(b"\n", 0, error.start) + 1) from error

    def _refuse_depth_and_number(self) -> None:
        """Refuse what would take too much memory as nodes, by looking at one event after the other."""
        brackets = self.text.count("[") + self.text.count("{")
        if brackets <= _FEW_BRACKETS and len(self.text) <= _FEW_BYTES and not _DEEP_INDENTATION.search(self.text):
            return
        depth = 0
        for number, event in enumerate(self.yaml.parse(self.text, Loader=self.loader_class)):
            if number > 2 * MOST_EXPANDED:
                raise self.error(f"it has more than {MOST_EXPANDED} values")
            if isinstance(event, self.yaml.CollectionStartEvent):
                depth += 1
                if depth > MOST_DEPTH:
                    line = event.start_mark.line + 1
                    raise self.error(f"it is nested too deeply, more than {MOST_DEPTH} levels", line)
            elif isinstance(event, self.yaml.CollectionEndEvent):
                depth -= 1

    def _syntax_error(self, error: t.Any) -> YamlFileError:
        mark = getattr(error, "problem_mark", None)
        if mark is not None:
            return self.error(_problem(error), mark.line + 1, mark.column + 1)
        found = self.yaml.reader.Reader.NON_PRINTABLE.search(self.text)
        if found:
            return self.error("it contains a control character", self.text.count("\n", 0, found.start()) + 1)
        return self.error("it has a syntax error")

    def _bad_scalar(self, node: t.Any) -> t.Optional[int]:
        loader = self.loader_class("")
        try:
            for scalar in _scalars(node):
                try:
                    loader.construct_object(scalar, deep=True)
                except Exception:
                    return int(scalar.start_mark.line) + 1
        finally:
            loader.dispose()
        return None


def _problem(error: t.Any) -> str:
    """The problem in the parser's words, none of which are the file's."""
    if "maximum nesting depth" in str(error.problem):  # libyaml from 0.2.6 has a limit of its own for brackets.
        return "it is nested too deeply"
    if not error.context:
        return str(error.problem)
    begin = error.context_mark
    since = f" that begins in line {begin.line + 1}" if begin and begin.line != error.problem_mark.line else ""
    return f"{error.context}{since}, {error.problem}"


def _children(node: t.Any) -> t.List[t.Any]:
    if node.id == "sequence":
        return list(node.value)
    if node.id == "mapping":
        return [part for pair in node.value for part in pair]
    return []


def _key_lines(node: t.Any, above: t.Tuple[str, ...], levels: int) -> t.Iterator[t.Tuple[t.Tuple[str, ...], int]]:
    for key, value in node.value if node.id == "mapping" else ():
        if key.id == "scalar":
            yield (*above, key.value), key.start_mark.line + 1
            if levels > 1:
                yield from _key_lines(value, (*above, key.value), levels - 1)


def _nodes(node: t.Any) -> t.Iterator[t.Any]:
    """Every node once, however many aliases lead to it, in the order of the text."""
    seen: t.Set[int] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting.extend(reversed(_children(one)))


def _scalars(node: t.Any) -> t.Iterator[t.Any]:
    return (one for one in _nodes(node) if one.id == "scalar")


def _most_number_keys(node: t.Any) -> int:
    """How many whole numbers the mapping has as keys that has the most of them."""
    mappings = (one for one in _nodes(node) if one.id == "mapping")
    counts = (sum(key.id == "scalar" and key.tag.endswith(":int") for key, _value in one.value) for one in mappings)
    return max(counts, default=0)


def _weight(node: t.Any, weights: t.Optional[t.Dict[int, int]] = None) -> int:
    """How many nodes there are when every alias is written out; endless counts as one more than the most."""
    if weights is None:
        weights = {}
    if id(node) not in weights:
        # Until it is known, as long as its own children are counted, a node weighs too much: it must not hold itself.
        weights[id(node)] = MOST_EXPANDED + 1
        weights[id(node)] = 1 + sum(_weight(child, weights) for child in _children(node))
    return weights[id(node)]
