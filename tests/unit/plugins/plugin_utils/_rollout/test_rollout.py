# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a rollout decides by the results of its phases: who does what next, and what is said in the end."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.filter.rollout_phase import rollout_phase
from ansible_collections.stackstorm.st2.plugins.filter.rollout_plan import rollout_plan

pytestmark = pytest.mark.needs_ansible

A, B = ("a1", "a2"), ("b1",)
OK = {"changed": False}
GONE = {"unreachable": True, "msg": "no route"}
BAD = {"failed": True, "msg": "It is broken."}
NAMES = [
    "info",
    "changes",
    "directory",
    "asked",
    "mark",
    "look",
    "packs",
    "ready",
    "registered",
    "unloaded",
    "compared",
    "restart",
    "entry_points",
    "actions",
    "back",
]


def staged(version="2", plan="sha256:2", **more):
    row = {"ref": "demo", "changed": True, "msg": f"demo 1 -> {version}", "before": {"version": "1"}}
    return {**OK, "plan": plan, "packs": [{**row, "after": {"version": version}, "action": "upgrade"}], **more}


def change(number, **more):
    row = {"ref": "demo", "before": {"version": "1"}, "after": {"version": "2"}}
    return {"change": number, "registered": "none", "packs": [row], **more}


class Rollout:
    """A rollout to two clusters, whose phases all go well but for what a test says."""

    def __init__(self, check=False, waves=()):
        self.check = check
        self.variables = {host: {"st2_cluster": "staging" if host in A else "production"} for host in (*A, *B)}
        self.document = rollout_plan([*A, *B], self.variables, list(waves))
        self.done = []

    def good(self, phase):
        core = {"base_path": "/packs", "virtualenv": {"path": "/virtualenvs/core"}}
        found = {
            "preflight": {"info": {"packs": [core]}, "changes": {"changes": [{"change": "0001"}]}, "asked": OK},
            "inspect": {"changes": {"changes": [{"change": "0001"}]}},
            "stage": {"packs": staged()},
            "swap": {"packs": staged(change="0002")},
            "prove": {
                "packs": {**staged(), "changed": False},
                "info": {"packs": [{"ref": "demo", "version": "2", "edits": [], "database_state": "current"}]},
            },
        }
        every = dict.fromkeys(NAMES, OK)
        every["directory"] = {"stat": {"exists": True, "inode": id(self)}} if phase != "preflight" else None
        return {**every, **found.get(phase, {})}

    def phase(self, phase, **others):
        """Let a phase happen; what a host returns otherwise is by its name."""
        asked = self.document["next"]
        self.done.append((phase, sorted(asked.get(phase, ()))))
        variables = {}
        for host in self.document["hosts"]:
            results = {**self.good(phase), "directory": {"stat": {"exists": True, "inode": host, "mtime": 1}}}
            results.update(others.get(host, {}))
            variables[host] = {f"r_{name}": result for name, result in results.items()}
        self.document = rollout_phase(
            self.document, phase, variables=variables, results={n: f"r_{n}" for n in NAMES}, check=self.check
        )
        assert json.loads(json.dumps(self.document)) == self.document
        return self.document["next"]

    def wave(self, number, **otherwise):
        """Go through a wave as the role does; keywords say for a phase what hosts return otherwise."""
        self.document = rollout_phase(self.document, "start", number)
        order = "preflight share stage ready swap register restart smoke prove inspect back restore restart_back"
        keys = {"share": "mark"}
        for phase in order.split():
            if self.document["next"].get(keys.get(phase, phase)):
                self.phase(phase, **otherwise.get(phase, {}))
        return self.document

    @property
    def phases(self):
        return [phase for phase, _hosts in self.done]


def states(document):
    return {host: entry["state"] for host, entry in document["hosts"].items()}


def test_clusters_are_waves_and_each_has_one_registrar():
    rollout = Rollout()
    rollout.wave(1)
    assert rollout.phases == ["preflight", "stage", "ready", "swap", "register", "smoke", "prove"]
    assert dict(rollout.done)["register"] == ["a1"] and dict(rollout.done)["swap"] == ["a1", "a2"]
    assert not rollout.document["finished"]
    document = rollout.wave(2)
    assert document["finished"] and document["summary"] == "3 hosts in 2 clusters rolled out: demo 1 -> 2"
    assert set(states(document).values()) == {"rolled out"}
    assert document["lines"] == [
        "wave 1, cluster staging: rolled out: a1, a2",
        "wave 2, cluster production: rolled out: b1",
    ]


