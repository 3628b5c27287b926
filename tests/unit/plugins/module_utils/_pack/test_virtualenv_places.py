# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements that are built or linked where they stand: what the virtualenv names, and what the pack keeps."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from infrastructure.repositories import run_git
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VirtualenvError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.virtualenv_workshop import (
    Workshop,
    ask,
    package_index,
    version_of,
)

# Builds a package of one module, and leaves files in its own source, as setuptools does.
BACKEND = """
import os, zipfile

def _wheel(directory, body, name):
    os.makedirs("build/lib", exist_ok=True)
    os.makedirs("{name}.egg-info", exist_ok=True)
    open("build/lib/left.py", "w").close()
    open("{name}.egg-info/PKG-INFO", "w").close()
    wheel = "{name}-4.0.0-py3-none-any.whl"
    info = "{name}-4.0.0.dist-info/"
    files = {{
        name: body,
        info + "METADATA": "Metadata-Version: 2.1\\nName: {name}\\nVersion: 4.0.0\\n",
        info + "WHEEL": "Wheel-Version: 1.0\\nGenerator: tests\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
        info + "entry_points.txt": "[console_scripts]\\n{name}-tool = {name}:main\\n",
    }}
    record = "".join("%s,,\\n" % path for path in files) + info + "RECORD,,\\n"
    with zipfile.ZipFile(os.path.join(directory, wheel), "w") as archive:
        for path, text in dict(files, **{{info + "RECORD": record}}).items():
            archive.writestr(path, text)
    return wheel

def build_wheel(directory, settings=None, metadata=None):
    return _wheel(directory, open("{name}.py").read(), "{name}.py")

def build_editable(directory, settings=None, metadata=None):
    finder = "PLACE = %r\\nimport sys; sys.path.append(PLACE)\\n" % os.getcwd()
    wheel = _wheel(directory, finder, "__editable___{name}_finder.py")
    with zipfile.ZipFile(os.path.join(directory, wheel), "a") as archive:
        archive.writestr("__editable__.{name}.pth", "import __editable___{name}_finder\\n")
    return wheel
"""


def library(path, name="ownlib", code=""):
    """The source of a package that needs nothing else to be built."""
    path = Path(path)
    path.mkdir(parents=True)
    (path / "own_backend.py").write_text(BACKEND.format(name=name))
    (path / f"{name}.py").write_text(f"__version__ = '4.0.0'\n{code}\ndef main(): print(__file__)\n")
    (path / "pyproject.toml").write_text(
        '[build-system]\nrequires = []\nbuild-backend = "own_backend"\nbackend-path = ["."]\n'
    )
    return path


def repository(path, name="gitlib"):
    library(path, name)
    run_git("-C", path, "init", "--quiet", "--initial-branch=main")
    run_git("-C", path, "add", "--all")
    run_git("-C", path, "-c", "user.name=T", "-c", "user.email=t@example.com", "commit", "--quiet", "--message=One")
    return path


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    with package_index(tmp_path_factory.mktemp("packages")) as packages:
        yield packages


@pytest.fixture(scope="module", params=["uv", "venv", "auto"])
def workshop(request, tmp_path_factory, index):
    beside = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    if request.param != "venv" and not shutil.which("uv", path=beside):
        pytest.skip("the program uv is missing")
    made = Workshop(tmp_path_factory.mktemp(request.param), index, request.param)
    made.builder().ensure_base()
    return made


def build(workshop, ref, *requirements, encoding="utf-8"):
    """Build the virtualenv of a pack and put it in its place; return that, the pack, and the builder."""
    pack = Path(workshop.pack(ref))
    (pack / "requirements.txt").write_bytes("".join(f"{line}\n" for line in requirements).encode(encoding))
    builder, staged = workshop.builder(), workshop.staged(ref)
    place = f"/opt/stackstorm/packs/{ref}"
    builder.build(builder.ensure_base(), ref, str(pack), staged, version="1.2.0", place=place)
    live = Path(workshop.directory.virtualenv(ref))
    os.rename(staged, live)
    return live, pack, builder


