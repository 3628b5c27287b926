# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""st2_pack_lock over real git servers and an index: what it writes, keeps, renews, tells and refuses."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from e2e.lock_keeper import Keeper
from e2e.scene import INDEX, Scene
from infrastructure.ansible_run import ansible_command, ansible_environment
from infrastructure.packs import PackTree, Tree, bodies
from infrastructure.repositories.signed_objects import signed_tag
from infrastructure.signing import Signer, missing_program


@pytest.fixture
def keeper(scene: Scene) -> Keeper:
    return Keeper(scene)


def test_a_lock_from_nothing_to_its_last_pack(keeper: Keeper) -> None:
    scene = keeper.scene
    base = scene.release("base", "1.0.0", "1.1.0")
    top = scene.repository("top")
    first = top.release(PackTree("top", "1.0.0", minimal=True, dependencies=("base=1.0.0",), actions=("old", "stays")))
    scene.publish()

    done = keeper.walk("top=1.0.0")
    assert done["refs"] == ["base", "top"]
    assert [(row["ref"], row["before"], row["after"]) for row in done["packs"]] == [
        ("base", None, "1.0.0"),
        ("top", None, "1.0.0"),
    ]
    assert keeper.stamp()[2] == 0o644  # type: ignore[index]
    pack = keeper.pack("top")
    assert pack["commit"] == first.sha and pack["title"] == "top 1.0.0" and pack["version"] == "1.0.0"
    assert pack["source"] == scene.url(top) and pack["index_url"] == scene.index_url
    assert pack["requested"] == ["top=1.0.0"] and pack["resolved"] == {"kind": "tag", "name": "v1.0.0"}
    assert pack["dependencies"] == {"base": "base=1.0.0"} and pack["counts"] == {"actions": 2}
    assert "requested" not in keeper.pack("base") and keeper.pack("base")["commit"] == base.sha("v1.0.0")
    assert str(scene.root) not in keeper.text.replace(scene.git.url, "")

    tree = PackTree("top", "1.1.0", minimal=True, dependencies=("base=1.1.0",), actions=("new", "stays"))
    tree.add_yaml("sensors/pulse.yaml", bodies.sensor("top", "pulse", "PulseSensor"))
    tree.add("sensors/pulse.py", bodies.SENSOR_SCRIPT)
    tree.add_yaml("config.schema.yaml", {"host": {"type": "string", "required": True}})
    tree.add("requirements.txt", "tinydep==1.0.0\n")
    second = top.release(tree)
    scene.publish()
    done = keeper.walk("top")
    row = next(row for row in done["packs"] if row["ref"] == "top")
    assert (row["before"], row["after"], row["commits"]) == ("1.0.0", "1.1.0", 1)
    assert (row["commit_before"], row["commit"]) == (first.sha, second.sha)
    assert {
        "+ action new",
        "- action old",
        "! sensor PulseSensor: it starts by itself",
        "! config key host: it is required now",
        "+ requirement tinydep==1.0.0",
        "+ asked for as top",
        "- asked for as top=1.0.0",
    } <= set(row["changes"])
    assert f"{first.short}..{second.short}, 1 commit, tag v1.1.0" in done["markdown"]
    assert "- **sensor `PulseSensor`: it starts by itself**" in done["markdown"]
    shown = next(one for one in done["diff"] if "top" in one["after_header"])
    assert "- action" not in shown["after"] and "action old" in shown["before"] and "action new" in shown["after"]

    done = keeper.walk("base=1.1.0")
    assert [(row["ref"], row["after"]) for row in done["packs"]] == [("base", "1.1.0"), ("top", None)]
    assert keeper.document["packs"].keys() == {"base"}


