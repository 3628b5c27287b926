# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""st2_pack_lock over real git servers, an index and a package index: what it writes, keeps, renews and refuses."""

from __future__ import annotations

import hashlib
import shutil
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.scene import Scene, warnings
from infrastructure.ansible_run import ModuleResult
from infrastructure.packs import PackTree, Tree, bodies
from infrastructure.servers import PackageIndex
from infrastructure.servers.package_index import build_wheel

PLATFORM = {"version": "3.11", "abi": "cp311", "platform": "manylinux_2_36_x86_64"}
KEY = "cp311-manylinux_2_36_x86_64"


class Keeper:
    """Keeps a lock in a directory of its own."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.site = scene.root / "site"
        self.site.mkdir()
        self.path = self.site / "packs.lock.yml"
        self.home = scene.root / "home"
        self.home.mkdir()

    def run(self, *names: str, **arguments: t.Any) -> ModuleResult:
        given = {"path": str(self.path), "index_url": [self.scene.index_url], **arguments}
        given["env"] = {"HOME": str(self.home), **arguments.get("env", {})}
        return self.scene.run(*names, module="st2_pack_lock", host=None, **given)

    def walk(self, *names: str, **arguments: t.Any) -> ModuleResult:
        """Check, run, check again, run again: what check mode says comes, and only once."""
        before = self.stamp()
        foreseen = self.run(*names, check=True, **arguments)
        assert not foreseen.failed and foreseen.changed, foreseen.everything
        assert self.stamp() == before, "check mode writes nothing"
        done = self.run(*names, **arguments)
        assert not done.failed and done.changed, done.everything
        for key in ("diff", "packs", "msg", "refs", "unlocked", "markdown"):
            assert done.get(key) == foreseen.get(key), key
        self.unchanged(*names, **arguments)
        return done

    def unchanged(self, *names: str, **arguments: t.Any) -> None:
        after = self.stamp()
        for check in (True, False):
            again = self.run(*names, check=check, **arguments)
            assert not again.failed and not again.changed and again["packs"] == [], again.everything
            assert not again.get("diff") and again["markdown"] == ""
        assert self.stamp() == after, "nothing is written"

    def refuse(self, *names: str, **arguments: t.Any) -> str:
        """Run it, with nothing written and the sentence returned."""
        before = self.stamp()
        for check in (True, False):
            result = self.run(*names, check=check, **arguments)
            assert result.failed and not result.changed and "Traceback" not in result.everything, result.everything
        assert self.stamp() == before
        assert not [path.name for path in self.site.iterdir() if path.name.startswith(".")]
        return str(result["msg"])

    def stamp(self) -> t.Optional[t.Tuple[t.Any, ...]]:
        if not self.path.exists():
            return None
        status = self.path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_mode & 0o777, self.text

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def document(self) -> t.Dict[str, t.Any]:
        return dict(yaml.safe_load(self.text))

    def pack(self, ref: str) -> t.Dict[str, t.Any]:
        return dict(self.document["packs"][ref])

    def part(self, ref: str) -> str:
        """The lines of one pack."""
        lines = self.text.splitlines()
        first = lines.index(f"  {ref}:")
        rest = [number for number in range(first + 1, len(lines)) if not lines[number].startswith("   ")]
        return "\n".join(lines[first : rest[0] if rest else None])


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


def test_wheels_are_locked_for_each_platform(keeper: Keeper, packages: PackageIndex) -> None:
    scene = keeper.scene
    wants = scene.repository("wants")
    wants.release(PackTree("wants", "1.0.0", minimal=True).add("requirements.txt", "middledep\ntinydep<2\n"))
    scene.release("plain", "1.0.0")
    older = {"version": "3.8", "abi": "cp38", "platform": "manylinux_2_28_x86_64"}

    done = keeper.walk("wants", "plain", platforms=[PLATFORM, older, PLATFORM])
    assert done["unlocked"] == [] and warnings(done) == []
    assert keeper.pack("wants")["wheels"][KEY] == ["middledep==1.0.0", "six==1.16.0", "tinydep==1.0.0"]
    assert keeper.pack("plain")["wheels"] == {key: ["six==1.16.0"] for key in ("cp38-manylinux_2_28_x86_64", KEY)}
    wheel = next(iter(packages.wheels("tinydep")))
    digest = f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"
    assert keeper.document["wheels"]["tinydep==1.0.0"] == {wheel.name: digest}
    assert keeper.document["platforms"][KEY] == {"python": "3.11", "abi": "cp311", "platform": PLATFORM["platform"]}
    # The platforms of the lock stay those of the lock.
    keeper.unchanged("wants", "plain")
    assert "with update, packs stay" in keeper.refuse("wants", "plain", update=["wants"], platforms=[PLATFORM])
    done = keeper.walk("wants", "plain", platforms=[])
    assert "wheels" not in keeper.document


def test_requirements_without_a_digest_are_named(keeper: Keeper) -> None:
    scene = keeper.scene
    wants = scene.repository("wants")
    wants.release(
        PackTree("wants", "1.0.0", minimal=True).add("requirements.txt", "git+https://example.com/x.git@v1\n")
    )
    scene.publish()
    done = keeper.walk("wants", platforms=[PLATFORM])
    reason = "git+https://example.com/x.git@v1 is no package of an index"
    assert done["unlocked"] == [{"ref": "wants", "platform": KEY, "reason": reason}]
    assert warnings(done) == [f"wants is locked without its Python packages on {KEY}: {reason}."]
    assert "wheels" not in keeper.pack("wants")


def test_requirements_that_nobody_meets_fail(keeper: Keeper) -> None:
    scene = keeper.scene
    wants = scene.repository("wants")
    wants.release(PackTree("wants", "1.0.0", minimal=True).add("requirements.txt", "nosuchdep\n"))
    scene.publish()
    said = keeper.refuse("wants", platforms=[PLATFORM])
    assert f"The requirements of wants cannot be resolved for {KEY}" in said and "nosuchdep" in said


def test_without_uv_one_sentence_says_so(keeper: Keeper, tmp_path: Path) -> None:
    keeper.scene.release("one", "1.0.0")
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "git").symlink_to(str(shutil.which("git")))
    said = keeper.refuse("one", platforms=[PLATFORM], env={"PATH": str(programs)})
    assert said == "uv is needed, but the program uv is not on this host."


def test_replaced_wheel_is_found(keeper: Keeper, tmp_path: Path) -> None:
    scene = keeper.scene
    with PackageIndex(tmp_path / "index") as packages:
        for ref in ("one", "two"):
            repository = scene.repository(ref)
            repository.release(PackTree(ref, "1.0.0", minimal=True).add("requirements.txt", "tinydep\n"))
        scene.publish()
        given = {"platforms": [PLATFORM], "pip_index_url": packages.index_url}
        keeper.walk("one", "two", **given)
        build_wheel(packages.directory, "tinydep", "2.0.0", code="replaced = True\n")
        said = keeper.refuse("one", "two", update=["one"], **given)
        assert "tinydep-2.0.0-py3-none-any.whl in the package index has another digest than in the lock" in said
