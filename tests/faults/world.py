# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host that can be put into one of several states, again and again, and the packs for it: all local, no network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

from infrastructure.ansible_run import run_module_directly
from infrastructure.locks import LockFile, content
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, index_document
from infrastructure.servers.git_daemon import GitDaemon
from infrastructure.servers.package_index import STANDARD, build_wheel
from infrastructure.st2_host import ScratchHost

from .boundaries import BULK, STEP
from .inspection import STATE
from .module_runs import Execution, Instant, ModuleRuns

VERSIONS = {"0.9.0": "1.0.0", "1.0.0": "1.0.0", "2.0.0": "2.0.0"}
"""Releases of every pack, with the version of tinydep that the release of beta requires."""


class World:
    """Packs alpha (large), beta (requires tinydep, depends on alpha) and gamma, and delta, which is a directory.

    ``host`` lies always at the same place, since virtualenvs name their own. `restore` brings a state back.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.packages = root / "packages"
        self._make_sources()
        self.host = ScratchHost(root / "host", index_url=f"file://{root}/index.json")
        self.runs = ModuleRuns(self.host, root / "runs", self.environment())
        self._states = root / "states"
        self._states.mkdir()
        self._middles: t.Dict[str, int] = {}
        self._server: t.Optional[GitDaemon] = None
        self.save("empty")

    def stop(self) -> None:
        """End what runs."""
        self.runs.stop()
        if self._server:
            self._server.stop()
        self._unmount()

    def _unmount(self) -> None:
        if os.path.ismount(self.host.base_path):
            subprocess.run(["umount", str(self.host.base_path)], check=True)

    def environment(self) -> t.Dict[str, str]:
        """Return the variables by which virtualenvs are filled from this world's packages alone."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        return {
            "PATH": path,
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.packages),
            "UV_NO_CONFIG": "1",
        }

    def directory(self, version: str) -> str:
        """Return the directory that holds a version of delta."""
        return str(self.root / "directories" / version / "delta")

    def packs(self, version: str) -> t.Dict[str, t.Any]:
        """Return the arguments that ask for alpha, beta and delta in one version."""
        return {"name": [f"alpha={version}", f"beta={version}", self.directory(version)]}

    def locked(self, version: str) -> t.Dict[str, t.Any]:
        """Return the arguments that ask for all that is locked: alpha, beta and delta in one version."""
        if self._server is None:
            self._server = GitDaemon(self.root / "served", self.root)
        url = self._server.url
        lock = LockFile(lambda repository: f"{url}/{repository.path.name}", self.packages)
        for ref in ("alpha", "beta"):
            lock.add(self.repositories[ref], version)
        lock.wheels("beta", "six==1.16.0", f"tinydep=={VERSIONS[version]}")
        lock.document["packs"]["delta"] = {
            "version": version,
            "source": f"./directories/{version}/delta",
            "resolved": {"kind": "content"},
            "content": content(PackTree("delta", version).files),
        }
        return {"lockfile": f"file://{lock.write(self.root)}"}

    def bundle(self, version: str) -> t.Dict[str, t.Any]:
        """Return the arguments that ask for all that is in a bundle of `locked`, which is made when first asked for."""
        path = self.root / f"{version}.bundle"
        if not path.exists():
            lockfile = self.locked(version)["lockfile"][len("file://") :]
            made = run_module_directly("st2_bundle", {"lockfile": lockfile, "path": str(path)}, env=self.environment())
            assert not made.failed, made.everything
        return {"bundle": f"file://{path}"}

    def must(self, arguments: t.Mapping[str, t.Any]) -> Execution:
        """Run st2_pack, which must succeed."""
        execution = self.runs.run(arguments)
        assert not execution.failed and execution.rc == 0, execution.everything
        return execution

    # States

    def save(self, name: str) -> None:
        """Keep the host as it is now."""
        target = self._states / name
        target.mkdir()
        _copy(self.host.root / "opt", self.host.root / "etc", target)

    def restore(self, name: str, layered: bool = False) -> None:
        """Bring a state back, made where nobody asked for it before; see `_make`.

        :arg layered: leave it where it is kept, and put a fresh layer over it.
        """
        self._unmount()
        if name in INTERRUPTED:
            # Copies will not do: the journal knows trees by their inodes.
            self._interrupt(*INTERRUPTED[name](self))
            return
        if name == "staged":
            self._from("plain", STAGED)  # Likewise.
            return
        if not (self._states / name).is_dir():
            self._make(name)
            self.save(name)
        for folder in ("opt", "etc", "tmp"):
            shutil.rmtree(self.host.root / folder)
        self.host.tmp.mkdir()
        _copy(self._states / name / "etc", self.host.root)
        if layered:
            self.host.base_path.mkdir(parents=True)
            mount_layer(self._states / name / "opt" / "stackstorm", self.root / "layer", self.host.base_path)
        else:
            _copy(self._states / name / "opt", self.host.root)

    def _make(self, name: str) -> None:
        makers: t.Mapping[str, t.Callable[[], object]] = {
            "warm": self._make_warm,
            "old": self._make_old,
            "new": lambda: self._from("old", self.packs("2.0.0")),
            "plain": lambda: self._from("empty", {"name": ["gamma=1.0.0"], "virtualenv": "never"}),
            "bundled": lambda: self._from("warm", self.bundle("1.0.0")),
            "edited": self._make_edited,
            "foreign": self._make_foreign,
        }
        makers[name]()

    def _from(self, state: str, arguments: t.Mapping[str, t.Any]) -> Execution:
        self.restore(state)
        return self.must(arguments)

    def _make_warm(self) -> None:
        """No pack, but the base that virtualenvs are copied from."""
        self._from("empty", {"name": ["gamma"]})
        kept = self.root / "bases"
        bases = self.host.virtualenvs / STATE / "bases"
        _copy(bases, kept)
        self.restore("empty")
        bases.parent.mkdir()
        _copy(kept, bases.parent)

    def _make_old(self) -> None:
        """Three packs with their virtualenvs, each with an earlier release, and what a purge would take."""
        self._from("warm", self.packs("0.9.0"))
        self.must(self.packs("1.0.0"))
        (self.host.configs / "alpha.yaml").write_text("---\nurl: https://service.example.com\n")
        (self.host.overrides / "alpha.yaml").write_text("---\nactions:\n  defaults:\n    enabled: true\n")

    def _make_edited(self) -> None:
        self.restore("old")
        (self.host.packs / "alpha" / "actions" / "report.py").write_text("broken")
        (self.host.packs / "alpha" / "extra.txt").write_text("left here")
        (self.host.packs / "delta" / "README.md").unlink()
        (self.host.virtualenvs / "beta" / "bin" / "python").unlink()

    def _make_foreign(self) -> None:
        """Alpha as st2 leaves it at the wanted commit, and where gamma shall be, something that is no pack."""
        self.restore("warm")
        repository = self.repositories["alpha"]
        self.host.install_like_st2(repository, "alpha", "v1.0.0", f"file://{repository.path}")
        (self.host.packs / "gamma").mkdir()
        (self.host.packs / "gamma" / "notes.txt").write_text("somebody's")

    def _interrupt(self, state: str, arguments: t.Mapping[str, t.Any]) -> None:
        """Leave a run that was killed in the middle of moving things into place."""
        key = f"{state} {arguments}"
        if key not in self._middles:
            self.restore(state)
            steps, _bulk = self.record(arguments)
            journal = [number for number, label in enumerate(steps) if label.endswith("journal.json")]
            self._middles[key] = (journal[0] + journal[-1]) // 2
        self.restore(state)
        execution = self.runs.run(arguments, at=Instant(STEP, self._middles[key]))
        assert execution.killed, execution.everything

    def record(self, arguments: t.Mapping[str, t.Any], exchange: bool = True) -> t.Tuple[t.List[str], t.List[str]]:
        """Run st2_pack to its end, and return the labels of the boundaries that it passed: steps, and bulk."""
        path = self.root / "boundaries"
        execution = self.runs.run(arguments, record=path, exchange=exchange)
        assert not execution.failed and execution.rc == 0, execution.everything
        found: t.Dict[str, t.List[str]] = {STEP: [], BULK: []}
        for line in path.read_text().splitlines():
            kind, _blank, label = line.partition(" ")
            found[kind].append(label)
        return found[STEP], found[BULK]

    # Packs

    def _make_sources(self) -> None:
        for name, version, requires in (*STANDARD, ("pip", "24.0", ())):
            build_wheel(self.packages, name, version, requires)
        self.repositories: t.Dict[str, GitRepository] = {}
        for ref in ("alpha", "beta", "gamma"):
            repository = GitRepository(self.root / "served" / f"stackstorm-{ref}")
            for version, tinydep in VERSIONS.items():
                repository.release(_tree(ref, version, tinydep))
            self.repositories[ref] = repository.build()
        for version in VERSIONS:
            PackTree("delta", version).write(self.directory(version))
        index = index_document(self.repositories.values(), f"file://{self.root}/served")
        (self.root / "index.json").write_text(json.dumps(index))


