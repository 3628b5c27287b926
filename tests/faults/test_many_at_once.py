# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several plays at once on one host: one after the other, all end right, and none waits past its deadline."""

from __future__ import annotations

import concurrent.futures
import itertools
import os
import shutil
import typing as t
from pathlib import Path

import pytest
from faults import inspection
from faults.world import World
from infrastructure.ansible_run import ModuleResult, run_play, start_module_directly

WRAPPER = """\
#!/bin/sh
echo "$PPID begin" >> {log}
{before}
{program} "$@"
status=$?
echo "$PPID end" >> {log}
exit $status
"""


class Programs:
    """The programs that runs start, each noted when it begins and ends.

    :arg folder: an empty one.
    :arg before: a shell command that each begins with.
    """

    def __init__(self, world: World, folder: Path, before: str = ":") -> None:
        self._log = folder / "programs.log"
        environment = world.environment()
        for name in ("git", "uv"):
            program = shutil.which(name, path=environment["PATH"])
            path = folder / name
            path.write_text(WRAPPER.format(log=self._log, before=before, program=program))
            path.chmod(0o755)
        self.environment = {**environment, "PATH": os.pathsep.join([str(folder), environment["PATH"]])}

    def order(self) -> t.List[int]:
        """Return the processes of runs in the order of their programs, each as often as it had a turn."""
        noted = [line.split()[0] for line in self._log.read_text().splitlines()]
        return [int(pid) for pid, _group in itertools.groupby(noted)]


