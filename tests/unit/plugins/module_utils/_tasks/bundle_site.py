# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Repositories, directories and a package index, locks of them, and tasks that make bundles."""

from __future__ import annotations

import hashlib
import tempfile

from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.repositories.git_repository import run_git
from infrastructure.servers import GitHttpsServer, PackageIndex

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.argspec import bundle_options
from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import (
    Lock,
    LockedPack,
    Platform,
    lock_text,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.bundle import build_bundle
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.bundle_info import describe_bundle

PLATFORM = Platform("3.11", "cp311", "manylinux_2_36_x86_64")
PINS = ("six==1.16.0", "tinydep==1.0.0")


class BundleSite:
    """Everything outside of a StackStorm host.

    :ivar lock: What the lock file has, when it was written.
    """

    def __init__(self, root):
        self.root = root
        (root / "served").mkdir(parents=True)
        (root / "site").mkdir()
        (root / "scratch").mkdir()
        self.server = GitHttpsServer(root / "served")
        self.packages = PackageIndex(root / "wheels")
        self.path = root / "site" / "packs.bundle"
        self.lockfile = root / "site" / "packs.lock.yml"
        self.lock = Lock({})

    def stop(self):
        self.server.stop()
        self.packages.stop()

    def repository(self, ref, *versions, **pack):
        """A served repository with a tag for each version."""
        repository = GitRepository(self.root / "served" / f"{ref}.git")
        for version in versions or ("1.0.0",):
            repository.release(PackTree(ref, version, minimal=True, **pack), annotated=True)
        return repository.build()

    def url(self, ref):
        return f"{self.server.url}/{ref}.git"

    def locked(self, ref, repository, kind="tag", name="v1.0.0", revision=None, **fields):
        """What a lock says of a pack in a repository."""
        commit = repository.sha(revision or name)
        place = f"{tempfile.mkdtemp(dir=self.root / 'scratch')}/{ref}"
        run_git("clone", "--quiet", "--no-checkout", repository.path, place)
        run_git("-C", place, "checkout", "--quiet", commit)
        path = f"{place}/{fields['subdir']}" if "subdir" in fields else place
        given = {"content": directory_digest(path), "version": "1.0.0", **fields}
        return LockedPack(
            ref, source=self.url(repository.path.stem), resolved=Resolved(kind, name), commit=commit, **given
        )

    def directory(self, ref, **pack):
        """A pack in a directory beside the lock, and what the lock says of it."""
        path = PackTree(ref, "0.1.0", minimal=True, **pack).write(self.root / "site" / "own" / ref)
        content = directory_digest(str(path))
        return LockedPack(ref, "0.1.0", f"./own/{ref}", Resolved("content", ""), content, (f"./own/{ref}",))

    def write_lock(self, *packs, pins=PINS, platform=PLATFORM):
        """Write the lock of some packs, each of which gets the same Python packages where it requires some."""
        packs = {
            pack.ref: pack._replace(wheels={platform.key: tuple(pins)}) if pack.requirements else pack for pack in packs
        }
        files = {}
        for pin in pins:
            name, _equals, version = pin.partition("==")
            wheel = self.root / "wheels" / f"{name}-{version}-py3-none-any.whl"
            files[pin] = {wheel.name: f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"}
        self.lock = Lock(packs, files, {platform.key: platform})
        self.lockfile.write_text(lock_text(self.lock))

    def build(self, *, check=False, **given):
        """Run what st2_bundle runs."""
        params = {name: option.get("default") for name, option in bundle_options().options.items()}
        own = {"lockfile": str(self.lockfile), "path": str(self.path), "pip_index_url": self.packages.index_url}
        params.update({**own, **given})
        return build_bundle(self._task(params, check))

    def info(self, path=None):
        """Run what st2_bundle_info runs."""
        return describe_bundle(self._task({"path": str(path or self.path)}, False))

    def _task(self, params, check):
        scratch = tempfile.mkdtemp(dir=self.root / "scratch")
        self.redactor = Redactor()
        environment = {**clean_environment(self.root), "PIP_CONFIG_FILE": "/dev/null"}
        return Task(params, None, check, environment, scratch, self.redactor)
