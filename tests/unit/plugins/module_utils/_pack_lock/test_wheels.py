# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wheels for other Pythons: which platform uv is told, what of its answer is taken, and what is no package."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, VirtualenvError
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import Platform
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock import wheels
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock.wheels import Unlocked, WheelResolver
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor

needs_toml = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python has tomllib from 3.11 on")
SHA = "d" * 64
ANSWER = f"""
lock-version = "1.0"
[[packages]]
name = "six"
version = "1.17.0"
wheels = [{{ url = "https://files.example.com/a/six-1.17.0-py2.py3-none-any.whl?x=1", hashes = {{ sha256 = "{SHA}" }} }}]
[[packages]]
name = "numpy"
version = "2.0+local"
wheels = [
  {{ name = "numpy-2.0+local-cp311-cp311-manylinux_2_17_x86_64.whl", path = "/srv/x.whl", hashes = {{ sha256 = "{SHA}" }} }},
  {{ url = "https://files.example.com/numpy-2.0%2Blocal-cp311-cp311-manylinux_2_28_x86_64.whl", hashes = {{ sha256 = "{SHA}" }} }},
]
"""  # noqa: E501  # as uv writes it


def platform(name: str, version: str = "3.11") -> Platform:
    return Platform(version, f"cp{version.replace('.', '')}", name)


def resolver(tmp_path: Path, *platforms: Platform, said: str = "", status: int = 0) -> WheelResolver:
    """One that asks a uv which answers this."""
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    (tmp_path / "said").write_text(said)
    program.write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/log\ncat {tmp_path}/said {">&2" if status else ""}\nexit {status}\n'
    )
    program.chmod(0o755)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    environment = {"PATH": f"{program.parent}:/usr/bin:/bin", "PIP_CONFIG_FILE": "/dev/null", "HOME": str(tmp_path)}
    return WheelResolver(
        platforms, scratch=str(scratch), deadline=Deadline(60), environment=environment, redactor=Redactor()
    )


def pack(tmp_path: Path, *requirements: str) -> t.Dict[str, str]:
    directory = tmp_path / "pack"
    directory.mkdir()
    (directory / "requirements.txt").write_text("\n".join(requirements))
    return {"sensu": str(directory)}


@needs_toml
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("manylinux_2_36_x86_64", "x86_64-manylinux_2_36"),
        ("manylinux_2_17_x86_64", "x86_64-manylinux_2_17"),
        ("manylinux_2_30_aarch64", "aarch64-manylinux_2_28"),
        ("manylinux_2_77_x86_64", "x86_64-manylinux_2_40"),
    ],
)
def test_uv_is_told_the_newest_platform_that_it_knows(tmp_path: Path, name: str, told: str) -> None:
    found = resolver(tmp_path, platform(name, "3.8"), said=ANSWER).resolve(pack(tmp_path, "numpy"))

    assert f"--python-version 3.8 --python-platform {told} " in (tmp_path / "log").read_text()
    assert found.pins["sensu"] == {f"cp38-{name}": ("numpy==2.0+local", "six==1.17.0")} and not found.unlocked


@needs_toml
@pytest.mark.parametrize("name", ["win32", "macosx_14_0_arm64", "manylinux_2_5_x86_64", "manylinux_2_36_ppc64le"])
def test_other_platforms_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(OptionError, match=f"Wheels cannot be locked for cp311-{name}: uv knows CPython on Linux"):
        resolver(tmp_path, platform(name))


@needs_toml
def test_other_abi_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="Wheels cannot be locked for cp313t-"):
        resolver(tmp_path, Platform("3.13", "cp313t", "manylinux_2_36_x86_64"))


@needs_toml
def test_files_are_known_by_their_names_and_digests(tmp_path: Path) -> None:
    found = resolver(tmp_path, platform("manylinux_2_36_x86_64"), said=ANSWER).resolve(pack(tmp_path, "numpy"))

    assert found.files == {
        "six==1.17.0": {"six-1.17.0-py2.py3-none-any.whl": f"sha256:{SHA}"},
        "numpy==2.0+local": {
            "numpy-2.0+local-cp311-cp311-manylinux_2_17_x86_64.whl": f"sha256:{SHA}",
            "numpy-2.0+local-cp311-cp311-manylinux_2_28_x86_64.whl": f"sha256:{SHA}",
        },
    }


@needs_toml
@pytest.mark.parametrize(
    "line",
    [
        "git+https://example.com/x.git@v1",
        "x @ git+ssh://git@example.com/x.git",
        "-e ./lib",
        "./lib",
        "https://example.com/x-1.0-py3-none-any.whl",
        "x @ https://example.com/x-1.0.tar.gz",
    ],
)
def test_what_is_no_package_of_an_index_is_named_without_asking(tmp_path: Path, line: str) -> None:
    one = platform("manylinux_2_36_x86_64")
    found = resolver(tmp_path, one, said=ANSWER).resolve(pack(tmp_path, "requests", line))

    assert [(unlocked.ref, unlocked.platform) for unlocked in found.unlocked] == [("sensu", one.key)]
    assert "is no package of an index" in found.unlocked[0].reason and not (tmp_path / "log").exists()
    assert found.pins == {"sensu": {}} and found.files == {}


@needs_toml
@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "error: No solution found when resolving dependencies\n  cause: Because docopt==0.6.2 has no usable wheels "
            "and only docopt<=0.6.2 is available, we can conclude that docopt>=0.6.2 cannot be used.",
            "docopt==0.6.2 has no wheel for it",
        ),
        (
            "  x Failed to build `odd==1`\n  Building source distributions for `odd` is disabled",
            "odd has no wheel for it",
        ),
    ],
)
def test_what_has_no_wheel_is_named(tmp_path: Path, said: str, reason: str) -> None:
    one = platform("manylinux_2_36_x86_64")
    found = resolver(tmp_path, one, said=said, status=1).resolve(pack(tmp_path, "docopt"))

    assert found.unlocked == [Unlocked("sensu", one.key, reason)]


@needs_toml
def test_package_without_a_digest_is_named(tmp_path: Path) -> None:
    said = '[[packages]]\nname = "x"\nversion = "1"\nwheels = [{ url = "https://a/x-1-py3-none-any.whl" }]\n'
    found = resolver(tmp_path, platform("manylinux_2_36_x86_64"), said=said).resolve(pack(tmp_path, "x"))

    assert found.unlocked[0].reason == "the package index has no SHA-256 of x"


@needs_toml
def test_index_out_of_reach_fails(tmp_path: Path) -> None:
    one = resolver(tmp_path, platform("manylinux_2_36_x86_64"), said="error: Failed to fetch: `https://x/`", status=2)

    with pytest.raises(VirtualenvError, match="The requirements of sensu cannot be resolved for cp311-"):
        one.resolve(pack(tmp_path, "x"))


def test_without_toml_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(name: str) -> t.NoReturn:
        raise ImportError(name)

    monkeypatch.setattr(wheels.importlib, "import_module", refuse)

    with pytest.raises(VirtualenvError, match=r"Locking wheels requires Python 3\.11 or newer"):
        resolver(tmp_path, platform("manylinux_2_36_x86_64"))
