# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules in the background: with a poll, and looked for later, by Ansible itself."""

from __future__ import annotations

import json
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.scene import Scene
from e2e.working_copies import PackWorkingCopy
from infrastructure.ansible_run import run_play
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import GitRepository
from infrastructure.repositories.git_repository import run_git
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.archive import write_archive
from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.layout import (
    Manifest,
    content_digest,
    manifest_text,
)

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
# What each module is given beside st2_conf, and what its result has to have. Modules that are not here state that they
# do not support async, or are asked for by the test below.
TASKS: t.Mapping[str, t.Tuple[t.Dict[str, t.Any], str]] = {
    "st2_pack": ({"name": "PACK", "register": "none", "virtualenv": "never"}, "packs"),
    "st2_pack_info": ({"name": ["demo"]}, "packs"),
    "st2_pack_config": ({"pack": "demo", "config": {"url": "https://a/"}, "register": "none"}, "changes"),
    "st2_pack_config_info": ({"pack": ["demo"]}, "configs"),
    "st2_override": ({"pack": "demo", "actions": {"disabled": ["report"]}, "register": "none"}, "resources"),
    "st2_override_info": ({"pack": ["demo"]}, "packs"),
    "st2_conf": ({"section": "content", "option": "index_url", "value": "https://a/"}, "options"),
    "st2_environment": ({"name": ["st2api"], "variables": {"A": "b"}}, "files"),
    "st2_proxy_info": ({}, "proxy"),
    "st2_register": ({"packs": ["core"], "register": "local"}, "packs"),
    "st2_restart": ({"name": []}, "msg"),
    # Both fail: there is no such change, and no API.
    "st2_rollback": ({"change": "9999", "register": "none"}, "step"),
    "st2_action_run": ({"action": "core.noop"}, "step"),
    "st2_rollback_info": ({}, "changes"),
    "st2_entry_point_info": ({"pack": ["core"]}, "entry_points"),
    "st2_index": ({"path": "PLACE/index", "entries": {"demo": {"repo_url": "https://a/demo"}}}, "packs"),
    "st2_index_info": ({"index_url": ["file://PLACE/index.json"]}, "indexes"),
    "st2_bundle": ({"lockfile": "PLACE/none.lock.yml", "path": "PLACE/packs.bundle"}, "digest"),
    "st2_bundle_info": ({"path": "PLACE/none.bundle"}, "digest"),
    "st2_pack_lint": ({"path": ["PACK"], "fail_on": "never"}, "findings"),
    "st2_pack_lock": ({"path": "PLACE/packs.lock.yml", "name": "PACK", "remote_src": False}, "refs"),
    "st2_pack_release": ({"path": "PLACE/acme_dns"}, "tag"),
    "st2_pack_split": ({"repo": "PLACE/many.git", "dest": "PLACE/split"}, "packs"),
}
# Those that do not work on a StackStorm host.
ELSEWHERE = (
    "st2_bundle",
    "st2_bundle_info",
    "st2_index",
    "st2_pack_lint",
    "st2_pack_lock",
    "st2_pack_release",
    "st2_pack_split",
)
POLLED = ("st2_pack", "st2_pack_config")


def stated(module: str) -> str:
    """Return what a module states of async, in its own documentation or by that of the fragment."""
    text = (PLUGINS / "modules" / f"{module}.py").read_text(encoding="utf-8").split('DOCUMENTATION = r"""')[1]
    document = yaml.safe_load(text.split('"""')[0])
    own = document.get("attributes", {}).get("async", {}).get("support")
    fragment = "stackstorm.st2._attributes" in document.get("extends_documentation_fragment", [])
    return str(own or ("full" if fragment else ""))


@pytest.fixture
def environment(scene: Scene, tmp_path: Path) -> t.Dict[str, str]:
    # By default it is below the home that the account has, and not below $HOME.
    return {**scene.environment, "ANSIBLE_ASYNC_DIR": str(tmp_path / "async")}


@pytest.fixture
def pack(scene: Scene, tmp_path: Path) -> Path:
    return PackTree("demo", "1.0.0").write(tmp_path / "demo")


def test_every_module_states_what_is_tested_here() -> None:
    modules = sorted(path.stem for path in (PLUGINS / "modules").glob("st2_*.py"))
    assert [name for name in TASKS if stated(name) not in ("full", "partial")] == []
    assert [name for name in modules if name not in TASKS and stated(name) != "none"] == []


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """What modules work on that need no StackStorm: an index, a working copy, a repository with many packs, and a lock
    of none with its bundle."""
    nothing = "format: 1\npacks: {}\n"
    (tmp_path / "none.lock.yml").write_text(nothing)
    index = b'{"packs":{}}'
    manifest = manifest_text(Manifest(nothing, (), content_digest(index)))
    write_archive(str(tmp_path / "none.bundle"), {"bundle.json": manifest, "index.json": index})
    (tmp_path / "index.json").write_text('{"packs": {"demo": {"version": "1.0.0"}}}')
    PackWorkingCopy(tmp_path).commit("1.0.0")
    many = GitRepository(tmp_path / "many.git")
    many.commit(Tree().mount("packs/demo", PackTree("demo", minimal=True)))
    many.build()
    return tmp_path


