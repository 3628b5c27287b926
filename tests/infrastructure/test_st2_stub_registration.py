# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stand-in StackStorm registers packs: which, what of them, and what it refuses."""

from __future__ import annotations

import shutil
import typing as t
from pathlib import Path

import pytest

from infrastructure.packs import ABSENT, PackTree, Tree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import ADMIN, StackStormStub

requests = pytest.importorskip("requests")

HOSTS = {"runners": 14, "rule_types": 2, "policy_types": 3}
DEMO = {"triggers": 1, "sensors": 1, "actions": 3, "rules": 1, "aliases": 1, "policies": 1}

ADDED = {"actions": "added", "rules": "added", "sensors": "Added"}
NAMES = {"actions": "greet", "sensors": "PulseSensor", "aliases": "report", "rules": "on_pulse"}


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    made = ScratchHost(tmp_path / "host")
    made.place(PackTree("demo"), "demo")
    return made


@pytest.fixture
def stub(host: ScratchHost) -> t.Iterator[StackStormStub]:
    with StackStormStub(host, register_all=False) as running:
        yield running


def register(stub: StackStormStub, **body: t.Any) -> t.Tuple[int, t.Any]:
    """Register by a request; return the status, and the counts or the words of the refusal."""
    headers = {"St2-Api-Key": ADMIN.api_key}
    answer = requests.post(f"{stub.api_url}/v1/packs/register", json=body, headers=headers, timeout=20)
    return answer.status_code, answer.json().get("faultstring", answer.json())


# Which packs and types


def test_one_pack_all_types(stub: StackStormStub) -> None:
    assert register(stub, packs=["demo"]) == (200, {**HOSTS, **DEMO, "configs": 0})
    assert stub.packs() == ["demo"]


def test_types_bring_what_they_depend_on(stub: StackStormStub) -> None:
    assert register(stub, packs=["demo"], types=["action"]) == (200, {"runners": 14, "actions": 3})
    status, text = register(stub, packs=["demo"], types=["rules"])
    assert (status, "A simple trigger should have been created when registering triggertype." in text) == (400, True)
    assert register(stub, packs=["demo"], types=["triggers"]) == (200, {"triggers": 1})
    assert register(stub, packs=["demo"], types=["rules"]) == (200, {"rule_types": 2, "rules": 1})
    assert register(stub, packs=["demo"], types=["configs"]) == (200, {"configs": 0})
    status, text = register(stub, packs=["demo"], types=["nonsense"])
    assert (status, text[:34]) == (400, "'nonsense' is not one of ['all', '")


def test_an_empty_list_registers_everything(stub: StackStormStub) -> None:
    status, counts = register(stub, packs=[])
    assert (status, counts["actions"]) == (200, 3 + 4)
    assert stub.packs() == ["chatops", "core", "demo", "linux", "packs"]


def test_a_pack_that_is_not_there(host: ScratchHost, stub: StackStormStub) -> None:
    missing = host.packs / "nobody"
    text = f'Pack "nobody" not found on disk: Directory "{missing}" doesn\'t exist'
    assert register(stub, packs=["nobody"]) == (400, text)
    text = f'Failed to register pack "nobody": Pack "{missing}" is missing pack.yaml file'
    assert register(stub, packs=["nobody"], types=["config"]) == (400, text)
    assert register(stub, packs=["nobody"], types=["config"], fail_on_failure=False) == (200, {"configs": 0})


def test_a_missing_base_path_breaks_registering_everything(tmp_path: Path) -> None:
    host = ScratchHost(tmp_path / "host", packs_base_paths=["more"])
    host.place(PackTree("demo"), "demo", host.extra_base_paths[0])
    with StackStormStub(host) as stub:
        assert stub.pack("demo")
        (host.root / "more").rename(host.root / "gone")
        assert register(stub) == (400, f'Directory "{host.root}/more" doesn\'t exist')
        assert register(stub, packs=["core"])[0] == 200


def test_of_two_packs_with_one_name_content_and_metadata_come_from_different_ones(tmp_path: Path) -> None:
    host = ScratchHost(tmp_path / "host", packs_base_paths=["more"])
    host.place(PackTree("demo", "1.0.0", actions=("first",), minimal=True), "demo")
    host.place(PackTree("demo", "2.0.0", actions=("last",), minimal=True), "demo", host.extra_base_paths[0])
    with StackStormStub(host) as stub:
        found = stub.pack("demo")
        assert found
        assert found["version"] == "2.0.0"
        assert sorted(stub.resources("demo")["actions"]) == ["first"]


