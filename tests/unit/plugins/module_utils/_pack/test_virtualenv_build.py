# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Virtualenvs that are really made, by uv, virtualenv and venv, from a package index on loopback."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VirtualenvError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv import (
    MARKER,
    may_stay,
    observe_virtualenv,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_paths import site_packages
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.virtualenv_workshop import (
    PYTHON,
    Workshop,
    ask,
    package_index,
    scripts,
    version_of,
)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with package_index(tmp_path_factory.mktemp("packages")) as packages:
        yield packages


@pytest.fixture(scope="module", params=["uv", "virtualenv", "venv"])
def workshop(request, tmp_path_factory, index):
    """One per backend, with its base made."""
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if request.param != "venv" and not shutil.which(request.param, path=beside):
        pytest.skip(f"the program {request.param} is missing")
    made = Workshop(tmp_path_factory.mktemp(request.param), index, request.param)
    assert made.backend.name == request.param
    try:
        made.builder().ensure_base()
    except VirtualenvError as error:
        if "no longer ships pip" in error.stderr:
            pytest.skip("this program virtualenv makes no virtualenvs for the Python that runs the tests any more")
        raise
    return made


@pytest.fixture(scope="module")
def first(workshop):
    return workshop.make("first", "middledep", "tinydep==1.0.0", "# a comment", "")


@pytest.fixture(scope="module")
def second(workshop, first):
    """Made after the first one; others see to it that it changes."""
    return workshop.make("second", "tinydep==1.0.0")


# For every backend


def test_what_is_built_works_in_its_place_with_what_the_pack_requires(first):
    assert version_of(first, "middledep") == "1.0.0"
    assert version_of(first, "tinydep") == "1.0.0"
    assert version_of(first, "six") == "1.16.0"
    assert ask(first / "bin" / "python", "import sys; print(sys.prefix)") == str(first)
    assert version_of(first, "st2common_stand_in") == "3.9.0", "the .pth file leads to StackStorm's packages"
    names = os.listdir(site_packages(str(first)))
    assert max(name for name in names if name.endswith(".pth")) == "zzzzzzzzzz__st2__.pth"


def test_its_scripts_name_the_place_where_it_lives(first):
    found = scripts(first)
    assert "pip" in found
    for name, content in found.items():
        assert str(first).encode() in content, name
    for path in [*(first / "bin").iterdir(), first / "pyvenv.cfg"]:
        if path.is_file() and not path.is_symlink() and path.stat().st_size < 1 << 20:
            assert b".stackstorm.st2" not in path.read_bytes(), path
    done = subprocess.run([str(first / "bin" / "pip"), "--version"], capture_output=True, text=True, check=True)
    assert str(first) in done.stdout


def test_what_was_built_is_recognised_and_may_stay(workshop, first):
    found = observe_virtualenv(workshop.directory, "first")
    assert found.health == "ok"
    assert (found.python, found.version) == (PYTHON, "{}.{}".format(*sys.version_info[:2]))
    pack = workshop.pack("first", "middledep", "tinydep==1.0.0", "# a comment", "")
    assert may_stay(found, workshop.settings, workshop.interpreters, pack, adopted=False)
    pack = workshop.pack("first", "tinydep==2.0.0")
    assert not may_stay(found, workshop.settings, workshop.interpreters, pack, adopted=False)
    assert json.loads((first / MARKER).read_text())["inputs"]["python"] == PYTHON


@pytest.mark.once
def test_one_that_changes_its_files_changes_them_for_itself_alone(workshop, first, second):
    base = workshop.builder().ensure_base()
    before = [take_snapshot(place, exclude=("__pycache__",)) for place in (base, first)]
    # As contrib/packs packs.setup_virtualenv does with update: bin/pip install -U; and worse.
    for arguments in (
        ["install", "-U", "tinydep"],
        ["install", "--force-reinstall", "six"],
        ["uninstall", "-y", "pip"],
    ):
        command = [str(second / "bin" / "python"), "-m", "pip", *arguments, "--quiet"]
        subprocess.run(command, env=workshop.environment, check=True, capture_output=True)
    assert version_of(second, "tinydep") == "2.0.0"
    assert not (second / "bin" / "pip").exists()
    assert [take_snapshot(place, exclude=("__pycache__",)) for place in (base, first)] == before
    assert version_of(first, "tinydep") == "1.0.0"
