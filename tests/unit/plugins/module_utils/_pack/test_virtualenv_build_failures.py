# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Virtualenvs that cannot be made, the base that all start from, and the moving of paths."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest
from infrastructure.servers import PackageIndex, build_wheel
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError, VirtualenvError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_paths import (
    clone_tree,
    retarget,
    site_packages,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.virtualenv_workshop import (
    Workshop,
    package_index,
    version_of,
)


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with package_index(tmp_path_factory.mktemp("packages")) as packages:
        yield packages


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, index):
    """The quickest backend there is, with its base made before any test has spoilt the index."""
    made = Workshop(tmp_path_factory.mktemp("quick"), index, "auto")
    made.builder().ensure_base()
    return made


def fails(workshop, ref, *requirements, seconds=120):
    builder = workshop.builder(seconds)
    base = workshop.builder().ensure_base()
    with pytest.raises((VirtualenvError, DeadlineError)) as raised:
        builder.build(base, ref, workshop.pack(ref, *requirements), workshop.staged(ref))
    shutil.rmtree(workshop.staged(ref))
    return raised.value


# What goes wrong


def test_a_requirement_that_cannot_be_had_leaves_the_live_virtualenv_untouched(workshop):
    live = workshop.make("broken", "tinydep==1.0.0")
    before = take_snapshot(live)
    error = fails(workshop, "broken", "tinydep==2.0.0", "nosuchdep")
    assert isinstance(error, VirtualenvError)
    assert error.message.startswith("The requirements of broken cannot be installed: ")
    assert "nosuchdep" in error.stderr
    assert (error.ref, error.step) == ("broken", "virtualenv")
    assert take_snapshot(live) == before
    assert version_of(live, "tinydep") == "1.0.0"


def test_requirements_that_contradict_each_other_are_refused(workshop):
    error = fails(workshop, "torn", "conflictdep", "tinydep==2.0.0")
    assert "tinydep" in error.stderr


def test_a_pack_that_takes_six_away_is_refused(workshop, index):
    index.add("six", "1.17.0", code="raise ImportError('broken six')")
    try:
        error = fails(workshop, "sixless", "six==1.17.0")
    finally:
        (index.directory / "six-1.17.0-py3-none-any.whl").unlink()
    assert "broken six" in error.stderr


def test_the_time_of_the_task_ends_it(workshop):
    error = fails(workshop, "slow", "tinydep", seconds=0.01)
    assert isinstance(error, DeadlineError)
    assert "The timeout of 0.01 s ran out" in error.message


def test_no_password_of_the_package_index_is_told(tmp_path, index):
    with PackageIndex(tmp_path / "packages", username="user", password="hunter2") as guarded:
        url = guarded.index_url.replace("//", "//user:hunter2@")
        shop = Workshop(tmp_path, index, "auto", PIP_INDEX_URL=url, UV_INDEX_URL=url)
        shop.builder().ensure_base()
        error = fails(shop, "secret", "nosuchdep")
        assert "nosuchdep" in error.stderr
        assert "hunter2" not in error.message + error.stderr
        live = shop.make("well", "tinydep")
        assert [path for path in live.rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()] == []


def test_files_of_the_pack_can_be_required_by_their_relative_path(workshop):
    pack = Path(workshop.pack("local"))
    build_wheel(pack / "wheels", "localdep", "4.0.0")
    (pack / "more.txt").write_text("tinydep==1.0.0\n")
    live = workshop.make("local", "./wheels/localdep-4.0.0-py3-none-any.whl", "-r more.txt")
    assert (version_of(live, "localdep"), version_of(live, "tinydep")) == ("4.0.0", "1.0.0")


def test_what_python_path_says_is_not_taken_for_installed(tmp_path, index):
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "six.py").write_text("raise ImportError('not this one')\n")
    shop = Workshop(tmp_path, index, "auto", PYTHONPATH=str(tmp_path / "lib"))
    assert version_of(shop.make("calm"), "six") == "1.16.0"


