# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running st2_pack_lock on a lock in a directory of its own, and reading what it writes."""

from __future__ import annotations

import typing as t

import yaml
from e2e.scene import Scene
from infrastructure.ansible_run import ModuleResult


class Keeper:
    """Keeps a lock in a directory of its own."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.site = scene.root / "site"
        self.site.mkdir()
        self.path = self.site / "packs.lock.yml"
        self.home = scene.root / "home"
        self.home.mkdir()

    def run(self, *names: str, **arguments: t.Any) -> ModuleResult:
        given = {"path": str(self.path), "index_url": [self.scene.index_url], **arguments}
        given["env"] = {"HOME": str(self.home), **arguments.get("env", {})}
        return self.scene.run(*names, module="st2_pack_lock", host=None, **given)

    def walk(self, *names: str, **arguments: t.Any) -> ModuleResult:
        """Check, run, check again, run again: what check mode says comes, and only once."""
        before = self.stamp()
        foreseen = self.run(*names, check=True, **arguments)
        assert not foreseen.failed and foreseen.changed, foreseen.everything
        assert self.stamp() == before, "check mode writes nothing"
        done = self.run(*names, **arguments)
        assert not done.failed and done.changed, done.everything
        for key in ("diff", "packs", "msg", "refs", "unlocked", "markdown"):
            assert done.get(key) == foreseen.get(key), key
        self.unchanged(*names, **arguments)
        return done

    def unchanged(self, *names: str, **arguments: t.Any) -> None:
        after = self.stamp()
        for check in (True, False):
            again = self.run(*names, check=check, **arguments)
            assert not again.failed and not again.changed and again["packs"] == [], again.everything
            assert not again.get("diff") and again["markdown"] == ""
        assert self.stamp() == after, "nothing is written"

    def refuse(self, *names: str, **arguments: t.Any) -> str:
        """Run it, with nothing written and the sentence returned."""
        before = self.stamp()
        for check in (True, False):
            result = self.run(*names, check=check, **arguments)
            assert result.failed and not result.changed and "Traceback" not in result.everything, result.everything
        assert self.stamp() == before
        assert not [path.name for path in self.site.iterdir() if path.name.startswith(".")]
        return str(result["msg"])

    def stamp(self) -> t.Optional[t.Tuple[t.Any, ...]]:
        if not self.path.exists():
            return None
        status = self.path.stat()
        return status.st_ino, status.st_mtime_ns, status.st_mode & 0o777, self.text

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def document(self) -> t.Dict[str, t.Any]:
        return dict(yaml.safe_load(self.text))

    def pack(self, ref: str) -> t.Dict[str, t.Any]:
        return dict(self.document["packs"][ref])

    def part(self, ref: str) -> str:
        """The lines of one pack."""
        lines = self.text.splitlines()
        first = lines.index(f"  {ref}:")
        rest = [number for number in range(first + 1, len(lines)) if not lines[number].startswith("   ")]
        return "\n".join(lines[first : rest[0] if rest else None])
