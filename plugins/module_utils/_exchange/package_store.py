# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What was resolved before: the files of packages, and for each set of requirements which of them it comes to."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import typing as t

from .._file_changes import remove_tree, sync_trees, write_atomically
from .._files import file_digest, read_regular_file
from .package_resolver import PackageFile
from .sdists import Sdist

_FORMAT = 1
_MOST_BYTES = 16 << 20
_SCRATCH = "scratch"
_NEW = ".new"


class SetRecord(t.NamedTuple):
    """What a set of requirements came to on one kind of hosts.

    :arg files: The names of files, with their SHA-256 in hex.
    :arg sdists: By name those that are no wheels.
    :arg problem: Why there are none, as a clause.
    """

    files: t.Mapping[str, str]
    sdists: t.Mapping[str, Sdist]
    problem: str = ""


class PackageStore:
    """The directory that holds both, C(ROOT/wheels). All in it can be deleted: it is resolved anew then.

    One process at a time may use it.
    """

    def __init__(self, root: str) -> None:
        self.root = os.path.join(root, "wheels")
        self.files = os.path.join(self.root, "files")
        self._sets = os.path.join(self.root, "sets")
        self._bundled = os.path.join(self.root, "bundled.json")
        for path in (self.root, self.files, self._sets):
            os.makedirs(path, exist_ok=True)

    def scratch(self) -> str:
        """An empty directory on the same file system; what an earlier run left there is removed."""
        path = os.path.join(self.root, _SCRATCH)
        remove_tree(path)
        os.mkdir(path, 0o700)
        return path

    def take(self, file: PackageFile, *, replace: bool = False) -> bool:
        """Move a file here, unless there is one of that name.

        :arg replace: Whether it takes the place of another one of that name.
        :returns: Whether what is here is that file.
        """
        path = os.path.join(self.files, file.name)
        if os.path.isfile(path):
            if file_digest(path) == file.sha256:
                return True
            if not replace:
                return False
            # Sets that came to the other one.
            for name in os.listdir(self._sets):
                os.unlink(os.path.join(self._sets, name))
        try:
            os.replace(file.path, path)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            new = f"{path}{_NEW}"
            shutil.copyfile(file.path, new)
            os.replace(new, path)
        return True

    def file(self, name: str, sha256: str) -> PackageFile:
        """A file that is here."""
        return PackageFile(name, sha256, os.path.join(self.files, name))

    def has(self, name: str) -> bool:
        """Whether a file is here."""
        return os.path.isfile(os.path.join(self.files, name))

    def read(self, key: str) -> t.Optional[SetRecord]:
        """What a set came to; C(None) where that is not known, or not all of it is here any more."""
        try:
            found = json.loads(read_regular_file(self._set(key), _MOST_BYTES))
            sdists = {
                str(name): Sdist(
                    tuple(one["requires"]), one["requires_python"], tuple(one["builds_with"]), one["compiled"]
                )
                for name, one in found["sdists"].items()
            }
            files = {str(name): str(sha256) for name, sha256 in found["files"].items()}
            record = SetRecord(files, sdists, str(found["problem"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        return record if all(map(self.has, record.files)) else None

    def write(self, key: str, record: SetRecord) -> None:
        """Remember what a set came to, whose files are here and must be after a power cut."""
        sync_trees([self.files])
        sdists = {name: sdist._asdict() for name, sdist in sorted(record.sdists.items())}
        document = {"files": dict(sorted(record.files.items())), "sdists": sdists, "problem": record.problem}
        write_atomically(self._set(key), json.dumps(document, indent=1).encode())

    def bundled(self) -> t.Dict[str, str]:
        """The files of a bundle that are here, with their SHA-256."""
        try:
            found = json.loads(read_regular_file(self._bundled, _MOST_BYTES))
            return {str(name): str(sha256) for name, sha256 in found.items() if self.has(name)}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def write_bundled(self, files: t.Mapping[str, str]) -> None:
        """Remember which files are those of a bundle."""
        if files != self.bundled():
            write_atomically(self._bundled, json.dumps(dict(sorted(files.items())), indent=1).encode())

    def keep(self, keys: t.Container[str], files: t.Container[str]) -> None:
        """Remove everything else."""
        for name in os.listdir(self._sets):
            if name[: -len(".json")] not in keys:
                os.unlink(os.path.join(self._sets, name))
        for name in os.listdir(self.files):
            if name not in files:
                os.unlink(os.path.join(self.files, name))
        remove_tree(os.path.join(self.root, _SCRATCH))

    def _set(self, key: str) -> str:
        return os.path.join(self._sets, f"{key}.json")


def set_key(*inputs: t.Any) -> str:
    """By which a set is known: equal for equal inputs."""
    return hashlib.sha256(json.dumps([_FORMAT, *inputs]).encode()).hexdigest()
