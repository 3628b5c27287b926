# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode predicts the run, and a run that succeeded leaves nothing to do: over generated worlds.

`EXAMPLES=1000 make properties` runs more.
"""

from __future__ import annotations

import os
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypothesis import HealthCheck, Phase, event, given, note, settings
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result
from properties.runs import run, words
from properties.worlds import Upstream, World, arguments, worlds

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Upstream:
    return Upstream(tmp_path_factory.mktemp("upstream")).build()


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize="CI" in os.environ,
    # A failing world is small enough to read as it is.
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)
@given(world=worlds)
def test_check_mode_says_what_the_run_does_and_the_second_run_does_nothing(upstream: Upstream, world: World) -> None:
    with tempfile.TemporaryDirectory() as folder:
        host = ScratchHost(folder, index_url=f"file://{upstream.index}")
        world.build(upstream, host)
        asked = arguments(world.asked, upstream)
        untouched = host.snapshot()

        predicted = run(host, asked, check=True)
        note(f"predicted: {words(predicted)}")
        assert host.snapshot() == untouched, "check mode wrote something"

        done = run(host, asked)
        note(f"done: {words(done)}")
        event(
            done.failure.step or "failed"
            if done.failure
            else "+".join(sorted(p["action"] for p in done.returned["packs"]))
        )
        assert words(predicted) == words(done)
        if done.failure:
            kept = without_lock(host.snapshot())
            assert kept == without_lock(untouched), "a run that failed changed something"
            return
        _agrees_with_the_world(host, done.returned["packs"])

        settled = host.snapshot()
        again = run(host, asked)
        note(f"again: {words(again)}")
        assert not again.changed and not again.failure
        assert host.snapshot() == settled, "a run with nothing to do wrote something"


def _what_happened(done: Result) -> str:
    """For the statistics of hypothesis, which show whether the worlds are varied."""
    if done.failure:
        return f"failed: {done.failure.step}"
    return " + ".join(sorted(pack["action"] for pack in done.returned["packs"]))


def without_lock(snapshot: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """A snapshot without the empty places that the first run on a host makes for itself."""
    return {path: what for path, what in snapshot.items() if ".stackstorm.st2" not in Path(path).parts}


def _agrees_with_the_world(host: ScratchHost, packs: t.Sequence[t.Mapping[str, t.Any]]) -> None:
    """What the result says is there is there, read by other means."""
    for pack in packs:
        after = pack["after"]
        if after is None:
            assert pack["ref"] is None or not (host.packs / pack["ref"]).exists()
            continue
        assert host.pack_version(pack["ref"]) == after["version"]
        if after.get("commit") and (host.packs / pack["ref"] / ".git").is_dir():
            assert host.head(pack["ref"]) == after["commit"]
