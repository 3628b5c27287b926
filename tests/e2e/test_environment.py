# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2_environment and st2_proxy_info end to end: the files of services, and what comes out of runs."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

import pytest
from e2e.scene import warnings
from infrastructure.ansible_run import ModuleResult
from infrastructure.st2_host import ScratchHost
from infrastructure.systemd import Systemd
from infrastructure.warm_modules import warm_modules

CANARY = "c4nary"


class Site:
    """A host with StackStorm's units."""

    def __init__(self, root: Path) -> None:
        self.host = ScratchHost(root / "host")
        Systemd(self.host)

    def file(self, service: str, folder: str = "default") -> Path:
        """An environment file."""
        return self.host.root / "etc" / folder / service

    def unit(self, name: str) -> Path:
        """The file of a unit."""
        return self.host.root / "lib" / "systemd" / "system" / f"{name}.service"

    def run(self, *names: str, check: bool = False, **given: t.Any) -> ModuleResult:
        """Run the module."""
        return warm_modules.run(
            "st2_environment", {"name": list(names), **given}, check=check, diff=True, host=self.host
        )

    def converge(self, *names: str, **given: t.Any) -> ModuleResult:
        """Check, run, check again, run again; only the first run changes anything, and the check has said so."""
        before = self.host.snapshot(identity=True)
        predicted = self.run(*names, check=True, **given)
        assert self.host.snapshot(identity=True) == before
        done = self.run(*names, **given)
        assert not done.failed and done.changed, done.everything
        assert all(predicted.get(key) == done.get(key) for key in ("msg", "files", "restart_needed", "diff"))
        settled = self.host.snapshot(identity=True)
        for check in (True, False):
            again = self.run(*names, check=check, **given)
            assert not again.failed and not again.changed and again["restart_needed"] == []
        assert self.host.snapshot(identity=True) == settled
        return done


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_there_and_back(site: Site) -> None:
    site.file("st2actionrunner").write_text("WORKERS=4\nA=theirs\n")
    site.file("st2actionrunner").chmod(0o644)
    before = site.host.snapshot()
    done = site.converge("st2api", "st2actionrunner", "st2stream", variables={"A": "one two", "B": 3})
    assert done["restart_needed"] == ["st2actionrunner", "st2api"]
    assert [Path(one["path"]).name for one in done["files"]] == ["st2api", "st2actionrunner"], "st2stream is not here"
    assert "-A=theirs" not in str(done["diff"]) and {"A=theirs\n", "# mode 0644\nA=theirs\n"} & {
        one["before"] for one in done["diff"]
    }
    assert site.file("st2actionrunner").read_text().startswith("WORKERS=4\nA=theirs\n# BEGIN")
    assert 'A="one two"\nB=3\n' in site.file("st2api").read_text()
    assert site.file("st2api").stat().st_mode & 0o777 == 0o640
    site.converge("st2api", variables={"A": None, "C": ""})
    done = site.converge("st2api", "st2actionrunner", state="absent", variables={"A": "x", "B": None, "C": None})
    assert site.host.snapshot() == before


@pytest.mark.parametrize("names", [("st2actionrunner", "st2api"), ("st2api", "st2actionrunner")])
def test_a_file_that_cannot_be_written_is_not_changed(site: Site, names: t.Tuple[str, str]) -> None:
    site.file("st2actionrunner").symlink_to("/proc/version")
    failed = site.run(*names, variables={"A": "1"})
    assert failed.failed and "cannot be changed" in failed["msg"]
    written = site.file("st2api").exists()
    assert written == (names[0] == "st2api"), "nothing is written after the failure"
    assert failed.changed == written
    changed = {Path(one["path"]).name: one["changed"] for one in failed["files"]}
    assert changed == {"st2api": written, "st2actionrunner": False}
    assert failed["restart_needed"] == (["st2api"] if written else [])


