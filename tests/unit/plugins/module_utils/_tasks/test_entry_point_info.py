# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2_entry_point_info: entry points are compiled and imported as StackStorm does, and nothing is written."""

from __future__ import annotations

import getpass
import os
import pwd
import shutil
import sys

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._entry_points.accounts import account_of
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError, HostError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.entry_point_info import check_entry_points

CANARY = "canary-52ba"
SYSTEM_PYTHON = "/usr/bin/python3"
NEEDS_ROOT = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists(SYSTEM_PYTHON),
    reason="only root can become another account, which needs a Python that it may run",
)


class Site:
    """A host with the pack demo, with a Python action for each file that is added, and its virtualenv."""

    def __init__(self, root):
        self.host = ScratchHost(root / "host")
        self.scratch = root / "scratch"
        self.scratch.mkdir()
        self.pack = self.host.packs / "demo"
        PackTree("demo", minimal=True).write(self.pack)
        shutil.rmtree(self.pack / "actions")
        python = self.host.interpreter("demo")
        python.parent.mkdir(parents=True)
        python.symlink_to(sys.executable)
        (self.host.virtualenvs / "demo" / "lib" / "python3.x" / "site-packages").mkdir(parents=True)

    def add(self, name, text="", kind="actions", entry_point=None, more=""):
        directory = self.pack / kind
        directory.mkdir(exist_ok=True)
        about = f"name: {name}\nrunner_type: python-script\n" if kind == "actions" else f"class_name: {name}\n"
        (directory / f"{name}.yaml").write_text(f"{about}entry_point: {entry_point or name + '.py'}\n{more}")
        if text is not None:
            (directory / f"{name}.py").write_text(text)

    def run(self, imported=False, pack=("demo",), fail=True, timeout=60):
        params = {"pack": pack and list(pack), "import": imported, "fail_on_error": fail, "timeout": timeout}
        host = read_host(str(self.host.st2_conf), {})
        return check_entry_points(Task(params, host, False, {}, str(self.scratch), Redactor([CANARY])))

    def errors(self, **given):
        result = self.run(fail=False, **given)
        assert result.failure is None and not result.changed
        return {row["name"]: row["error"] for row in result.returned["entry_points"]}


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_every_python_entry_point_is_compiled(site):
    site.add("good", "import nothing_that_is_there\n")
    site.add("bad", "x = 1\ndef f(:\n    pass\n")
    site.add("Watch", "class Watch:\n    pass\n", kind="sensors")
    (site.pack / "actions" / "shell.yaml").write_text("name: shell\nrunner_type: local-shell-cmd\n")
    before = site.host.snapshot()
    result = site.run()
    assert site.host.snapshot() == before, "not even bytecode is written"
    assert [tuple(row.values())[:5] for row in result.returned["entry_points"]] == [
        ("demo", "action", "bad", "actions/bad.py", False),
        ("demo", "action", "good", "actions/good.py", True),
        ("demo", "sensor", "Watch", "sensors/Watch.py", True),
    ]
    assert "cannot run 1 of 3 Python entry points: demo.bad (actions/bad.py: line 2: " in result.failure.message
    (site.pack / "actions" / "bad.yaml").unlink()
    assert site.run().msg == "2 Python entry points of 1 pack compile"


def test_what_is_not_there_or_not_in_the_pack(site):
    site.add("gone", None)
    site.add("none", None, entry_point="''")
    site.add("up", None, entry_point="../../../etc/hosts.py")
    site.add("linked", None)
    (site.pack / "actions" / "linked.py").symlink_to(site.scratch / "outside.py")
    (site.scratch / "outside.py").write_text("")
    (site.pack / "actions" / "directory.py").mkdir()
    site.add("directory", None)
    (site.pack / "actions" / "broken.yaml").write_text("a: [\n")
    errors = site.errors()
    assert "cannot be read" in errors.pop("broken.yaml")
    assert errors == {
        "gone": "is not in the pack",
        "none": "has no entry_point",
        "up": "is outside of the pack",
        "linked": "is outside of the pack",
        "directory": "is not in the pack",
    }


