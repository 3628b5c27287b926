# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Python packages in a lock: resolved by uv from a package index, for the Pythons of hosts, with digests."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest
from e2e.lock_keeper import Keeper
from e2e.scene import Scene, warnings
from infrastructure.packs import PackTree
from infrastructure.servers import PackageIndex
from infrastructure.servers.package_index import build_wheel

PLATFORM = {"version": "3.11", "abi": "cp311", "platform": "manylinux_2_36_x86_64"}
KEY = "cp311-manylinux_2_36_x86_64"


@pytest.fixture
def keeper(scene: Scene) -> Keeper:
    return Keeper(scene)


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
    wheel = next(iter(packages.files("tinydep")))
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
    kept = keeper.run("wants", update=[])
    assert not kept.changed
    assert kept["unlocked"] == [{"ref": "wants", "platform": KEY, "reason": "it stays as it was locked"}]


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


def test_credentials_of_repositories_and_package_indexes_stay_where_they_are(keeper: Keeper, tmp_path: Path) -> None:
    scene = keeper.scene
    repository = scene.release("one", "1.0.0")
    source = scene.url(repository).replace("https://", "https://me:canary-of-git@")
    with PackageIndex(tmp_path / "index", username="me", password="canary-of-pip") as packages:
        index = packages.index_url.replace("http://", "http://me:canary-of-pip@")
        done = keeper.walk(source, platforms=[PLATFORM], pip_index_url=index)
        assert keeper.pack("one")["wheels"] == {KEY: ["six==1.16.0"]}
        refused = keeper.run(source, platforms=[PLATFORM], pip_index_url=index.replace("of-pip", "of-none"))
        assert refused.failed
    assert keeper.pack("one")["source"] == scene.url(repository) == keeper.pack("one")["requested"][0]
    seen = "".join((keeper.text, done.everything, refused.everything, *scene.programs))
    assert "canary" not in seen
