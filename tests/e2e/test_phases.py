# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""st2_pack in two phases: staging changes nothing that StackStorm sees, and swapping puts in place just what was
staged, without a program or the network."""

from __future__ import annotations

import os
import stat
import time
import typing as t
from pathlib import Path

import yaml
from infrastructure.ansible_run import ModuleResult
from infrastructure.packs import PackTree
from infrastructure.st2_stub import StackStormStub

from .scene import STATE, Scene, only

PLANS = "staged"
SECRET = "c4nary-of-phases"
SCHEMA = {
    "url": {"type": "string", "required": True},
    "token": {"type": "string", "secret": True},
}


def places(scene: Scene) -> t.List[Path]:
    host = scene.host
    return [path / STATE / PLANS for path in (host.packs, host.virtualenvs, host.configs, host.overrides)]


def staged(scene: Scene) -> t.List[Path]:
    """What is kept, but for documents."""
    found = [path for place in places(scene) if place.exists() for path in place.glob("*/*")]
    return [path for path in found if path.name != "plan.json"]


def stage(scene: Scene, *names: str, **arguments: t.Any) -> ModuleResult:
    """Stage, which must keep something and change nothing that StackStorm sees; then once more, for nothing."""
    before, disk = scene.view(), scene.disk()
    foretold = scene.run(*names, phase="stage", check=True, **arguments)
    assert not foretold.failed and foretold.changed, foretold.everything
    assert scene.written(disk) == []
    result = scene.change(*names, phase="stage", **arguments)
    assert scene.moved(before) == [] and scene.debris() == []
    assert result["plan"] == foretold["plan"] and result["msg"] == foretold["msg"]
    assert result["diff"] == foretold["diff"]
    for place in places(scene):
        for path in place.glob("*") if place.exists() else ():
            assert stat.S_IMODE(path.lstat().st_mode) == 0o700
    again = scene.keep(*names, phase="stage", **arguments)
    assert again["plan"] == result["plan"] and "staged already" in again["msg"]
    return result


def swap(scene: Scene, *names: str, **arguments: t.Any) -> ModuleResult:
    """Swap, which must ask nobody and start nothing; then once more, which changes nothing."""
    scene.forget()
    before = scene.disk()
    foretold = scene.run(*names, phase="swap", check=True, **arguments)
    assert not foretold.failed and foretold.changed, foretold.everything
    assert scene.written(before) == []
    result = scene.change(*names, phase="swap", **arguments)
    assert result["packs"] == foretold["packs"] and result["diff"] == foretold["diff"]
    assert scene.programs == [] and scene.quiet and scene.debris() == []
    again = scene.satisfied(*names, phase="swap", **arguments)
    assert again["plan"] == result["plan"]
    assert [row["content"] for row in again["packs"] if row.get("after")] == [
        row["content"] for row in result["packs"] if row.get("after")
    ]
    return result


def test_a_pack_comes_is_upgraded_and_goes(scene: Scene) -> None:
    scene.release("sensu", "1.0.0", "1.1.0")
    plans = []
    for version in ("1.0.0", "1.1.0"):
        first = stage(scene, f"sensu={version}")
        second = swap(scene, f"sensu={version}")
        assert scene.host.pack_version("sensu") == version and scene.host.edited("sensu") == []
        assert first["plan"] == second["plan"]
        assert only(second)["content"] == only(first)["content"]
        assert only(second)["action"] == ("install" if version == "1.0.0" else "upgrade")
        assert only(second)["database_state"] == second["database_state"] == "stale"
        scene.satisfied(f"sensu={version}")
        assert staged(scene) == []
        plans.append(first["plan"])
    assert len(set(plans)) == 2
    kept = scene.host.packs / STATE / "releases" / "sensu"
    assert [yaml.safe_load(path.read_text())["version"] for path in kept.glob("*/pack/pack.yaml")] == ["1.0.0"]
    gone = stage(scene, "sensu", state="absent")
    assert only(gone).get("content") is None
    swap(scene, "sensu", state="absent")
    assert scene.host.installed() == []
    scene.satisfied("sensu", state="absent")


def test_nothing_staged_is_refused_and_the_whole_is_foretold(scene: Scene) -> None:
    scene.release("sensu", "1.0.0", "1.1.0")
    refused = scene.refuse("sensu=1.0.0", phase="swap")
    assert "phase=stage first" in refused["msg"]
    foretold = scene.run("sensu=1.0.0", phase="swap", check=True)
    assert foretold.changed and only(foretold)["action"] == "install"
    stage(scene, "sensu=1.0.0")
    assert "phase=stage first" in scene.refuse("sensu=1.1.0", phase="swap")["msg"], "another version"
    assert "phase=stage first" in scene.refuse("sensu=1.0.0", phase="swap", keep_releases=3)["msg"], "another option"
    scene.change("sensu=1.0.0")
    assert scene.keep("sensu=1.0.0", phase="swap")["msg"].startswith("sensu 1.0.0"), "somebody else put it there"
    scene.keep("sensu=1.0.0", phase="stage")


def test_what_changed_since_is_named(scene: Scene) -> None:
    scene.release("sensu", "1.0.0", "1.1.0", "1.2.0")
    scene.change("sensu=1.0.0")
    former = str(scene.host.head("sensu"))
    stage(scene, "sensu=1.2.0")
    scene.change("sensu=1.1.0")
    for check in (True, False):
        before = scene.view()
        refused = scene.run("sensu=1.2.0", phase="swap", check=check)
        assert refused.failed and scene.moved(before) == []
        assert f"was {former[:7]}" in refused["msg"] and f"is {str(scene.host.head('sensu'))[:7]} now" in refused["msg"]
        assert "phase=stage again" in refused["msg"]
    stage(scene, "sensu=1.2.0")
    swap(scene, "sensu=1.2.0")
    assert scene.host.pack_version("sensu") == "1.2.0"


def test_edits_and_a_config_that_was_changed_since_are_named(scene: Scene) -> None:
    repository = scene.repository("demo")
    repository.release(PackTree("demo", "1.0.0", config_schema=SCHEMA))
    repository.release(PackTree("demo", "1.1.0", config_schema=SCHEMA))
    scene.publish()
    scene.change("demo=1.0.0")
    config = scene.host.configs / "demo.yaml"
    config.write_text("url: http://one\n")
    stage(scene, "demo=1.1.0")
    action = scene.host.packs / "demo" / "actions" / "report.py"
    text = action.read_text()
    action.write_text(f"{text}# by hand\n")
    assert "The content of demo (" in scene.refuse("demo=1.1.0", phase="swap")["msg"]
    scene.host.git("demo", "checkout", ".")
    config.write_text("url: 17\n")
    assert str(config) in scene.refuse("demo=1.1.0", phase="swap")["msg"]
    refused = scene.refuse("demo=1.1.0", phase="stage")
    assert "does not accept the config" in refused["msg"]


def test_configs_overrides_and_secrets_go_along(scene: Scene) -> None:
    repository = scene.repository("demo")
    for version in ("1.0.0", "1.1.0"):
        repository.release(PackTree("demo", version, config_schema=SCHEMA))
    scene.publish()
    item: t.Dict[str, t.Any] = {
        "name": "demo",
        "version": "1.0.0",
        "config": {"url": "http://one"},
        "secrets": {"token": SECRET},
        "overrides": {"actions": {"disabled": ["report"]}},
    }
    wrong = {**item, "config": {"url": 17}}
    assert "url" in scene.refuse(packs=[wrong], phase="stage")["msg"]
    result = stage(scene, packs=[item])
    assert SECRET not in result.everything
    holders = [path for path in staged(scene) if path.is_file() and SECRET in path.read_text(errors="replace")]
    assert len(holders) == 1 and not stat.S_IMODE(holders[0].stat().st_mode) & 0o007
    documents = list((scene.host.packs / STATE / PLANS).glob("*/plan.json"))
    assert [stat.S_IMODE(path.stat().st_mode) for path in documents] == [0o600]
    assert SECRET not in documents[0].read_text()
    other = {**item, "secrets": {"token": "another"}}
    assert "phase=stage first" in scene.refuse(packs=[other], phase="swap")["msg"]
    done = swap(scene, packs=[item])
    assert SECRET not in done.everything
    assert yaml.safe_load((scene.host.configs / "demo.yaml").read_text()) == {"url": "http://one", "token": SECRET}
    assert yaml.safe_load((scene.host.overrides / "demo.yaml").read_text())["actions"]
    assert only(done)["config"]["database_state"] == "stale"
    scene.satisfied(packs=[item])
    newer = {**item, "version": "1.1.0", "config": {"url": "http://two"}}
    stage(scene, packs=[newer])
    assert yaml.safe_load((scene.host.configs / "demo.yaml").read_text())["url"] == "http://one"
    swap(scene, packs=[newer])
    assert yaml.safe_load((scene.host.configs / "demo.yaml").read_text())["url"] == "http://two"


def test_stackstorm_is_told_nothing_until_it_is_registered(scene: Scene) -> None:
    scene.release("demo", "1.0.0", "1.1.0")
    with StackStormStub(scene.host) as stub:
        api = {"register": "api", "api_url": f"{stub.api_url}/v1", "api_key": stub.api_key}
        scene.change("demo=1.0.0", **api)
        stub.requests.clear()
        stage(scene, "demo=1.1.0", **api)
        swap(scene, "demo=1.1.0", **api)
        assert stub.requests == []
        assert (stub.pack("demo") or {})["version"] == "1.0.0"
        result = scene.change("demo=1.1.0", **api)
        assert only(result)["action"] == "register" and (stub.pack("demo") or {})["version"] == "1.1.0"


def test_dependencies_and_latest(scene: Scene) -> None:
    scene.release("common", "1.0.0")
    jira = scene.release("jira", "1.0.0", dependencies=["common"])
    stage(scene, "jira", state="latest")
    result = swap(scene, "jira", state="latest")
    assert scene.host.installed() == ["common", "jira"] and len(result["packs"]) == 2
    nothing = scene.keep("jira", state="latest", phase="stage")
    assert nothing["plan"] == result["plan"]
    scene.satisfied("jira", state="latest", phase="swap")
    jira.release(PackTree("jira", "2.0.0", minimal=True, dependencies=["common"]))
    scene.publish()
    stage(scene, "jira", state="latest")
    assert len(swap(scene, "jira", state="latest")["packs"]) == 2
    assert scene.host.pack_version("jira") == "2.0.0"


def test_another_host_that_has_it_has_the_same_plan(scene: Scene, make_scene: t.Callable[..., Scene]) -> None:
    """Whatever was there before: a node that was upgraded by hand is equal to one that is upgraded now."""
    scene.release("common", "1.0.0")
    scene.release("jira", "1.0.0", "1.1.0", dependencies=["common"])
    first = stage(scene, "jira=1.1.0")
    scene.change("jira=1.1.0")
    assert scene.keep("jira=1.1.0", phase="stage")["plan"] == first["plan"]
    (scene.host.packs / "jira" / "actions").mkdir(exist_ok=True)
    (scene.host.packs / "jira" / "actions" / "by_hand.py").write_text("edited\n")
    assert scene.keep("jira=1.1.0", phase="stage")["plan"] != first["plan"]


def test_virtualenvs_are_staged_for_their_place(scene: Scene) -> None:
    scene.repository("sensu").release(PackTree("sensu", "1.0.0", requirements=["tinydep==1.0.0"]))
    scene.publish()
    result = stage(scene, "sensu", virtualenv="auto")
    assert only(result)["virtualenv"] == "built" and not (scene.host.virtualenvs / "sensu").exists()
    (python,) = (path for path in staged(scene) if (path / "bin").exists())
    (python / "bin" / "python").rename(python / "bin" / "aside")
    refused = scene.refuse("sensu", virtualenv="auto", phase="swap")
    assert "The virtualenv of sensu that was staged is broken" in refused["msg"]
    assert "was put back" in refused["msg"]
    (python / "bin" / "aside").rename(python / "bin" / "python")
    swap(scene, "sensu", virtualenv="auto")
    assert scene.host.run_action("sensu", "report")["version"] == "1.0.0"
    script = (
        (scene.host.virtualenvs / "sensu" / "bin" / "pip").read_text()
        if (scene.host.virtualenvs / "sensu" / "bin" / "pip").exists()
        else ""
    )
    assert STATE not in script
    scene.satisfied("sensu", virtualenv="auto")


def test_superseded_and_old_plans_go(scene: Scene) -> None:
    scene.release("sensu", "1.0.0", "1.1.0")
    scene.release("jira", "1.0.0")
    scene.release("other", "1.0.0")
    documents = scene.host.packs / STATE / PLANS
    stage(scene, "sensu=1.0.0")
    stage(scene, "jira=1.0.0")
    assert len(list(documents.iterdir())) == 2, "they are about different packs"
    stage(scene, "sensu=1.1.0")
    assert len(list(documents.iterdir())) == 2
    for path in documents.glob("*/plan.json"):
        os.utime(path, (time.time() - 8 * 86400,) * 2)
    (documents / ("0" * 64)).mkdir()
    scene.change("other")
    assert list(documents.iterdir()) == [] and staged(scene) == []


def test_a_planted_link_is_refused(scene: Scene, tmp_path: Path) -> None:
    scene.release("sensu", "1.0.0")
    stage(scene, "sensu")
    target = tmp_path / "elsewhere"
    target.mkdir()
    (target / "own").write_text("kept\n")
    for place in places(scene):
        aside = place.with_name("aside")
        if place.exists():
            place.rename(aside)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(target)
        for phase in ("stage", "swap", "all"):
            assert str(place) in scene.refuse("sensu", phase=phase)["msg"]
        place.unlink()
        if aside.exists():
            aside.rename(place)
    assert [path.name for path in target.iterdir()] == ["own"]
    swap(scene, "sensu")


def test_the_api_knows_no_phases(scene: Scene) -> None:
    refused = scene.run("sensu", backend="api", phase="stage", api_url="http://127.0.0.1:1", api_key="k", host=None)
    assert refused.failed and "phase" in refused["msg"], refused.everything