def naming(live, *words):
    """The files and links of a virtualenv that hold one of some words."""
    found = []
    for path in live.rglob("*"):
        content = os.fsencode(os.readlink(path)) if path.is_symlink() else path.read_bytes() if path.is_file() else b""
        if any(os.fsencode(word) in content for word in words):
            found.append(str(path.relative_to(live)))
    return found


def test_the_library_of_a_pack_is_built_without_a_trace_in_it(workshop):
    pack = Path(workshop.pack("own"))
    library(pack / "lib" / "own")
    (pack / "requirements.txt").write_text("./lib/own\ntinydep==1.0.0\n")
    before = take_snapshot(pack, identity=True)
    live, _pack, builder = build(workshop, "own", "./lib/own", "tinydep==1.0.0")
    assert {path: kept for path, kept in take_snapshot(pack).items() if path not in before} == {}
    assert version_of(live, "ownlib") == "4.0.0"
    assert naming(live, "staging/", str(pack), f"{live.parent}/.stackstorm.st2", f"{live}.pack") == []
    assert naming(live, "file:///opt/stackstorm/packs/own/lib/own"), "the record of where it came from"
    assert builder.warnings == []
    left = [path.name for path in Path(workshop.staged("own")).parent.iterdir()]
    assert left == [], "the copy that it was built in is gone"


def test_a_library_is_linked_from_where_the_virtualenv_lives(workshop, tmp_path):
    address = f"-e git+file://{repository(tmp_path / 'gitlib')}#egg=gitlib"
    if workshop.backend.name == "uv" and not workshop.backend.otherwise:
        with pytest.raises(VirtualenvError, match=r"^The requirements of linked 1\.2\.0 cannot be installed: .*git"):
            build(workshop, "linked", address)
        shutil.rmtree(workshop.staged("linked"))
        return
    live, _pack, builder = build(workshop, "linked", address, "tinydep==1.0.0")
    assert ask(live / "bin" / "python", "import gitlib; print(gitlib.__file__)") == f"{live}/src/gitlib/gitlib.py"
    assert naming(live, "staging/", f"{live.parent}/.stackstorm.st2") == []
    done = subprocess.run([str(live / "bin" / "gitlib-tool")], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == f"{live}/src/gitlib/gitlib.py"
    if workshop.backend.name == "uv":
        assert builder.fell_back("linked")
        (warning,) = builder.warnings
        assert warning.startswith("uv does not install the requirements of linked 1.2.0 (") and "so pip did" in warning
    else:
        assert builder.warnings == [] and not builder.fell_back("linked")


def test_a_file_that_somebody_edits_is_nobody_elses(workshop):
    one, _pack, _builder = build(workshop, "one", "tinydep==1.0.0")
    other, _pack, builder = build(workshop, "other", "tinydep==1.0.0")
    base = Path(builder.ensure_base())
    places = {}
    for place in (one, other, base):
        for path in place.rglob("*"):
            if path.is_file() and not path.is_symlink():
                status = path.stat()
                assert status.st_nlink == 1, path
                places.setdefault((status.st_dev, status.st_ino), []).append(path)
    assert [paths for paths in places.values() if len(paths) > 1] == []
    with open(next(one.glob("lib/python*/site-packages/six.py")), "a") as stream:
        stream.write("raise ImportError('edited')\n")
    assert version_of(other, "six") == "1.16.0"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_requirements_are_read_in_the_encoding_that_pip_reads(workshop, encoding):
    if workshop.backend.name == "uv" and not workshop.backend.otherwise:
        pytest.skip("uv reads UTF-8 and nothing else")
    ref = encoding.replace("-", "_")
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    live, _pack, _builder = build(workshop, ref, f"{mark}tinydep==1.0.0", encoding=encoding)
    assert version_of(live, "tinydep") == "1.0.0"
