# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program of an Exchange as one file: the same bytes every time, complete, and nothing of Ansible in it."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest
from infrastructure.environment import clean_environment

from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.assets import NAMES
from ansible_collections.stackstorm.st2.plugins.plugin_utils.exchange_program import collection_version, write_program

IMPORT_ALL = """
import importlib, sys
sys.path.insert(0, {archive!r})
for name in {modules!r}:
    importlib.import_module(name)
assert "ansible" not in sys.modules
"""


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    path = tmp_path_factory.mktemp("program") / "one.pyz"
    return path, write_program(str(path))


def run(archive, *arguments):
    command = [sys.executable, "-I", str(archive), *arguments]
    return subprocess.run(command, env=clean_environment(), capture_output=True, text=True, cwd="/", check=False)


def test_it_is_the_same_every_time_and_runs_alone(tmp_path, archive):
    one, version = archive
    other = tmp_path / "other.pyz"
    assert write_program(str(other)) == version and one.read_bytes() == other.read_bytes()
    assert version.startswith(f"{collection_version()} (")
    told = run(one, "--version")
    assert (told.returncode, told.stdout, told.stderr) == (0, f"st2-exchange {version}\n", "")
    with zipfile.ZipFile(one) as opened:
        names = opened.namelist()
        assert names == sorted(names)
        assert {name.rpartition("/")[2] for name in names if "plugin_utils" in name} == set(NAMES)
        assert not [name for name in names if "_tasks" in name or "_runner" in name]
        program = [name for name in names if name.endswith(".py")]
        # Each is a module of the archive, also those that only one function imports.
        modules = [name[:-3].replace("/", ".").replace(".__init__", "") for name in program if name != "__main__.py"]
    code = IMPORT_ALL.format(archive=str(one), modules=modules)
    done = subprocess.run(
        [sys.executable, "-I", "-c", code],
        env=clean_environment(),
        capture_output=True,
        text=True,
        cwd="/",
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_wrong_use_is_said_in_sentences(tmp_path, archive):
    program, _version = archive
    wrong = run(program, "--settings", str(tmp_path / "none.yml"), "update")
    assert wrong.returncode == 2 and "Traceback" not in wrong.stderr
    assert wrong.stderr.startswith("The settings cannot be read:") and wrong.stderr.count("\n") == 1
    assert run(program).returncode == 2 and run(program, "publish").returncode == 2