def test_nothing_to_change_is_not_a_rollout():
    rollout = Rollout()
    same = staged()
    same["packs"][0].update(changed=False, msg="demo 2 is there", action="none", config={"changed": False})
    for number in (1, 2):
        every = {host: {"packs": same} for host in (*A, *B)}
        document = rollout.wave(number, stage=every, swap=every)
    assert document["finished"] and document["summary"].startswith("3 hosts in 2 clusters already have these packs")


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize("row", [{"action": "upgrade"}, {"action": "none", "config": {"changed": True}}])
def test_what_an_earlier_rollout_staged_is_a_change_as_well(row, check):
    rollout = Rollout(check)
    waiting = staged()
    waiting["packs"][0].update(changed=False, **row)
    document = rollout.wave(1, stage={host: {"packs": waiting} for host in A})
    assert document["hosts"]["a1"]["changes"] == ["demo 1 -> 2"]


@pytest.mark.parametrize("result", [GONE, BAD, {}, {"skipped": True, "skip_reason": "Conditional result was False"}])
@pytest.mark.parametrize("phase", ["preflight", "stage", "ready"])
def test_before_the_swap_nobody_is_touched(phase, result):
    rollout = Rollout()
    name = {"preflight": "info", "stage": "packs", "ready": "ready"}[phase]
    document = rollout.wave(1, **{phase: {"a2": {name: result}}})
    assert rollout.phases[-1] == phase and "swap" not in rollout.phases and not document["next"]
    assert not document["finished"] and "Nothing was changed." in document["summary"]
    assert document["summary"].startswith("Not rolled out: a2 failed in ")
    assert rollout.wave(2)["wave"] == 1, "the next wave does not start"


@pytest.mark.parametrize(
    ("phase", "name"),
    [
        ("register", "registered"),
        ("register", "compared"),
        ("smoke", "entry_points"),
        ("smoke", "actions"),
        ("prove", "info"),
        ("prove", "packs"),
    ],
)
@pytest.mark.parametrize("result", [GONE, BAD, {}])
def test_after_the_swap_all_go_back(phase, name, result):
    rollout = Rollout()
    document = rollout.wave(1, **{phase: {"a2" if name == "compared" else "a1": {name: result}}})
    assert rollout.done[-2:] == [("back", ["a1", "a2"]), ("restore", ["a1"])]
    assert states(document) == {"a1": "rolled back", "a2": "rolled back", "b1": "untouched"}
    assert "Rolled back on a1, a2." in document["summary"] and not document["finished"]


def test_a_swap_that_was_lost_is_looked_up():
    rollout = Rollout()
    new = {"changes": {"changes": [change("0002"), change("0001")]}}
    document = rollout.wave(1, swap={"a1": {"packs": GONE}, "a2": {"packs": BAD}}, inspect={"a1": new})
    assert rollout.done[-3:] == [("inspect", ["a1", "a2"]), ("back", ["a1"]), ("restore", ["a1"])]
    assert states(document) == {"a1": "rolled back", "a2": "staged", "b1": "untouched"}


@pytest.mark.parametrize(
    "others",
    [
        {"packs": [{"ref": "demo", "after": {"version": "9"}}]},
        {"packs": [{"ref": "other", "after": {"version": "2"}}]},
        {"packs": [{"ref": "demo"}]},
        {"registered": "api"},
        {"undoes": "0001"},
        {"packs": [], "configs": ["other"]},
    ],
)
def test_what_others_changed_meanwhile_stays(others):
    rollout = Rollout()
    found = {"changes": {"changes": [change("0002", **others), change("0001")]}}
    document = rollout.wave(1, swap={"a1": {"packs": BAD}}, inspect={"a1": found})
    assert states(document) == {"a1": "staged", "a2": "rolled back", "b1": "untouched"}
    assert document["summary"] == "Not rolled out: a1 failed in the swap: It is broken. Rolled back on a2."
    rollout = Rollout()
    found["changes"]["changes"].insert(1, change("0001a"))
    rollout.wave(1, swap={"a1": {"packs": GONE}}, inspect={"a1": found})
    assert rollout.document["hosts"]["a1"]["change"] == "0001a"


def test_a_cluster_that_was_mixed_before_is_told():
    rollout = Rollout()
    differs = {"compared": {"failed": True, "msg": "The database does not match."}}
    rollout.wave(1, swap={"a1": {"packs": staged()}}, smoke={"a2": {"entry_points": BAD}}, restore={"a1": differs})
    assert rollout.done[-2:] == [("back", ["a2"]), ("restore", ["a2"])]
    assert rollout.document["summary"].startswith("ROLLBACK INCOMPLETE. a2 failed in the smoke test: It is broken.")
    assert any("had different packs before this rollout" in line for line in rollout.document["lines"])
    assert states(rollout.document) == {"a1": "unchanged", "a2": "rolled back", "b1": "untouched"}


