# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode: what it predicts is what the run does, over a pack's whole life, and it writes nothing at all."""

from __future__ import annotations

import typing as t
from pathlib import Path

from e2e.scene import Scene, only
from infrastructure.ansible_run import ModuleResult
from infrastructure.packs import PackTree


def predicted(scene: Scene, *names: str, **arguments: t.Any) -> ModuleResult:
    """Run in check mode, look that nothing was written, run in earnest, and return what came of it.

    Both must say the same, word for word: whether anything changes, the line, every field of every pack, the diff.
    """
    before = scene.disk()
    foretold = scene.run(*names, check=True, **arguments)
    assert scene.written(before) == [], foretold["msg"]
    result = scene.run(*names, **arguments)
    assert "Traceback" not in foretold.everything + result.everything, result.everything
    for key in ("changed", "failed", "msg", "packs", "diff", "database_state", "step", "warnings"):
        assert foretold.get(key) == result.get(key), (key, foretold["msg"], result["msg"])
    return result


def sides(result: ModuleResult) -> t.Tuple[t.List[str], t.List[str]]:
    """Return the lines that the one diff of a result has before and after, those of both left out."""
    (difference,) = result["diff"]
    before, after = difference["before"].splitlines(), difference["after"].splitlines()
    return [line for line in before if line not in after], [line for line in after if line not in before]


def test_a_packs_whole_life_is_foretold(scene: Scene) -> None:
    pristine = scene.view()
    repository = scene.repository("demo")
    for version, actions, requirements in (
        ("1.0.0", ("report", "old"), ()),
        ("1.1.0", ("report", "fresh"), ("tinydep==1.0.0",)),
    ):
        tree = PackTree("demo", version, actions=actions, requirements=requirements, dependencies=["base"])
        repository.release(tree)
    scene.release("base", "1.0.0")

    installed = predicted(scene, "demo=1.0.0", virtualenv="auto")
    assert [row["action"] for row in installed["packs"]] == ["install", "install"]
    assert [row["virtualenv"] for row in installed["packs"]] == ["built", "built"]
    assert not predicted(scene, "demo=1.0.0", virtualenv="auto").changed

    upgraded = predicted(scene, "demo", state="latest", virtualenv="auto")
    old, new = sides(upgraded)
    assert {"version: 1.0.0", "  - old", "virtualenv: outdated"} <= set(old)
    assert {"version: 1.1.0", "  - fresh", "requirements:", "  - tinydep==1.0.0", "virtualenv: current"} <= set(new)
    assert f"commit: {repository.tags['v1.1.0'].sha}" in new and "  - report" not in old + new
    assert only_of(upgraded, "demo")["virtualenv"] == "rebuilt"

    pack = scene.host.pack_path("demo")
    (pack / "actions" / "fresh.py").write_text("")
    repaired = predicted(scene, "demo", verify="content", virtualenv="auto")
    assert sides(repaired)[0] == ["files:", "  - edited actions/fresh.py"]

    assert predicted(scene, "demo=9.9.9").failed
    assert predicted(scene, "base", state="absent").failed
    assert predicted(scene, "nosuch").failed

    assert only_of(predicted(scene, "demo=1.0.0", virtualenv="auto"), "demo")["action"] == "downgrade"
    (scene.host.configs / "demo.yaml").write_text("url: x\n")
    removed = predicted(scene, "demo", "base", state="absent", purge=True)
    assert f"  - {scene.host.configs}/demo.yaml" in removed["diff"][0]["before"] and removed["diff"][0]["after"] == ""
    assert not predicted(scene, "demo", "base", state="absent", purge=True).changed
    assert scene.moved(pristine) == []


def only_of(result: ModuleResult, ref: str) -> t.Dict[str, t.Any]:
    return dict(next(row for row in result["packs"] if row["ref"] == ref))


def test_what_comes_from_elsewhere_is_foretold(scene: Scene, tmp_path: Path) -> None:
    repository = scene.release("demo", "1.0.0", "1.1.0")
    scene.host.install_like_st2(repository, "demo", "", scene.url(repository))
    assert only(predicted(scene, scene.url(repository), state="latest"))["action"] == "adopt"
    assert only(predicted(scene, "demo=1.0.0"))["action"] == "downgrade"
    directory = PackTree("demo", "1.2.0", minimal=True).write(tmp_path / "demo")
    assert only(predicted(scene, str(directory)))["action"] == "upgrade"
    (directory / "etc").symlink_to("/etc")
    assert predicted(scene, str(directory)).failed
    (scene.host.virtualenvs / "demo").mkdir()
    assert only(predicted(scene, "demo", virtualenv="always"))["virtualenv"] == "rebuilt"


def test_without_diff_there_is_none(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    assert "diff" not in scene.run("demo", check=True, diff=False)
