# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Source distributions say what they require without anything in them being run."""

from __future__ import annotations

import tarfile
import zipfile

import pytest
from infrastructure.servers import build_sdist

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.sdists import (
    Sdist,
    read_sdist,
    stand_in_name,
    write_stand_in,
)


def test_what_the_metadata_says_counts(tmp_path):
    toml = (
        '[tool.x]\nrequires = ["no"]\n[build-system]\n# [what]\n'
        'requires = [\n  "setuptools>=40.8", # "no"\n  \'cffi[x]>1\', ]\n[other]\n'
    )
    files = {"pyproject.toml": toml, "src/fast.c": "int x;", "x.egg-info/requires.txt": "no\n"}
    path = build_sdist(tmp_path, "x", "1.0", ["tinydep>=1", "bad @ https://example.com/b.whl"], files, ">=3.6")
    assert read_sdist(str(path)) == Sdist(("tinydep>=1",), ">=3.6", ("cffi[x]>1", "setuptools>=40.8"), True)


def test_what_setuptools_wrote_counts_where_there_is_nothing_else(tmp_path):
    text = 'six\n\n[:python_version < "3.9"]\nold\n\n[more]\nextra>=1; sys_platform == "linux"\n'
    path = build_sdist(tmp_path, "x", "1.0", files={"src/x.egg-info/requires.txt": text})
    assert read_sdist(str(path)).requires == (
        'extra>=1 ; (sys_platform == "linux") and extra == "more"',
        'old ; (python_version < "3.9")',
        "six",
    )
    assert not read_sdist(str(path)).compiled


def test_a_zip_is_read_likewise(tmp_path):
    with zipfile.ZipFile(tmp_path / "x-1.0.zip", "w") as archive:
        archive.writestr("x-1.0/PKG-INFO", "Metadata-Version: 1.0\nName: x\n")
        archive.writestr("x-1.0/x.pyx", "")
        archive.writestr("x-1.0/x.egg-info/requires.txt", "six\n")
    assert read_sdist(str(tmp_path / "x-1.0.zip")) == Sdist(("six",), "", (), True)


@pytest.mark.parametrize("name", ["x-1.tar.gz", "x-1.zip"])
@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b\x08\0\0\0\0\0"])
def test_what_is_none_is_refused(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError) as caught:
        read_sdist(str(tmp_path / name))
    assert caught.value.message.startswith(f"{name} is no source distribution: ")


def test_links_and_devices_in_one_are_nothing(tmp_path):
    with tarfile.open(tmp_path / "x-1.tar.gz", "w:gz") as archive:
        for name, kind in (("x-1/PKG-INFO", tarfile.SYMTYPE), ("x-1/a.c", tarfile.CHRTYPE)):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
    assert read_sdist(str(tmp_path / "x-1.tar.gz")) == Sdist()


def test_a_stand_in_says_the_same(tmp_path):
    name = stand_in_name("My.Package", "My.Package-1.0-2.tar.gz")
    assert name == "my_package-1.0_2-py30-none-any.whl"
    said = Sdist(("six>1", 'y ; extra == "z"'), ">=3.6", ("setuptools",), True)
    write_stand_in(str(tmp_path / name), "My.Package", "My.Package-1.0-2.tar.gz", said)
    with zipfile.ZipFile(tmp_path / name) as archive:
        metadata = archive.read("my_package-1.0_2.dist-info/METADATA").decode()
    assert metadata == (
        "Metadata-Version: 2.1\nName: my-package\nVersion: 1.0-2\nRequires-Python: >=3.6\n"
        'Requires-Dist: six>1\nRequires-Dist: y ; extra == "z"\nProvides-Extra: z\n'
    )
