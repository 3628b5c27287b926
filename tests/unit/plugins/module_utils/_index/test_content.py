# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The resources of a pack, by the Exchange's rule."""

from __future__ import annotations

import collections

import pytest
from infrastructure.packs import PackTree, quirks, to_yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._index.content import content_of, read_resources
from ansible_collections.stackstorm.st2.plugins.module_utils._yaml_file import load_yaml

KEYS = {"sensors": "class_name", "tests": "filename"}


def by_the_rule(pack_dir):
    """utils/pack_content.py get_pack_resources and return_resource_count of StackStorm-Exchange/ci, in other words.

    Where the original ends with an error, such as for an empty file, the file is left out.
    """
    found = collections.defaultdict(list)
    for kind in ("sensors", "actions", "rules", "triggers", "aliases", "policies", "runners"):
        pattern = "*/runner" if kind == "runners" else "*"
        for extension in ("yaml", "yml"):
            for path in pack_dir.glob(f"{kind}/{pattern}.{extension}"):
                if path.name.startswith("."):
                    continue  # Python's glob, which the original uses, does not find these.
                try:
                    metadata = load_yaml(str(path))
                    found[kind].append(metadata[KEYS.get(kind, "name")])
                except Exception:
                    continue
    found["tests"] = [path.name for path in pack_dir.glob("tests/*.py") if not path.name.startswith(".")]
    return {kind: {"count": len(names), "resources": sorted(names)} for kind, names in found.items() if names}


@pytest.mark.parametrize("quirk", quirks(settled=None), ids=lambda quirk: quirk.name)
def test_every_quirk_has_the_content_that_the_exchange_would_list(quirk, tmp_path):
    quirk.tree().write(tmp_path / "pack")
    resources = read_resources(str(tmp_path / "pack"))
    expected = by_the_rule(tmp_path / "pack")
    strings = {
        kind: {"count": len(names), "resources": names}
        for kind, names in (
            (kind, [name for name in one["resources"] if isinstance(name, str) and name])
            for kind, one in expected.items()
        )
        if names
    }
    assert content_of(resources) == strings


def test_every_kind_of_a_whole_pack(tmp_path):
    tree = PackTree("demo")
    tree.add_yaml("runners/fast/runner.yaml", {"name": "fast-runner"})
    tree.add_yaml("actions/twice.yml", {"name": "greet", "runner_type": "noop"})
    tree.add_yaml("actions/nameless.yaml", {"runner_type": "noop"})
    tree.add("actions/.hidden.yaml", to_yaml({"name": "hidden"}))
    tree.add_yaml("actions/workflows/deep.yaml", {"name": "deep"})
    tree.add_yaml("policies/many.yaml", [{"name": "list"}])
    tree.write(tmp_path / "pack")
    sensor = load_yaml(str(tmp_path / "pack/sensors/pulse.yaml"))["class_name"]
    assert content_of(read_resources(str(tmp_path / "pack"))) == {
        "actions": {"count": 4, "resources": ["greet", "greet", "relay", "report"]},
        "aliases": {"count": 1, "resources": ["report"]},
        "policies": {"count": 1, "resources": ["report_retry"]},
        "rules": {"count": 1, "resources": ["on_pulse"]},
        "runners": {"count": 1, "resources": ["fast-runner"]},
        "sensors": {"count": 1, "resources": [sensor]},
        "tests": {"count": 1, "resources": ["test_action_report.py"]},
        "triggers": {"count": 1, "resources": ["beat"]},
    }


def test_no_link_leads_out(tmp_path):
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.yaml").write_text("name: secret\n")
    tree = PackTree("demo", minimal=True)
    tree.link("actions/secret.yaml", "../../outside/secret.yaml")
    tree.link("rules", "../outside")
    tree.write(tmp_path / "pack")
    assert list(read_resources(str(tmp_path / "pack"))) == ["actions"]
    assert content_of(read_resources(str(tmp_path / "pack")))["actions"]["resources"] == ["report"]