def test_the_lock_made_elsewhere_is_the_same(keeper: Keeper) -> None:
    keeper.scene.release("one", "1.0.0")
    keeper.scene.release("two", "1.0.0")
    PackTree("ours", minimal=True).write(keeper.site / "packs" / "ours")
    keeper.walk("one", "two", f"{keeper.site}/packs/ours", remote_src=False)
    elsewhere = keeper.site / "elsewhere"
    shutil.copytree(keeper.site / "packs", elsewhere / "packs")
    result = keeper.run(
        "two", f"{elsewhere}/packs/ours", "one", remote_src=False, path=str(elsewhere / "packs.lock.yml")
    )
    assert result.changed, result.everything
    assert (elsewhere / "packs.lock.yml").read_text() == keeper.text


def test_update_leaves_the_others_byte_by_byte_and_asks_nobody_for_them(keeper: Keeper) -> None:
    scene = keeper.scene
    repositories = {ref: scene.release(ref, "1.0.0") for ref in ("one", "two", "three")}
    keeper.walk("one", "two", "three")
    before = {ref: keeper.part(ref) for ref in repositories}
    for ref, repository in repositories.items():
        repository.release(PackTree(ref, "2.0.0", minimal=True))
    scene.publish()
    scene.forget()

    done = keeper.run("one", "two", "three", update=["two"])
    assert done.changed and [row["ref"] for row in done["packs"]] == ["two"], done.everything
    assert keeper.pack("two")["version"] == "2.0.0"
    for ref in ("one", "three"):
        assert keeper.part(ref) == before[ref]
    assert [path for path in scene.git.fetches if "two" not in path] == []

    scene.forget()
    keeper.unchanged("one", "two", "three", update=[])
    assert scene.quiet and scene.programs == []
    done = keeper.walk("one", "three=2.0.0", update=[])
    assert [(row["ref"], row["after"]) for row in done["packs"]] == [("three", "2.0.0"), ("two", None)]
    assert keeper.part("one") == before["one"]
    assert "update names four, which is neither" in keeper.refuse("one", update=["four"])


def test_dependency_alone_is_renewed_within_what_others_need(keeper: Keeper) -> None:
    scene = keeper.scene
    base = scene.release("base", "1.0.0")
    top = scene.repository("top")
    top.release(PackTree("top", "1.0.0", minimal=True, dependencies=("base",)))
    scene.publish()
    keeper.walk("top")
    before = keeper.part("top")
    base.release(PackTree("base", "2.0.0", minimal=True))
    scene.publish()
    keeper.walk("top", update=["base"])
    assert keeper.pack("base")["version"] == "2.0.0" and keeper.part("top") == before

    top.release(PackTree("top", "1.1.0", minimal=True, dependencies=("base=1.0.0",)))
    scene.publish()
    said = keeper.refuse("top", update=["top"])
    assert "top 1.1.0 needs base=1.0.0" in said and "name it in update to renew it too" in said
    keeper.walk("top", update=["top", "base"])
    assert keeper.pack("base")["version"] == "1.0.0"


def test_packs_of_one_repository_are_of_one_moment(keeper: Keeper) -> None:
    scene = keeper.scene
    many = scene.repository("many")

    def push(version: str) -> None:
        trees = {ref: PackTree(ref, version, minimal=True) for ref in ("one", "two")}
        many.commit(Tree().mount("packs/one", trees["one"]).mount("packs/two", trees["two"]))
        many.build()

    push("1.0.0")
    asked = [{"source": scene.url(many), "subdir": f"packs/{ref}"} for ref in ("one", "two")]
    scene.forget()
    keeper.run(packs=asked)
    assert keeper.pack("one")["commit"] == keeper.pack("two")["commit"] == many.head.sha
    asking = [line for line in scene.programs if any(f" {verb} " in line for verb in ("clone", "fetch", "ls-remote"))]
    assert len(asking) == 1, asking
    assert keeper.pack("one")["subdir"] == "packs/one"


def test_moved_tag_and_gone_history_are_told(keeper: Keeper) -> None:
    scene = keeper.scene
    repository = scene.release("one", "1.0.0")
    keeper.walk("one=1.0.0")
    first = keeper.pack("one")["commit"]
    moved = repository.commit(PackTree("one", "1.0.0", minimal=True, actions=("other",)))
    repository.tag("v1.0.0", moved)
    scene.publish()
    done = keeper.walk("one=1.0.0")
    assert "! the same version, but other commit: somebody changed what was released" in done["packs"][0]["changes"]
    assert f"{first[:7]}..{moved.short}" in done["markdown"]
    assert "one 1.0.0 at another commit" in done["msg"]