def test_with_a_poll_and_looked_for_later(scene: Scene, pack: Path, place: Path, environment: t.Dict[str, str]) -> None:
    polled, started, looked = [], [], []
    StackStormStub(scene.host).install_register_content()
    for module, (given, _key) in TASKS.items():
        text = json.dumps(given).replace("PACK", str(pack)).replace("PLACE", str(place))
        arguments = {**json.loads(text), **({} if module in ELSEWHERE else {"st2_conf": str(scene.host.st2_conf)})}
        task = {f"stackstorm.st2.{module}": arguments, "async": 600}
        # Those that write take turns by themselves.
        started.append({"name": f"{module} start", **task, "poll": 0, "register": module})
        if module in POLLED:
            polled.append({"name": f"{module} poll", **task, "poll": 1})
            look = {"ansible.builtin.async_status": {"jid": f"{{{{ {module}.ansible_job_id }}}}"}}
            until = {"until": "ended is finished", "retries": 120, "delay": 1}
            looked.append({"name": f"{module} end", **look, "register": "ended", **until})
    # What the play has on the host goes with its end.
    wait = f"while grep -qs '\"started\"' {environment['ANSIBLE_ASYNC_DIR']}/*; do sleep 0.2; done"
    ends = {"ansible.builtin.shell": {"cmd": wait}, "changed_when": False}
    play = run_play([*polled, *started, *looked, ends], host=scene.host, env=environment)
    assert play.rc == 0, play.stdout + play.stderr
    for module, (_given, key) in TASKS.items():
        job = play[f"{module} start"]["ansible_job_id"]
        assert key not in play[f"{module} start"]
        assert key in ended(Path(environment["ANSIBLE_ASYNC_DIR"]) / job), module
    for module in POLLED:
        end = play[f"{module} end"]
        assert play[f"{module} poll"]["changed"] and not end["changed"] and end["finished"], module
        assert TASKS[module][1] in play[f"{module} poll"] and TASKS[module][1] in end
    assert scene.host.pack_version("demo") == "1.0.0"
    assert ended(Path(environment["ANSIBLE_ASYNC_DIR"]) / play["st2_conf start"]["ansible_job_id"])["changed"]
    assert "https://a/" in scene.host.st2_conf.read_text()
    assert (place / "index/v1/index.json").exists() and (place / "split/demo.git").is_dir()
    assert run_git("-C", place / "git/acme_dns.git", "tag") == "v1.0.0"


def ended(job: Path, seconds: float = 120) -> t.Dict[str, t.Any]:
    """Wait for the end of a job and return its result, which async_status reads from this file.

    That is not asked for each: a module that looks costs as much as one that does something.
    """
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = json.loads(job.read_text() or "{}")
        # While it runs, there is no more in it than that.
        if found and "started" not in found:
            return dict(found)
        time.sleep(0.2)
    raise AssertionError(f"{job} has not ended: {job.read_text()}")


def test_a_failure_in_the_background_says_the_same(scene: Scene, environment: t.Dict[str, str]) -> None:
    arguments = {"name": "/none/there", "register": "none", "st2_conf": str(scene.host.st2_conf)}
    task = {"stackstorm.st2.st2_pack": arguments, "ignore_errors": True}
    play = run_play([{**task, "async": 60, "poll": 1}, task], host=scene.host, env=environment)
    assert [one.outcome for one in play.tasks] == ["failed", "failed"]
    assert play[0]["msg"] == play[1]["msg"] and play[0]["step"] == play[1]["step"] and "/none/there" in play[0]["msg"]


@pytest.mark.parametrize("poll", [0, 1])
def test_a_directory_of_the_controller_is_not_sent_in_the_background(scene: Scene, pack: Path, poll: int) -> None:
    arguments = {"name": str(pack), "remote_src": False, "st2_conf": str(scene.host.st2_conf)}
    play = run_play([{"stackstorm.st2.st2_pack": arguments, "async": 60, "poll": poll}], host=scene.host)
    assert play.tasks[0].outcome == "failed" and "async requires remote_src: true" in play[0]["msg"], play[0]
    assert not scene.host.pack_path("demo").exists()
