# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An Exchange in a directory: its settings, its program in an archive, and a server of files in place of nginx."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml
from e2e.scene import Scene
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.repositories.git_repository import run_git
from infrastructure.servers.http_base import Handler, HttpServer

from ansible_collections.stackstorm.st2.plugins.plugin_utils.exchange_program import write_program

# What a run may rewrite that finds everything as it was.
TELLS_TIMES = ("status/status.json",)
_LIMIT = 300


class _FileHandler(Handler):
    """Files as nginx serves them: the index and the page from the release, git as it lies there."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].lstrip("/")
        top = path.partition("/")[0]
        root: Path = self.owner.root
        file = root / path if top in ("git", "status", "simple") else root / "www" / path
        if file.is_file():
            self.reply(200, file.read_bytes())
        else:
            self.reply(404)


class _FileServer(HttpServer):
    handler = _FileHandler

    def __init__(self, root: Path) -> None:
        self.root = root
        super().__init__()


class Ended(t.NamedTuple):
    """A run of the program that ended."""

    status: int
    told: str
    output: str

    @property
    def lines(self) -> t.List[str]:
        """What was told, a line each."""
        return self.told.splitlines()


class ExchangeHost:
    """An Exchange that mirrors from the servers of a scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.place = scene.root / "exchange"
        self.root = self.place / "data"
        for name in ("hosted", "triggers"):
            (self.root / name).mkdir(parents=True)
        self.program = self.place / "st2-exchange.pyz"
        write_program(str(self.program))
        self.settings_file = self.place / "exchange.yml"
        self.server = _FileServer(self.root)
        self.url = self.server.url
        self.settings: t.Dict[str, t.Any] = {
            "url": self.url,
            "root": str(self.root),
            "ca_bundle": str(scene.ca.ca_file),
        }
        self.environment = clean_environment(self.place, TMPDIR=str(self.place), PATH=scene.environment["PATH"])

    def stop(self) -> None:
        """End the server."""
        self.server.stop()

    def start(self, *command: str, **settings: t.Any) -> subprocess.Popen[str]:
        """Start a command with further settings, which stay."""
        self.settings.update(settings)
        self.settings_file.write_text(yaml.safe_dump(self.settings), encoding="utf-8")
        return subprocess.Popen(
            [sys.executable, "-I", str(self.program), "--settings", str(self.settings_file), *command],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
            start_new_session=True,
        )

    def run(self, *command: str, **settings: t.Any) -> Ended:
        """Run a command to its end."""
        process = self.start(*command, **settings)
        output, told = process.communicate(timeout=_LIMIT)
        assert "Traceback" not in told, told
        return Ended(process.returncode, told, output)

    @property
    def index(self) -> t.Dict[str, t.Any]:
        """The index that is published."""
        return t.cast(t.Dict[str, t.Any], json.loads((self.root / "www/v1/index.json").read_bytes()))

    @property
    def packs(self) -> t.Dict[str, str]:
        """The version of each pack in it."""
        return {ref: entry["version"] for ref, entry in self.index["packs"].items()}

    def status(self, name: str) -> str:
        """What is published of a hosted pack, or of everything."""
        return (self.root / "status" / f"{name}.txt").read_text(encoding="utf-8")

    def page(self, ref: str) -> str:
        """The page of a pack."""
        return (self.root / "www/packs" / ref / "index.html").read_text(encoding="utf-8")

    def tag(self, ref: str, tag: str) -> str:
        """The commit that a served tag is."""
        return run_git("-C", self.root / "git" / f"{ref}.git", "rev-parse", f"refs/tags/{tag}^{{commit}}").strip()

    def disk(self) -> t.Dict[str, t.Tuple[int, ...]]:
        """Every file, and what tells of any write to it."""
        found = {}
        for path in sorted(self.root.rglob("*")):
            name = path.relative_to(self.root).as_posix()
            info = path.lstat()
            if not path.is_dir() and name not in TELLS_TIMES and not name.endswith("lock"):
                found[name] = (info.st_ino, info.st_mode, info.st_size, info.st_mtime_ns)
        return found

    def push(self, ref: str, *trees: PackTree, tagged: bool = True) -> None:
        """Push versions of a pack to its hosted repository, as somebody by ssh does."""
        work = GitRepository(self.place / f"{ref}-{len(list(self.place.iterdir()))}.git")
        for tree in trees:
            if tagged:
                work.release(tree)
            else:
                work.commit(tree)
        work.build()
        target = self.root / "hosted" / f"{ref}.git"
        run_git("-C", work.path, "push", "--quiet", "--force", str(target), "refs/heads/*", "refs/tags/*")

    def clone(self, ref: str, where: Path) -> None:
        """Clone as StackStorm does, over what the web server has."""
        environment = {**os.environ, **clean_environment(where.parent)}
        subprocess.run(
            ["git", "clone", "--quiet", f"{self.url}/git/{ref}.git", str(where)], check=True, env=environment
        )
