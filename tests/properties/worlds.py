# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Worlds to generate: what was done before, what somebody broke since, what the index says, what is asked now."""

from __future__ import annotations

import json
import shutil
import typing as t
from dataclasses import dataclass
from pathlib import Path

from hypothesis import strategies as st
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.st2_host import ScratchHost

from .runs import run

VERSIONS = ("1.0.0", "1.1.0", "2.0.0")
GIT_PACKS = ("alpha", "beta")
DIRECTORY = "gamma"
DRIFTS = ("edit", "delete", "add", "mode", "forget", "vanish", "husk", "rename-branch")


@dataclass(frozen=True)
class Upstream:
    """The repositories and the directory that packs come from; made once.

    C(alpha) stands alone; C(beta) needs alpha, from 1.1.0 on in the same version; C(gamma) is a plain directory.
    """

    root: Path

    @property
    def index(self) -> Path:
        """The index file, which each world writes anew."""
        return self.root / "index.json"

    @property
    def directory(self) -> Path:
        """The plain directory."""
        return self.root / DIRECTORY

    def url(self, pack: str) -> str:
        """The repository of a pack."""
        return f"file://{self.root}/stackstorm-{pack}.git"

    def build(self) -> Upstream:
        """Make them."""
        for pack in GIT_PACKS:
            repository = GitRepository(self.root / f"stackstorm-{pack}.git", "master")
            for version in VERSIONS:
                needs = () if pack == "alpha" else ("alpha",) if version == "1.0.0" else (f"alpha={version}",)
                repository.release(PackTree(pack, version, dependencies=needs, actions=("report", f"new_{version[0]}")))
            # Ahead of its last tag, as 43 of 90 real packs are.
            repository.commit(PackTree(pack, "2.0.0", dependencies=(), actions=("report", "unreleased")))
            repository.branch("dev")
            repository.build()
        PackTree(DIRECTORY, "0.1.0").write(self.directory)
        return self


@dataclass(frozen=True)
class Drift:
    """Something that happened to an installed pack behind the collection's back."""

    kind: str
    pack: str

    def happen(self, host: ScratchHost) -> None:
        """Let it happen, when the pack is there."""
        pack = host.packs / self.pack
        if not (pack / "pack.yaml").exists():
            return
        if self.kind == "edit":
            (pack / "actions" / "report.py").write_text("# edited\n")
        elif self.kind == "delete":
            (pack / "README.md").unlink(missing_ok=True)
        elif self.kind == "add":
            (pack / "rules" / "extra.yaml").write_text("name: extra\n")
        elif self.kind == "mode":
            (pack / "actions" / "report.py").chmod(0o755)
        elif self.kind == "forget":
            shutil.rmtree(host.packs / ".stackstorm.st2" / "receipts", ignore_errors=True)
        elif self.kind == "vanish":
            shutil.rmtree(pack)
        elif self.kind == "husk":
            (pack / "pack.yaml").unlink()
        elif (pack / ".git").is_dir():
            host.git(self.pack, "checkout", "--quiet", "-B", "mine")


@dataclass(frozen=True)
class World:
    """One generated world.

    :arg before: Tasks that ran before, for real.
    :arg index_version: What the index calls the version of every pack; C(None) when the index cannot be read.
    """

    before: t.Tuple[t.Dict[str, t.Any], ...]
    drifts: t.Tuple[Drift, ...]
    index_version: t.Optional[str]
    asked: t.Dict[str, t.Any]

    def build(self, upstream: Upstream, host: ScratchHost) -> None:
        """Bring a fresh host into this state."""
        write_index(upstream, VERSIONS[-1])
        for task in self.before:
            run(host, arguments(task, upstream))
        for drift in self.drifts:
            drift.happen(host)
        write_index(upstream, self.index_version)


def write_index(upstream: Upstream, version: t.Optional[str]) -> None:
    """Let the index say C(version) of every pack, or be no index."""
    if version is None:
        upstream.index.write_text("[]")
        return
    packs = {
        pack: {"name": pack, "version": version, "versions": list(VERSIONS), "repo_url": upstream.url(pack)}
        for pack in GIT_PACKS
    }
    upstream.index.write_text(json.dumps({"metadata": {}, "packs": packs}))


def arguments(task: t.Mapping[str, t.Any], upstream: Upstream) -> t.Dict[str, t.Any]:
    """The module's arguments for a generated task, in which sources have no addresses yet."""
    names = [name.replace("DIRECTORY", str(upstream.directory)) for name in task["name"]]
    names = [name.replace(f"URL-{pack}", upstream.url(pack)) for name in names for pack in [_pack_of(name)]]
    return {"virtualenv": "never", **task, "name": names}


def _pack_of(name: str) -> str:
    return next((pack for pack in GIT_PACKS if pack in name), GIT_PACKS[0])


_revisions = st.sampled_from(["", *(f"={version}" for version in VERSIONS), "=v1.0.0", "=master", "=dev", "=9.9.9"])
_git_names = st.builds(
    lambda form, pack, revision: form.format(pack=pack) + revision,
    st.sampled_from(["{pack}", "URL-{pack}"]),
    st.sampled_from(GIT_PACKS),
    _revisions,
)
names = st.one_of(_git_names, _git_names, st.sampled_from(["DIRECTORY", "nosuch", "core"]))
tasks = st.fixed_dictionaries(
    {
        "name": st.lists(names, min_size=1, max_size=3, unique=True),
        "state": st.sampled_from(["present", "present", "latest", "absent"]),
        "dependencies": st.sampled_from(["install", "install", "check", "skip"]),
        "verify": st.sampled_from(["fast", "fast", "content"]),
        "keep_releases": st.sampled_from([0, 1, 2]),
    }
)
_working_tasks = st.fixed_dictionaries(
    {
        "name": st.lists(
            st.sampled_from(
                ["alpha=1.0.0", "alpha=1.1.0", "URL-alpha=master", "beta=1.0.0", "beta=1.1.0", "DIRECTORY"]
            ),
            min_size=1,
            max_size=2,
            unique=True,
        )
    }
)
drifts = st.builds(Drift, st.sampled_from(DRIFTS), st.sampled_from([*GIT_PACKS, DIRECTORY]))
worlds = st.builds(
    World,
    before=st.lists(_working_tasks, max_size=2).map(tuple),
    drifts=st.lists(drifts, max_size=2).map(tuple),
    index_version=st.sampled_from([*VERSIONS, "1.0.0", None]),
    asked=tasks,
)
