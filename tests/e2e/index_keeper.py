# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running st2_index on a directory of its own, and reading what it publishes."""

from __future__ import annotations

import json
import os
import typing as t
from pathlib import Path

from e2e.scene import INDEX, Scene
from infrastructure.ansible_run import ModuleResult
from infrastructure.servers import IndexServer
from infrastructure.st2_stub.pack_index import PackIndex

Files = t.Dict[str, t.Tuple[t.Any, ...]]


class Keeper:
    """Keeps an index in a directory of its own, with the git server and the public index of a scene."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.place = scene.root / "srv"
        self.place.mkdir()
        self.path = self.place / "index"

    def run(self, **arguments: t.Any) -> ModuleResult:
        """Run st2_index, whatever comes of it."""
        how = {key: arguments.pop(key) for key in ("check", "python") if key in arguments}
        return self.scene.run(module="st2_index", host=None, path=str(self.path), **arguments, **how)

    def walk(self, **arguments: t.Any) -> ModuleResult:
        """Check, run, check again, run again: what check mode says comes, and only once."""
        before = self.disk()
        foreseen = self.run(check=True, **arguments)
        assert not foreseen.failed and foreseen.changed, foreseen.everything
        assert self.disk() == before, "check mode writes nothing"
        done = self.run(**arguments)
        assert not done.failed and done.changed, done.everything
        for key in ("diff", "packs", "left_out", "shadowed", "serial", "generated_ts", "hash", "msg", "pack_count"):
            assert done.get(key) == foreseen.get(key), key
        after = self.disk()
        for check in (True, False):
            again = self.run(check=check, **arguments)
            assert not again.failed and not again.changed and again["packs"] == [], again.everything
            assert not again.get("diff")
        assert self.disk() == after, "nothing is written"
        assert again["serial"] == done["serial"] == self.index["metadata"]["serial"]
        return done

    def refuse(self, **arguments: t.Any) -> str:
        """Run it, with nothing published and the sentence returned."""
        before = self.published()
        for check in (True, False):
            result = self.run(check=check, **arguments)
            assert result.failed and not result.changed and "Traceback" not in result.everything, result.everything
        assert self.published() == before
        return str(result["msg"])

    @property
    def index(self) -> t.Dict[str, t.Any]:
        """The index that is published."""
        return t.cast(t.Dict[str, t.Any], json.loads((self.path / "v1/index.json").read_bytes()))

    def published(self) -> t.Dict[str, bytes]:
        """Every published file."""
        files = (Path(folder, name) for folder, _names, names in os.walk(self.path) for name in names)
        return {file.relative_to(self.path).as_posix(): file.read_bytes() for file in files}

    def disk(self) -> Files:
        """Everything in and beside the directory, and what tells of any write to it; the lock's own file aside."""
        found: Files = {}
        for path in sorted(self.place.rglob("*")):
            status = path.lstat()
            if path.name != "lock":
                stamp = (status.st_ino, status.st_mode, status.st_size, status.st_mtime_ns)
                found[str(path)] = (path.is_dir(), *stamp[:2]) if path.is_dir() else stamp
        return found

    def by_stackstorm(self) -> t.Dict[str, t.Any]:
        """What StackStorm makes of the published index; its health says that nothing is wrong."""
        with IndexServer({INDEX: (self.path / "v1/index.json").read_bytes()}) as server:
            index = PackIndex({}, [f"{server.url}{INDEX}"])
            health = index.health()
            assert health["indexes"]["valid"] == 1 and health["packs"]["count"] == len(self.index["packs"])
            return dict(index.entries()[0])
