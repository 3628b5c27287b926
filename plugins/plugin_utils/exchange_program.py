# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The program of an Exchange as one file: what it imports of this collection, as an archive that Python runs.

The same content always gives the same bytes, whatever controller makes it: nothing is compressed, names are sorted, and
there are no times.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
import typing as t
import zipfile
from pathlib import Path

from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.assets import NAMES
from ansible_collections.stackstorm.st2.plugins.plugin_utils.index_page import ASSETS

COLLECTION = Path(__file__).resolve().parents[2]
_MODULE_UTILS = COLLECTION / "plugins" / "module_utils"
_PREFIX = "ansible_collections/stackstorm/st2/plugins"
_PROGRAM = "_exchange/program.py"
# Without it, Python compiles each file of an archive twice.
_IMPORTS = "_zip_imports.py"
_VERSION = re.compile(r"^version:\s*[\"']?([0-9A-Za-z.+-]+)", re.MULTILINE)
_MAIN = """\
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see https://www.gnu.org/licenses/gpl-3.0.txt)

import sys

import ansible_collections.stackstorm.st2.plugins.module_utils._zip_imports
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.program import main

sys.exit(main(version={version!r}))
"""


def write_program(archive: str) -> str:
    """Write the program.

    :arg archive: The path of its file.
    :returns: Its version, with the digest of what is in it.
    """
    files = program_files()
    digest = hashlib.sha256()
    for name, content in sorted(files.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    version = f"{collection_version()} ({digest.hexdigest()[:16]})"
    files["__main__.py"] = _MAIN.format(version=version).encode()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as written:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            written.writestr(entry, content)
    return version


def program_files() -> t.Dict[str, bytes]:
    """The content of every file of the program but its C(__main__.py), by its path in the archive."""
    reached = _reached([_PROGRAM, _IMPORTS])
    files = {f"{_PREFIX}/module_utils/{name}": (_MODULE_UTILS / name).read_bytes() for name in reached}
    files.update({f"{_PREFIX}/plugin_utils/_index_page/{name}": (ASSETS / name).read_bytes() for name in NAMES})
    for name in list(files):
        # Python takes no directory of an archive for a package without one.
        for parent in list(Path(name).parents)[:-1]:
            if name.endswith(".py"):
                files.setdefault(f"{parent.as_posix()}/__init__.py", b"")
    return files


def collection_version() -> str:
    """The version of this collection, as it was installed or checked out."""
    manifest = COLLECTION / "MANIFEST.json"
    if manifest.is_file():
        return str(json.loads(manifest.read_bytes())["collection_info"]["version"])
    found = _VERSION.search((COLLECTION / "galaxy.yml").read_text(encoding="utf-8"))
    return found.group(1) if found else "unknown"


def _reached(names: t.Sequence[str]) -> t.List[str]:
    """These files of module_utils, and all that they import, wherever in them."""
    found: t.Set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _imported(name)
    return sorted(found)


def _imported(name: str) -> t.Iterator[str]:
    folder = Path(name).parent
    for node in ast.walk(ast.parse((_MODULE_UTILS / name).read_bytes())):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        place = folder
        for _level in range(node.level - 1):
            place = place.parent
        place = place.joinpath(*(node.module or "").split("."))
        for candidate in (place, *(place / alias.name for alias in node.names)):
            file = candidate.with_name(f"{candidate.name}.py") if candidate.name else candidate
            if (_MODULE_UTILS / file).is_file():
                yield file.as_posix()