def test_what_cannot_be_locked_is_refused(keeper: Keeper) -> None:
    scene = keeper.scene
    local = scene.release("local", "1.0.0")
    here = keeper.site / "here"
    PackTree("here", minimal=True).write(here)
    assert "is a directory on the targets" in keeper.refuse(str(here))
    assert "is a directory on the targets" in keeper.refuse(f"file://{local.path}")
    assert 'No record of the "none" pack' in keeper.refuse("none")
    assert "no index is configured: set index_url" in keeper.refuse("local", index_url=[])
    assert 'The name "*" cannot be used' in keeper.refuse("*")
    keeper.path.write_text("format: 2\n")
    assert "format (line 1) is 2" in keeper.refuse("local")


def test_pack_that_is_not_for_some_host_is_locked_all_the_same(keeper: Keeper) -> None:
    scene = keeper.scene
    old = scene.repository("old")
    tree = PackTree("old", "1.0.0", minimal=True)
    manifest = yaml.safe_load(tree.text("pack.yaml"))
    tree.add_yaml("pack.yaml", {**manifest, "python_versions": ["2"], "stackstorm_version": "<1.0.0"})
    old.release(tree)
    scene.publish()
    keeper.walk("old")
    assert keeper.pack("old")["version"] == "1.0.0"
    assert "does not support this host" in scene.refuse("old")["msg"], "the host decides"


def test_link_to_a_lock_stays(keeper: Keeper) -> None:
    keeper.scene.release("one", "1.0.0")
    keeper.path.symlink_to("other.yml")
    assert keeper.run("one").changed
    assert keeper.path.is_symlink() and (keeper.site / "other.yml").read_text() == keeper.text


def test_item_of_the_role_is_taken_and_secrets_are_not_shown(keeper: Keeper) -> None:
    keeper.scene.release("one", "1.0.0")
    keeper.scene.release("two", "1.0.0")
    items = [
        {"name": "one", "version": "1.0.0", "config": {"a": 1}, "secrets": {"p": "hunter2"}, "overrides": {}},
        {"name": "two", "state": "absent"},
    ]
    done = keeper.walk(packs=items)
    assert done["refs"] == ["one"] and keeper.pack("one")["requested"] == ["one=1.0.0"]
    assert "hunter2" not in done.everything and "hunter2" not in keeper.text
    assert "which st2_pack does not know" in keeper.refuse(packs=[{"nmae": "one"}])


def test_lock_made_while_upstream_moves_is_of_one_moment(keeper: Keeper, tmp_path: Path) -> None:
    """Whatever somebody pushes between two questions, what is locked was there at once."""
    scene = keeper.scene
    many = scene.repository("many")

    def tree(version: str) -> Tree:
        packs = {ref: PackTree(ref, version, minimal=True) for ref in ("one", "two")}
        return Tree().mount("packs/one", packs["one"]).mount("packs/two", packs["two"])

    first = many.commit(tree("1.0.0"))
    many.tag("v1.0.0", first)
    many.build()
    asked = [{"source": scene.url(many), "subdir": f"packs/{ref}", "version": "v1.0.0"} for ref in ("one", "two")]
    keeper.run(packs=asked)
    before = keeper.text
    second = many.commit(tree("2.0.0"), branch="next")
    many.build()
    keeper.path.unlink()

    program = tmp_path / "moving" / "git"
    program.parent.mkdir()
    git = shutil.which("git", path=scene.environment["PATH"])
    # After each answer of the server, the tag and the branch are others.
    program.write_text(
        f'#!/bin/sh\n{git} "$@"\nstatus=$?\ncase " $* " in *" clone "*|*" ls-remote "*|*" fetch "*)\n'
        f"  for name in refs/tags/v1.0.0 refs/heads/main; do\n"
        f"    {git} -C {many.path} update-ref $name {second.sha} || exit 1\n  done;;\nesac\nexit $status\n"
    )
    program.chmod(0o755)
    moving = {"PATH": f"{program.parent}:{scene.environment['PATH']}"}
    done = keeper.run(packs=asked, env=moving)
    assert not done.failed, done.everything
    assert keeper.text == before, "all of it is of the first answer"
    done = keeper.run(packs=asked)
    assert {keeper.pack(ref)["commit"] for ref in ("one", "two")} == {second.sha}
    assert {keeper.pack(ref)["version"] for ref in ("one", "two")} == {"2.0.0"}


