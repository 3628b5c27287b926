# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the unit tests share: the tests' infrastructure on the path, the markers, and no hurry."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infrastructure.spawning import spawn_without_fork

spawn_without_fork()

# How long an example takes says how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")

# Files of tests that run git, uv or a StackStorm, or are killed, at each of many steps. Nearly all of the time goes
# into what Python and libraries have no part in, so they are run in .venv only. What they test, the other files of each
# directory go through on the oldest Python as well. Single tests of other files are marked C(once) themselves.
ONCE = (
    *(f"_change/test_{name}.py" for name in ("journal", "journal_copied", "recovery")),
    "_exchange/test_wheels.py",
    *(f"_index/test_{name}.py" for name in ("build", "published_rule", "repository")),
    *(f"_exchange/test_{name}.py" for name in ("bundle", "mirror", "mirror_killed", "mirror_servers")),
    "_override/test_run.py",
    *(
        f"_pack/test_{name}.py"
        for name in ("going_back", "in_the_way", "local_work", "run_failures", "run_interrupted")
    ),
    *(f"_pack/test_{name}.py" for name in ("resolve", "resolve_by_index_commit", "resolve_dependencies")),
    *(f"_pack/test_run_{name}.py" for name in ("interrupted_registration", "lfs", "other_letters", "registration")),
    *(f"_pack/test_{name}.py" for name in ("stage", "virtualenv_build_failures", "virtualenv_fallback")),
    *(f"_pack/test_{name}.py" for name in ("disk_usage", "planted", "run_signatures", "virtualenv_places")),
    *(f"_source/test_{name}.py" for name in ("gpg_signatures", "repository_limits", "ssh")),
    *(f"_tasks/test_{name}.py" for name in ("config_undone", "restart", "verify_database")),
)
MODULE_UTILS = Path(__file__).with_name("plugins") / "module_utils"
LONGEST_NAME = 100


def pytest_collection_modifyitems(items):
    """Mark the tests that need to run only once, whatever Pythons there are."""
    once = {MODULE_UTILS / name for name in ONCE}
    missing = [str(path) for path in once if not path.exists()]
    assert not missing, f"ONCE names what is not there: {missing}"
    for item in items:
        # Examples that are generated try values, of which each Python makes the same: the written ones are for all.
        if item.path in once or getattr(getattr(item, "obj", None), "is_hypothesis_test", False):
            item.add_marker("once")


def pytest_make_parametrize_id(val):
    """Name tests of long texts by how these begin: a name is in each report, and in the environment of programs."""
    if isinstance(val, (str, bytes)) and len(val) > LONGEST_NAME:
        return f"{val[:LONGEST_NAME]!r}..."
    return None


def pytest_configure(config):
    """Make the markers known."""
    config.addinivalue_line(
        "markers", "needs_ansible: imports ansible-core, which StackStorm's own Python does not have"
    )
    config.addinivalue_line("markers", "once: does not depend on the Python, see ONCE")
    config.addinivalue_line("markers", "real_start: programs are started with all that they are started with")


@pytest.fixture
def other_file_system(tmp_path):
    """A path on another file system than tmp_path, with nothing there; it is removed afterwards."""
    here = tmp_path.stat().st_dev
    places = (Path("/dev/shm"), Path("/var/tmp"), Path.home())
    other = next((place for place in places if os.access(place, os.W_OK) and place.stat().st_dev != here), None)
    if other is None:
        pytest.skip(f"none of {', '.join(map(str, places))} is on another file system")
    path = other / f"st2-{os.getpid()}-{tmp_path.name}"
    yield path
    shutil.rmtree(path, ignore_errors=True)


class _Programs:
    """The module subprocess for _process: programs are started without a function that runs before them.

    Such a function needs a fork of this process, whose memory of all tests makes that cost more than most programs.
    """

    def __getattr__(self, name):
        return getattr(subprocess, name)

    @staticmethod
    def Popen(*arguments, preexec_fn, **options):
        return subprocess.Popen(*arguments, **options)


@pytest.fixture(autouse=True, scope="module")
def quick_start(request):
    """Start programs without a fork, but in files about how programs are started and ended."""
    from ansible_collections.stackstorm.st2.plugins.module_utils import _process

    with pytest.MonkeyPatch.context() as patch:
        if request.node.get_closest_marker("real_start") is None:
            patch.setattr(_process, "subprocess", _Programs())
        yield
