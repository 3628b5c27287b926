# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene: a host, the servers it may ask, the repositories they serve, and what was asked of whom."""

from __future__ import annotations

import os
import shutil
import sys
import typing as t
from pathlib import Path

from infrastructure.ansible_run import ModuleResult, run_module_directly
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, index_document
from infrastructure.servers import CertificateAuthority, GitHttpsServer, IndexServer, PackageIndex
from infrastructure.st2_host import ScratchHost
from infrastructure.warm_modules import warm_modules

INDEX = "/v1/index.json"
STATE = ".stackstorm.st2"
LOGGED = ("git", "ssh", "uv", "virtualenv")
Stamps = t.Dict[str, t.Tuple[int, ...]]
WRAPPER = '#!/bin/sh\nprintf \'%s\\n\' "{name} $*" >> {log}\nexec {program} "$@"\n'


class Stamp(t.NamedTuple):
    """What changes when a path is written, replaced, or given another mode."""

    mode: int
    inode: int
    size: int
    modified: int
    changed: int


class Scene:
    """Everything one test needs; `run` and its kin run a module on ``host`` in a fork of a process with all imported.

    Virtualenvs are left out unless a test asks for them by ``virtualenv=``, since most tests are not about them.

    * ``git`` serves the repositories below ``served`` over https; ``index`` serves what `publish` says.
    * ``environment`` is what programs get beside the host's own variables; a test may change it.
    """

    def __init__(self, root: Path, ca: CertificateAuthority, packages: PackageIndex, **host: t.Any) -> None:
        self.root = root
        self.ca = ca
        self.packages = packages
        self.served = root / "served"
        self.served.mkdir(parents=True)
        self.git = GitHttpsServer(self.served, ca)
        self.index = IndexServer({INDEX: {"packs": {}}}, ca)
        self.index_url = f"{self.index.url}{INDEX}"
        self.host = ScratchHost(root / "host", index_url=host.pop("index_url", self.index_url), **host)
        self.repositories: t.List[GitRepository] = []
        self._log = root / "programs.log"
        path = [str(self._wrap_programs()), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.environment = {"PATH": os.pathsep.join(path), **packages.environment()}

    def stop(self) -> None:
        """End the servers."""
        self.git.stop()
        self.index.stop()

    # Repositories

    def repository(self, ref: str, default_branch: str = "main", group: str = "org") -> GitRepository:
        """Return a repository named as the Exchange names them, empty and not built yet."""
        (self.served / group).mkdir(exist_ok=True)
        self.repositories.append(GitRepository(self.served / group / f"stackstorm-{ref}.git", default_branch))
        return self.repositories[-1]

    def release(self, ref: str, *versions: str, **tree: t.Any) -> GitRepository:
        """Return a built and published repository with these releases of a small pack."""
        repository = self.repository(ref)
        for version in versions:
            repository.release(PackTree(ref, version, **{"minimal": True, **tree}))
        self.publish()
        return repository

    def publish(self) -> None:
        """Build all repositories and let the index have what they have now."""
        for repository in self.repositories:
            repository.build()
        self.index.documents[INDEX] = index_document(self.repositories, self.git.url, self.served)

    def url(self, repository: GitRepository, base: str = "") -> str:
        """Return the address of a repository on the https server, or below another ``base``."""
        path = repository.path.relative_to(self.served).as_posix()
        return f"{base or self.git.url}/{path[:-4]}"

    # Running

    def run(self, *names: str, module: str = "st2_pack", **arguments: t.Any) -> ModuleResult:
        """Run a module and return its result, whatever it is.

        :arg names: the option ``name``. Other options are keywords; ``check``, ``diff`` (on unless said), ``env``,
            ``python`` and ``host`` are for `run_module_directly`.
        """
        how = {key: arguments.pop(key) for key in ("check", "diff", "host", "python") if key in arguments}
        environment = {**self.environment, **arguments.pop("env", {})}
        options: t.Dict[str, t.Any] = {"ca_bundle": str(self.ca.ca_file)}
        if module == "st2_pack":
            options.update(virtualenv="never", register="none")
        if names:
            options["name"] = list(names)
        options.update(arguments)
        options = {key: value for key, value in options.items() if value is not None}
        run = run_module_directly if "python" in how else warm_modules.run
        return run(module, options, **{"diff": True, "host": self.host, **how}, env=environment)

    def change(self, *names: str, **arguments: t.Any) -> ModuleResult:
        """Run st2_pack, which must change something."""
        result = self.run(*names, **arguments)
        assert not result.failed and result.changed, result.everything
        return result

    def keep(self, *names: str, **arguments: t.Any) -> ModuleResult:
        """Run st2_pack, which must find everything as asked, by whatever means."""
        result = self.run(*names, **arguments)
        assert not result.failed and not result.changed, result.everything
        return result

    def satisfied(self, *names: str, **arguments: t.Any) -> ModuleResult:
        """Run st2_pack, which must find everything as asked without a request, a program, or a write."""
        before = self.disk()
        self.forget()
        result = self.keep(*names, **arguments)
        assert self.programs == [], "no program is started"
        assert self.quiet, [self.git.requests, self.index.requests, self.packages.requests]
        assert self.written(before) == [], "nothing is written"
        return result

    def refuse(self, *names: str, **arguments: t.Any) -> ModuleResult:
        """Run st2_pack, which must fail and leave everything that StackStorm sees as it was, down to the inodes."""
        before = self.view()
        result = self.run(*names, **arguments)
        assert result.failed and not result.changed and result["msg"] and result.rc, result.everything
        assert "Traceback" not in result.everything, result.everything
        assert self.moved(before) == [] and self.debris() == [], result["msg"]
        return result

    # Looking

    def disk(self) -> Stamps:
        """Return every path of the host but its home and temporary directory, and what tells of any write to it."""
        return {path: tuple(entry) for path, entry in self._walk([])}

    def written(self, before: Stamps) -> t.List[str]:
        """Return the first paths that differ from an earlier `disk`."""
        return _differing(before, self.disk())

    def view(self) -> Stamps:
        """Return what StackStorm sees of the host, inodes and times too: all but the collection's own places."""
        parents = {str(path.relative_to(self.host.root)) for path in self._parents()}
        found: Stamps = {}
        for path, entry in self._walk([STATE]):
            times = () if path in parents else (entry.size, entry.modified, entry.changed)
            # Files of virtualenvs are hard links: a further one changes a time, and nothing that anybody sees.
            found[path] = (entry.mode, entry.inode, *(times[:2] if "/virtualenvs/" in path else times))
        return found

    def moved(self, before: Stamps) -> t.List[str]:
        """Return the first paths that differ from an earlier `view`."""
        return _differing(before, self.view())

    def debris(self) -> t.List[str]:
        """Return what lies in staging directories, where nothing may be between runs."""
        found = self.host.root.glob(f"**/{STATE}/staging/*")
        return sorted(str(path.relative_to(self.host.root)) for path in found)

    @property
    def programs(self) -> t.List[str]:
        """The command lines of git, ssh, uv and virtualenv that modules started since the start, or `forget`."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    @property
    def quiet(self) -> bool:
        """Whether no server was connected to since the start, or `forget`."""
        return self.git.quiet and self.index.quiet and self.packages.quiet

    def forget(self) -> None:
        """Empty all logs."""
        for server in (self.git, self.index, self.packages):
            server.clear()
        self._log.unlink(missing_ok=True)

    def _walk(self, exclude: t.Collection[str]) -> t.Iterator[t.Tuple[str, Stamp]]:
        for folder, directories, files in os.walk(self.host.root):
            if Path(folder) == self.host.root:
                directories[:] = [name for name in directories if name not in ("home", "tmp")]
            directories[:] = [name for name in directories if name not in exclude]
            for name in (*directories, *files):
                path = os.path.join(folder, name)
                info = os.lstat(path)
                stamp = Stamp(info.st_mode, info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
                yield os.path.relpath(path, self.host.root), stamp

    def _parents(self) -> t.List[Path]:
        host = self.host
        return [host.base_path, host.packs, host.virtualenvs, host.configs, host.overrides, *host.extra_base_paths]

    def _wrap_programs(self) -> Path:
        folder = self.root / "bin"
        folder.mkdir()
        places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        for name in LOGGED:
            program = shutil.which(name, path=places)
            if program:
                wrapper = folder / name
                wrapper.write_text(WRAPPER.format(name=name, log=self._log, program=program))
                wrapper.chmod(0o755)
        return folder


def _differing(before: Stamps, after: Stamps, most: int = 5) -> t.List[str]:
    return sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))[:most]


def warnings(result: ModuleResult) -> t.List[str]:
    """Return the warnings of a result as texts; newer releases of ansible-core wrap each into a document."""
    found = result.get("warnings") or []
    return [warning if isinstance(warning, str) else warning["event"]["msg"] for warning in found]


def only(result: ModuleResult) -> t.Dict[str, t.Any]:
    """Return the one row that ``packs`` of a result has."""
    assert len(result["packs"]) == 1, result["packs"]
    return dict(result["packs"][0])
