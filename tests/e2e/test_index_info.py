# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""st2_index_info as a module: on a StackStorm host, on a machine that is none, and with indexes that mean harm."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

import pytest
from e2e.scene import INDEX, Scene, warnings
from infrastructure.ansible_run import ModuleResult, run_module_directly
from infrastructure.repositories import index_document
from infrastructure.servers import Document
from infrastructure.signing import Signer, missing_program
from infrastructure.st2_stub import ADMIN, StackStormStub

MODULE = "st2_index_info"
CANARY = "c4nary-p4ss"


def describe(scene: Scene, **arguments: t.Any) -> ModuleResult:
    result = scene.run(module=MODULE, **arguments)
    assert not result.failed and not result.changed, result.everything
    return result


def test_on_a_stackstorm_host_nothing_has_to_be_said(scene: Scene) -> None:
    scene.release("demo", "1.0.0", "1.1.0", metadata={"keywords": ["monitoring"]})
    scene.release("other", "2.0.0")
    scene.change("demo=1.0.0")
    before = scene.disk()
    found = describe(scene, query="MONIT", fields=["keywords"])
    (row,) = found["packs"]
    assert (row["ref"], row["version"], row["installed_version"]) == ("demo", "1.1.0", "1.0.0")
    assert row["index_url"] == scene.index_url and found["msg"] == '1 pack found for "MONIT"'
    scene.forget()
    checked = describe(scene, checks=["repositories", "installable", "shadowed", "outdated"])
    assert checked["healthy"] and checked["problems"] == []
    assert [(one["ref"], one["version"]) for one in checked["outdated"]] == [("demo", "1.1.0")]
    assert len(scene.index.requests) == 1 and len(scene.programs) == 2, "git is asked once for each repository"
    assert scene.written(before) == []


def test_elsewhere_it_runs_without_st2_conf(scene: Scene, tmp_path: Path) -> None:
    if os.path.lexists("/etc/st2/st2.conf"):
        pytest.skip("this machine has an /etc/st2/st2.conf, which would be read")
    scene.release("demo", "1.0.0")
    arguments = {"index_url": [scene.index_url], "ca_bundle": str(scene.ca.ca_file), "name": ["demo"]}
    result = run_module_directly(MODULE, arguments, env=scene.environment)
    assert not result.failed, result.everything
    (row,) = result["packs"]
    assert row["entry"]["versions"] == ["1.0.0"] and "installed_version" not in row
    wrong = run_module_directly(MODULE, {**arguments, "st2_conf": str(tmp_path / "st2.conf")}, env=scene.environment)
    assert wrong.failed and "st2.conf" in wrong["msg"]


def test_what_is_wrong_with_the_repositories(scene: Scene) -> None:
    moved = scene.release("moved", "1.0.0", "1.1.0")
    scene.release("gone", "1.0.0")
    document = index_document(scene.repositories, scene.git.url, scene.served)
    document["packs"]["moved"]["commit"] = moved.sha("v1.0.0")
    document["packs"]["gone"]["repo_url"] += "-nowhere"
    scene.index.documents[INDEX] = document
    result = describe(scene, checks=["repositories"])
    assert [(one["kind"], one["ref"]) for one in result["problems"]] == [("unreachable", "gone"), ("moved", "moved")]
    assert result["msg"] == "problems: 1 unreachable, 1 moved"


@pytest.mark.parametrize("kind", ["controls", "surrogates", "numbers", "keys"])
def test_an_index_that_means_harm(scene: Scene, kind: str) -> None:
    evil = "\x1b[2J\x07\u202e\0evil"
    entry: t.Dict[str, t.Any] = {"name": "demo", "version": "1.0.0", "repo_url": "https://git.example.com/demo"}
    documents: t.Dict[str, t.Any] = {
        "controls": {"packs": {"demo": {**entry, "description": evil, "keywords": [evil], evil: evil}}},
        "surrogates": b'{"packs": {"demo": {"name": "\\ud800", "description": "\\udfff"}, "\\ud800": {"name": "x"}}}',
        "numbers": b'{"metadata": {"generated_ts": 1e999}, "packs": {"demo": {"version": 1e999, "x": NaN}}}',
        "keys": {"packs": {"../../etc": entry, "": entry, "__proto__": entry, "demo": entry, evil: None}},
    }
    scene.index.documents[INDEX] = documents[kind]
    everything = ["installable", "shadowed", "repositories"]
    for arguments in ({}, {"query": "e"}, {"name": ["demo"]}, {"name": ["demo"], "checks": everything, "timeout": 60}):
        result = scene.run(module=MODULE, **arguments)
        assert not result.failed, result.everything
        assert "\x1b" not in result.stdout and "\x07" not in result.stdout
        assert "\\u001b" not in result.stdout and "\\u0000" not in result.stdout


def test_slow_servers_are_given_up(scene: Scene) -> None:
    scene.index.documents[INDEX] = Document(b"{}", hang=True)
    result = scene.run(module=MODULE, timeout=2)
    assert result.failed and "timeout of 2 s ran out while reading the pack indexes" in result["msg"]


def test_a_canary_is_nowhere(scene: Scene, tmp_path: Path) -> None:
    if missing_program():
        pytest.skip(missing_program())
    signer = Signer(tmp_path / "signer")
    scene.release("demo", "1.0.0")
    scene.index.username, scene.index.password = "me", CANARY
    document = index_document(scene.repositories, scene.git.url, scene.served)
    document["packs"]["demo"]["repo_url"] = scene.git.url.replace("://", f"://me:{CANARY}@") + "/org/stackstorm-demo"
    content = json.dumps(document).encode()
    scene.index.documents.update({INDEX: content, f"{INDEX}.sig": signer.sign(content)})
    in_url = scene.index_url.replace("://", f"://me:{CANARY}@")
    for arguments in (
        {"username": "me", "password": CANARY, "index_url": [scene.index_url]},
        {"token": CANARY, "username": "me", "index_url": [scene.index_url]},
        {"index_url": [in_url]},
        {"index_url": [in_url, in_url.replace("index", "nothing")]},
    ):
        scene.forget()
        result = scene.run(
            module=MODULE, checks=["repositories", "shadowed"], index_allowed_signers=[signer.line], **arguments
        )
        assert not result.failed and result["indexes"][0]["signer"] == signer.name, result.everything
        assert CANARY not in result.everything
        assert not [line for line in scene.programs if CANARY in line]
        assert {request.status for request in scene.index.requests} <= {200, 401, 404}


def test_stackstorm_itself_is_asked(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    with StackStormStub(scene.host, index={"demo": scene.repositories[0]}) as stub:
        access = {"backend": "api", "api_url": f"{stub.api_url}/v1", "api_key": ADMIN.api_key, "ca_bundle": None}
        scene.forget()
        assert [row["ref"] for row in describe(scene, query="demo", **access)["packs"]] == ["demo"]
        assert describe(scene, name=["demo"], **access)["packs"][0]["version"] == "1.0.0"
        health = describe(scene, **access)
        assert health["healthy"] and health["health"]["packs"] == {"count": 1}
        assert scene.quiet and scene.programs == [], "nobody but StackStorm is asked"
        assert warnings(health) == []
