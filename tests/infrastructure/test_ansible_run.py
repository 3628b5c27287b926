# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules run in processes of their own, through Ansible and directly, and nothing of their results is lost."""

from __future__ import annotations

import subprocess
import time
import typing as t
from pathlib import Path

import pytest

from infrastructure import ansible_run
from infrastructure.ansible_run import run_module, run_module_directly, run_play, start_module_directly
from infrastructure.st2_host import ScratchHost

PROBE = """\
#!/usr/bin/python
from __future__ import annotations
import os, subprocess, sys
from ansible.module_utils.basic import AnsibleModule


def main():
    module = AnsibleModule(
        dict(st2_conf=dict(type="path"), want=dict(default="ok"), secret=dict(no_log=True)), supports_check_mode=True
    )
    want = module.params["want"]
    if want == "sleep":
        subprocess.call(["sleep", "60"])
    if want == "crash":
        os._exit(3)
    if want == "chatter":
        print("x" * 1000000, file=sys.stderr)
    if want == "fail":
        module.fail_json(msg="it failed", packs=[1])
    module.exit_json(
        changed=True, check=module.check_mode, conf=module.params["st2_conf"], home=os.environ.get("HOME"),
        extra=os.environ.get("EXTRA"), proxy=os.environ.get("https_proxy"), tmp=module.tmpdir,
        diff={"before": "a", "after": "b"} if module._diff else None,
    )


if __name__ == "__main__":
    main()
"""


@pytest.fixture(autouse=True)
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a collection of the same name with one module, ``probe``, in place of this checkout."""
    pytest.importorskip("ansible", reason="ansible-core is missing: pip install ansible-core")
    folder = tmp_path / "collections"
    modules = folder / "ansible_collections" / "stackstorm" / "st2" / "plugins" / "modules"
    modules.mkdir(parents=True)
    (modules / "probe.py").write_text(PROBE)
    (modules.parents[1] / "galaxy.yml").write_text("namespace: stackstorm\nname: st2\nversion: 0.0.1\n")
    monkeypatch.setattr(ansible_run, "collections_path", lambda: folder)
    monkeypatch.setenv("https_proxy", "http://the.machine:1")


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    return ScratchHost(tmp_path / "host")


@pytest.mark.parametrize("run", [run_module, run_module_directly])
def test_a_result_comes_back_whole(run: t.Callable[..., t.Any], host: ScratchHost) -> None:
    result = run("probe", {"secret": "k3y"}, check=True, diff=True, host=host, env={"EXTRA": "more"})
    assert result.rc == 0, result.everything
    assert result.changed and not result.failed and result["check"] is True
    assert result["conf"] == str(host.st2_conf) and result["home"] == str(host.home)
    assert result["diff"] == {"before": "a", "after": "b"}
    assert result["extra"] == "more" and result["proxy"] is None
    assert "k3y" not in result.everything and result.seconds > 0
    plain = run("probe", {"st2_conf": "/elsewhere"}, host=host)
    assert (plain["conf"], plain["check"], plain.get("diff")) == ("/elsewhere", False, None)
    failed = run("probe", {"want": "fail"})
    assert failed.failed and failed["msg"] == "it failed" and failed["packs"] == [1] and failed.rc
    wrong = run("probe", {"wnat": 1})
    assert wrong.failed and "wnat" in wrong["msg"]


def test_running_directly_takes_what_comes() -> None:
    assert len(run_module_directly("probe", {"want": "chatter"}).stderr) > 1_000_000
    crashed = run_module_directly("probe", {"want": "crash"})
    assert crashed.failed and crashed.rc == 3 and "no result" in crashed["msg"]
    missing = run_module_directly("nonesuch", {})
    assert missing.failed and "nonesuch" in missing.stderr


def test_a_running_module_can_be_killed_with_its_children(host: ScratchHost) -> None:
    running = start_module_directly("probe", {"want": "sleep"}, host=host)
    group = running.process.pid
    deadline = time.monotonic() + 60
    while "sleep" not in _commands(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "sleep" in _commands(group)
    running.kill()
    result = running.wait(60)
    assert result.rc == -9 and result.failed
    deadline = time.monotonic() + 60
    while _commands(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert _commands(group) == []
    with pytest.raises(subprocess.TimeoutExpired):
        run_module_directly("probe", {"want": "sleep"}, timeout=1)


def test_a_play_gives_each_result_by_name(host: ScratchHost) -> None:
    tasks: t.List[t.Dict[str, t.Any]] = [
        {"name": "first", "stackstorm.st2.probe": {}, "environment": {"EXTRA": "{{ wanted }}"}},
        {"name": "second", "stackstorm.st2.probe": {"want": "fail"}, "ignore_errors": True},
        {"name": "third", "stackstorm.st2.probe": {}, "when": False},
    ]
    play = run_play(tasks, host=host, variables={"wanted": "yes"})
    assert play.rc == 0, play.stdout + play.stderr
    assert [(found.task, found.outcome) for found in play.tasks] == [
        ("first", "ok"),
        ("second", "failed"),
        ("third", "skipped"),
    ]
    assert play["first"]["extra"] == "yes" and play[1]["msg"] == "it failed" and "PLAY RECAP" in play.stdout
    with pytest.raises(KeyError):
        play["fourth"]


def _commands(group: int) -> t.List[str]:
    """Return the names of the living processes of a group; ended ones that nobody has waited for do not count."""
    listed = subprocess.run(["ps", "-o", "stat=,comm=", "-g", str(group)], capture_output=True, text=True, check=False)
    return [line.split()[1] for line in listed.stdout.splitlines() if not line.startswith("Z")]
