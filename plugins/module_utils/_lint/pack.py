# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A pack directory as the rules see it: its files, read once, within limits, and never run."""

from __future__ import annotations

import os
import re
import stat
import sys
import typing as t

from .._content.boundary import leads_out
from .._content.metadata import Manifest, read_manifest
from .._content.resources import RESOURCE_TYPES, resource_files
from .._content.yaml_lines import Lines, Path, lines_of
from .._errors import InvalidPackError
from .._files import read_regular_file
from .._printable import printable
from .._yaml_file import YamlFileError, load_composed
from .._yaml_keys import RefusedKey, refused_keys

MOST_ENTRIES = 50_000
MOST_TEXT = 4 << 20
CONFIG_SCHEMA = "config.schema.yaml"
# What tools leave in a directory that somebody works in, and no repository has.
_LEFT_OUT = frozenset(
    (
        *(".git", "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", "node_modules"),
        *(".venv", "venv", "virtualenv", ".eggs", ".idea", ".vscode"),
    )
)
_YAML = re.compile(r"\.ya?ml\Z")


class YamlFile:
    """A YAML file of a pack.

    :arg path: Inside of the pack; C(shown) is the same for messages.
    :arg document: Its content; C(None) when it is empty, or there is an C(error).
    :arg refused: The keys in it that StackStorm refuses in what it registers.
    """

    def __init__(self, directory: str, path: str) -> None:
        self.path = path
        self.shown = printable(path)
        self.document: t.Any = None
        self.error: t.Optional[InvalidPackError] = None
        self.refused: t.List[RefusedKey] = []
        self._file = os.path.join(directory, path)
        self._lines: t.Optional[Lines] = None
        try:
            self.document = load_composed(
                self._file, shown=self.shown, look=lambda node: self.refused.extend(refused_keys(node))
            )[0]
        except InvalidPackError as error:
            self.error = error

    @property
    def problem(self) -> t.Tuple[str, t.Optional[int], t.Optional[int]]:
        """What is wrong with the file as YAML, with line and column."""
        if isinstance(self.error, YamlFileError):
            return f"is not YAML that StackStorm can read: {self.error.problem}", self.error.line, self.error.column
        message = self.error.message if self.error else ""
        return message[len(self.shown) :].strip() if message.startswith(self.shown) else message, None, None

    @property
    def lines(self) -> Lines:
        """Where its parts stand. Made when first asked for: few files have findings."""
        if self._lines is None:
            try:
                self._lines = lines_of(load_composed(self._file, shown=self.shown)[1])
            except InvalidPackError:
                self._lines = Lines()
        return self._lines

    def position(self, path: Path) -> t.Tuple[t.Optional[int], t.Optional[int]]:
        """Line and column of a part, or of the closest thing around it."""
        return self.lines.of(path), self.lines.column_of(path)


class Against(t.NamedTuple):
    """What packs are checked against.

    :arg stackstorm_version: Such as C(3.9.0).
    :arg pythons: The interpreters that compile the files.
    :arg floor: The oldest Python that the files are to run on.
    """

    stackstorm_version: str = "3.9.0"
    pythons: t.Tuple[str, ...] = (sys.executable,)
    floor: t.Tuple[int, int] = (3, 8)


class Pack:
    """A pack directory.

    :arg directory: Its absolute path.
    :arg against: What it is checked against.
    :arg scratch: A directory for files of this run.
    :arg files: The paths of its regular files and of links to such inside of it, sorted.
    :arg complete: Whether all of it was seen.
    :arg kept: What several rules need and one found out.
    :arg told: Files that a rule found unfit for what they are, so that none has to say more of their form.
    """

    def __init__(self, directory: str, against: Against, scratch: str) -> None:
        self.directory = directory
        self.against = against
        self.scratch = scratch
        self.kept: t.Dict[str, t.Any] = {}
        self.told: t.Set[str] = set()
        self.files: t.List[str] = []
        self.complete = True
        self.manifest: t.Optional[Manifest] = None
        self.manifest_error: t.Optional[InvalidPackError] = None
        self._yaml: t.Dict[str, YamlFile] = {}
        self._walk()
        self._there = frozenset(self.files)
        try:
            self.manifest = read_manifest(directory)
        except InvalidPackError as error:
            self.manifest_error = error

    @property
    def ref(self) -> t.Optional[str]:
        """The ref, C(None) when none can be derived."""
        return self.manifest.ref if self.manifest else None

    @property
    def runs_on_python_3(self) -> bool:
        """Whether the pack says that it runs on Python 3, or says nothing."""
        versions = self.manifest.document.get("python_versions") if self.manifest else None
        return not isinstance(versions, list) or not versions or "3" in map(str, versions[:3])

    def has(self, path: str) -> bool:
        """Whether there is a file of the pack, named as StackStorm would open it."""
        path = os.path.normpath(path)
        if path in self._there:
            return True
        return os.path.isfile(os.path.join(self.directory, path)) and not leads_out(self.directory, path)

    def below(self, folder: str, *suffixes: str) -> t.List[str]:
        """The files below a folder (empty for all) whose names end like this."""
        prefix = f"{folder}/" if folder else ""
        return [path for path in self.files if path.startswith(prefix) and path.endswith(suffixes or ("",))]

    def yaml_paths(self) -> t.List[str]:
        """All YAML files."""
        return [path for path in self.files if _YAML.search(path)]

    def yaml(self, path: str) -> YamlFile:
        """A YAML file, read once."""
        if path not in self._yaml:
            self._yaml[path] = YamlFile(self.directory, path)
        return self._yaml[path]

    def resources(self, kind: str) -> t.List[YamlFile]:
        """The files that StackStorm takes for resources of a kind."""
        try:
            paths = resource_files(self.directory, kind)
        except OSError:
            return []
        return [self.yaml(path) for path in paths if self.has(path)]

    def registered(self) -> t.FrozenSet[str]:
        """The YAML files that StackStorm reads when it registers the pack."""
        paths = {"pack.yaml", CONFIG_SCHEMA}
        for kind in RESOURCE_TYPES:
            paths.update(file.path for file in self.resources(kind))
        return frozenset(path for path in paths if self.has(path))

    def content(self, path: str, most_bytes: int = MOST_TEXT) -> t.Optional[bytes]:
        """What a file holds; C(None) when it is too large or cannot be read."""
        try:
            return read_regular_file(os.path.join(self.directory, path), most_bytes)
        except OSError:
            return None

    def _walk(self) -> None:
        waiting, left, files = [""], MOST_ENTRIES, []
        while waiting:
            directory = waiting.pop()
            try:
                with os.scandir(os.path.join(self.directory, directory)) as entries:
                    for entry in entries:
                        left -= 1
                        if left < 0:
                            self.complete = False
                            break
                        path = f"{directory}/{entry.name}" if directory else entry.name
                        if self.skips(path):
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(path)
                        elif self._is_file(path, entry):
                            files.append(path)
            except OSError:
                continue  # The rule about what no pack may hold says so.
            if left < 0:
                break
        self.files = sorted(files)

    def _is_file(self, path: str, entry: t.Any) -> bool:
        try:
            if entry.is_symlink():
                return entry.is_file() and not leads_out(self.directory, path)
            return stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode)
        except OSError:
            return False

    def skips(self, path: str) -> bool:
        """Whether a path is no part of the pack, but what tools leave there."""
        name = path.rpartition("/")[2]
        if name in _LEFT_OUT:
            return True
        return os.path.isfile(os.path.join(self.directory, path, "pyvenv.cfg"))
