# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packages that packs require are resolved by pip for other hosts than this one, and installed from what came of it."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from infrastructure.environment import clean_environment
from infrastructure.servers import PackageIndex, StaticPackageIndex, build_sdist, build_wheel

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import wheels
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.package_resolver import PackageFile
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.requirement_sets import PackRequirements
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.wheels import Wheels, provide_wheels
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials, Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.virtualenv_workshop import (
    PIP_WHEELS,
    Workshop,
    version_of,
)

PASSWORD = "s3cret/word"
NOW = 1_700_000_000.0
FOR = "Python 3.8 on manylinux_2_28_x86_64"
PACKS = {
    "marked": "tinydep==1.0.0\nolddep\n",
    "compiled": "binary\nsourcedep\n",
    "same": "olddep  # why\ntinydep == 1.0.0\n",
    "broken": "nosuchdep>=3\n",
    "elsewhere": "six\ngit+https://example.com/x.git#egg=x\n",
}


class Exchange:
    """The packages of an Exchange, and what they are got from."""

    def __init__(self, root, index_url=None):
        self.root = Path(root)
        (self.root / "home").mkdir(parents=True)
        self.index_url = index_url

    def provide(self, packs, bundled=(), *, pythons=("3.8",), offline=False, retry=False, now=NOW):
        return provide_wheels(
            [PackRequirements(ref, text.encode()) for ref, text in packs.items()],
            root=str(self.root),
            pythons=pythons,
            platforms=["manylinux_2_28_x86_64"],
            package_index=self.index_url,
            bundled=bundled,
            offline=offline,
            credentials=lambda _url: Credentials("me", PASSWORD),
            proxy=Proxy(),
            environment=clean_environment(self.root / "home", PATH=os.environ["PATH"]),
            timeout=300,
            retry=retry,
            redactor=Redactor(),
            now=now,
        )

    def listed(self, project):
        return [one["filename"] for one in json.loads((self.simple / project / "index.json").read_text())["files"]]

    @property
    def simple(self):
        return self.root / "simple"

    @property
    def all(self):
        names = (one["name"] for one in json.loads((self.simple / "index.json").read_text())["projects"])
        return sorted(file for name in names for file in self.listed(name))


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with PackageIndex(tmp_path_factory.mktemp("packages"), username="me", password=PASSWORD) as packages:
        ran = packages.directory / "ran"
        for name in ("setuptools", "wheel", "backdep", "newdep", "buildtool"):
            packages.add(name, "1.0")
        for wheel in PIP_WHEELS or [build_wheel(packages.directory, "pip", "1.0")]:
            shutil.copy(wheel, packages.directory / wheel.name) if wheel.parent != packages.directory else None
        packages.add("olddep", "1.0", ['backdep; python_version < "3.9"', 'newdep; python_version >= "3.9"'])
        for tag in ("cp38-cp38-manylinux2014_x86_64", "cp312-cp312-manylinux_2_28_x86_64"):
            build_wheel(packages.directory, "binary", "1.0", tag=tag)
        build_wheel(packages.directory, "binary", "2.0", tag="cp38-cp38-manylinux_2_35_x86_64")
        build_sdist(
            packages.directory,
            "sourcedep",
            "1.0",
            ["tinydep<2"],
            {
                "fast.c": "int x;",
                "setup.py": f"open({str(ran)!r}, 'w')",
                "pyproject.toml": '[build-system]\nrequires = ["buildtool"]\n',
            },
        )
        yield packages
        assert not ran.exists()


@pytest.fixture(scope="module")
def exchange(tmp_path_factory, index):
    made = Exchange(tmp_path_factory.mktemp("exchange") / "root", index.index_url)
    made.done = made.provide(PACKS, retry=True)
    return made


def test_all_that_other_hosts_need_is_listed(exchange, index):
    expected = {"six-1.16.0-py3-none-any.whl", "tinydep-1.0.0-py3-none-any.whl", "olddep-1.0-py3-none-any.whl"}
    expected |= {"backdep-1.0-py3-none-any.whl", "buildtool-1.0-py3-none-any.whl", "sourcedep-1.0.tar.gz"}
    expected |= {"binary-1.0-cp38-cp38-manylinux2014_x86_64.whl"}
    expected |= {f"{name}-1.0-py3-none-any.whl" for name in ("setuptools", "wheel")}
    expected |= {path.name for path in index.files("pip")[-1:]}
    assert set(exchange.all) == expected
    for name in expected:
        file = next(exchange.simple.glob(f"*/{name}"))
        assert file.read_bytes() == (index.directory / name).read_bytes()


def test_what_cannot_be_had_is_said_of_the_pack_that_wants_it(exchange):
    said = {(one.ref, one.kind): one.message for one in exchange.done.problems}
    assert set(said) == {("broken", "wheels"), ("elsewhere", "wheels"), ("compiled", "notice")}
    assert (
        said["broken", "wheels"]
        == f"What broken requires cannot be had for {FOR}: no matching package for nosuchdep>=3."
    )
    assert said["compiled", "notice"].startswith("sourcedep-1.0.tar.gz, which compiled requires, is no wheel: ")
    assert exchange.done.compiled == {"sourcedep-1.0.tar.gz": ("compiled",)}


def test_an_unchanged_run_asks_nobody(exchange, index):
    index.clear()
    again = exchange.provide(PACKS)
    assert index.quiet
    assert (again.changed, again.problems, again.files) == (False, exchange.done.problems, exchange.done.files)


