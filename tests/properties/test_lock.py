# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Locks, over generated worlds: made twice they are equal, and a pack that is not renewed stays byte by byte.

`LOCKS=100 make properties` makes more, `ST2_SEED` says the number of the first.
"""

from __future__ import annotations

import json
import os
import random
import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, index_document
from infrastructure.servers.git_daemon import GitDaemon

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import lock_text, read_lock
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock.argspec import lock_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result, Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_lock import lock_packs
from properties.runs import filled

LOCKS = int(os.environ.get("LOCKS", "4"))
FIRST = int(os.environ.get("ST2_SEED", "1"))
REFS = ("alpha", "beta", "gamma", "delta", "epsilon")


class World:
    """Packs that depend on each other, on a git server, with an index; and a directory for locks."""

    def __init__(self, seed: int, place: Path) -> None:
        self.chance = random.Random(seed)
        self.place = place
        self.served = place / "served"
        self.served.mkdir()
        self.repositories = {ref: GitRepository(self.served / f"stackstorm-{ref}.git") for ref in REFS}
        self.dependencies = {
            ref: tuple(self.chance.sample(REFS[number + 1 :], self.chance.randint(0, len(REFS) - number - 1)))
            for number, ref in enumerate(REFS)
        }
        self.number = 0

    def release(self, refs: t.Iterable[str]) -> None:
        """Release new versions of some packs."""
        self.number += 1
        for ref in refs:
            actions = self.chance.sample(("one", "two", "three"), 2)
            tree = PackTree(
                ref, f"1.{self.number}.0", minimal=True, actions=actions, dependencies=self.dependencies[ref]
            )
            self.repositories[ref].release(tree)

    def publish(self, url: str) -> None:
        """Let the server and the index have what was released."""
        for repository in self.repositories.values():
            repository.build()
        document = index_document(self.repositories.values(), url, self.served)
        (self.place / "index.json").write_text(json.dumps(document))

    def requests(self) -> t.List[str]:
        """What a task asks for."""
        return self.chance.sample(REFS, self.chance.randint(1, 3))

    def lock(self, name: str, requests: t.Sequence[str], **options: t.Any) -> Result:
        """Make a lock."""
        scratch = self.place / f"scratch-{self.chance.random()}"
        scratch.mkdir()
        given = {
            "path": str(self.place / name),
            "name": list(requests),
            "index_url": [f"file://{self.place}/index.json"],
            **options,
        }
        environment = {**clean_environment(str(self.place)), "PATH": os.environ["PATH"]}
        params = filled(lock_options().options, given)
        try:
            return lock_packs(Task(params, None, False, environment, str(scratch), Redactor()))
        except St2Error as error:
            return Result(failure=error)

    def text(self, name: str) -> str:
        """The bytes of a lock."""
        return (self.place / name).read_text(encoding="utf-8")


def parts(text: str) -> t.Dict[str, str]:
    """The lines of each pack of a lock."""
    packs = text.partition("packs:\n")[2]
    found: t.Dict[str, str] = {}
    for line in packs.splitlines():
        if not line.startswith("   "):
            ref = line.strip(" :")
            found[ref] = ""
        found[ref] += f"{line}\n"
    return found


@pytest.mark.parametrize("seed", range(FIRST, FIRST + LOCKS))
def test_locks_say_what_upstream_has_and_nothing_of_how_they_were_made(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path)
    world.release(REFS)
    with GitDaemon(world.served, tmp_path) as server:
        world.publish(server.url)
        requests = world.requests()
        made = world.lock("one", requests)
        assert made.changed and not made.failure, made.failure
        assert world.lock("two", world.chance.sample(requests, len(requests))).changed
        assert world.text("one") == world.text("two"), "made twice, in another order of requests"
        assert lock_text(read_lock(world.text("one"), "one")) == world.text("one"), "read and written again"
        assert not world.lock("one", requests).changed

        before = parts(world.text("one"))
        world.release(world.chance.sample(REFS, 3))
        world.publish(server.url)
        update = world.chance.sample(sorted(before), world.chance.randint(0, len(before)))
        renewed = world.lock("one", requests, update=update)
        assert not renewed.failure, renewed.failure
        assert world.lock("fresh", requests).changed
        after, fresh = parts(world.text("one")), parts(world.text("fresh"))
        for ref in before:
            assert after[ref] == (fresh[ref] if ref in update else before[ref]), ref
        assert [row["ref"] for row in renewed.returned["packs"]] == [ref for ref in before if after[ref] != before[ref]]

        world.lock("one", requests)
        assert world.text("one") == world.text("fresh"), "renewed as a whole it is as one that was made from nothing"