def test_of_several_indexes_the_best_version_is_taken_as_pip_does(tmp_path, index):
    with PackageIndex(tmp_path / "more") as more:
        (more.directory / "tinydep-2.0.0-py3-none-any.whl").unlink()
        shop = Workshop(tmp_path, index, "auto", PIP_EXTRA_INDEX_URL=more.index_url)
        assert version_of(shop.make("sensu", "tinydep>=2"), "tinydep") == "2.0.0"


# The base


def test_the_base_is_made_once(workshop):
    base = workshop.builder().ensure_base()
    before = take_snapshot(base, identity=True)
    assert workshop.builder().ensure_base() == base
    assert take_snapshot(base, identity=True) == before
    assert os.listdir(workshop.directory.bases) == [os.path.basename(base)]


def test_a_pack_without_requirements_gets_what_the_base_has_and_no_more(workshop):
    base = workshop.builder().ensure_base()
    live = workshop.make("plain")
    extra = take_snapshot(live, exclude=("__pycache__",)).keys() - take_snapshot(base).keys()
    assert extra == {".stackstorm.st2.json"}


def test_other_options_make_another_base_and_what_was_built_goes_on_working(tmp_path, index):
    shop = Workshop(tmp_path, index, "auto")
    live = shop.make("sensu", "tinydep")
    first = shop.builder().ensure_base()
    other = Workshop(tmp_path, index, "auto", options=())
    second = other.builder().ensure_base()
    assert second != first
    assert os.listdir(shop.directory.bases) == [os.path.basename(second)], "the outdated one is gone"
    assert version_of(live, "tinydep") == "2.0.0"
    assert shop.staging.clear() == other.staging.clear() == []
    assert os.listdir(shop.directory.staging) == ["1-aa"], "and nothing but this test's own staging is left"


def test_a_base_that_cannot_be_made_leaves_nothing(tmp_path, index):
    for wheel in index.wheels("six"):
        wheel.rename(f"{wheel}.away")
    try:
        shop = Workshop(tmp_path, index, "auto")
        with pytest.raises(
            VirtualenvError, match="A virtualenv cannot be created with venv: no matching package for six"
        ) as raised:
            shop.builder().ensure_base()
        assert "six" in raised.value.stderr
    finally:
        for wheel in index.directory.glob("*.away"):
            wheel.rename(str(wheel)[: -len(".away")])
    assert os.listdir(shop.directory.bases) == []
    assert shop.staging.clear() == os.listdir(shop.directory.staging) == []
    assert os.path.isdir(shop.builder().ensure_base()), "and the next run makes it"


def test_no_time_is_left_to_make_a_base(tmp_path, index):
    shop = Workshop(tmp_path, index, "auto")
    shop.interpreters.look(shop.settings.python)
    with pytest.raises(DeadlineError):
        shop.builder(0.01).ensure_base()
    assert os.listdir(shop.directory.bases) == []


def test_pip_comes_from_python_itself_where_the_index_has_none(tmp_path):
    with PackageIndex(tmp_path / "packages") as packages:
        shop = Workshop(tmp_path, packages, "auto")
        live = shop.make("sensu")
    assert (live / "bin" / "pip").exists()
    assert str(live) in (live / "bin" / "pip").read_text()


def test_without_a_stackstorm_to_lead_to_there_is_no_path_file(tmp_path, index):
    shop = Workshop(tmp_path, index, "auto", st2=False)
    live = shop.make("sensu")
    assert [name for name in os.listdir(site_packages(str(live))) if "st2" in name] == []


# Paths


