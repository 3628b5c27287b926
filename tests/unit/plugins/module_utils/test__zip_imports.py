# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often Python compiles what a module imports from the zip file that it is sent as."""

from __future__ import annotations

import json
import subprocess
import sys
import typing as t
import zipfile
from pathlib import Path

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils import _zip_imports

_MAIN = """\
import json, sys
sys.path.insert(0, sys.argv[1])
compiled = []
sys.addaudithook(lambda event, told: compiled.append(str(told[1])) if event == "compile" else None)
import package
if sys.argv[2] == "once":
    from package import _zip_imports
from package import beside
from package.below import inner
from package.below.deeper import innermost
try:
    from package import absent
except ImportError as error:
    absent = str(error)
import traceback
try:
    innermost.fail()
except ValueError:
    trace = traceback.format_exc()
imported = [beside, inner, innermost]
print(json.dumps({
    "compiled": [name for name in compiled if name.startswith(sys.argv[1])],
    "files": [module.__file__ for module in imported],
    "origins": [module.__spec__.origin for module in imported],
    "packages": [package.below.__file__, *package.below.__path__],
    "absent": absent,
    "trace": trace,
}))
"""


@pytest.fixture(name="archive")
def fixture_archive(tmp_path: Path) -> Path:
    """A zip file with a package that has the file under test, and modules beside and below it."""
    path = tmp_path / "sent.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for package in ("package", "package/below", "package/below/deeper"):
            archive.writestr(f"{package}/__init__.py", "")
        archive.writestr("package/_zip_imports.py", Path(_zip_imports.__file__).read_text("utf-8"))
        archive.writestr("package/beside.py", "A = 1\n")
        archive.writestr("package/below/inner.py", "from ..beside import A\n")
        archive.writestr("package/below/deeper/innermost.py", "def fail():\n    raise ValueError('here')\n")
    return path


def _imports(archive: Path, how: str) -> t.Dict[str, t.Any]:
    command = [sys.executable, "-c", _MAIN, str(archive), how]
    return t.cast(t.Dict[str, t.Any], json.loads(subprocess.run(command, check=True, capture_output=True).stdout))


def test_each_file_is_compiled_once_and_everything_else_is_as_python_has_it(archive: Path) -> None:
    usual, once = _imports(archive, "as python does"), _imports(archive, "once")
    files = {f"{archive}/package/{name}.py" for name in ("beside", "below/inner", "below/deeper/innermost")}
    for file in files:
        # Where a later Python does it once by itself, _zip_imports.py is of no use there.
        assert usual["compiled"].count(file) == 2 or sys.version_info >= (3, 14)
        assert once["compiled"].count(file) == 1
    assert set(once["files"]) == set(once["origins"]) == files
    assert {what: told for what, told in once.items() if what != "compiled"} == {
        what: told for what, told in usual.items() if what != "compiled"
    }
    assert "innermost.py" in once["trace"] and "raise ValueError('here')" in once["trace"]


def test_nothing_is_done_where_the_collection_is_not_in_a_zip_file() -> None:
    assert [hook for hook in sys.path_hooks if getattr(hook, "__module__", "") == _zip_imports.__name__] == []
