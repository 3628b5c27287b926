# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes that tell commits and digests, and that are signed: what a host then asks, believes and keeps in mind."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from e2e.scene import INDEX, Scene, warnings
from infrastructure.packs import PackTree
from infrastructure.repositories import index_document, run_git
from infrastructure.signing import Signer, missing_program

REFS = ("one", "two", "three", "four")
PLACE = ".stackstorm.st2"


def publish(
    scene: Scene, signer: t.Optional[Signer] = None, serial: int = 1, commits: bool = True, **more: t.Any
) -> None:
    """Let the index tell the commits of its packs, and be signed.

    :arg more: What else all entries have.
    """
    scene.publish()
    document = index_document(scene.repositories, scene.git.url, scene.served)
    document["metadata"]["serial"] = serial
    for ref, entry in document["packs"].items():
        repository = next(one for one in scene.repositories if one.path.stem == f"stackstorm-{ref}")
        if commits:
            entry["commit"] = repository.sha(f"v{entry['version']}")
        entry.update(more)
    content = json.dumps(document).encode()
    scene.index.documents[INDEX] = content
    if signer:
        scene.index.documents[f"{INDEX}.sig"] = signer.sign(content)


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    if missing_program():
        pytest.skip(missing_program())
    return Signer(tmp_path / "signer")


def asked(scene: Scene) -> t.List[str]:
    return [request.path for request in scene.index.requests]


def serials(scene: Scene) -> t.List[int]:
    """The serials that the host has written down."""
    return [json.loads(path.read_text())["serial"] for path in (scene.host.packs / PLACE).glob("index-*.json")]


@pytest.mark.parametrize("signed", [False, True])
def test_latest_of_all_packs_costs_one_request(scene: Scene, signer: Signer, signed: bool) -> None:
    for ref in REFS:
        scene.release(ref, "1.0.0", "1.1.0")
    publish(scene, signer if signed else None)
    given = {"index_allowed_signers": [signer.line]} if signed else {}
    scene.change(*REFS[:2], **given)
    # These two are not known by a tag that cannot move: by a branch, and by what StackStorm itself does.
    scene.change(scene.url(scene.repositories[2]), **given)
    fourth = scene.repositories[3]
    scene.host.install_like_st2(fourth, "four", "v1.1.0", scene.url(fourth))
    scene.keep(*REFS, state="latest", **given)
    for check in (True, False):
        scene.forget()
        scene.keep(*REFS, state="latest", check=check, **given)
        assert asked(scene) == ([INDEX, f"{INDEX}.sig"] if signed else [INDEX])
        assert scene.git.requests == [] and set(scene.programs) <= {"ssh-keygen"}
    scene.repositories[0].release(PackTree("one", "1.2.0", minimal=True))
    publish(scene, signer, serial=2)
    result = scene.change(*REFS, state="latest", **given)
    assert [row["ref"] for row in result["packs"] if row["changed"]] == ["one"]
    assert scene.host.pack_version("one") == "1.2.0"


def test_a_moved_tag_and_other_files_are_refused(scene: Scene) -> None:
    repository = scene.release("demo", "1.0.0", "1.1.0")
    old = repository.sha("v1.1.0")
    publish(scene)
    repository.commit(PackTree("demo", "1.1.0", minimal=True, actions=("other",)))
    repository.tag("v1.1.0").build()
    moved = scene.refuse("demo")
    assert moved["step"] == "fetch" and old in moved["msg"] and repository.sha("v1.1.0") in moved["msg"]
    publish(scene, digest=f"sha256:{'0' * 64}")
    other = scene.refuse("demo")
    assert other["step"] == "fetch" and "and not sha256:000" in other["msg"]
    publish(scene)
    scene.change("demo")
    assert scene.host.head("demo") == repository.sha("v1.1.0")
    assert run_git("-C", scene.host.packs / "demo", "status", "--porcelain") == ""


def test_only_a_signed_index_is_believed(scene: Scene, signer: Signer, tmp_path: Path) -> None:
    scene.release("demo", "1.0.0")
    stranger = Signer(tmp_path / "stranger")
    given = {"index_allowed_signers": [signer.line]}
    publish(scene)
    assert "has no signature" in scene.refuse("demo", **given)["msg"]
    publish(scene, stranger)
    assert "index_allowed_signers does not name" in scene.refuse("demo", **given)["msg"]
    assert "index_allowed_signers does not name" in scene.refuse("demo", index_strict=False, **given)["msg"]
    publish(scene, signer)
    scene.index.documents[INDEX] += b" "
    assert "signature is wrong" in scene.refuse("demo", **given)["msg"]
    publish(scene, signer)
    scene.change("demo", **given)
    empty = scene.refuse("demo", state="latest", index_allowed_signers=[])
    assert empty["step"] == "options" and "index_allowed_signers has no line" in empty["msg"]


def test_an_index_that_goes_back_is_refused(scene: Scene, signer: Signer) -> None:
    scene.release("demo", "1.0.0", "1.1.0")
    given: t.Dict[str, t.Any] = {"index_allowed_signers": [signer.line]}
    publish(scene, signer, serial=7)
    scene.run("demo", check=True, **given)
    assert serials(scene) == [], "check mode writes nothing"
    scene.run(module="st2_pack_info", check_latest=True, register="none", **given)
    assert serials(scene) == [], "and neither does who only looks"
    scene.change("demo", **given)
    assert serials(scene) == [7]
    publish(scene, signer, serial=6)
    message = scene.refuse("demo", state="latest", **given)["msg"]
    assert "serial gone back from 7 to 6" in message
    told = scene.run(module="st2_pack_info", check_latest=True, register="none", **given)
    assert told.failed and "serial gone back from 7 to 6" in told["msg"]
    # Who asks for no signature believes everything, and has nothing written down.
    publish(scene, serial=1 << 40)
    scene.keep("demo", state="latest")
    assert serials(scene) == [7]
    publish(scene, signer, serial=8)
    assert warnings(scene.keep("demo", state="latest", **given)) == []
    assert serials(scene) == [8]