@pytest.fixture
def tree(tmp_path):
    """What a virtualenv has that names a path, and what only looks like it."""
    root = tmp_path / "old"
    packages = root / "lib" / "python3.9" / "site-packages"
    (root / "bin").mkdir(parents=True)
    packages.mkdir(parents=True)
    (root / "pyvenv.cfg").write_text(f"home = /usr/bin\ncommand = python -m venv {root}\n")
    (root / "bin" / "pip").write_text(f"#!{root}/bin/python\nprint('{root}')\n")
    (root / "bin" / "pip").chmod(0o755)
    (root / "bin" / "odd").write_bytes(b"#!" + os.fsencode(root) + b"/bin/python\n\xff\xfe\n")
    (root / "bin" / "program").write_bytes(b"\x7fELF\0" + os.fsencode(root) + b"\0")
    (root / "bin" / "large").write_text(f"#!{root}/bin/python\n" + "#" * (1 << 20))
    (root / "bin" / "python").symlink_to(f"{root}/bin/python3.9")
    (packages / "way.pth").write_text(f"{root}/src\n")
    (packages / "module.py").write_text(f"PLACE = '{root}'\n")
    (packages / "cached.pyc").write_bytes(b"\0" + os.fsencode(root) + b"\0")
    (packages / "other.pyc").write_bytes(b"\0/elsewhere\0")
    return root


def test_scripts_and_path_files_name_the_new_place(tree):
    before = take_snapshot(tree)
    retarget(str(tree), {str(tree): "/new/place"})
    packages = tree / "lib" / "python3.9" / "site-packages"
    assert (tree / "pyvenv.cfg").read_text() == "home = /usr/bin\ncommand = python -m venv /new/place\n"
    assert (tree / "bin" / "pip").read_text() == "#!/new/place/bin/python\nprint('/new/place')\n"
    assert (tree / "bin" / "odd").read_bytes() == b"#!/new/place/bin/python\n\xff\xfe\n"
    assert (packages / "way.pth").read_text() == "/new/place/src\n"
    assert stat.S_IMODE((tree / "bin" / "pip").stat().st_mode) == 0o755
    after = take_snapshot(tree)
    changed = {"pyvenv.cfg", "bin/pip", "bin/odd", "bin/large", "bin/python"}
    changed |= {f"lib/python3.9/site-packages/{name}" for name in ("way.pth", "module.py", "cached.pyc")}
    assert {path for path in before if before[path] != after.get(path)} == changed, "programs are left alone"
    assert before.keys() - after.keys() == {"lib/python3.9/site-packages/cached.pyc"}, "Python can make it again"
    assert os.readlink(tree / "bin" / "python") == "/new/place/bin/python3.9"


def test_nothing_is_written_where_nothing_moves(tree):
    before = take_snapshot(tree, identity=True)
    retarget(str(tree), {str(tree): str(tree)})
    retarget(str(tree), {"/somewhere/else": "/new/place"})
    assert take_snapshot(tree, identity=True) == before


def test_a_copy_shares_no_file_with_the_original(tree, tmp_path):
    before = take_snapshot(tree)
    copy = tmp_path / "copy"
    clone_tree(str(tree), str(copy), str(tree), str(copy))
    assert take_snapshot(tree) == before
    assert (copy / "bin" / "pip").read_text().startswith(f"#!{copy}/bin/python\n")
    for path in copy.rglob("*"):
        assert path.is_symlink() or path.is_dir() or path.stat().st_nlink == 1, path
    for name in ("bin/program", "bin/large"):
        assert (copy / name).stat().st_mtime_ns == (tree / name).stat().st_mtime_ns
    assert os.readlink(copy / "bin" / "python") == f"{copy}/bin/python3.9"


def test_where_files_cannot_be_shared_they_are_copied(tree, other_file_system):
    clone_tree(str(tree), str(other_file_system), "nothing", "new")
    assert take_snapshot(other_file_system) == take_snapshot(tree)


def test_what_is_no_virtualenv_is_said_to_be_none(tmp_path):
    with pytest.raises(VirtualenvError, match="is not a virtualenv: it has no lib/python directory"):
        site_packages(str(tmp_path))
