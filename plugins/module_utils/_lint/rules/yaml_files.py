# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules about every file as text: YAML, JSON, line ends, byte order marks, tabs."""

from __future__ import annotations

import json
import os
import re
import typing as t

from ..._printable import printable
from ..finding import Finding
from ..pack import MOST_TEXT, Pack, YamlFile
from ..rule import Rule

SYNTAX = Rule(
    "yaml-syntax",
    "warning",
    "Every YAML file is a single valid document, even if StackStorm does not read it.",
    "StackStorm Exchange, Makefile",
)
DUPLICATE = Rule(
    "duplicate-key",
    "error",
    "There are no duplicate keys in files that StackStorm reads when it registers the pack.",
    "st2common/util/yml.py UniqueKeyLoader, which applies to the whole process",
)
MERGE = Rule(
    "merge-key",
    "error",
    "There are no merge keys (<<) in files that StackStorm reads when it registers the pack.",
    "st2common/util/yml.py UniqueKeyLoader, which does not support merge keys",
)
ELSEWHERE = Rule(
    "yaml-duplicate-key", "warning", "There are no duplicate keys in other YAML files.", "YAML 1.2: the last one wins"
)
JSON = Rule("json-syntax", "warning", "Every JSON file is valid.", "StackStorm Exchange, Makefile")
LINE_ENDS = Rule("line-ends", "info", "Lines end in LF.", "text of CR LF does not compare and does not run")
MARK = Rule("byte-order-mark", "warning", "No file begins with a byte order mark.", "Linux, execve; many readers")
TAB = Rule("yaml-tab", "info", "No tabs in YAML.", "YAML 1.2: tabs never indent")
RULES = (SYNTAX, DUPLICATE, MERGE, ELSEWHERE, JSON, LINE_ENDS, MARK, TAB)
_TEXT = re.compile(r"\.(?:ya?ml|json|py|sh|txt|md|rst|cfg|ini|toml|example|j2)\Z", re.IGNORECASE)
_TAB = re.compile(rb"^[^#\n]*\t", re.MULTILINE)
_BOM = b"\xef\xbb\xbf"
_TEMPLATE = re.compile(rb"\{[%{]")


def check(pack: Pack) -> t.Iterator[Finding]:
    """Check all files."""
    registered = pack.registered()
    for path in pack.yaml_paths():
        file = pack.yaml(path)
        if path not in registered:
            # What a link leads to is looked at where it is.
            if path not in pack.told and not os.path.islink(os.path.join(pack.directory, path)):
                yield from _other(pack, file)
        else:
            for key in file.refused:
                rule = MERGE if key.first is None else DUPLICATE
                yield rule.at(file.shown, key.clause, key.line, key.column)
    for path in pack.below("", ".json"):
        yield from _json(pack, path)
    for path in pack.files:
        if _TEXT.search(path) and path not in pack.told:
            yield from _text(pack, path)


def _other(pack: Pack, file: YamlFile) -> t.Iterator[Finding]:
    if file.error:
        # What makes other files of it is no YAML, and is not called so.
        if not _TEMPLATE.search(pack.content(file.path) or b""):
            problem, line, column = file.problem
            yield SYNTAX.at(file.shown, problem, line, column)
        return
    for key in file.refused:
        if key.first is not None:
            text = f"the key {key.key} is there twice, of which the last one is used"
            yield ELSEWHERE.at(file.shown, text, key.line, key.column)


def _json(pack: Pack, path: str) -> t.Iterator[Finding]:
    content = pack.content(path)
    if content is None:
        return
    try:
        json.loads(content.decode("utf-8-sig"), parse_int=len, parse_float=len)
    except json.JSONDecodeError as error:
        yield JSON.at(printable(path), f"is not JSON: {error.msg}", error.lineno, error.colno)
    except UnicodeDecodeError:
        yield JSON.at(printable(path), "is not JSON: it is not UTF-8")
    except RecursionError:
        yield JSON.at(printable(path), "is nested too deeply")


def _text(pack: Pack, path: str) -> t.Iterator[Finding]:
    try:
        if os.path.getsize(os.path.join(pack.directory, path)) > MOST_TEXT:
            return
    except OSError:
        return
    content = pack.content(path) or b""
    if content.startswith(_BOM):
        yield MARK.at(printable(path), "begins with a byte order mark", 1)
    ends = content.count(b"\r\n")
    if ends:
        line = content.count(b"\n", 0, content.index(b"\r\n")) + 1
        yield LINE_ENDS.at(printable(path), f"{ends} lines end in CR LF", line)
    if path.endswith((".yaml", ".yml")) and b"\t" in content:
        found = _TAB.search(content)
        if found:
            line = content.count(b"\n", 0, found.end()) + 1
            begin = content.rfind(b"\n", 0, found.end()) + 1
            yield TAB.at(printable(path), "has a tab", line, found.end() - begin)
