# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stand-in StackStorm registers packs and overrides, over the API and by st2-register-content."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from infrastructure.packs import ABSENT, PackTree, Tree, to_yaml
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import ADMIN, StackStormStub

requests = pytest.importorskip("requests")

HOSTS = {"runners": 14, "rule_types": 2, "policy_types": 3}
DEMO = {"triggers": 1, "sensors": 1, "actions": 3, "rules": 1, "aliases": 1, "policies": 1}


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


# What is refused


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
        ("policies/report_retry.yaml", {"name": "p", "resource_ref": "a.b", "policy_type": "no"}, "doesnt exist"),
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


def test_a_test_can_have_a_pack_refused(host: ScratchHost, stub: StackStormStub) -> None:
    host.place(PackTree("other", minimal=True), "other")
    stub.refuse("demo")
    status, text = register(stub, packs=["demo", "other"])
    assert (status, "RunnerType nosuch-runner is not found." in text) == (400, True)
    stub.accept("demo")
    assert register(stub, packs=["demo", "other"])[0] == 200


# Overrides

NAMES = {"actions": "greet", "sensors": "PulseSensor", "aliases": "report", "rules": "on_pulse"}
OFF = {"defaults": {"enabled": False}}
ON = {"defaults": {"enabled": True}}


def write_overrides(host: ScratchHost, **files: t.Any) -> None:
    """Write override files; text as it is."""
    for name, content in files.items():
        text = content if isinstance(content, str) else to_yaml(content)
        (host.overrides / f"{name}.yaml").write_text(text)


@pytest.mark.parametrize("kind", ["actions", "sensors", "aliases"])
def test_the_more_special_override_wins(host: ScratchHost, stub: StackStormStub, kind: str) -> None:
    name = NAMES[kind]

    def enabled() -> bool:
        stub.register("demo")
        return bool(stub.resources("demo")[kind][name]["enabled"])

    assert enabled()
    write_overrides(host, _global={kind: OFF})
    assert not enabled()
    write_overrides(host, demo={kind: ON})
    assert enabled()
    write_overrides(host, demo={kind: {**ON, "exceptions": {name: {"enabled": False}}}})
    assert not enabled()
    for path in host.overrides.iterdir():
        path.unlink()
    assert enabled()


def test_overrides_are_counted(host: ScratchHost, stub: StackStormStub) -> None:
    write_overrides(host, demo={"actions": {**OFF, "exceptions": {"greet": {"enabled": True}}}, "rules": ON})
    _status, counts = register(stub, packs=["demo"])
    assert (counts["actions(overridden)"], counts["rules(overridden)"]) == (2, 1)
    assert "sensors(overridden)" not in counts


@pytest.mark.parametrize(("switch", "enabled", "counted"), [(ON, True, False), (OFF, False, True)])
def test_rules_are_counted_as_if_they_were_on(
    host: ScratchHost, stub: StackStormStub, switch: t.Dict[str, t.Any], enabled: bool, counted: bool
) -> None:
    content = {"name": "on_pulse", "trigger": {"type": "demo.beat"}, "action": {"ref": "core.noop"}}
    Tree().add_yaml("rules/on_pulse.yaml", content).write(host.packs / "demo")
    write_overrides(host, demo={"rules": switch})
    _status, counts = register(stub, packs=["demo"])
    assert stub.resources("demo")["rules"]["on_pulse"]["enabled"] is enabled
    assert ("rules(overridden)" in counts) is counted


def test_with_several_packs_the_last_count_stays(host: ScratchHost, stub: StackStormStub) -> None:
    host.place(PackTree("other", minimal=True), "other")
    write_overrides(host, _global={"actions": OFF})
    assert register(stub, packs=["demo", "other"])[1]["actions(overridden)"] == 1
    assert register(stub, packs=["demo"])[1]["actions(overridden)"] == 3


