# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of a pack that wait for triggers of another one, when that goes and comes back."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree, bodies
from infrastructure.st2_stub import close, nth

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    without_waiting_for_disks,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._tasks.pack_site import PackSite


@pytest.fixture
def packs(tmp_path):
    site = PackSite(tmp_path)
    with without_waiting_for_disks():
        yield site
    site.stub.stop()


@pytest.fixture
def both(packs):
    """The items of C(sensu), and of C(jira), whose rule waits for it; both are there."""
    items = packs.source("sensu"), packs.source("jira", rules=[("on_sensu", "sensu.tick")])
    succeeded(packs.run(*items))
    return items


def succeeded(result):
    assert result.failure is None, result.failure.message
    return result


def has_trigger(packs, name="on_sensu", pack="jira"):
    return isinstance(packs.stub.resources(pack)["rules"][name]["trigger"], dict)


def test_a_pack_whose_rule_lost_its_trigger_is_stale_and_registered_anew(packs, both):
    sensu, jira = both
    succeeded(packs.run({**sensu, "state": "absent"}))
    succeeded(packs.run(sensu))
    assert not has_trigger(packs), "StackStorm does not find it again by itself"
    done = succeeded(packs.run(jira))
    assert done.msg.startswith("jira 1.0.0 ") and done.msg.endswith(" registered")
    assert done.returned["database_state"] == "current"
    assert has_trigger(packs) and not succeeded(packs.run(jira)).changed


def test_a_pack_without_its_trigger_is_not_said_to_be_current(packs, both):
    sensu, jira = both
    succeeded(packs.run({**sensu, "state": "absent"}))
    assert packs.run(jira, check=True).changed
    done = packs.run({**jira, "source": str(packs.packs / "none")})
    assert done.failure is not None and done.returned["packs"][0]["database_state"] == "stale"


@pytest.mark.parametrize("there", [True, False], ids=["that is there", "that comes"])
def test_a_pack_is_not_taken_from_the_rules_of_one_that_is_to_be_present(packs, there):
    sensu, jira = packs.source("sensu"), packs.source("jira", rules=[("on_sensu", "sensu.tick")])
    succeeded(packs.run(sensu, *([jira] if there else [])))
    before = packs.stub.database_snapshot()
    task = [{**sensu, "state": "absent"}, jira]
    failures = [packs.run(*task, check=check, dependencies="skip").failure for check in (True, False)]
    assert {failure.message for failure in failures} == {
        "sensu is to be absent, but rules of packs that are to be present wait for its triggers (jira: on_sensu), and "
        "StackStorm does not register a rule whose trigger it does not have. Nothing was changed: keep the pack, or "
        "remove those with it."
    }
    assert packs.stub.database_snapshot() == before and (packs.host.packs / "sensu").is_dir()
    succeeded(packs.run(*({**item, "state": "absent"} for item in (sensu, jira))))


def test_a_version_whose_rules_do_not_wait_may_come_while_the_pack_goes(packs, both):
    sensu, _jira = both
    done = succeeded(packs.run({**sensu, "state": "absent"}, packs.source("jira", "2.0.0")))
    assert done.changed and packs.stub.pack("sensu") is None


def test_a_removal_that_failed_too_late_names_the_rules_without_a_trigger(packs, both):
    sensu, jira = both
    packs.stub.make("rules", bodies.rule("default", "ours", "sensu.tick", {"every": 5}))
    packs.stub.faults.append(nth(2, close("/executions/[^/]+$", work=True)))
    failed = packs.run({**sensu, "state": "absent"})
    assert failed.failure.message.endswith(
        " Rules have lost their trigger, and only work again after they are saved again: default.ours, "
        "jira.on_sensu. For rules of packs, st2_pack does this in the next task that manages their pack."
    )
    assert failed.changed and not has_trigger(packs) and not has_trigger(packs, "ours", "default")
    assert succeeded(packs.run(jira)).changed and has_trigger(packs)


def test_a_removal_that_was_refused_leaves_everything_known_as_it_was(packs, both):
    sensu, jira = both
    packs.stub.faults.append(close("/executions$"))
    assert packs.run({**sensu, "state": "absent"}).failure is not None
    assert has_trigger(packs)
    assert not succeeded(packs.run(jira)).changed


def test_a_rule_that_a_refused_pack_gave_its_trigger_back_is_named(packs):
    tree = PackTree("sensu", minimal=True, actions=("report",))
    tree.add_yaml("triggers/beat.yaml", bodies.trigger("sensu", "beat"))
    sensu = {"name": "sensu", "source": str(tree.write(packs.packs / "beating"))}
    succeeded(packs.run(sensu))
    packs.stub.make("rules", bodies.rule("default", "ours", "sensu.beat"))
    succeeded(packs.run({**sensu, "state": "absent"}))
    packs.stub.refuse("sensu", kind="actions")
    failed = packs.run(sensu)
    assert "rule default.ours (which had no trigger, and works again)" in failed.failure.message
    assert has_trigger(packs, "ours", "default")
