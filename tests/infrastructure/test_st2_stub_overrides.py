# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the stand-in StackStorm applies overrides; st2-register-content; and the server as a program."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from infrastructure.packs import PackTree, Tree, to_yaml
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
    stub.register("demo", types=["triggers"])
    code, said = run("--register-rules", "--register-pack", str(host.packs / "demo"))
    assert (code, "Registered 1 rules." in said, "actions" in said) == (0, True, False)
    assert {kind for kind, found in stub.resources("demo").items() if found} == {"rules", "triggers"}
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


def test_the_program_ends_with_a_traceback_on_an_invalid_config(
    host: ScratchHost, stub: StackStormStub, run: t.Callable[..., t.Tuple[int, str]]
) -> None:
    (host.configs / "demo.yaml").write_text("token: unused\n")
    code, said = run("--register-configs")
    assert (code, "Traceback" in said, "'url' is a required property" in said) == (1, True, True)
    code, said = run("--register-configs", "--register-no-fail-on-failure")
    assert (code, "Registered 0 configs." in said) == (0, True)
    (host.configs / "demo.yaml").write_text("url: here\n")
    assert run("--register-configs", "--register-pack", f"{host.packs}/demo/")[0] == 0
    assert stub.config("demo") == {"url": "here"}


# As a program


def test_the_server_is_a_program_that_ends_with_its_file(host: ScratchHost) -> None:
    ready = host.tmp / "ready.json"
    flags = ["--st2-conf", host.st2_conf, "--ready", ready, "--register-all", "--register-content"]
    command = [sys.executable, "-m", "infrastructure.st2_stub", *map(str, flags)]
    environment = host.environment(PYTHONPATH=str(Path(__file__).parents[1]))
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE)
    try:
        assert process.stdout
        said = json.loads(process.stdout.readline())
        assert json.loads(ready.read_text()) == said
        headers = {"St2-Api-Key": said["admin"]["api_key"]}
        answer = requests.get(f"{said['api_url']}/v1/packs/demo", headers=headers, timeout=20)
        assert answer.json()["version"] == "1.0.0"
        assert Path(said["register_content"]).is_file()
        ready.unlink()
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()