def test_a_backup_beside_a_pack_breaks_everything(host: ScratchHost, stub: StackStormStub) -> None:
    host.place(PackTree("demo"), "demo.bak")
    status, text = register(stub)
    assert status == 400
    assert "demo.bak" in text


# Nothing ever goes


def test_registration_overwrites_and_never_deletes(host: ScratchHost, stub: StackStormStub) -> None:
    (host.configs / "demo.yaml").write_text("url: here\n")
    stub.register("demo")
    before = stub.resources("demo")["actions"]["report"]
    demo = host.packs / "demo"
    for path in ("actions/greet.yaml", "config.schema.yaml"):
        (demo / path).unlink()
    (host.configs / "demo.yaml").unlink()
    Tree().add_yaml("report.yaml", {"name": "report", "runner_type": "noop", "enabled": False}).write(demo / "actions")
    stub.register("demo")
    after = stub.resources("demo")["actions"]
    assert sorted(after) == ["greet", "relay", "report"]
    assert (after["report"]["id"], after["report"]["enabled"]) == (before["id"], False)
    assert stub.config("demo") == {"url": "here"}
    assert stub.config_schema("demo")


def test_aliases_and_policies_are_found_by_their_bare_name(host: ScratchHost, stub: StackStormStub) -> None:
    stub.register("demo")
    other = PackTree("other")
    other.add_yaml("aliases/report.yaml", {"name": "report", "action_ref": "other.report", "formats": ["x"]})
    host.place(other, "other")
    stub.register("other")
    assert stub.resources("demo")["aliases"] == {}
    assert sorted(stub.resources("other")["aliases"]) == ["report"]


# What is refused, and what stays of it


def test_a_refused_version_leaves_what_came_before_the_bad_file(host: ScratchHost, stub: StackStormStub) -> None:
    stub.register("demo")
    new = PackTree("demo", "2.0.0", actions=("report", "added"))
    rule = {"name": "added", "enabled": True, "trigger": {"type": "demo.beat"}, "action": {"ref": "core.noop"}}
    new.add_yaml("rules/added.yaml", rule)
    new.add_yaml("sensors/added.yaml", {"class_name": "Added", "entry_point": "pulse.py"})
    new.add_yaml("aliases/zz_bad.yaml", {"name": "bad"})
    new.add_yaml("policies/added.yaml", {"name": "p", "resource_ref": "demo.added", "policy_type": "action.retry"})
    shutil.rmtree(host.packs / "demo")
    host.place(new, "demo")
    assert register(stub, packs=["demo"])[0] == 400
    found = stub.database_snapshot("demo")
    assert found["packs"]["demo"]["version"] == "2.0.0"
    left = {kind: f"demo.{name}" in found[kind] for kind, name in {**ADDED, "policies": "p"}.items()}
    assert left == {"actions": True, "rules": True, "sensors": True, "policies": False}
    assert [found[kind][f"demo.{name}"]["enabled"] for kind, name in ADDED.items()] == [True, True, True]
    shutil.rmtree(host.packs / "demo")
    host.place(PackTree("demo"), "demo")
    assert register(stub, packs=["demo"])[0] == 200
    found = stub.database_snapshot("demo")
    assert found["packs"]["demo"]["version"] == "1.0.0"
    assert [f"demo.{name}" in found[kind] for kind, name in ADDED.items()] == [True, True, True]