def test_a_host_that_never_answers_is_unknown():
    rollout = Rollout()
    document = rollout.wave(1, swap={"a2": {"packs": GONE}}, inspect={"a2": {"changes": GONE}})
    assert states(document)["a1"] == "rolled back" and document["summary"].startswith("STATE UNKNOWN on a2.")
    assert any("Whether it has the new packs is not known." in line for line in document["lines"])


def test_a_rollback_that_fails_is_loud():
    rollout = Rollout()
    document = rollout.wave(1, smoke={"a1": {"actions": BAD}}, back={"a1": {"back": BAD}})
    assert rollout.done[-1] == ("restore", ["a2"]) and document["summary"].startswith("ROLLBACK FAILED on a1.")
    rollout = Rollout()
    document = rollout.wave(1, smoke={"a1": {"actions": BAD}}, restore={"a1": {"registered": GONE}})
    assert document["summary"].startswith("ROLLBACK FAILED on a1.")
    assert any("StackStorm's database may still have the new packs" in line for line in document["lines"])


def test_nodes_that_would_differ_are_named():
    rollout = Rollout()
    document = rollout.wave(1, stage={"a2": {"packs": staged("3", "sha256:3")}})
    assert "swap" not in rollout.phases
    assert "They would have demo 2 on a1; demo 3 on a2." in document["summary"]


@pytest.mark.parametrize(
    "row",
    [
        {"ref": "demo", "version": "1", "database_state": "current"},
        {"ref": "demo", "version": "2", "database_state": "stale"},
        {"ref": "demo", "version": "2", "database_state": "current", "edits": ["edited x.py"]},
        {"ref": "other"},
    ],
)
def test_the_proof_looks_at_every_host(row):
    rollout = Rollout()
    document = rollout.wave(1, prove={"a2": {"info": {"packs": [row]}}})
    assert "a2 failed in the proof: It does not have what was rolled out" in document["summary"]
    assert states(document)["a2"] == "rolled back"


def test_new_packs_are_unloaded_on_the_way_back_and_removed_ones_registered():
    new = {"ref": "new", "changed": True, "msg": "new 1", "after": {"version": "1"}, "action": "install"}
    old = {"ref": "old", "changed": True, "msg": "old removed", "before": {"version": "1"}, "action": "remove"}
    rollout = Rollout()
    every = {host: {"packs": {**staged(), "packs": [new, old]}} for host in A}
    swapped = {host: {"packs": staged(change="0002")} for host in A}
    rollout.document = rollout_phase(rollout.document, "start", 1)
    for phase in ("preflight", "stage", "ready", "swap"):
        rollout.phase(phase, **{"stage": every, "swap": swapped}.get(phase, {}))
    assert (rollout.document["hosts"]["a2"]["present"], rollout.document["hosts"]["a2"]["absent"]) == (["new"], ["old"])
    rollout.phase("register", a1={"unloaded": BAD})
    rollout.phase("back")
    assert (rollout.document["hosts"]["a1"]["present"], rollout.document["hosts"]["a1"]["absent"]) == (["old"], ["new"])


def shared(virtualenvs=True, configs=True, **row):
    rollout = Rollout()
    found = {"packs": [{"base_path": "/st2/packs", "virtualenv": {"path": "/st2/virtualenvs/core"}}]}
    same = {"directory": {"stat": {"exists": True, "inode": 7, "mtime": 1}}, "info": {**OK, **found}}
    seen = {"look": {"results": [{"stat": {"exists": there}} for there in (True, virtualenvs, configs, False)]}}
    # There is no directory of overrides.
    made = {"mark": {"results": [*[{"state": "file"}] * 3, {"msg": "Destination directory does not exist"}]}}
    wave = {"preflight": {"a1": same, "a2": same}, "share": {"a1": made, "a2": seen}}
    packs = staged()
    packs["packs"][0].update(row)
    return rollout, rollout.wave(1, **wave, stage={"a1": {"packs": packs}})


def test_one_of_the_hosts_that_share_their_packs_writes():
    rollout, document = shared()
    done = dict(rollout.done)
    assert done["stage"] == done["swap"] == ["a1"] and done["ready"] == done["prove"] == ["a1", "a2"]
    assert document["lines"][0] == "wave 1, cluster staging: rolled out: a1, a2"
    _rollout, document = shared(virtualenvs=False)
    assert "It shares the packs directory with a1, but not the directory of the virtualenvs." in document["summary"]