PURGE: t.Mapping[str, t.Any] = {"name": ["beta", "alpha", "delta"], "state": "absent", "purge": True}
INTERRUPTED: t.Mapping[str, t.Callable[[World], t.Tuple[str, t.Mapping[str, t.Any]]]] = {
    "upgrade interrupted": lambda world: ("old", world.packs("2.0.0")),
    "purge interrupted": lambda world: ("old", PURGE),
}
"""States that a killed run leaves: the state before it, and its arguments."""

STAGED: t.Mapping[str, t.Any] = {"name": ["gamma=2.0.0"], "virtualenv": "never", "phase": "stage"}


def _tree(ref: str, version: str, tinydep: str) -> PackTree:
    if ref == "beta":
        needs = {"requirements": [f"tinydep=={tinydep}"], "imports": ["tinydep"]}
        return PackTree(ref, version, minimal=True, dependencies=["alpha"], **needs)
    return PackTree(ref, version, minimal=ref != "alpha")


def mount_layer(lower: Path, work: Path, path: Path) -> None:
    """Mount at ``path`` what is at ``lower``, with all changes going to ``work``, which is emptied before.

    Raises CalledProcessError where that is not allowed.
    """
    shutil.rmtree(work, ignore_errors=True)
    for name in ("upper", "work"):
        (work / name).mkdir(parents=True)
    options = f"lowerdir={lower},upperdir={work / 'upper'},workdir={work / 'work'},redirect_dir=off"
    subprocess.run(["mount", "-t", "overlay", "-o", options, "overlay", str(path)], check=True, capture_output=True)


def can_mount_layers(folder: Path) -> bool:
    """Return whether `mount_layer` works here."""
    for name in ("lower", "path"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    try:
        mount_layer(folder / "lower", folder / "work", folder / "path")
    except (subprocess.CalledProcessError, FileNotFoundError):
        return False
    subprocess.run(["umount", str(folder / "path")], check=True)
    return True


def _copy(*paths: Path) -> None:
    subprocess.run(["cp", "-a", *map(str, paths)], check=True)