@pytest.mark.parametrize(
    "content",
    [
        {"actions": {"exceptions": {"demo.greet": {"enabled": False}}}},
        {"actions": {"default": {"enabled": False}}},
        {"policies": OFF, "triggers": OFF, "nonsense": OFF},
        {"sensors": {"exceptions": {"pulse": {"enabled": False}}}},
        {"actions": {"exceptions": {"nobody": {"nonsense": False}}}},
    ],
)
def test_overrides_that_are_ignored(host: ScratchHost, stub: StackStormStub, content: t.Dict[str, t.Any]) -> None:
    write_overrides(host, demo=content)
    assert register(stub, packs=["demo"]) == (200, {**HOSTS, **DEMO, "configs": 0})
    found = stub.resources("demo")
    assert all(doc["enabled"] for kind in ("actions", "sensors", "aliases") for doc in found[kind].values())


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "NoneType"),
        ("actions:\n", "NoneType"),
        ("actions: {defaults: }\n", "NoneType"),
        ("actions: {exceptions: }\n", "NoneType"),
        ("actions: {exceptions: {greet: }}\n", "NoneType"),
        ("actions: {defaults: {name: x}}\n", "Override attempted with invalid default key name in pack demo"),
        ('actions: {defaults: {enabled: "no"}}\n', "'no' is not of type 'boolean'"),
        ("actions: {defaults: {enabled: no}\n", "demo.yaml"),
    ],
)
def test_overrides_that_break_registration(host: ScratchHost, stub: StackStormStub, content: str, words: str) -> None:
    write_overrides(host, demo=content)
    status, text = register(stub, packs=["demo"], types=["actions"])
    assert status == 400
    assert text.startswith(f'Failed to register action "{host.packs}/demo/actions/greet.yaml" from pack "demo": ')
    assert words in text or words == "demo.yaml"
    assert register(stub, packs=["demo"], types=["actions"], fail_on_failure=False)[1]["actions"] < 3


# st2-register-content


@pytest.fixture
def run(host: ScratchHost, stub: StackStormStub) -> t.Callable[..., t.Tuple[int, str]]:
    """Run the program with flags; return its exit code and what it said."""
    program = stub.install_register_content()

    def call(*flags: str) -> t.Tuple[int, str]:
        command = [str(program), "--config-file", str(host.st2_conf), *flags]
        done = subprocess.run(command, env=host.environment(), capture_output=True, text=True, check=False, timeout=60)
        assert done.stdout == ""
        return done.returncode, done.stderr

    return call


def test_the_program_registers_for_the_server(
    host: ScratchHost, stub: StackStormStub, run: t.Callable[..., t.Tuple[int, str]]
) -> None:
    write_overrides(host, demo={"actions": OFF})
    code, said = run("--register-all")
    assert code == 0
    for line in (
        "INFO [-] Registered 1 triggers.",
        "INFO [-] Registered 14 runners.",
        "INFO [-] Registered 7 actions.",
        "INFO [-] 3 actions had their metadata overridden.",
        "INFO [-] 0 sensors had their metadata overridden.",
        "INFO [-] Registered 3 policy types.",
        "INFO [-] Registered 0 configs.",
    ):
        assert line in said
    answer = requests.get(f"{stub.api_url}/v1/packs/demo", headers={"St2-Api-Key": ADMIN.api_key}, timeout=20)
    assert answer.status_code == 200
    assert not stub.resources("demo")["actions"]["greet"]["enabled"]


def test_the_program_registers_one_kind_of_one_pack(
    host: ScratchHost, stub: StackStormStub, run: t.Callable[..., t.Tuple[int, str]]
) -> None:
    assert run("--verbose") == (0, "")
    code, said = run("--register-rules", "--register-pack", str(host.packs / "demo"))
    assert (code, "Registered 1 rules." in said, "actions" in said) == (0, True, False)
    assert {kind for kind, found in stub.resources("demo").items() if found} == {"rules"}
    assert stub.packs() == ["demo"]


def test_the_program_crashes_on_a_pack_without_actions(
    host: ScratchHost, stub: StackStormStub, run: t.Callable[..., t.Tuple[int, str]]
) -> None:
    bare = host.place(PackTree("bare", minimal=True).remove("actions"), "bare")
    for flags in (["--register-all"], ["--register-actions"]):
        code, said = run(*flags, "--register-pack", str(bare))
        assert (code, said.splitlines()[-1]) == (1, "TypeError: cannot unpack non-iterable int object")
        assert "Traceback (most recent call last):" in said
    assert run("--register-sensors", "--register-pack", str(bare))[0] == 0
    assert register(stub, packs=["bare"])[0] == 200


def test_the_program_fails_at_the_first_failure_unless_told_not_to(
    host: ScratchHost, stub: StackStormStub, run: t.Callable[..., t.Tuple[int, str]]
) -> None:
    stub.refuse("demo", "it is refused")
    code, said = run("--register-all")
    assert (code, said.splitlines()[-1].startswith("ValueError: Failed to register action")) == (1, True)
    assert "it is refused" in said
    code, said = run("--register-all", "--register-no-fail-on-failure")
    assert (code, "Registered 4 actions." in said) == (0, True)