def test_tag_that_is_no_more_what_the_index_says_is_refused(keeper: Keeper) -> None:
    scene = keeper.scene
    repository = scene.release("one", "1.0.0")
    entry = scene.index.documents[INDEX]["packs"]["one"]
    entry["commit"] = repository.sha("v1.0.0")
    keeper.walk("one")
    moved = repository.commit(PackTree("one", "1.0.0", minimal=True, actions=("other",)))
    repository.tag("v1.0.0", moved)
    repository.build()
    said = keeper.refuse("one")
    assert moved.sha in said and entry["commit"] in said and "somebody has moved it" in said


def test_paths_of_a_play_are_those_of_st2_pack(keeper: Keeper) -> None:
    """By ansible-playbook: the lock beside the playbook, a directory where the src of copy is looked for."""
    scene = keeper.scene
    PackTree("ours", minimal=True).write(keeper.site / "files" / "packs" / "ours")
    playbook = keeper.site / "lock.yml"
    options = {"path": "packs.lock.yml", "name": ["./packs/ours"], "remote_src": False}
    play = [
        {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "tasks": [
                {"stackstorm.st2.st2_pack_lock": options, "check_mode": True, "register": "foreseen"},
                {"stackstorm.st2.st2_pack_lock": options, "register": "done"},
                {"stackstorm.st2.st2_pack_lock": {**options, "name": "./packs/none"}, "ignore_errors": True},
                {"ansible.builtin.assert": {"that": ["done is changed", "done.packs == foreseen.packs"]}},
            ],
        }
    ]
    playbook.write_text(yaml.safe_dump(play), encoding="utf-8")
    ran = subprocess.run(
        ansible_command(str(playbook)),
        cwd=str(scene.root),
        env={**ansible_environment(None, keeper.home), "PATH": scene.environment["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "The pack directory ./packs/none was not found on the controller" in ran.stdout + ran.stderr
    assert keeper.pack("ours")["source"] == "./files/packs/ours" == keeper.pack("ours")["requested"][0]


@pytest.mark.skipif(bool(missing_program()), reason=missing_program())
def test_signers_are_verified_and_locked(keeper: Keeper) -> None:
    scene, signer = keeper.scene, Signer(keeper.scene.root / "signer", "release@example.com")
    repository = scene.release("sensu", "1.0.0")
    jira = scene.release("jira", "1.0.0")
    policy = {"allowed_signers": [signer.line], "require": "tag"}
    said = keeper.refuse("sensu", verify_signature=policy)
    assert "sensu 1.0.0 from" in said and "The tag v1.0.0 is a lightweight one" in said
    signed_tag(repository.path, "v1.0.0", repository.sha("v1.0.0"), lambda text: signer.sign(text, "git"))
    keeper.walk("sensu", verify_signature=policy)
    assert keeper.pack("sensu")["signer"] == signer.name
    # By an item alone; the other pack needs no signature.
    keeper.path.unlink()
    keeper.walk("jira", packs=[{"name": "sensu", "verify_signature": policy}])
    assert keeper.pack("sensu")["signer"] == signer.name and "signer" not in keeper.pack("jira")
    assert jira.sha("v1.0.0") == keeper.pack("jira")["commit"]
    said = keeper.refuse("jira", verify_signature={"allowed_signers": [], "require": "tag"})
    assert "names nobody whose signature would count" in said
