# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Below _runner.py nothing knows Ansible, prints or exits, and third-party libraries are imported where needed."""

from __future__ import annotations

import ast
from pathlib import Path

MODULE_UTILS = Path(__file__).resolve().parents[4] / "plugins/module_utils"
# What ends a process that it has forked itself, which must not go on as the module.
ENDS_ITS_CHILD = ("_lint/bounded.py", "_entry_points/import_child.py")
THIRD_PARTY = {"yaml", "jsonschema", "requests", "semver", "urllib3", "certifi"}
EXITS = {"exit", "_exit", "exit_json", "fail_json"}


def imported(nodes):
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def offences(text, *, ends_its_child=False):
    tree = ast.parse(text)
    nodes = list(ast.walk(tree))
    yield from {"ansible"} & set(imported(nodes))
    # What a satisfied task does not need is imported by the function that does.
    yield from THIRD_PARTY & set(imported(tree.body))
    yield from {"print", "exit", "quit", "SystemExit"} & {node.id for node in nodes if isinstance(node, ast.Name)}
    found = EXITS & {node.attr for node in nodes if isinstance(node, ast.Attribute)}
    yield from found ^ ({"_exit"} if ends_its_child else set())


def test_nothing_below_knows_ansible_prints_or_exits():
    found, seen = {}, 0
    for path in sorted(MODULE_UTILS.rglob("*.py")):
        if path.name not in ("_runner.py", "__init__.py"):
            name = path.relative_to(MODULE_UTILS).as_posix()
            seen += 1
            if wrong := sorted(offences(path.read_text(encoding="utf-8"), ends_its_child=name in ENDS_ITS_CHILD)):
                found[name] = wrong
    assert not found
    assert seen > 100


def test_offences_are_seen():
    text = (
        "import yaml\nfrom ansible.module_utils import basic\n\ndef f(module):\n    print(1)\n    module.fail_json()\n"
    )
    assert sorted(offences(text)) == ["ansible", "fail_json", "print", "yaml"]
    assert list(offences("def f():\n    import yaml\n")) == []
    assert list(offences("", ends_its_child=True)) == ["_exit"]