def test_only_what_failed_is_tried_again(exchange, index):
    index.clear()
    assert not exchange.provide(PACKS, retry=True).changed
    assert {request.path for request in index.requests} == {"/simple/nosuchdep/"}


def test_no_password_stays_anywhere(exchange):
    for path in exchange.root.rglob("*"):
        assert not path.is_file() or not {b"s3cret", b"s3cret%2Fword"} & set(path.read_bytes().split(b"/"))
    assert "s3cret" not in repr(exchange.done)


def test_what_no_pack_requires_any_more_goes(exchange, index, tmp_path):
    shutil.copytree(exchange.root, tmp_path / "root")
    copy = Exchange.__new__(Exchange)
    copy.root, copy.index_url = tmp_path / "root", index.index_url
    index.clear()
    done = copy.provide({"marked": PACKS["marked"]})
    assert done.changed
    assert index.quiet
    assert "binary-1.0-cp38-cp38-manylinux2014_x86_64.whl" not in copy.all
    assert "backdep-1.0-py3-none-any.whl" in copy.all
    assert not (tmp_path / "root/wheels/files/sourcedep-1.0.tar.gz").exists()
    assert (tmp_path / "root/simple/sourcedep/sourcedep-1.0.tar.gz").exists()
    assert copy.provide({}, pythons=()).files == 0


def test_pip_and_uv_install_from_it_with_digests(exchange, tmp_path):
    wanted = {"tinydep": "1.0.0", "olddep": "1.0", "backdep": "1.0"}
    lines = []
    for name, version in wanted.items():
        (file,) = exchange.listed(name)
        digest = hashlib.sha256((exchange.simple / name / file).read_bytes()).hexdigest()
        lines.append(f"{name}=={version} --hash=sha256:{digest}\n")
    (tmp_path / "requirements.txt").write_text("".join(lines))
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    installers = {"pip": [sys.executable, "-Im", "pip"], **({"uv": [uv, "pip"]} if uv else {})}
    with StaticPackageIndex(exchange.simple) as served:
        environment = clean_environment(tmp_path, PATH=os.environ["PATH"], **served.environment())
        for name, program in installers.items():
            options = ["--require-hashes", "--no-deps", "--target", str(tmp_path / name)]
            more = ["--python-version", "3.8", "--only-binary", ":all:"]
            command = [*program, "install", *options, *more, "-r", str(tmp_path / "requirements.txt")]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=tmp_path)
            assert done.returncode == 0, done.stderr
            assert all((tmp_path / name / f"{module}.py").exists() for module in wanted)
            assert "tinydep/index.json" in served.sent
            assert "tinydep/index.html" not in served.sent
            served.sent.clear()


def test_the_virtualenv_of_a_pack_is_made_from_it(exchange, tmp_path):
    with StaticPackageIndex(exchange.simple) as served:
        live = Workshop(tmp_path, served, "auto").make("marked", "tinydep>=1", "six")
        assert version_of(live, "tinydep") == "1.0.0"
        assert "tinydep/tinydep-1.0.0-py3-none-any.whl" in served.sent


def test_a_bundle_is_enough(tmp_path, index):
    names = ["six-1.16.0-py3-none-any.whl", "tinydep-2.0.0-py3-none-any.whl", "middledep-1.0.0-py3-none-any.whl"]
    (tmp_path / "bundle").mkdir()
    bundled = []
    for name in names:
        shutil.copy(index.directory / name, tmp_path / "bundle")
        digest = hashlib.sha256((index.directory / name).read_bytes()).hexdigest()
        bundled.append(PackageFile(name, digest, str(tmp_path / "bundle" / name)))
    index.clear()
    exchange = Exchange(tmp_path / "root")
    packs = {"a": "middledep\n", "b": "binary\n"}
    done = exchange.provide(packs, bundled, offline=True, retry=True)
    assert exchange.all == sorted(names)
    assert [one.ref for one in done.problems] == ["b"]
    assert exchange.provide(packs, None, offline=True) == done._replace(changed=False)
    assert exchange.all == sorted(names)
    # Without any Python, they are listed as they are.
    assert exchange.provide({}, None, pythons=(), offline=True).files == 3
    assert index.quiet


def test_an_index_out_of_reach_is_one_problem_and_what_was_known_stays(exchange, index, tmp_path):
    with PackageIndex(tmp_path / "gone") as gone:
        url = gone.index_url
    nowhere = Exchange(tmp_path / "root", url)
    done = nowhere.provide({"a": "tinydep\n", "b": "middledep\n"}, retry=True)
    (problem,) = done.problems
    assert problem.message.startswith(f"The package index {url} cannot be reached. 4 sets of requirements were not ")
    assert done.files == 0
    assert not list((tmp_path / "root/wheels/sets").iterdir())


def test_packages_take_no_longer_than_all_may_take(exchange, index, tmp_path, monkeypatch):
    shutil.copytree(exchange.root, tmp_path / "root", symlinks=True)
    (tmp_path / "root" / "home").rmdir()
    late = Exchange(tmp_path / "root", index.index_url)
    before = late.all
    monkeypatch.setattr(wheels, "_BUILD_SECONDS", 0.0)
    found = late.provide({**PACKS, "new": "buildtool==1.0\n"})
    (said,) = {one.message for one in found.problems} - {one.message for one in exchange.done.problems}
    assert said.startswith("Getting packages has taken 0 minutes already. 1 sets")
    assert late.all == before


def test_nothing_is_made_where_nothing_is_asked_for(tmp_path):
    exchange = Exchange(tmp_path / "root")
    assert exchange.provide(PACKS, pythons=()) == Wheels()
    assert os.listdir(exchange.root) == ["home"]
