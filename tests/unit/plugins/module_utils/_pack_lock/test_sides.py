# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reviewer is told of a pack is what its files say."""

from __future__ import annotations

from pathlib import Path

from infrastructure.packs import PackTree, bodies

from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock.sides import read_side


def test_side_is_read_from_the_files(tmp_path: Path) -> None:
    tree = PackTree("demo", "1.0.0", minimal=True, actions=("greet",), requirements=("requests==2.0", "six"))
    tree.add_yaml("sensors/pulse.yaml", bodies.sensor("demo", "pulse", "Pulse")).add("sensors/pulse.py", "")
    tree.add_yaml(
        "config.schema.yaml",
        {
            "host": {"type": "string", "required": True},
            "port": {"type": "integer", "required": True, "default": 1},
            "user": {"type": "string"},
        },
    )
    side = read_side(str(tree.add("LICENSE", "free").write(tmp_path / "demo")), "demo")

    assert side is not None
    assert side.resources["actions"] == ("greet",) and side.resources["sensors"] == ("Pulse",)
    assert side.config == {"host": True, "port": False, "user": False}, "a default is as good as a value"
    assert side.requirements == ("requests==2.0", "six") and side.licence
    assert "3" in side.wants["python_versions"]


def test_what_cannot_be_read_is_not_known(tmp_path: Path) -> None:
    assert read_side(str(tmp_path), "demo") is None
    (tmp_path / "pack.yaml").write_text("[")
    assert read_side(str(tmp_path), "demo") is None
