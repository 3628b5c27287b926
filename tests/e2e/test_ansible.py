# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""By Ansible itself: ad hoc and in plays, on a host without libraries, and the module that only looks."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import typing as t
from pathlib import Path

import pytest
from e2e.scene import INDEX, Scene
from infrastructure.ansible_run import collections_path, run_module, run_play
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree

LIBRARIES = sysconfig.get_paths()["purelib"]


@pytest.fixture
def bare_python(tmp_path: Path) -> str:
    """An interpreter without any library, as a target has."""
    base = Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    subprocess.run([str(base), "-m", "venv", "--without-pip", str(tmp_path / "bare")], check=True)
    return str(tmp_path / "bare" / "bin" / "python")


def options(scene: Scene, **more: t.Any) -> t.Dict[str, t.Any]:
    """Return the options for a module that nothing adds to."""
    common = {"st2_conf": str(scene.host.st2_conf), "ca_bundle": str(scene.ca.ca_file), "register": "none"}
    return {**common, **more}


def test_one_ad_hoc_line(scene: Scene) -> None:
    repository = scene.repository("sensu")
    repository.release(PackTree("sensu", "1.0.1"))
    new = repository.release(PackTree("sensu", "1.0.2"))
    scene.publish()
    command = [str(Path(sys.executable).parent / "ansible"), "localhost", "-m", "stackstorm.st2.st2_pack"]
    environment = clean_environment(
        scene.host.home,
        ANSIBLE_COLLECTIONS_PATH=str(collections_path()),
        ANSIBLE_PYTHON_INTERPRETER=sys.executable,
        ANSIBLE_NOCOLOR="1",
        ANSIBLE_LOCALHOST_WARNING="0",
        **{key: value for key, value in scene.environment.items() if key != "PATH"},
    )
    environment["PATH"] = scene.environment["PATH"]

    def ad_hoc(name: str, *more: str) -> str:
        values = f"name={name} st2_conf={scene.host.st2_conf} ca_bundle={scene.ca.ca_file} register=none"
        done = subprocess.run(
            [*command, "-a", values, *more], env=environment, capture_output=True, text=True, check=False, cwd="/"
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert '"msg": "sensu absent -> 1.0.1 ' in ad_hoc("sensu=1.0.1")
    foretold = ad_hoc("sensu=1.0.2", "-C", "-D")
    assert "-version: 1.0.1" in foretold and "+version: 1.0.2" in foretold and f"+commit: {new.sha}" in foretold
    assert scene.host.pack_version("sensu") == "1.0.1"
    told = ad_hoc("sensu=1.0.2", "--one-line")
    assert f'"msg": "sensu 1.0.1 -> 1.0.2 {new.short}"' in told and "CHANGED" in told
    assert scene.host.run_action("sensu", "report")["version"] == "1.0.2", "with nothing but a name it is all right"


def test_a_play_with_defaults_for_the_group(scene: Scene) -> None:
    for ref in ("one", "two"):
        scene.release(ref, "1.0.0")
    defaults = {"group/stackstorm.st2.st2": options(scene)}
    tasks = [
        {"name": "install", "stackstorm.st2.st2_pack": {"name": ["one", "two"], "virtualenv": "never"}},
        {"name": "again", "stackstorm.st2.st2_pack": {"name": ["one=1.0.0", "two"], "virtualenv": "never"}},
        {"name": "info", "stackstorm.st2.st2_pack_info": {"name": ["one"]}},
        {"name": "refuse", "stackstorm.st2.st2_pack": {"name": "nosuch"}, "ignore_errors": True},
        {"name": "remove", "stackstorm.st2.st2_pack": {"name": "{{ refs }}", "state": "absent"}},
    ]
    block = [{"block": tasks, "module_defaults": defaults}]
    play = run_play(block, host=scene.host, env=scene.environment, variables={"refs": ["one", "two"]})
    assert play.rc == 0, play.stdout + play.stderr
    assert [found.result.get("changed") for found in play.tasks] == [True, False, False, False, True]
    assert play["info"]["packs"][0]["version"] == "1.0.0" and play["refuse"]["step"] == "index"
    assert scene.host.installed() == []


def test_a_bare_python_hands_over_to_stackstorms_own(make_scene: t.Callable[..., Scene], bare_python: str) -> None:
    scene = make_scene(libraries=[LIBRARIES])
    scene.release("demo", "1.0.0")
    tasks = [
        {
            "name": "check",
            "stackstorm.st2.st2_pack": options(scene, name="demo", virtualenv="never"),
            "check_mode": True,
        },
        {"name": "install", "stackstorm.st2.st2_pack": options(scene, name="demo", virtualenv="never")},
        {"name": "info", "stackstorm.st2.st2_pack_info": options(scene, check_latest=True, name="demo")},
    ]
    play = run_play(
        tasks, host=scene.host, env=scene.environment, variables={"ansible_python_interpreter": bare_python}, diff=True
    )
    assert play.rc == 0, play.stdout + play.stderr
    assert play["check"]["msg"] == play["install"]["msg"] and play["check"]["diff"] == play["install"]["diff"]
    assert play["install"]["changed"] and scene.host.installed() == ["demo"]
    assert play["info"]["packs"][0]["latest_version"] == "1.0.0"


def test_without_libraries_anywhere_it_says_what_to_install(scene: Scene, bare_python: str) -> None:
    scene.release("demo", "1.0.0")
    variables = {"ansible_python_interpreter": bare_python}
    task = {"stackstorm.st2.st2_pack": options(scene, name="demo", virtualenv="never"), "ignore_errors": True}
    play = run_play([task], host=scene.host, env=scene.environment, variables=variables)
    assert "requests" in play[0]["msg"] and "lacks them too" in play[0]["msg"], play[0]
    scene.change("demo")
    play = run_play([task], host=scene.host, env=scene.environment, variables=variables)
    assert play[0]["changed"] is False and play.tasks[0].outcome == "ok", "what is right already needs no library"
    scene.host.service.rename(scene.root / "elsewhere")
    scene.host.configure("actionrunner", python_binary=None, virtualenv_binary=None)
    task["stackstorm.st2.st2_pack"]["name"] = "other"
    play = run_play([task], host=scene.host, env=scene.environment, variables=variables)
    assert "requests" in play[0]["msg"] and "no StackStorm Python" in play[0]["msg"], play[0]


def test_the_whole_module_gives_what_the_direct_one_gives(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    arguments = options(scene, name=["demo"], virtualenv="never")
    whole = run_module("st2_pack", arguments, host=scene.host, env=scene.environment, check=True, diff=True)
    direct = scene.run("demo", check=True)
    assert whole.rc == 0 and whole.changed
    for key in ("packs", "msg", "database_state"):
        assert whole[key] == direct[key]
    assert whole["diff"] == direct["diff"]


def test_info_describes_what_is_there(make_scene: t.Callable[..., Scene], tmp_path: Path) -> None:
    scene = make_scene(packs_base_paths=["srv/one"])
    for ref in ("managed", "theirs"):
        repository = scene.repository(ref)
        repository.release(PackTree(ref, "1.0.0", requirements=["tinydep"], dependencies=["core"]))
        repository.release(PackTree(ref, "1.10.0"))
        if ref == "theirs":
            scene.publish()
            scene.host.install_like_st2(repository, ref, "v1.0.0", scene.url(repository))
    scene.change("managed=1.0.0", virtualenv="auto")
    plain = PackTree("plain", "0.1.0", minimal=True).write(tmp_path / "plain")
    scene.change(str(plain))
    (scene.host.pack_path("managed") / "extra.txt").write_text("x")
    (scene.host.pack_path("theirs") / "icon.png").unlink()
    scene.host.place(PackTree("plain", "9.0.0", minimal=True), "plain", scene.host.extra_base_paths[0])
    before = scene.disk()
    scene.forget()
    result = scene.run(module="st2_pack_info")
    assert not result.failed and not result.changed and scene.quiet, result.everything
    assert result["python"]["abi"] == f"cp{result['python']['version'].replace('.', '')}"
    assert re.fullmatch(r"(many|musl)?linux_\w+", result["python"]["platform"]), result["python"]
    packs = {pack["ref"]: pack for pack in result["packs"]}
    assert list(packs) == ["chatops", "core", "linux", "managed", "packs", "plain", "theirs"]
    assert [ref for ref, pack in packs.items() if pack["system"]] == ["chatops", "core", "linux", "packs"]
    managed, theirs, copied = packs["managed"], packs["theirs"], packs["plain"]
    assert managed["commit"] == scene.host.head("managed") and managed["tags"] == ["v1.0.0"] and managed["managed"]
    assert managed["edits"] == ["extra extra.txt"] and managed["requirements"] == ["tinydep"]
    assert managed["virtualenv"]["health"] == "ok" and managed["dependencies"] == ["core"]
    assert managed["contents"]["actions"] == {"count": 3, "names": ["greet", "relay", "report"]}
    assert theirs["edits"] == ["missing icon.png"] and not theirs["managed"] and theirs["branch"] == "main"
    assert theirs["virtualenv"] == {
        "path": str(scene.host.virtualenvs / "theirs"),
        "health": "absent",
        "python_version": None,
        "needed": True,
    }
    assert copied["commit"] is None and copied["digest"].startswith("sha256:") and copied["source"] == str(plain)
    assert copied["shadowed"] == [str(scene.host.extra_base_paths[0] / "plain")]
    latest = scene.run("managed", "plain", "nosuch", module="st2_pack_info", check_latest=True, check_edits=False)
    found = {pack["ref"]: (pack["latest_version"], pack["outdated"]) for pack in latest["packs"]}
    assert found == {"managed": ("1.10.0", True), "plain": (None, None)} and latest["missing"] == ["nosuch"]
    assert "edits" not in latest["packs"][0] and len(scene.index.requests) == 1
    assert scene.written(before) == []
    scene.index.documents[INDEX] = "broken"
    assert scene.run(module="st2_pack_info", check_latest=True).failed


def test_a_directory_beside_the_playbook_is_what_a_source_without_scheme_means(scene: Scene, tmp_path: Path) -> None:
    """And never a repository on GitHub; the version of a pack is what was written, or refused."""
    PackTree("mine", "1.0.0", minimal=True).write(tmp_path / "my packs" / "mine")
    PackTree("next", "1.0.0", minimal=True).write(tmp_path / "my packs" / "next")
    common = options(scene, virtualenv="never")
    packs = [{"source": "packs/mine"}]
    in_phases = {"packs": [{"source": "packs/next"}], "remote_src": False, **common}
    tasks: t.List[t.Dict[str, t.Any]] = [
        {"name": "install", "stackstorm.st2.st2_pack": {"packs": packs, "remote_src": False, **common}},
        {"name": "again", "stackstorm.st2.st2_pack": {"packs": packs, "remote_src": False, **common}},
        {
            "name": "by name",
            "stackstorm.st2.st2_pack": {"name": "packs/mine", "version": "1.0.0", "remote_src": False, **common},
        },
        {"name": "stage", "stackstorm.st2.st2_pack": {**in_phases, "phase": "stage"}},
        {"name": "swap", "stackstorm.st2.st2_pack": {**in_phases, "phase": "swap"}},
        {
            "name": "missing",
            "stackstorm.st2.st2_pack": {"packs": [{"source": "packs/none"}], "remote_src": False, **common},
            "ignore_errors": True,
        },
        {
            "name": "no repository",
            "stackstorm.st2.st2_pack": {"name": "packs/none", "remote_src": False, **common},
            "ignore_errors": True,
        },
        {
            "name": "number",
            "stackstorm.st2.st2_pack": {"packs": [{"name": "mine", "version": 2024.10}], **common},
            "ignore_errors": True,
        },
        {
            "name": "boolean",
            "stackstorm.st2.st2_pack": {"name": "mine", "version": True, **common},
            "ignore_errors": True,
        },
    ]
    play = run_play(tasks, host=scene.host, env=scene.environment, beside={"packs": tmp_path / "my packs"})
    assert [found.outcome for found in play.tasks] == ["ok"] * 5 + ["failed"] * 4, play.stdout
    assert play["install"]["changed"] and not play["again"]["changed"]
    assert play["stage"]["changed"] and play["swap"]["changed"] and scene.host.pack_version("next") == "1.0.0"
    assert scene.host.pack_version("mine") == "1.0.0"
    assert "packs/none was not found on the controller" in play["missing"]["msg"]
    assert not play["by name"]["changed"]
    assert "packs/none was not found on the controller" in play["no repository"]["msg"]
    assert "YAML reads it as the number 2024.1" in play["number"]["msg"]
    assert "YAML reads it as the boolean true" in play["boolean"]["msg"]


def test_an_index_through_all_of_ansible(scene: Scene, tmp_path: Path) -> None:
    """No return value has a name that Ansible keeps for itself."""
    repository = scene.release("demo", "1.0.0")
    arguments = {"path": str(tmp_path / "index"), "packs": [scene.url(repository)], "ca_bundle": str(scene.ca.ca_file)}
    result = run_module("st2_index", arguments, env=scene.environment)
    assert not result.failed and result.changed and result["left_out"] == [], result.everything
    assert "must be of type" not in result.everything
    assert (tmp_path / "index/v1/index.json").is_file()