def play(world: World, environment: t.Mapping[str, str], arguments: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """Run st2_pack as one task of a play; return the task's result."""
    task = {
        "name": "packs",
        "stackstorm.st2.st2_pack": {"st2_conf": str(world.host.st2_conf), "register": "none", **arguments},
    }
    # With -v, results are whole.
    done = run_play([task], host=world.host, env={**environment, "ANSIBLE_VERBOSITY": "1"})
    assert done.tasks, done.stdout + done.stderr
    return {**done["packs"], "outcome": done.tasks[0].outcome}


def plays_at_once(world: World, programs: Programs, *requests: t.Mapping[str, t.Any]) -> t.List[t.Dict[str, t.Any]]:
    """Run so many plays at once; return the results in the order of the requests."""
    with concurrent.futures.ThreadPoolExecutor(len(requests)) as pool:
        futures = [pool.submit(play, world, programs.environment, request) for request in requests]
        return [future.result() for future in futures]


def modules_at_once(world: World, programs: Programs, *requests: t.Mapping[str, t.Any]) -> t.List[ModuleResult]:
    """As `plays_at_once`, without Ansible around them, so that they begin together."""
    running = [
        start_module_directly("st2_pack", request, host=world.host, env=programs.environment) for request in requests
    ]
    return [one.wait(300) for one in running]


def assert_settled(world: World, programs: Programs) -> None:
    """No two runs were at work at the same time, and nothing is left of any."""
    order = programs.order()
    assert len(order) == len(set(order)), f"runs took turns: {order}"
    assert inspection.debris(world.host) == []
    assert inspection.strangers(world.host, ["alpha", "beta", "gamma", "delta"]) == []


def test_two_plays_for_the_same_pack(world: World, tmp_path: Path) -> None:
    world.restore("empty")
    programs = Programs(world, tmp_path)
    results = plays_at_once(world, programs, {"name": ["beta"]}, {"name": ["beta"]})
    assert [result["outcome"] for result in results] == ["ok", "ok"], results
    assert sorted(result["changed"] for result in results) == [False, True]
    assert {row["ref"] for result in results for row in result["packs"]} == {"alpha", "beta"}
    assert world.host.run_action("beta", "report")["imports"] == {"tinydep": "2.0.0"}
    assert_settled(world, programs)


def test_five_plays_for_the_same_and_for_different_packs(world: World, tmp_path: Path) -> None:
    world.restore("old")
    programs = Programs(world, tmp_path)
    results = plays_at_once(
        world,
        programs,
        {"name": ["gamma=1.0.0"]},
        {"name": ["gamma=2.0.0"]},
        {"name": ["alpha=2.0.0"]},
        {"name": ["beta=2.0.0", "alpha=2.0.0"]},
        {"name": [world.directory("2.0.0")]},
    )
    assert [result["outcome"] for result in results] == ["ok"] * 5, results
    assert [result["changed"] for result in (results[0], results[1], results[3], results[4])] == [True] * 4
    assert {ref: world.host.pack_version(ref) for ref in ("alpha", "beta", "delta")} == dict.fromkeys(
        ("alpha", "beta", "delta"), "2.0.0"
    )
    first, second = sorted(results[:2], key=lambda result: result["packs"][0].get("before") is not None)
    assert first["packs"][0]["before"] is None and second["packs"][0]["before"] == first["packs"][0]["after"]
    assert world.host.pack_version("gamma") == second["packs"][0]["after"]["version"]
    for ref in ("alpha", "beta", "gamma", "delta"):
        assert world.host.run_action(ref, "report")["version"] == world.host.pack_version(ref)
    assert_settled(world, programs)


@pytest.mark.parametrize("count", [2, 5])
def test_many_that_ask_for_the_same_do_it_once(world: World, tmp_path: Path, count: int) -> None:
    world.restore("old")
    programs = Programs(world, tmp_path)
    results = modules_at_once(world, programs, *[{**world.packs("2.0.0"), "timeout": 100}] * count)
    assert not any(result.failed for result in results), [result.everything for result in results]
    assert sorted(result.changed for result in results) == [False] * (count - 1) + [True]
    assert_settled(world, programs)


def test_installing_and_removing_at_once_ends_as_the_last_one_says(world: World, tmp_path: Path) -> None:
    world.restore("old")
    programs = Programs(world, tmp_path)
    absent = {"name": ["beta"], "state": "absent", "purge": True, "timeout": 100}
    present = {"name": ["beta=2.0.0"], "timeout": 100}
    results = modules_at_once(world, programs, present, absent, present, absent)
    assert not any(result.failed for result in results), [result.everything for result in results]
    # Each takes up where another left off: the befores and afters make one chain.
    rows = [result["packs"][0] for result in results if result.changed]
    versions = [(version(row["before"]), version(row["after"])) for row in rows]
    there = world.host.pack_version("beta")
    assert len(versions) >= 2
    assert any(order_of(chain) == there for chain in itertools.permutations(versions)), (versions, there)
    assert_settled(world, programs)


def version(state: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[str]:
    return state["version"] if state else None


def order_of(chain: t.Sequence[t.Tuple[t.Optional[str], t.Optional[str]]]) -> t.Union[str, bool, None]:
    """Return what the chain ends with, or False where one does not begin with what the one before it left."""
    now: t.Optional[str] = "1.0.0"
    for before, after in chain:
        if before != now:
            return False
        now = after
    return now


def test_none_waits_past_its_deadline(world: World, tmp_path: Path) -> None:
    world.restore("old")
    programs = Programs(world, tmp_path, before='case "$*" in *clone*) sleep 1.2 ;; esac')
    requests = [{"name": ["gamma=1.0.0", "alpha=2.0.0"], "timeout": 60, "virtualenv": "never"}]
    requests += [{"name": [f"gamma={v}"], "timeout": 3, "virtualenv": "never"} for v in ("0.9.0", "1.0.0", "2.0.0") * 2]
    results = modules_at_once(world, programs, *requests)
    assert not results[0].failed
    late = [result for result in results[1:] if result.failed]
    assert late and all(result["step"] in ("lock", "timeout") and "3 s" in result["msg"] for result in late)
    assert not any(result.changed for result in late)
    assert world.host.pack_version("alpha") == "2.0.0"
    assert world.host.pack_version("gamma") in ("0.9.0", "1.0.0", "2.0.0")
    world.must({"name": ["gamma=2.0.0"]})
    assert world.host.run_action("gamma", "report")["version"] == "2.0.0"
    assert inspection.debris(world.host) == []