def test_red_hat_and_other_units(site: Site) -> None:
    site.unit("st2api").write_text("[Service]\nEnvironmentFile=-/etc/sysconfig/st2api\nEnvironmentFile=-/etc/more\n")
    site.file("st2api", "sysconfig").parent.mkdir()
    (site.host.root / "etc" / "more").write_text("A=more\n")
    done = site.run("st2api", variables={"A": "1", "B": "2"})
    assert site.file("st2api", "sysconfig").exists() and not site.file("st2api").exists()
    assert (
        done["restart_needed"] == ["st2api"] and "A of " in warnings(done)[0] and "is read later" in warnings(done)[0]
    )
    assert len(warnings(done)) == 1
    site.unit("st2notifier").write_text("[Service]\nExecStart=/bin/true\n")
    failed = site.run("st2notifier", "st2sensorcontainer", variables={"A": "1"})
    assert (
        failed.failed and "reads no environment file" in failed["msg"] and not site.file("st2sensorcontainer").exists()
    )
    site.unit("st2notifier").unlink()
    os.symlink("/dev/null", site.unit("st2notifier"))
    done = site.run("st2notifier", "st2auth", variables={"A": "1"})
    assert not done.changed and "has none of the services st2notifier, st2auth" in warnings(done)[0]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"variables": {"A-B": CANARY}}, "cannot be the name"),
        ({"variables": {"A": f"{CANARY}\nx"}}, "more than one line"),
        ({"variables": {"A": [CANARY]}}, "must be text"),
        ({"variables": {"A": True}}, "must be text"),
        ({"variables": {"A": CANARY}, "name": ["sshd"]}, "sshd"),
    ],
)
def test_what_cannot_be_is_refused(site: Site, given: t.Dict[str, t.Any], told: str) -> None:
    before = site.host.snapshot(identity=True)
    failed = site.run("st2api", **given)
    assert failed.failed and told in failed["msg"] and CANARY not in failed.everything, failed.everything
    assert site.host.snapshot(identity=True) == before


def test_a_file_that_cannot_be_added_to_is_named_and_left(site: Site) -> None:
    site.file("st2actionrunner").write_text(f'A="{CANARY}\n')
    before = site.host.snapshot(identity=True)
    failed = site.run("st2api", "st2actionrunner", variables={"A": CANARY})
    assert failed.failed and "st2actionrunner ends in the middle of a value" in failed["msg"]
    assert CANARY not in failed.everything and site.host.snapshot(identity=True) == before


def test_a_password_comes_out_nowhere(site: Site) -> None:
    site.file("st2api").write_text(
        f"https_proxy=http://me:old-{CANARY}@x:1\nMY_PASSWORD=old-{CANARY}\nOTHER={CANARY}\n"
    )
    for check in (True, False):
        values = {"https_proxy": f"http://me:{CANARY}@x:1", "MY_PASSWORD": CANARY}
        done = site.run("st2api", check=check, variables=values)
        assert done.changed and "https_proxy=http://********@x:1" in str(done["diff"])
        assert CANARY not in done.everything, done.everything
    assert f"MY_PASSWORD={CANARY}\n" in site.file("st2api").read_text()
    info = warm_modules.run("st2_proxy_info", {}, host=site.host)
    assert info["proxy"]["https_proxy"] is None, "which only st2api has"
    site.run("st2actionrunner", variables={"https_proxy": f"http://me:{CANARY}@127.0.0.1:9"})
    site.host.configure("content", index_url="https://index.example.com/")
    info = warm_modules.run("st2_proxy_info", {"probe": ["index", "git"], "timeout": 30}, host=site.host)
    assert info["proxy"]["https_proxy"] == "http://********@127.0.0.1:9"
    assert [one["reached"] for one in info["probes"]] == [False, False], info.everything
    assert CANARY not in info.everything and not info.changed
    refused = warm_modules.run(
        "st2_proxy_info", {"probe": ["git"], "git_url": f"https://me:{CANARY}@x/"}, host=site.host
    )
    assert refused.failed and "must not contain a user name" in refused["msg"] and CANARY not in refused.everything