def test_a_refused_one_of_several_leaves_those_before_it(host: ScratchHost, stub: StackStormStub) -> None:
    for ref in ("alpha", "omega"):
        host.place(PackTree(ref), ref)
    (host.packs / "demo" / "actions" / "greet.yaml").write_text("name: greet\nrunner_type: run-python\n")
    status, text = register(stub, packs=["omega", "demo", "alpha"])
    assert (status, "RunnerType run-python is not found." in text) == (400, True)
    found = stub.database_snapshot()
    assert set(found["packs"]) == {"alpha", "demo", "omega"}
    assert {ref.split(".")[0] for ref in found["sensors"]} == {"alpha", "demo", "omega"}
    assert {ref.split(".")[0] for ref in found["actions"]} == {"alpha"}
    assert found["rules"] == {}
    status, counts = register(stub, packs=["omega", "demo", "alpha"], fail_on_failure=False)
    assert (status, counts["actions"], counts["rules"]) == (200, 3 + 2 + 3, 3)


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        ("pack.yaml", "name: demo\nname: demo\n", 'found duplicate key "name"'),
        ("actions/greet.yaml", "name: greet\nrunner_type: noop\nname: greet\n", 'found duplicate key "name"'),
        (
            "config.schema.yaml",
            "a: &a {type: string}\nb:\n  <<: *a\n",
            "could not determine a constructor for the tag 'tag:yaml.org,2002:merge'",
        ),
    ],
)
def test_duplicate_and_merge_keys(host: ScratchHost, stub: StackStormStub, path: str, text: str, words: str) -> None:
    (host.packs / "demo" / path).write_text(text)
    status, said = register(stub, packs=["demo"])
    assert (status, words in said) == (400, True)


def test_duplicate_keys_in_configs_and_overrides(host: ScratchHost, stub: StackStormStub) -> None:
    (host.configs / "demo.yaml").write_text("url: here\nurl: there\n")
    assert register(stub, packs=["demo"]) == (500, "Internal Server Error")
    assert register(stub, packs=["demo"], types=["configs"], fail_on_failure=False)[0] == 500
    assert register(stub, types=["configs"])[0] == 400
    (host.configs / "demo.yaml").unlink()
    (host.overrides / "demo.yaml").write_text("actions: {}\nactions: {}\n")
    status, text = register(stub, packs=["demo"])
    assert (status, 'found duplicate key "actions"' in text) == (400, True)


def test_the_old_schema_goes_on_refusing(host: ScratchHost, stub: StackStormStub) -> None:
    stub.register("demo")
    (host.packs / "demo" / "config.schema.yaml").unlink()
    (host.configs / "demo.yaml").write_text("timeout: soon\n")
    assert register(stub, packs=["demo"]) == (500, "Internal Server Error")
    assert stub.config("demo") is None


def test_a_secret_that_is_decrypted_by_hand(host: ScratchHost, stub: StackStormStub) -> None:
    (host.configs / "demo.yaml").write_text("url: here\ntoken: '{{ st2kv.system.t | decrypt_kv }}'\n")
    status, text = register(stub, packs=["demo"])
    assert (status, "automatically decrypted by default" in text) == (400, True)
    (host.configs / "demo.yaml").write_text("url: here\ntoken: '{{ st2kv.system.t }}'\n")
    assert register(stub, packs=["demo"])[0] == 200


def write_metadata(host: ScratchHost, metadata: t.Dict[str, t.Any]) -> None:
    """Write the pack.yaml of the pack demo anew."""
    text = PackTree("demo", minimal=True, metadata=metadata).text("pack.yaml")
    (host.packs / "demo" / "pack.yaml").write_text(text)


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"email": ABSENT}, "'PackAPI' object has no attribute 'email'"),
        ({"email": "nobody"}, "Invalid email address"),
        ({"version": 0.1}, 'Pack version "0.1" doesn\'t follow a valid semver format'),
        ({"version": "1.2.3-RC1"}, "valid semver format"),
        ({"ref": "Up-case"}, "Pack ref / name can only contain valid word characters"),
        ({"ref": "_global"}, "_global is a reserved name"),
        ({"author": ABSENT}, "'author' is a required property"),
        ({"description": None}, "None is not of type 'string'"),
        ({"keywords": "one"}, "'one' is not of type 'array', 'null'"),
        ({"python_versions": [3]}, "3 is not"),
        ({"stackstorm_version": "3.9.0"}, "does not match"),
        ({"dependencies": [{"name": "core"}]}, "is not of type 'string'"),
        ({"ref": "another", "name": "core"}, "Tried to save duplicate unique keys"),
    ],
)
def test_metadata_that_is_refused(
    host: ScratchHost, stub: StackStormStub, metadata: t.Dict[str, t.Any], words: str
) -> None:
    stub.register("core")
    write_metadata(host, metadata)
    status, text = register(stub, packs=["demo"])
    assert (status, text[:32]) == (400, 'Failed to register pack "demo": ')
    assert words in text
    assert stub.pack("demo") is None