def test_one_process_for_a_virtualenv(site):
    started = site.scratch / "started"
    python = site.host.interpreter("demo")
    python.unlink()
    python.write_text(f'#!/bin/sh\necho started >> {started}\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for number in range(20):
        site.add(f"action{number}", f"x = {number}\n")
    assert set(site.errors().values()) == {None} and started.read_text() == "started\n"


def test_a_pack_without_a_virtualenv_is_not_run_by_stackstorm(site):
    site.add("good", "")
    site.host.interpreter("demo").unlink()
    assert "there is no virtualenv of the pack" in site.errors()["good"]
    python = site.host.interpreter("demo")
    python.write_text("#!/nowhere/python\n")
    python.chmod(0o755)
    assert "bin/python" in site.errors()["good"]


def test_all_packs_and_those_that_are_missing(site):
    site.add("good", "")
    assert "packs compile" in site.run(pack=None).msg
    result = site.run(pack=["demo", "nosuch"])
    assert result.failure.message == "Not installed: nosuch." and result.returned["missing"] == ["nosuch"]
    with pytest.raises(OptionError):
        site.run(pack=["a b"])


def test_the_timeout_ends_it(site):
    python = site.host.interpreter("demo")
    python.unlink()
    python.write_text("#!/bin/sh\nsleep 100\n")
    python.chmod(0o755)
    site.add("good", "")
    with pytest.raises(DeadlineError):
        site.run(timeout=1)


# Imports


def test_imports_find_what_is_missing(site):
    site.add("good", "import os\nimport helper\nassert helper.here\n")
    (site.pack / "actions" / "lib").mkdir()
    (site.pack / "actions" / "lib" / "helper.py").write_text("here = True\n")
    site.add("bad", "import nothing_that_is_there\n")
    site.add("leaves", "import sys\nprint('{}')\nsys.exit(3)\n")
    site.add("dies", "import os\nos.kill(os.getpid(), 9)\n")
    site.add("secret", f"raise ValueError('{CANARY}')\n")
    site.add("Watch", "class Watch:\n    pass\n", kind="sensors")
    site.add("Missing", "", kind="sensors")
    before = site.host.snapshot()
    errors = site.errors(imported=True)
    assert site.host.snapshot() == before
    assert errors.pop("bad") == "ModuleNotFoundError: No module named 'nothing_that_is_there'"
    assert CANARY not in errors["secret"] and errors.pop("secret").startswith("ValueError: ")
    assert errors == {
        "good": None,
        "leaves": "SystemExit: 3",
        "dies": "Python ended by signal 9",
        "Watch": None,
        "Missing": "there is no class Missing",
    }
    for name in ("bad", "leaves", "dies", "secret"):
        (site.pack / "actions" / f"{name}.yaml").unlink()
    (site.pack / "sensors" / "Missing.yaml").unlink()
    assert site.run(imported=True).msg == "2 Python entry points of 1 pack compile and can be imported"


def test_files_do_not_disturb_each_other(site):
    site.add("one", "import sys\nsys.modules['json'] = None\nsys.path.clear()\n")
    site.add("two", "import json\nimport decimal\n")
    assert site.errors(imported=True) == {"one": None, "two": None}


def unit(site, name, user, group=""):
    directory = site.host.root / "etc" / "systemd" / "system"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.service").write_text(f"[Service]\nUser={user}\n" + (f"Group={group}\n" if group else ""))


@NEEDS_ROOT
def test_each_is_imported_as_the_account_of_its_service(site, tmp_path):
    unit(site, "st2actionrunner@", "root")
    unit(site, "st2sensorcontainer", "nobody", "daemon")
    for path in (site.host.root, *site.host.root.parents):
        if path.stat().st_uid == os.geteuid() and path != path.parent:
            path.chmod(path.stat().st_mode | 0o055)
    site.host.interpreter("demo").unlink()
    site.host.interpreter("demo").symlink_to(SYSTEM_PYTHON)
    told = tmp_path / "told"
    told.mkdir()
    told.chmod(0o777)
    text = f"import os\nopen('{told}/%s', 'w').write(repr((os.getresuid(), os.getgid(), os.getgroups())))\n"
    site.add("good", text % "action")
    site.add("Watch", text % "sensor" + "class Watch:\n    pass\n", kind="sensors")
    assert site.errors(imported=True) == {"good": None, "Watch": None}
    nobody = pwd.getpwnam("nobody").pw_uid
    assert (told / "action").read_text().startswith("((0, 0, 0), ")
    assert (told / "sensor").read_text() == f"(({nobody}, {nobody}, {nobody}), 1, [1])"


def test_the_account_is_what_the_unit_says(site, monkeypatch):
    root = str(site.host.root)
    assert account_of(root, "action") is None and account_of(root, "sensor") is None
    unit(site, "st2actionrunner@", getpass.getuser())
    assert account_of(root, "action") is None, "it is this one"
    unit(site, "st2sensorcontainer", "no_such_account")
    with pytest.raises(HostError, match="no_such_account, which the service of sensors uses, does not exist"):
        account_of(root, "sensor")
    monkeypatch.setattr(os, "geteuid", lambda: 12345)
    with pytest.raises(HostError, match="only root can import their files as that account"):
        account_of(root, "action")
