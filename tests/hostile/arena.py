# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An arena: a host among files that nobody may touch, and runs whose every trace is looked at."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

from faults.module_runs import Execution, Limits, ModuleRuns
from infrastructure.packs import PackTree, Tree
from infrastructure.repositories import GitRepository
from infrastructure.snapshot import Snapshot, compare, take_snapshot
from infrastructure.st2_host import ScratchHost

STATE = ".stackstorm.st2"
VICTIM = "victim"
"""A pack that is installed in version 0.9.0 and has a config, overrides and a virtualenv."""
NOWHERE = "http://127.0.0.1:9"
LIMITS = Limits(memory=3 << 30, seconds=300)
MOST_KIB = 320 << 10
"""What a run may need; some 30 MiB of it are the libraries."""
MOST_CPU = 20.0
"""Seconds of a processor that a run may keep busy."""
SECRET = "t0p-s3cret-0f-somebody-else"
_OWN = re.compile(rf"host/opt/stackstorm/(?:[a-z0-9]+/)?{re.escape(STATE)}(?:/|$)")


class Arena:
    """A host, and around it what an attacker may want: files to write over, to read, and a place for proofs.

    * ``sources`` is for what an attacker made; `folder` gives a place in it, and `clear` empties it.
    * A program of an attacker that runs leaves a file in ``ran``.
    * ``outside`` has files that are nobody's business.
    """

    def __init__(self, root: Path, index_url: t.Optional[str] = None) -> None:
        self.root = root / "world"
        self.sources, self.ran, self.outside = (self.root / name for name in ("sources", "ran", "outside"))
        for path in (self.sources, self.ran, self.outside / "directory"):
            path.mkdir(parents=True)
        (self.outside / "secret").write_text(f"{SECRET}\n")
        (self.outside / "secret").chmod(0o600)
        (self.outside / "directory" / "file").write_text("mine\n")
        self.index = self.root / "index.json"
        self.index.write_text('{"packs": {}}')
        self.host = ScratchHost(self.root / "host", index_url=index_url or f"file://{self.index}")
        # Whatever address comes up by chance, nothing goes beyond loopback.
        proxies = {"http_proxy": NOWHERE, "https_proxy": NOWHERE, "no_proxy": "127.0.0.1"}
        self.runs = ModuleRuns(self.host, root / "runs", {"PATH": os.environ["PATH"], **proxies})
        self.record = root / "record"
        self._number = 0
        self._place_victim()

    def stop(self) -> None:
        """End what runs."""
        self.runs.stop()

    def folder(self) -> Path:
        """Return a new directory for sources, which may be made world-writable or anything."""
        self._number += 1
        path = self.sources / str(self._number)
        path.mkdir()
        return path

    def deep_folder(self) -> Path:
        """Return a new directory for what is so deep that it cannot be compared."""
        path = self.sources / "deep"
        path.mkdir()
        return path

    def clear(self) -> None:
        """Take away all sources and all packs but the victim."""
        subprocess.run(["rm", "-rf", str(self.sources)], check=True)  # Python gives up on deep trees.
        self.sources.mkdir()
        for ref in self.host.installed():
            if ref != VICTIM:
                self.uninstall(ref)

    def uninstall(self, ref: str) -> None:
        """Take away a pack and what the collection knows of it."""
        path = self.host.packs / ref
        path.unlink() if path.is_symlink() else shutil.rmtree(path)
        for place in (self.host.packs, self.host.virtualenvs):
            for left in (*place.glob(f"{STATE}/receipts/{ref}.*"), *place.glob(f"{STATE}/releases/{ref}*")):
                shutil.rmtree(left) if left.is_dir() else left.unlink()

    def payload(self, name: str = "payload") -> str:
        """Return the path of a program that proves that it ran."""
        path = self.outside / name
        if not path.exists():
            path.write_text(f"#!/bin/sh\ntouch '{self.ran}/{name}'\ncat\n")
            path.chmod(0o755)
        return str(path)

    def directory(self, tree: t.Optional[Tree] = None, ref: str = VICTIM) -> Path:
        """Return a directory with a pack that is fit but for what a test does to it."""
        return (tree or PackTree(ref, "1.0.0", minimal=True)).write(self.folder() / ref)

    def repository(self, tree: t.Optional[Tree] = None, ref: str = VICTIM) -> GitRepository:
        """Return a built bare repository with one commit on its default branch."""
        repository = GitRepository(self.folder() / f"stackstorm-{ref}.git")
        repository.commit(tree or PackTree(ref, "1.0.0", minimal=True))
        return repository.build()

    # Running

    def run(
        self,
        arguments: t.Mapping[str, t.Any],
        *,
        allowed: t.Sequence[str] = (),
        most_kib: int = MOST_KIB,
        most_cpu: float = MOST_CPU,
        **how: t.Any,
    ) -> Execution:
        """Run the module, and look at everything: only below ``allowed`` may anything have changed.

        :arg allowed: paths relative to the host's base path.
        :arg how: as for `ModuleRuns.run`.
        """
        for path in self.host.tmp.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        before = self._look()
        options = {"virtualenv": "never", **arguments} if how.get("module", "st2_pack") == "st2_pack" else arguments
        execution = self.runs.run(options, limits=LIMITS, record=self.record, root=Path("/"), **how)
        said = execution.everything
        assert execution.rc in (0, 1) and execution.get("msg"), f"it ended with {execution.rc}: {said[:2000]}"
        assert execution.get("step") != "unexpected" and "Traceback" not in said, said[:3000]
        assert execution["msg"].replace("\n", "").isprintable() and len(execution["msg"]) < 8000, repr(execution["msg"])
        assert SECRET not in said
        assert sorted(path.name for path in self.ran.iterdir()) == [], "a program of the attacker ran"
        assert execution.peak < most_kib, f"it took {execution.peak >> 10} MiB: {execution['msg']}"
        assert execution.cpu < most_cpu, f"it took {execution.cpu} s: {execution['msg']}"
        left = {"written": self._written(before, allowed), "opened": self._opened(allowed), "debris": self.debris()}
        assert not any(left.values()), f"{left}: {execution['msg']}"
        return execution

    def refuse(
        self, arguments: t.Mapping[str, t.Any], *says: str, step: t.Optional[str] = None, **how: t.Any
    ) -> Execution:
        """Run the module, which must refuse with a message that matches each of ``says``, and change nothing."""
        receipts = self._receipts()
        execution = self.run(arguments, **how)
        assert execution.failed and not execution.get("changed"), execution.everything[:3000]
        for pattern in says:
            assert re.search(pattern, execution["msg"]), f"{pattern} is not in: {execution['msg']}"
        assert step is None or execution["step"] == step, execution["step"]
        assert self._receipts() == receipts
        return execution

    def accept(self, arguments: t.Mapping[str, t.Any], ref: str, **how: t.Any) -> Execution:
        """Run the module, which must install the pack, safely."""
        execution = self.run(arguments, allowed=[f"packs/{ref}"], **how)
        assert not execution.failed and execution["changed"], execution.everything[:3000]
        assert (self.host.packs / ref / "pack.yaml").is_file()
        assert unsafe_files(self.host.packs / ref) == []
        return execution

    def debris(self) -> t.List[str]:
        """Return what is left in staging and temporary directories."""
        found = [*self.host.base_path.glob(f"**/{STATE}/staging/*")]
        # Ansible takes the directory of a run away itself, which is this one here.
        kept = [self.host.tmp / name for name in ("gitconfig", "git-credential", "staging")]
        found += [path for path in self.host.tmp.rglob("*") if path not in kept]
        found += self.host.packs.glob(f"{STATE}/journal*")
        return sorted(str(path.relative_to(self.host.root)) for path in found)

    # Looking

    def _place_victim(self) -> None:
        self.host.place(PackTree(VICTIM, "0.9.0", minimal=True), VICTIM)
        for directory in (self.host.configs, self.host.overrides):
            (directory / f"{VICTIM}.yaml").write_text("---\n{}\n")
        (self.host.virtualenvs / VICTIM / "bin").mkdir(parents=True)
        (self.host.virtualenvs / VICTIM / "bin" / "python").symlink_to(self.host.service / "bin" / "python")
        # The collection's own places, made by a pack that comes and goes.
        self.runs.run({"name": [str(self.directory(ref="first"))], "virtualenv": "never"})
        self.clear()

    def _look(self) -> Snapshot:
        return take_snapshot(self.root, exclude=["host/tmp", "sources/deep"], identity=True, content=False)

    def _written(self, before: Snapshot, allowed: t.Sequence[str]) -> t.List[str]:
        changes = compare(before, self._look())
        mine = [f"host/opt/stackstorm/{path}" for path in allowed]
        # Making something in a directory changes its times; only that may happen to those that hold something allowed.
        parents = {os.path.dirname(path) for path in mine} | {"host/opt/stackstorm"}
        parents |= {f"host/opt/stackstorm/{name}" for name in ("packs", "virtualenvs", "configs", "overrides")}
        found = [path for path in changes.changed if path not in parents]
        found += changes.added + changes.removed
        return [path for path in found if not _OWN.match(path) and not _is_below(path, mine)]

    def _opened(self, allowed: t.Sequence[str]) -> t.List[str]:
        """Return what the module's own process changed anywhere else, also where nobody looks; see `Boundaries`."""
        mine = [f"{self.host.base_path}/{path}"[1:] for path in allowed]
        mine += [str(self.host.tmp)[1:], "dev"]
        found = []
        for line in self.record.read_text(errors="replace").splitlines():
            _kind, event, *paths = line.split(" ")
            for path in paths if event != "start" else ():
                inside = (
                    f"host{path[len(str(self.host.root)) - 1 :]}" if path.startswith(str(self.host.root)[1:]) else ""
                )
                if not _is_below(path, mine) and not _OWN.match(inside):
                    found.append(line)
        return found

    def _receipts(self) -> t.Dict[str, bytes]:
        return {str(path): path.read_bytes() for path in self.host.packs.glob(f"{STATE}/receipts/*")}


def _is_below(path: str, places: t.Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def unsafe_files(pack: Path) -> t.List[str]:
    """Return what a pack must not hold: special files, links that lead out, setuid, what anybody may write."""
    found = []
    for folder, directories, files in os.walk(pack):
        for name in (*directories, *files):
            path = Path(folder) / name
            status = path.lstat()
            if path.is_symlink():
                if not _leads_nowhere(path) and pack not in (path.resolve(), *path.resolve().parents):
                    found.append(f"{path} leads out")
            elif not (path.is_file() or path.is_dir()) or status.st_mode & 0o6002 or status.st_uid != os.getuid():
                found.append(f"{path} {status.st_mode:o} {status.st_uid}")
    return found


def _leads_nowhere(path: Path) -> bool:
    """Whether the kernel gives up on a link, since it leads back to itself."""
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP
    return False
