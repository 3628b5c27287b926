# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The world that is measured: a host, packs in repositories on a real git server, an index, a package index."""

from __future__ import annotations

import contextlib
import os
import shutil
import statistics
import subprocess
import sys
import time
import typing as t
from dataclasses import dataclass, field
from pathlib import Path

from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, index_document
from infrastructure.servers import CertificateAuthority, GitHttpsServer, IndexServer, PackageIndex
from infrastructure.st2_host import ScratchHost

# Seconds after which a command that is measured hangs.
LONGEST = 1800


@dataclass
class Row:
    """One figure: what was measured, its seconds, and how it stands to another figure of the same run."""

    what: str
    seconds: float
    ratio: str = ""


@dataclass
class Table:
    """The figures of one question."""

    title: str
    rows: t.List[Row] = field(default_factory=list)
    notes: t.List[str] = field(default_factory=list)

    def add(self, what: str, seconds: float, against: t.Optional[Row] = None) -> Row:
        """Add a figure; ``against`` is what its ratio is taken to."""
        row = Row(what, seconds, f"{seconds / against.seconds:.2f} of {against.what}" if against else "")
        self.rows.append(row)
        return row

    def markdown(self) -> str:
        """The table for a document."""
        lines = [f"### {self.title}", "", "| what | seconds | ratio |", "| --- | ---: | --- |"]
        lines += [f"| {row.what} | {row.seconds:.2f} | {row.ratio} |" for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])


@dataclass
class World:
    """A host with ``count`` packs to install from servers on loopback."""

    root: Path
    host: ScratchHost
    packs: t.List[str]
    git: GitHttpsServer
    index: IndexServer
    packages: PackageIndex
    ca_file: str

    def environment(self, *first_in_path: t.Union[str, Path]) -> t.Dict[str, str]:
        """For programs of this world: its package index, its certificates, this Python's programs."""
        path = [*map(str, first_in_path), str(Path(sys.executable).parent), os.environ["PATH"]]
        return {**self.packages.environment(), "PATH": os.pathsep.join(path), "GIT_SSL_CAINFO": self.ca_file}

    def arguments(self, **more: t.Any) -> t.Dict[str, t.Any]:
        """The options of a task for all packs."""
        return {"name": self.packs, "ca_bundle": self.ca_file, "register": "none", **more}

    def url(self, pack: str) -> str:
        """The repository of a pack."""
        return f"{self.git.url}/stackstorm-{pack}"


@contextlib.contextmanager
def world(
    root: Path,
    count: int,
    *,
    requirements: t.Sequence[str] = (),
    requiring: t.Optional[int] = None,
    actions: int = 0,
) -> t.Iterator[World]:
    """A fresh world below ``root``.

    :arg requiring: How many of the packs have the requirements; all by default.
    """
    packs = [f"pack{number:03d}" for number in range(count)]
    repositories = []
    for number, pack in enumerate(packs):
        needed = requirements if requiring is None or number < requiring else ()
        repository = GitRepository(root / "repositories" / f"stackstorm-{pack}.git", "master")
        for version in ("1.0.0", "1.0.1"):
            repository.release(PackTree(pack, version, requirements=needed, action_count=actions))
        repositories.append(repository.build())
    authority = CertificateAuthority(root / "ca")
    with contextlib.ExitStack() as stack:
        git = stack.enter_context(GitHttpsServer(root / "repositories", authority))
        packages = PackageIndex(root / "packages")
        add_pip(root / "packages")
        stack.enter_context(packages)
        index = stack.enter_context(IndexServer({"/v1/index.json": index_document(repositories, git.url)}))
        host = ScratchHost(root / "host", index_url=f"{index.url}/v1/index.json")
        yield World(root, host, packs, git, index, packages, str(authority.ca_file))


def add_pip(directory: Path) -> None:
    """Put the pip that is in the standard library into a package index, as every real one has it."""
    import ensurepip

    folders = [Path(ensurepip.__file__).parent / "_bundled", Path("/usr/share/python-wheels")]
    for wheel in (wheel for folder in folders for wheel in sorted(folder.glob("pip-*.whl"))):
        shutil.copy(wheel, directory)


def median(measure: t.Callable[[], float], times: int) -> float:
    """The median of some measurements."""
    return statistics.median(measure() for _time in range(times))


# What is measured by hand is as little concerned by somebody's settings as the collection is.
_PLAIN_GIT = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def timed(command: t.Sequence[t.Union[str, Path]], environment: t.Mapping[str, str]) -> float:
    """Seconds of one command, which must succeed."""
    started = time.monotonic()
    done = subprocess.run(
        [str(part) for part in command],
        env={**os.environ, **_PLAIN_GIT, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LONGEST,
    )
    seconds = time.monotonic() - started
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-1500:]}{done.stderr[-1500:]}")
    return seconds
