# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What uv refuses and pip installs: with C(auto) that is done and said; and what is said where neither installs it."""

from __future__ import annotations

import os
import shutil
import sys
import zipfile
from pathlib import Path

import pytest
from infrastructure.repositories import run_git
from infrastructure.servers import GitDaemon

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VirtualenvError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_failure import reason
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import (
    Site,
    converge,
    released,
    row_of,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.test_virtualenv_places import (
    build,
    repository,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.virtualenv_workshop import (
    Workshop,
    package_index,
    version_of,
)

pytestmark = [
    pytest.mark.skipif(
        not shutil.which("uv", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])),
        reason="the program uv is missing",
    ),
]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with package_index(tmp_path_factory.mktemp("packages")) as packages:
        yield packages


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, index):
    made = Workshop(tmp_path_factory.mktemp("auto"), index, "auto")
    made.builder().ensure_base()
    return made


def test_old_addresses_of_repositories(workshop, tmp_path):
    run_git("clone", "--quiet", "--bare", repository(tmp_path / "source"), tmp_path / "served" / "gitlib.git")
    with GitDaemon(tmp_path / "served", tmp_path) as daemon:
        live, _pack, builder = build(workshop, "git_git", f"git+{daemon.url}/gitlib.git#egg=gitlib")
    assert version_of(live, "gitlib") == "4.0.0"
    (warning,) = builder.warnings
    assert warning.startswith("uv does not install the requirements of git_git 1.2.0 (") and "so pip did" in warning
    assert builder.fell_back("git_git")


def test_old_packages_with_an_odd_requires_python(workshop, index):
    wheel = index.add("olddep", "1.0.0")
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["olddep-1.0.0.dist-info/METADATA"] += b"Requires-Python: >=2.7, !=3.0.x, or so\n"
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    live, _pack, builder = build(workshop, "old", "olddep")
    assert version_of(live, "olddep") == "1.0.0"
    assert builder.fell_back("old") and len(builder.warnings) == 1


def test_a_constraint_of_the_host_that_uv_cannot_read(tmp_path, index):
    """It counts for every call of uv, the first one too."""
    constraint = tmp_path / "constraint.txt"
    constraint.write_text("tinydep==1.0.0\notherdep @ git+git://127.0.0.1:1/other.git\n")
    shop = Workshop(tmp_path, index, "auto", PIP_CONSTRAINT=str(constraint))
    live, _pack, builder = build(shop, "constrained", "tinydep")
    assert version_of(live, "tinydep") == "1.0.0"
    assert builder.backend in ("virtualenv", "venv")
    assert builder.warnings[0].startswith("uv cannot create virtualenvs here, so ")


def test_who_asks_for_uv_gets_uv_or_nothing(tmp_path, index):
    constraint = tmp_path / "constraint.txt"
    constraint.write_text("tinydep==1.0.0\notherdep @ git+git://127.0.0.1:1/other.git\n")
    shop = Workshop(tmp_path, index, "uv", PIP_CONSTRAINT=str(constraint))
    with pytest.raises(VirtualenvError, match="A virtualenv cannot be created with uv: "):
        shop.builder().ensure_base()


@pytest.mark.parametrize("backend", ["uv", "venv", "auto"])
@pytest.mark.parametrize(
    "requirements, names",
    [
        (["tinydep", "nosuchdep>=2"], "nosuchdep>=2"),
        (["tinydep==9.0.0"], "tinydep==9.0.0"),
        (["conflictdep", "tinydep==2.0.0"], "tinydep==2.0.0"),
    ],
)
def test_the_first_sentence_names_pack_and_package_and_the_words_stand_once(
    tmp_path, index, backend, requirements, names
):
    shop = Workshop(tmp_path, index, backend)
    with pytest.raises(VirtualenvError) as raised:
        build(shop, "broken", *requirements)
    message, words = raised.value.message, raised.value.stderr
    assert message.startswith("The requirements of broken 1.2.0 cannot be installed: ")
    assert names in message.partition(". ")[0]
    assert len(message) < 300 and "\n" not in message
    assert words and not any(line.strip() in message for line in words.splitlines() if len(line.strip()) > 60)


def test_a_library_that_cannot_be_built_is_named(workshop):
    pack = Path(workshop.pack("unbuilt"))
    (pack / "lib").mkdir()
    (pack / "lib" / "pyproject.toml").write_text(
        '[project]\nname = "unbuilt"\nversion = "1"\n[build-system]\nrequires = []\nbuild-backend = "nosuchbackend"\n'
    )
    with pytest.raises(VirtualenvError) as raised:
        build(workshop, "unbuilt", "./lib")
    assert "nosuchbackend" in raised.value.stderr
    assert "lib" in raised.value.message and len(raised.value.message) < 300


def test_a_result_names_what_made_a_virtualenv(tmp_path, index):
    site = Site(tmp_path, released("sensu", "1.0.0", requirements=["tinydep"]))
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    options = {"virtualenv": "auto", "environment": {**index.environment(), "PATH": path}}
    row = row_of(converge(site, "sensu", **options))
    assert (row["virtualenv"], row["virtualenv_backend"]) == ("built", "uv")
    python = "{}.{}".format(*sys.version_info[:2])
    assert row["virtualenv_python"].startswith(f"{python} (/")
    assert "virtualenv_backend" not in row_of(site.run("sensu", **options))


@pytest.mark.parametrize(
    "said, clause",
    [
        ("ERROR: No matching distribution found for a>=2\n", "no matching package for a>=2"),
        ("ERROR: Cannot install a and b==1 because these package versions have conflicting", "a and b==1 conflict"),
        ("  ERROR: Failed building wheel for mysqlclient\n", "mysqlclient cannot be built"),
        ('  File "/tmp/pip-install-x8/my_sql_0e3f2c58503f40c598e1697b553032d8/setup.py"', "my_sql cannot be built"),
        ("error: Failed to build `own @ file:///x`\n", "own @ file:///x cannot be fetched or built"),
        ("OSError: disk on fire.\n", "disk on fire"),
        ("", "it ended with exit status 1 and no error message"),
        (
            "  x No solution found when resolving dependencies:\n  `-> Because c==1.0.0 depends on t<2.0.0 and\n"
            "      only c==1 is available, we can. And because you require c\n      and t==2, we can conclude that",
            "c and t==2 cannot be installed together",
        ),
    ],
)
def test_what_programs_say_as_a_clause(said, clause):
    assert reason(said).startswith(clause)


def test_the_package_at_work_is_named_where_the_failure_names_none():
    assert reason("error: odd\n", "Collecting one\nCollecting two==2\n  Downloading x\n") == "two==2: odd"
