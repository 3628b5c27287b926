# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks of packs, written by hand: nothing of the collection is asked what to put into them."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import typing as t
from pathlib import Path

import yaml

from .packs.tree import EXECUTABLE, LINK, TreeFile
from .repositories import GitRepository

NAME = "packs.lock.yml"


def content(files: t.Mapping[str, TreeFile], below: str = "") -> str:
    """The digest by which the collection knows these files."""
    prefix = f"{below}/" if below else ""
    digest = hashlib.sha256()
    for path, file in sorted((path[len(prefix) :], file) for path, file in files.items() if path.startswith(prefix)):
        link = file.mode == LINK
        body = file.content.decode() if link else hashlib.sha256(file.content).hexdigest()
        fields = (path, "link" if link else "file", "x" if file.mode == EXECUTABLE else "-", body)
        digest.update("".join(f"{field}\0" for field in fields).encode())
    return f"sha256:{digest.hexdigest()}"


def this_platform() -> t.Dict[str, str]:
    """The platform of the Python that tests run in, which is that of scratch hosts."""
    abi = f"cp{sys.version_info[0]}{sys.version_info[1]}"
    major, minor = (os.confstr("CS_GNU_LIBC_VERSION") or "glibc 2.17").split()[1].split(".")[:2]
    platform = f"manylinux_{major}_{minor}_{os.uname().machine}"
    return {"python": f"{sys.version_info[0]}.{sys.version_info[1]}", "abi": abi, "platform": platform}


class LockFile:
    """A lock in the making.

    :arg url: Gives the address of a repository.
    :arg packages: The directory with the wheels.
    """

    def __init__(self, url: t.Callable[[GitRepository], str], packages: Path) -> None:
        self._url = url
        self._packages = packages
        self.document: t.Dict[str, t.Any] = {"format": 1, "packs": {}}

    def add(self, repository: GitRepository, version: str, *requested: str, **more: t.Any) -> LockFile:
        """Lock the release of a repository that has a pack of its own.

        :arg requested: Without any, as the name in the index with the version.
        :arg more: Further keys, or others.
        """
        ref = repository.path.stem[len("stackstorm-") :]
        commit = repository.tags[f"v{version}"]
        self.document["packs"][ref] = {
            "version": version,
            "source": self._url(repository),
            "requested": list(requested or (f"{ref}={version}",)),
            "resolved": {"kind": "tag", "name": f"v{version}"},
            "commit": commit.sha,
            "title": f"{ref} {version}",
            "content": content(commit.files),
            **more,
        }
        return self

    def wheels(self, ref: str, *pins: str, platform: t.Optional[t.Mapping[str, str]] = None) -> LockFile:
        """Lock what the virtualenv of a pack gets."""
        platform = platform or this_platform()
        key = f"{platform['abi']}-{platform['platform']}"
        self.document.setdefault("platforms", {})[key] = dict(platform)
        self.document["packs"][ref].setdefault("wheels", {})[key] = list(pins)
        self.document["packs"][ref].setdefault("requirements", f"sha256:{'0' * 64}")
        files = self.document.setdefault("wheels", {})
        for pin in pins:
            name, version = pin.split("==")
            (wheel,) = self._packages.glob(f"{name}-{version}-*.whl")
            files[pin] = {wheel.name: f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"}
        return self

    def write(self, folder: Path) -> Path:
        """Write the file."""
        path = folder / NAME
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(self.document, sort_keys=False))
        return path

    def options(self, folder: Path = Path("/controller"), **uploads: Path) -> t.Dict[str, str]:
        """The options with which the action plugin runs the module.

        :arg folder: Where the lock is on the controller.
        """
        sent = {ref: str(path) for ref, path in uploads.items()}
        given = {"name": NAME, "directory": str(folder), "uploads": sent, "lock": self.document}
        return {"lockfile": NAME, "lock": json.dumps(given)}
