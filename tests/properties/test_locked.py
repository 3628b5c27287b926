# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a lock says is what hosts get, over generated worlds that move on meanwhile; check mode says the same.

`LOCKS=100 make properties` makes more, `ST2_SEED` says the number of the first.
"""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from infrastructure.servers.git_daemon import GitDaemon
from infrastructure.st2_host import ScratchHost

from properties.runs import run, words
from properties.test_lock import FIRST, LOCKS, REFS, World


def closure(document: t.Mapping[str, t.Any], refs: t.Iterable[str]) -> t.Set[str]:
    """The packs, and all that they depend on by a lock."""
    found: t.Set[str] = set()
    waiting = list(refs)
    while waiting:
        ref = waiting.pop()
        if ref not in found:
            found.add(ref)
            waiting += document["packs"][ref].get("dependencies", {})
    return found


def there(host: ScratchHost) -> t.Dict[str, t.Optional[str]]:
    """The commits of the packs of a host, as git says."""
    return {ref: host.head(ref) for ref in host.installed()}


@pytest.mark.parametrize("seed", range(FIRST, FIRST + LOCKS))
def test_hosts_get_what_the_lock_says_whatever_upstream_does(seed: int, tmp_path: Path) -> None:
    world = World(seed, tmp_path)
    world.release(REFS)
    with GitDaemon(world.served, tmp_path) as server:
        world.publish(server.url)
        requests = world.requests()
        assert world.lock("packs.lock.yml", requests).changed
        document = yaml.safe_load(world.text("packs.lock.yml"))
        lock = {ref: pack["commit"] for ref, pack in document["packs"].items()}
        host = ScratchHost(tmp_path / "host", index_url=f"file://{tmp_path}/index.json")
        common = {"register": "none", "virtualenv": "never"}
        if world.chance.random() < 0.5:
            # What is there already is of the same versions, of others, or of the same under another name.
            run(host, {**common, "name": world.chance.sample(REFS, 2)})
        for _step in range(2):
            world.release(world.chance.sample(REFS, 3))
            world.publish(server.url)
            some = world.chance.sample(requests, world.chance.randint(1, len(requests)))
            given = {**common, "lockfile": f"file://{tmp_path}/packs.lock.yml"}
            given["state"] = world.chance.choice(("present", "latest"))
            before = there(host)
            before_on_disk = host.snapshot()
            predicted = run(host, {**given, "name": some}, check=True)
            assert host.snapshot() == before_on_disk, "check mode wrote something"
            done = run(host, {**given, "name": some})
            assert not done.failure and words(predicted) == words(done), done.failure
            wanted = {ref: lock[ref] for ref in closure(document, some)}
            assert there(host) == {**before, **wanted}
            again = run(host, {**given, "name": some})
            assert not again.changed and not again.failure
            run(host, {**common, "name": list(REFS), "state": "latest"})
        refused = run(host, {**given, "name": [f"{some[0]}=9.9.9", *some]})
        assert refused.failure and f"{some[0]}=9.9.9" in refused.failure.message and not refused.changed
        whole = run(host, {**given, "exclusive": True})
        assert not whole.failure and there(host) == lock, whole.failure
        assert not run(host, {**given, "exclusive": True}).changed
