# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides say what the code says: messages as modules write them, options of st2_pack each in one group."""

from __future__ import annotations

import ast
import functools
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from environments import ROOT

GUIDES = ROOT / "docs/docsite/rst"
# A message is a term of its own, with what it means below it; "..." stands for what differs.
MESSAGE = re.compile(r"^``(?P<message>[^`]+)``\n    \S", re.MULTILINE)
# A block of YAML: in Markdown between fences, in reStructuredText indented below a directive.
FENCED = re.compile(r"^```ya?ml\n(?P<text>.*?)^```", re.MULTILINE | re.DOTALL)
DIRECTIVE = re.compile(r"^\.\. code-block:: ya?ml\n(?:[ ]+:.*\n)*\n(?P<text>(?:(?:[ ]+.*)?\n)+)", re.MULTILINE)
# Said by ansible-core, which is held to it by the table of wrong values.
ANSIBLES = {"one of the following is required"}
HOLE = "\0"
# What is put into sentences and is always the same.
CONSTANTS = {"MANIFEST": "pack.yaml"}


def messages() -> list[str]:
    """The messages that the guide on troubleshooting explains."""
    return MESSAGE.findall((GUIDES / "guide_troubleshooting.rst").read_text("utf-8"))


@functools.lru_cache(maxsize=1)
def sentences() -> str:
    """Every text in the code of the collection, with a hole for each value that is put into one."""
    found = []
    for path in sorted((ROOT / "plugins").rglob("*.py")):
        inside = set()
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.JoinedStr):
                inside.update(map(id, node.values))
                found.append("".join(map(_piece, node.values)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
                found.append(node.value)
    return "\n".join(found)


def _piece(node: ast.expr) -> str:
    if isinstance(node, ast.FormattedValue) and isinstance(node.value, ast.Name):
        return CONSTANTS.get(node.value.id, HOLE)
    return str(node.value) if isinstance(node, ast.Constant) else HOLE


def in_the_code(message: str) -> bool:
    parts = [re.escape(part) for part in message.split("...")]
    return re.search(f"[^\n]*{HOLE}[^\n]*".join(parts), sentences()) is not None


def documents() -> list[Path]:
    """What people read: the READMEs, CONTRIBUTING and the guides."""
    return [*ROOT.glob("*.md"), *(ROOT / "roles").glob("*/README.md"), *GUIDES.glob("*.rst")]


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_block_of_yaml_can_be_read(path: Path) -> None:
    text = path.read_text("utf-8")
    blocks = [found["text"] for form in (FENCED, DIRECTIVE) for found in form.finditer(text)]
    assert len(blocks) == len(re.findall(r"^(?:```|\.\. code-block:: )ya?ml$", text, re.MULTILINE))
    for block in blocks:
        # Several documents in one block are several files.
        list(yaml.compose_all(block))


@pytest.mark.parametrize("message", messages())
def test_a_message_that_a_guide_explains_is_one_of_the_code(message: str) -> None:
    assert message in ANSIBLES or in_the_code(message)


def test_words_that_are_not_in_the_code_are_found() -> None:
    assert len(messages()) > 30
    assert not in_the_code("The lock ... cannot be found") and not in_the_code("... is no choice of ...")


def options_of(name: str) -> dict[str, t.Any]:
    """The options that a documentation fragment, or the module st2_pack, describes."""
    path = ROOT / "plugins" / ("modules" if name == "st2_pack" else "doc_fragments") / f"{name}.py"
    text = re.search(r'DOCUMENTATION = r"""(.*?)"""', path.read_text("utf-8"), re.DOTALL)
    assert text is not None
    return dict(yaml.safe_load(text.group(1)).get("options", {}))


def test_every_option_of_st2_pack_is_in_one_group() -> None:
    guide = (GUIDES / "guide_packs.rst").read_text("utf-8")
    section = guide[guide.index("Options by purpose\n") :]
    table = re.split(r"^=+ +=+$", section, flags=re.MULTILINE)[1]
    grouped = re.findall(r"``([a-z0-9_]+)``", table)
    module = (ROOT / "plugins/modules/st2_pack.py").read_text("utf-8")
    fragments = ["_virtualenv", "_access", "_connection", "_registration", "_host"]
    assert all(f"stackstorm.st2.{fragment}\n" in module for fragment in fragments)
    known = [option for name in ("st2_pack", *fragments) for option in options_of(name)]
    assert sorted(grouped) == sorted(known)
