# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents of packs: bombs, tags, and values of every wrong kind, in every file that is read."""

from __future__ import annotations

import os
import typing as t

import pytest
from hostile.arena import VICTIM, Arena
from hostile.documents import BOMBS, WRONG, Bytes
from infrastructure.packs import PackTree

FILES = ("pack.yaml", "actions/report.yaml", "sensors/x.yaml", "config.schema.yaml")


@pytest.mark.parametrize(("content", "says"), [pytest.param(*pair, id=key) for key, pair in BOMBS.items()])
def test_a_document_that_means_harm(arena: Arena, content: Bytes, says: str) -> None:
    """One of the files that are read each, turn and turn about, and all of them by what describes installed packs."""
    turn = list(BOMBS.values()).index((content, says))
    made = content()
    for name in (FILES[0], FILES[1 + turn % 3]):
        tree = PackTree(VICTIM, "1.0.0", minimal=True).add(name, made)
        arena.refuse({"name": [str(arena.directory(tree))]}, says, name.replace(".", r"\."), step="validate")


@pytest.mark.parametrize("name", list(BOMBS)[::5])
def test_an_installed_pack_with_such_a_document_is_still_described(arena: Arena, name: str) -> None:
    pack = arena.host.place(PackTree("newcomer", "1.0.0", minimal=True), "newcomer")
    (pack / "pack.yaml").write_bytes(BOMBS[name][0]())
    (pack / "actions" / "report.yaml").write_bytes(BOMBS[name][0]())
    told = arena.run({"name": ["newcomer", VICTIM]}, module="st2_pack_info")
    assert not told.failed and [pack["ref"] for pack in told["packs"]] == ["newcomer", VICTIM], told
    refused = arena.refuse({"name": ["newcomer=2.0.0"]}, "No record")
    assert refused["packs"][0]["ref"] == "newcomer"


# What StackStorm's schema of pack.yaml takes among the wrong values, see PACK_SCHEMA.
TAKEN = {
    "name": {"long", "escape", "newline", "full-width"},
    "description": {"long", "escape", "newline", "full-width"},
    "author": {"long", "escape", "newline", "full-width"},
    "email": {"null"},
    "keywords": {"null", "list"},
    "contributors": {"null", "list"},
    "python_versions": {"null"},
    "stackstorm_version": {"null"},
    "dependencies": {"null"},
    "ref": {"null"},
}
KEYS = ("ref", "name", "description", "version", "author", "email", "keywords", "contributors")
KEYS += ("python_versions", "stackstorm_version", "dependencies")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("kind", WRONG)
def test_a_value_of_a_wrong_kind(arena: Arena, key: str, kind: str) -> None:
    ref = VICTIM if key != "ref" else "newcomer"
    path = arena.directory(PackTree(ref, "1.0.0", minimal=True, metadata={key: WRONG[kind]}), ref)
    arguments = {"name": [str(path)]}
    if kind in TAKEN.get(key, ()):
        arena.accept(arguments, ref) if ref != VICTIM else arena.run(arguments, check=True)
        return
    arena.refuse(arguments, "No record" if (kind, key) == ("list", "dependencies") else f"pack.yaml.*{key}")


RESOURCE: t.Mapping[str, t.Tuple[str, str, t.Any, str]] = {
    "action-name": ("actions", "name", ["x"], "name is not a string"),
    "action-no-name": ("actions", "name", None, "name is missing"),
    "action-runner": ("actions", "runner_type", {"x": 1}, "runner_type is not a string"),
    "action-pack": ("actions", "pack", "core", "belongs to the pack core"),
    "action-pack-list": ("actions", "pack", ["core"], "belongs to the pack"),
    "sensor-class": ("sensors", "class_name", 1, "class_name is not a string"),
    "sensor-entry": ("sensors", "entry_point", ["x"], "entry_point is not a string"),
    "rule-trigger": ("rules", "trigger", "x", "trigger is not a mapping"),
    "rule-action": ("rules", "action", {"ref": 1}, "action is not a mapping with a ref"),
    "alias-ref": ("aliases", "action_ref", 5, "action_ref is not a string"),
}


