# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A bundle brings what its lock brings, over generated worlds; two bundles of one lock are equal.

`LOCKS=100 make properties` makes more, `ST2_SEED` says the number of the first.
"""

from __future__ import annotations

import os
import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infrastructure.environment import clean_environment
from infrastructure.servers.git_daemon import GitDaemon
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.argspec import bundle_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result, Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.bundle import build_bundle
from properties.runs import filled, run, words
from properties.test_lock import FIRST, LOCKS, REFS, World


def bundle(world: World, name: str) -> Result:
    """Make a bundle of the lock of a world."""
    scratch = world.place / f"scratch-{name}"
    scratch.mkdir()
    given = {"lockfile": f"{world.place}/packs.lock.yml", "path": str(world.place / name)}
    environment = {**clean_environment(str(world.place)), "PATH": os.environ["PATH"]}
    return build_bundle(
        Task(filled(bundle_options().options, given), None, False, environment, str(scratch), Redactor())
    )


def there(host: ScratchHost) -> t.Dict[str, t.Tuple[t.Optional[str], str]]:
    """The commits of the packs of a host, as git says, and the digests of their files."""
    return {ref: (host.head(ref), directory_digest(str(host.packs / ref))) for ref in host.installed()}


@pytest.mark.parametrize("seed", range(FIRST, FIRST + LOCKS))
def test_a_bundle_brings_what_its_lock_brings(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path)
    world.release(REFS)
    common = {"register": "none", "virtualenv": "never"}
    hosts = [ScratchHost(tmp_path / name, index_url=f"file://{tmp_path}/index.json") for name in ("one", "two")]
    with GitDaemon(world.served, tmp_path) as server:
        world.publish(server.url)
        assert world.lock("packs.lock.yml", world.requests()).changed
        first = bundle(world, "first.bundle")
        by_lock = run(hosts[0], {**common, "lockfile": f"file://{tmp_path}/packs.lock.yml"})
        assert not by_lock.failure, by_lock.failure
        # Whatever upstream does meanwhile.
        world.release(world.chance.sample(REFS, 3))
        world.publish(server.url)
        second = bundle(world, "second.bundle")
    assert first.returned["digest"] == second.returned["digest"]
    assert (tmp_path / "first.bundle").read_bytes() == (tmp_path / "second.bundle").read_bytes()

    # The server is gone.
    given = {**common, "bundle": f"file://{tmp_path}/{world.chance.choice(('first', 'second'))}.bundle"}
    before = hosts[1].snapshot()
    predicted = run(hosts[1], given, check=True)
    assert hosts[1].snapshot() == before, "check mode wrote something"
    by_bundle = run(hosts[1], given)
    assert not by_bundle.failure and words(predicted) == words(by_bundle), by_bundle.failure
    assert words(by_bundle) == words(by_lock)
    assert there(hosts[1]) == there(hosts[0])
    for host in hosts:
        assert not run(host, given).changed
    assert words(run(hosts[1], {**given, "state": "latest"})) == words(run(hosts[0], {**given, "state": "latest"}))
