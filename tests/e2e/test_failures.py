# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures from outside: servers that fail, requirements that cannot be had; nothing is lost, the next run succeeds."""

from __future__ import annotations

import typing as t

import pytest
from e2e.scene import Scene
from infrastructure.packs import PackTree
from infrastructure.servers import Faults


def test_a_server_that_fails_leaves_everything_and_is_named(scene: Scene) -> None:
    repository = scene.repository("demo")
    repository.release(PackTree("demo", "1.0.0", minimal=True))
    repository.release(PackTree("demo", "1.1.0", minimal=True).add("etc/blob", bytes(range(256)) * 4000))
    scene.publish()
    scene.change("demo=1.0.0")
    url = scene.url(repository)
    failures = {"503": Faults(status=503), "404": Faults(status=404), "EOF": Faults(die_after=2000)}
    for text, faults in failures.items():
        scene.git.faults = faults
        refused = scene.refuse("demo=1.1.0")
        assert refused["step"] == "fetch" and url in refused["msg"], refused["msg"]
        assert text in refused["msg"] + refused["stderr"] or text == "404", refused["msg"]
        assert scene.host.pack_version("demo") == "1.0.0"
    scene.git.faults = Faults(hang=True)
    assert "timeout of 2 s" in scene.refuse("demo=1.1.0", timeout=2)["msg"]
    scene.satisfied("demo=1.0.0")
    scene.git.faults = Faults()
    scene.change("demo=1.1.0")


@pytest.mark.parametrize("state", ["present", "latest"])
def test_a_requirement_that_cannot_be_had_leaves_everything(scene: Scene, state: str) -> None:
    def release(ref: str, version: str, *requirements: str) -> None:
        repository = next((one for one in scene.repositories if f"-{ref}." in one.path.name), None)
        repository = repository or scene.repository(ref)
        repository.release(PackTree(ref, version, requirements=requirements))

    for ref in ("good", "bad"):
        release(ref, "1.0.0", "tinydep==1.0.0")
    scene.publish()
    scene.change("good", "bad", virtualenv="auto")
    release("good", "1.1.0", "tinydep==2.0.0")
    release("bad", "1.1.0", "nosuchdep")
    scene.publish()
    wanted = ["good", "bad"] if state == "latest" else ["good=1.1.0", "bad=1.1.0"]
    refused = scene.refuse(*wanted, state=state, virtualenv="auto")
    assert refused["step"] == "virtualenv" and "requirements of bad" in refused["msg"]
    assert "nosuchdep" in refused["stderr"]
    rows: t.Dict[str, t.Any] = {row["ref"]: row for row in refused["packs"]}
    assert rows["bad"]["step"] == "virtualenv" and rows["good"]["after"] == rows["good"]["before"]
    assert not rows["good"]["changed"] and "not done" in rows["good"]["msg"]
    for ref in ("good", "bad"):
        assert scene.host.run_action(ref, "report")["version"] == "1.0.0"
        assert scene.host.virtualenv_imports(ref, "tinydep") == "1.0.0"
    scene.satisfied("good=1.0.0", "bad=1.0.0", virtualenv="auto")


def test_a_directory_that_cannot_be_written_is_no_half_change(scene: Scene) -> None:
    """The config directory is a file's: purging cannot stage there, so nothing is removed."""
    scene.release("demo", "1.0.0")
    scene.change("demo")
    (scene.host.configs / "demo.yaml").write_text("url: x\n")
    (scene.host.base_path / "configs" / ".stackstorm.st2").write_text("in the way\n")
    scene.refuse("demo", state="absent", purge=True)
    (scene.host.base_path / "configs" / ".stackstorm.st2").unlink()
    scene.change("demo", state="absent", purge=True)


def test_a_host_that_is_none_is_said(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    missing = scene.run("demo", st2_conf=str(scene.root / "no" / "st2.conf"))
    assert missing.failed and missing["step"] == "observe" and "no/st2.conf" in missing["msg"]
    scene.host.configure("content", system_packs_base_path=str(scene.root / "nowhere"))
    nowhere = scene.run("demo")
    assert nowhere.failed and f"{scene.root}/nowhere does not exist" in nowhere["msg"]
    assert not (scene.root / "nowhere").exists()
