# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The resources of a pack, and the names that people give them."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree, bodies

from ansible_collections.stackstorm.st2.plugins.module_utils._override.pack_resources import read_pack_resources
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override.scene import sensu


@pytest.fixture(scope="module")
def resources(tmp_path_factory):
    return read_pack_resources("sensu", str(sensu().write(tmp_path_factory.mktemp("packs") / "sensu")))


def test_what_there_is(resources):
    found = {key: (one.file, one.enabled) for key, one in resources.by_name().items()}
    assert found == {
        ("sensors", "PulseSensor"): ("sensors/pulse.yaml", None),
        ("actions", "check"): ("actions/check.yaml", True),
        ("actions", "list"): ("actions/list_all.yaml", True),
        ("rules", "on_pulse"): ("rules/on_pulse.yaml", False),
        ("rules", "unsaid"): ("rules/unsaid.yaml", None),
        ("aliases", "ask"): ("aliases/ask.yaml", None),
    }
    assert resources.warnings == () and resources.names("actions") == ["check", "list"]


@pytest.mark.parametrize(
    "kind, text, name",
    [
        ("actions", "check", "check"),
        ("actions", "sensu.check", "check"),
        ("actions", "check.yaml", "check"),
        ("actions", "actions/check.yaml", "check"),
        ("actions", "list_all", "list"),
        ("actions", "list_all.yaml", "list"),
        ("actions", "sensu.list_all", "list"),
        ("sensors", "PulseSensor", "PulseSensor"),
        ("sensors", "sensu.PulseSensor", "PulseSensor"),
        ("sensors", "pulse", "PulseSensor"),
        ("sensors", "pulse.yaml", "PulseSensor"),
        ("sensors", "heartbeat", "PulseSensor"),
        ("sensors", "sensu.heartbeat", "PulseSensor"),
        ("rules", "on_pulse", "on_pulse"),
        ("aliases", "sensu.ask", "ask"),
    ],
)
def test_what_people_write(resources, kind, text, name):
    assert resources.find(kind, text) == (name, ())


@pytest.mark.parametrize(
    "kind, text, suggestions",
    [
        ("actions", "checks", ("check",)),
        ("actions", "Check", ("check",)),
        ("actions", "list_al", ("list",)),
        ("sensors", "pulsesensor", ("PulseSensor",)),
        ("sensors", "check", ()),
        ("actions", "zzz", ()),
        ("rules", "other.on_pulse", ("on_pulse",)),
    ],
)
def test_what_there_is_not(resources, kind, text, suggestions):
    assert resources.find(kind, text) == (None, suggestions)


def test_a_file_name_of_two_resources_is_not_guessed(tmp_path):
    tree = PackTree("sensu", minimal=True, actions=("check",))
    for name in ("one", "two"):
        tree.add_yaml(f"sensors/{name}.yaml", dict(bodies.sensor("sensu", "same", f"{name.title()}Sensor")))
    found = read_pack_resources("sensu", str(tree.write(tmp_path / "sensu")))
    assert found.find("sensors", "same") == (None, ("OneSensor", "TwoSensor"))


def test_a_name_wins_over_the_file_of_another(tmp_path):
    tree = PackTree("sensu", minimal=True, actions=("check",))
    tree.add_yaml("actions/swap.yaml", bodies.python_action("other", "check.py"))
    tree.add_yaml("actions/other.yaml", bodies.python_action("swap", "check.py"))
    found = read_pack_resources("sensu", str(tree.write(tmp_path / "sensu")))
    assert found.find("actions", "swap").name == "swap"


def test_of_files_with_one_name_the_last_holds(tmp_path):
    tree = PackTree("sensu", minimal=True, actions=("check",))
    tree.add_yaml("actions/zz.yaml", dict(bodies.python_action("check", "check.py"), enabled=False))
    found = read_pack_resources("sensu", str(tree.write(tmp_path / "sensu")))
    assert len(found.resources) == 2
    assert found.by_name()["actions", "check"].enabled is False


def test_what_stackstorm_cannot_register_is_told_and_left_out(tmp_path):
    tree = PackTree("sensu", minimal=True, actions=("check",))
    tree.add("actions/broken.yaml", "name: [\n").add("actions/nameless.yaml", "runner_type: noop\n")
    tree.add("actions/quoted.yaml", "name: quoted\nenabled: 'no'\n").add("actions/list.yaml", "- a\n")
    found = read_pack_resources("sensu", str(tree.write(tmp_path / "sensu")))
    assert found.names("actions") == ["check"]
    told = "\n".join(found.warnings)
    assert len(found.warnings) == 4 and all(warning.startswith("The pack sensu: ") for warning in found.warnings)
    for part in ("broken.yaml, line 2", "nameless.yaml has no name", "quoted.yaml: enabled is neither", "list.yaml"):
        assert part in told


def test_only_the_kinds_that_are_wanted_are_read(tmp_path):
    directory = sensu().write(tmp_path / "sensu")
    assert set(read_pack_resources("sensu", str(directory), ["rules"]).by_name()) == {
        ("rules", "on_pulse"), ("rules", "unsaid"),
    }  # fmt: skip