@pytest.mark.parametrize(
    "metadata",
    [
        {"email": None},
        {"keywords": None},
        {"version": "1.2.3-alpha.1+x"},
        {"nonsense": [1]},
        {"ref": ABSENT, "name": "Another Name"},
    ],
)
def test_metadata_that_is_accepted(host: ScratchHost, stub: StackStormStub, metadata: t.Dict[str, t.Any]) -> None:
    write_metadata(host, metadata)
    assert register(stub, packs=["demo"])[0] == 200
    found = stub.pack("demo")
    assert found
    assert None not in found.values()
    assert "nonsense" not in found


@pytest.mark.parametrize(
    ("path", "content", "words"),
    [
        ("actions/greet.yaml", {"name": "greet", "runner_type": "mistral-v2"}, "RunnerType mistral-v2 is not found."),
        ("actions/greet.yaml", {"runner_type": "noop"}, "'name' is a required property"),
        ("actions/greet.yaml", {"name": "g", "runner_type": "noop", "x": 1}, "('x' was unexpected)"),
        ("actions/greet.yaml", {"name": "g", "runner_type": "noop", "parameters": {"a-b": {}}}, '"a-b" is invalid'),
        ("actions/greet.yaml", {"name": "g", "runner_type": "noop", "pack": "other"}, 'field "pack" is different'),
        ("sensors/pulse.yaml", {"class_name": "Pulse"}, "Sensor definition missing entry_point"),
        ("rules/on_pulse.yaml", {"name": "on_pulse"}, "is a required property"),
        ("aliases/report.yaml", {"name": "report"}, "'action_ref' is a required property"),
        (
            "policies/report_retry.yaml",
            {"name": "p", "resource_ref": "a.b", "policy_type": "no"},
            "Referenced policy_type",
        ),
        ("triggers/beat.yaml", {"description": "no name"}, "'name'"),
    ],
)
def test_resources_that_are_refused(
    host: ScratchHost, stub: StackStormStub, path: str, content: t.Dict[str, t.Any], words: str
) -> None:
    Tree().add_yaml(path, content).write(host.packs / "demo")
    status, text = register(stub, packs=["demo"])
    assert status == 400
    assert f'"{host.packs}/demo/{path}" from pack "demo": ' in text
    assert words in text
    kind = path.split("/")[0]
    status, counts = register(stub, packs=["demo"], fail_on_failure=False)
    assert (status, counts[kind]) == (200, DEMO[kind] - 1)


def test_a_rule_that_does_not_say_is_off(host: ScratchHost, stub: StackStormStub) -> None:
    for path, content in {
        "rules/on_pulse.yaml": {"name": "on_pulse", "trigger": {"type": "demo.beat"}, "action": {"ref": "core.noop"}},
        "actions/greet.yaml": {"name": "greet", "runner_type": "noop"},
        "aliases/report.yaml": {"name": "report", "action_ref": "core.noop", "formats": []},
        "sensors/pulse.yaml": {"class_name": "PulseSensor", "entry_point": "pulse.py"},
    }.items():
        Tree().add_yaml(path, content).write(host.packs / "demo")
    stub.register("demo")
    found = stub.resources("demo")
    assert {kind: found[kind][name]["enabled"] for kind, name in NAMES.items()} == {
        "actions": True,
        "sensors": True,
        "aliases": True,
        "rules": False,
    }


def test_of_a_sensor_hardly_anything_is_looked_at(host: ScratchHost, stub: StackStormStub) -> None:
    sensor = {"class_name": "PulseSensor", "entry_point": "pulse.py", "enabled": "no", "nonsense": 1}
    Tree().add_yaml("sensors/pulse.yaml", sensor).write(host.packs / "demo")
    Tree().add_yaml("sensors/other.yaml", {"entry_point": "other.py"}).write(host.packs / "demo")
    assert register(stub, packs=["demo"], types=["sensors"]) == (200, {"sensors": 2})
    found = stub.resources("demo")["sensors"]
    assert {name: document["enabled"] for name, document in found.items()} == {"PulseSensor": True}


def test_a_test_can_have_a_pack_refused(host: ScratchHost, stub: StackStormStub) -> None:
    host.place(PackTree("other", minimal=True), "other")
    stub.refuse("demo")
    status, text = register(stub, packs=["demo", "other"])
    assert (status, "RunnerType nosuch-runner is not found." in text) == (400, True)
    stub.accept("demo")
    assert register(stub, packs=["demo", "other"])[0] == 200
