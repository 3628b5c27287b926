# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scratch host is shaped and read back as a StackStorm host is."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.snapshot import compare, take_snapshot
from infrastructure.st2_host import SYSTEM_PACKS, ActionFailed, ScratchHost


@pytest.fixture
def host(tmp_path: Path) -> ScratchHost:
    return ScratchHost(tmp_path / "host", index_url=["https://a.example.com/i.json", "https://b.example.com/i.json"])


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    repository = GitRepository(tmp_path / "demo.git")
    repository.release(PackTree("demo", "1.0.0"))
    repository.release(PackTree("demo", "1.1.0"))
    return repository.build()


def test_the_host_says_where_everything_is(host: ScratchHost) -> None:
    conf = configparser.ConfigParser()
    conf.read(host.st2_conf)
    assert conf["system"]["base_path"] == str(host.base_path)
    assert conf["content"]["system_packs_base_path"] == str(host.packs)
    assert conf["content"]["index_url"] == "https://a.example.com/i.json,https://b.example.com/i.json"
    assert conf["content"]["pack_group"] == host.group
    python = conf["actionrunner"]["python_binary"]
    code = "import st2common, sys; print(st2common.__version__, sys.prefix)"
    found = subprocess.run([python, "-I", "-B", "-c", code], capture_output=True, text=True, check=True).stdout
    assert found.split() == ["3.9.0", str(host.service)]
    assert {path.name for path in host.packs.iterdir()} == set(SYSTEM_PACKS) and host.installed() == []
    assert host.pack_version("core") == "3.9.0" and host.pack_version("demo") is None


def test_settings_can_be_changed(tmp_path: Path) -> None:
    host = ScratchHost(tmp_path / "host", packs_base_paths=["srv/one", "srv/two"], libraries=[tmp_path])
    (tmp_path / "someone_elses_library.py").write_text("__version__ = '5'\n")
    host.configure("content", pack_group=None, index_url="https://c.example.com/")
    host.configure("packs", enable_common_libs="true")
    conf = configparser.ConfigParser()
    conf.read(host.st2_conf)
    assert "pack_group" not in conf["content"] and conf["content"]["index_url"] == "https://c.example.com/"
    assert conf["content"]["packs_base_paths"] == f"{host.root}/srv/one:{host.root}/srv/two"
    assert conf["packs"]["enable_common_libs"] == "true"
    python = [str(host.service / "bin" / "python"), "-I", "-B", "-c"]
    subprocess.run([*python, "import someone_elses_library"], check=True)
    assert host.set_service_environment(https_proxy="http://p:1").read_text() == "https_proxy=http://p:1\n"
    host.place(PackTree("mine"), "mine", host.extra_base_paths[1])
    assert host.installed() == ["mine"]


def test_a_snapshot_sees_every_change(host: ScratchHost) -> None:
    before, plain = host.snapshot(identity=True), host.snapshot()
    assert not compare(before, host.snapshot(identity=True)) and "home" not in before
    conf = host.st2_conf.relative_to(host.root).as_posix()
    text = host.st2_conf.read_text()
    host.st2_conf.unlink()
    host.st2_conf.write_text(text)
    assert compare(before, host.snapshot(identity=True)).changed == ["etc/st2", conf]
    assert not compare(plain, host.snapshot())
    before = host.snapshot()
    host.place(PackTree("demo", minimal=True), "demo")
    (host.packs / "core" / "pack.yaml").chmod(0o600)
    os.symlink("core", str(host.packs / "link"))
    (host.packs / "linux" / "pack.yaml").unlink()
    host.st2_conf.write_text("other")
    (host.home / "anything").write_text("is no part of the host")
    found = compare(before, host.snapshot())
    assert {"opt/stackstorm/packs/demo/pack.yaml", "opt/stackstorm/packs/link"} <= set(found.added)
    assert found.removed == ["opt/stackstorm/packs/linux/pack.yaml"]
    assert found.changed == [conf, "opt/stackstorm/packs/core/pack.yaml"]
    assert not [path for path in host.snapshot(exclude=["packs"]) if "packs" in path]
    assert "pack.yaml" not in take_snapshot(host.packs / "demo", exclude=["pack.yaml"])


def test_a_pack_installed_by_st2_reads_back(host: ScratchHost, repository: GitRepository) -> None:
    old = repository.tags["v1.0.0"]
    host.install_like_st2(repository, "demo", "v1.0.0", "https://git.example.com/demo")
    assert (host.head("demo"), host.branch("demo"), host.pack_version("demo")) == (old.sha, "main", "1.0.0")
    assert host.origin("demo") == "https://git.example.com/demo" and host.installed() == ["demo"]
    assert host.edited("demo"), "git sees the modes that StackStorm sets"
    assert (host.packs / "demo" / "pack.yaml").stat().st_mode & 0o777 == 0o775
    before = host.snapshot(identity=True)
    host.head("demo"), host.edited("demo"), host.branch("demo")
    assert not compare(before, host.snapshot(identity=True)), "reading writes nothing"
    host.place(PackTree("plain"), "plain")
    assert host.head("plain") is None


def test_actions_run_as_stackstorm_runs_them(host: ScratchHost) -> None:
    host.place(PackTree("demo", "1.2.0"), "demo")
    assert host.run_action("core", "report")["prefix"] == str(host.service)
    assert host.run_action("demo", "greet", who="you") == "hello you"
    with pytest.raises(ActionFailed, match="does not exist"):
        host.run_action("demo", "report")
    virtualenv = host.virtualenvs / "demo"
    command = [str(host.service / "bin" / "python"), "-m", "venv", "--without-pip", str(virtualenv)]
    subprocess.run(command, check=True, capture_output=True)
    result = host.run_action("demo", "report", message="up")
    assert (result["pack"], result["version"], result["message"]) == ("demo", "1.2.0", "up")
    assert result["prefix"] == str(virtualenv) and result["executable"] == str(host.interpreter("demo"))
    assert host.virtualenv_imports("demo", "json") and host.virtualenv_imports("demo", "st2common") is None
    site = next(virtualenv.glob("lib/python3*/site-packages"))
    (site / "st2.pth").write_text(f"{host.site_packages}\n")
    assert host.virtualenv_imports("demo", "st2common") == "3.9.0"
    with pytest.raises(ActionFailed, match="no action"):
        host.run_action("demo", "nothing")


def test_actions_that_lack_a_module_fail(host: ScratchHost) -> None:
    host.place(PackTree("needy", imports=["tinydep"]), "needy")
    host.interpreter("needy").parent.mkdir(parents=True)
    host.interpreter("needy").symlink_to(sys.executable)
    with pytest.raises(ActionFailed, match="tinydep"):
        host.run_action("needy", "report")