@pytest.mark.parametrize(
    ("kind", "key", "value", "says"), [pytest.param(*row, id=key) for key, row in RESOURCE.items()]
)
def test_a_resource_of_a_wrong_kind(arena: Arena, kind: str, key: str, value: t.Any, says: str) -> None:
    base = {"name": "x", "runner_type": "noop", "class_name": "X", "entry_point": "x.py", "action_ref": "a.b"}
    base.update({"trigger": {"type": "a"}, "action": {"ref": "a.b"}, "resource_ref": "a.b", "policy_type": "x"})
    tree = PackTree(VICTIM, "1.0.0", minimal=True).add_yaml(f"{kind}/x.yaml", {**base, key: value})
    arena.refuse({"name": [str(arena.directory(t.cast(PackTree, tree)))]}, f"{kind}/x.yaml", says, step="validate")


@pytest.mark.parametrize("entry_point", ["../../../../etc/passwd", "/etc/passwd", "a\0b", "-x", "x" * 5000, "\x1b[2J"])
def test_an_entry_point_elsewhere_is_only_told(arena: Arena, entry_point: str) -> None:
    """StackStorm registers such an action; nothing is read there."""
    action = {"name": "x", "runner_type": "python-script", "entry_point": entry_point}
    tree = PackTree("newcomer", "1.0.0", minimal=True).add_yaml("actions/x.yaml", action)
    execution = arena.accept({"name": [str(arena.directory(t.cast(PackTree, tree)))]}, "newcomer")
    assert entry_point == "/etc/passwd" or "Entry points" in str(execution["warnings"]), execution["warnings"]


SCHEMA: t.Mapping[str, t.Tuple[t.Any, str]] = {
    "list": (["a"], "not a mapping"),
    "number-key": ({1: {}}, "keys that StackStorm refuses"),
    "truth-key": ({True: {}}, "keys that StackStorm refuses"),
    "null-key": ({None: {}}, "keys that StackStorm refuses"),
    "dash-key": ({"a-b": {}}, "keys that StackStorm refuses"),
    "newline-key": ({"a\n": {}}, "keys that StackStorm refuses"),
    "escape-key": ({"\x1b[2J": {}}, "keys that StackStorm refuses"),
    "climbing-key": ({"../x": {}}, "keys that StackStorm refuses"),
    "long-key": ({"-" * 100_000: {}}, "keys that StackStorm refuses"),
    "many-keys": ({f"-{n}": {} for n in range(20_000)}, "keys that StackStorm refuses"),
}


@pytest.mark.parametrize(("schema", "says"), [pytest.param(*pair, id=key) for key, pair in SCHEMA.items()])
def test_a_config_schema_of_a_wrong_kind(arena: Arena, schema: t.Any, says: str) -> None:
    tree = PackTree(VICTIM, "1.0.0", minimal=True).add_yaml("config.schema.yaml", schema)
    arena.refuse({"name": [str(arena.directory(t.cast(PackTree, tree)))]}, "config.schema.yaml", says)


def test_very_many_bytes_in_all(arena: Arena) -> None:
    """Each file is small enough, all together are not."""
    tree = PackTree(VICTIM, "1.0.0", minimal=True)
    for number in range(12):
        tree.add(f"actions/a{number}.yaml", b"name: a%d\nrunner_type: noop\n# " % number + b"x" * (3 << 20))
    arena.refuse({"name": [str(arena.directory(tree))]}, "more than 32 MiB")


@pytest.mark.parametrize("name", ["pack.yaml", "actions/report.yaml", "config.schema.yaml", "requirements.txt"])
def test_a_file_without_end(arena: Arena, name: str) -> None:
    path = arena.directory(PackTree(VICTIM, "1.0.0", minimal=True).add("config.schema.yaml", "a: {}\n"))
    os.truncate(path / name, 40 << 20)
    os.chmod(path / name, 0o644)
    arena.refuse({"name": [str(path)]}, "has more than|more than 32 MiB")