def test_hosts_that_share_their_packs_share_the_configs_that_are_written():
    rollout, document = shared(configs=False, config={"changed": True})
    assert (
        "a2 failed in staging: It shares the packs directory with a1, but not /st2/configs, wh" in document["summary"]
    )
    assert document["summary"].endswith("Nothing was changed.") and rollout.phases[-1] == "stage"
    for row in ({}, {"overrides": {"changed": True}}):
        _rollout, document = shared(configs=False, **row)
        assert not document["problems"]


def test_hosts_that_were_cloned_each_write():
    rollout = Rollout()
    same = {"directory": {"stat": {"exists": True, "inode": 7, "mtime": 1}}}
    seen = {"look": {"results": [{"stat": {"exists": False}}, {"stat": {"exists": False}}]}}
    rollout.wave(1, preflight={"a1": same, "a2": same}, share={"a2": seen})
    assert dict(rollout.done)["stage"] == ["a1", "a2"]


def test_check_mode_ends_after_staging():
    rollout = Rollout(check=True)
    document = rollout.wave(1)
    assert rollout.phases == ["preflight", "stage"] and not document["problems"]
    document = rollout.wave(2)
    assert document["finished"] and document["summary"] == "3 hosts in 2 clusters would be rolled out: demo 1 -> 2"


def test_services_are_restarted_where_it_is_needed():
    rollout = Rollout()
    rollout.wave(1, swap={"a2": {"packs": staged(change="0002", restart_needed=["st2sensorcontainer"])}})
    assert ("restart", ["a2"]) in rollout.done
    rollout = Rollout()
    needed = {"a2": {"back": {**OK, "restart_needed": ["st2sensorcontainer"]}}}
    document = rollout.wave(1, smoke={"a1": {"actions": BAD}}, back=needed, restart_back={"a2": {"restart": BAD}})
    assert rollout.done[-1] == ("restart_back", ["a2"]) and document["summary"].startswith("ROLLBACK INCOMPLETE.")


def test_clusters_of_one_wave_go_together():
    rollout = Rollout(waves=[["staging", "production"]])
    document = rollout.wave(1, smoke={"b1": {"entry_points": BAD}})
    assert rollout.done[-2:] == [("back", ["a1", "a2", "b1"]), ("restore", ["a1", "b1"])]
    assert set(states(document).values()) == {"rolled back"}


@pytest.mark.parametrize(
    ("hosts", "given", "words"),
    [
        (["a1", "a2"], {"limit": "x"}, "A rollout cannot be limited (--limit x)"),
        (["a1"], {}, "Cluster staging is not complete: a2 not in the hosts of this play."),
        (["a1", "a2"], {"waves": [["staging", "x"]]}, "names clusters without hosts in this play: x."),
        (["a1", "a2", "b1"], {"waves": [["staging"]]}, "Missing: production."),
        (["a1", "a2"], {"waves": [["staging"], ["staging"]]}, "more than once: staging."),
        (["b1"], {}, "Cluster production has 1 of its 2 nodes (st2_cluster_size)"),
    ],
)
def test_what_cannot_be_rolled_out_as_a_whole_is_refused(hosts, given, words):
    variables = {host: {"st2_cluster": "staging"} for host in A}
    variables["b1"] = {"st2_cluster": "production", "st2_cluster_size": "2" if hosts == ["b1"] else 0}
    (problem,) = rollout_plan(hosts, variables, **given)["problems"]
    assert words in problem["msg"]


def test_hosts_without_a_cluster_are_one():
    document = rollout_plan(["x", "y"], {"x": {}, "y": {}, "localhost": {}})
    assert document["problems"] == [] and document["waves"] == [{"clusters": [""], "hosts": ["x", "y"]}]


def test_what_is_no_document_is_refused():
    from ansible.errors import AnsibleFilterError

    for wrong in (lambda: rollout_phase({}, "stage"), lambda: rollout_plan([], {}, "x"), lambda: rollout_plan([], [])):
        with pytest.raises(AnsibleFilterError):
            wrong()
    with pytest.raises(AnsibleFilterError, match="There is no phase x"):
        rollout_phase(Rollout().document, "x")
    with pytest.raises(AnsibleFilterError, match="st2_cluster_size of a is not a number"):
        rollout_plan(["a"], {"a": {"st2_cluster_size": "many"}})


def test_waves_start_in_their_order():
    rollout = Rollout()
    document = rollout.wave(2)
    assert not document["next"] and rollout.done == [] and set(states(document).values()) == {"untouched"}
    assert [problem["msg"] for problem in document["problems"]] == ["Wave 2 cannot start after wave 0."]
