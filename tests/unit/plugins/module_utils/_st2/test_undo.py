# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a refused registration leaves is taken out, and nothing else, of a database that behaves as StackStorm's."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ForbiddenError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Configs, Resource
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.undo import (
    UNKNOWN,
    UNNOTED,
    Snapshot,
    Undone,
    snapshot_from,
    take_snapshot,
    undo,
)


def resource(kind, ref, file="x.yaml", trigger=""):
    return Resource(kind, ref.partition(".")[2], ref, True, file, ref.partition(".")[0], trigger)


class Database:
    """Packs, resources and configs in memory, with the methods of the port that undoing uses."""

    reads = True
    by = "memory"

    def __init__(self, *resources, packs=(), configs=(), unloads=True):
        self.packs = dict.fromkeys(packs, "1.0.0")
        self.rows = {(one.kind, one.ref): one for one in resources}
        self.config_rows = set(configs)
        self.unloads = unloads
        self.asked, self.forbidden = [], ()

    def add(self, *resources, packs=()):
        self.packs.update(dict.fromkeys(packs, "2.0.0"))
        self.rows.update({(one.kind, one.ref): one for one in resources})

    def names(self):
        return sorted(ref for _kind, ref in self.rows)

    def versions(self, refs):
        self.asked.append("versions")
        return {ref: version for ref, version in self.packs.items() if ref in refs}

    def configs(self, refs):
        self.asked.append("configs")
        return Configs({ref: {} for ref in refs if ref in self.config_rows})

    def resources_of(self, refs, kinds):
        self.asked.extend(kinds)
        return [one for one in self.rows.values() if one.pack in refs and one.kind in kinds]

    def every(self, kind):
        self.asked.append(kind)
        return [one for one in self.rows.values() if one.kind == kind]

    def delete(self, one):
        if one.ref in self.forbidden:
            raise ForbiddenError("StackStorm forbids it.")
        if one.kind != "sensors":
            del self.rows[(one.kind, one.ref)]

    def unload(self, refs):
        if "packs.unload" in self.forbidden:
            raise ForbiddenError("StackStorm forbids it.")
        for ref in refs:
            del self.packs[ref]
            self.config_rows.discard(ref)
        self.rows = {key: one for key, one in self.rows.items() if one.pack not in refs}


OLD = resource("actions", "old.check")
OTHER = resource("rules", "other.r", trigger="core.t")
NEW = [
    resource("actions", "new.check"),
    resource("sensors", "new.Sensor"),
    resource("triggers", "new.t"),
    resource("rules", "new.r", trigger="new.t"),
    resource("policies", "new.p"),
    resource("aliases", "new.al"),
]


def test_an_upgrade_that_is_refused_leaves_what_was_there():
    database = Database(OLD, OTHER, packs=["old", "other"])
    before = take_snapshot(database, ["old"])
    by_hand = resource("actions", "old.mine", file="")
    database.add(resource("rules", "old.r", trigger="old.t"), resource("triggers", "old.t"),
                 resource("sensors", "old.S"), by_hand)  # fmt: skip
    done = undo(database, before)
    assert database.names() == ["old.S", "old.check", "old.mine", "other.r"] and set(database.packs) == {"old", "other"}
    assert done.deleted == ("rule old.r", "trigger old.t")
    assert done.stays == ("sensor old.S (switched off)",) and done.lost == ()


def test_a_new_pack_goes_whole_and_its_sensors_with_it():
    database = Database(OLD, OTHER, packs=["old", "other"])
    before = take_snapshot(database, ["new", "old"])
    database.add(*NEW, resource("aliases", "old.al"), packs=["new"])
    done = undo(database, before)
    assert database.names() == ["old.check", "other.r"] and "new" not in database.packs
    assert done.deleted == ("the pack new", "alias old.al") and done.stays == ()


@pytest.mark.parametrize(
    "there, configs",
    [
        ([resource("actions", "new.mine", file="")], []),  # made by hand
        ([resource("rules", "other.r2", trigger="new.t")], []),  # waits for the pack's trigger
        ([], ["new"]),  # a config that is older than the pack
    ],
)
def test_a_new_pack_with_what_would_be_lost_is_taken_out_piece_by_piece(there, configs):
    database = Database(*there, OTHER, packs=["other"], configs=configs)
    before = take_snapshot(database, ["new"])
    database.add(*NEW, packs=["new"])
    done = undo(database, before)
    waits = any(one.trigger == "new.t" for one in there)
    kept = {"new.Sensor", *(["new.t"] if waits else [])}
    assert database.names() == sorted({"other.r", *kept, *(one.ref for one in there)})
    assert "new" in database.packs and database.config_rows == set(configs)
    trigger = ["trigger new.t (a rule waits for it)"] if waits else []
    assert list(done.stays) == ["sensor new.Sensor (switched off)", *trigger, "the pack new itself"]
    assert done.deleted[:4] == ("rule new.r", "policy new.p", "alias new.al", "action new.check")


def test_by_hand_while_the_registration_ran_counts_too():
    database = Database()
    before = take_snapshot(database, ["new"])
    database.add(*NEW, resource("rules", "new.mine", file="", trigger="core.t"), packs=["new"])
    undo(database, before)
    assert database.names() == ["new.Sensor", "new.mine"]


def test_a_new_pack_whose_trigger_another_new_pack_uses_goes_with_it():
    database = Database()
    before = take_snapshot(database, ["new", "two"])
    database.add(*NEW, resource("rules", "two.r", trigger="new.t"), packs=["new", "two"])
    assert undo(database, before).stays == () and database.names() == [] and database.packs == {}


def test_what_is_forbidden_stays_and_is_named():
    database = Database(OLD, packs=["old"])
    before = take_snapshot(database, ["old", "new"])
    database.add(resource("actions", "old.b"), resource("actions", "new.a"), packs=["new"])
    database.forbidden = ("packs.unload", "old.b")
    done = undo(database, before)
    assert database.names() == ["old.b", "old.check"]
    assert done.stays == ("action old.b (StackStorm forbids it)", "the pack new itself")
    assert done.deleted == ("action new.a",)


def test_what_a_registration_took_from_another_pack_is_told():
    """StackStorm looks aliases up by their bare name: that of another pack becomes the new pack's own."""
    alias, rule = resource("aliases", "other.al"), resource("rules", "default.r", file="", trigger="core.t")
    database = Database(alias, rule, OLD, packs=["other", "old"])
    before = take_snapshot(database, ["old"])
    del database.rows[("aliases", "other.al")], database.rows[("rules", "default.r")]
    database.add(resource("aliases", "old.al"))
    done = undo(database, before)
    assert done.lost == (rule, alias) or done.lost == (alias, rule)
    assert done.deleted == ("alias old.al",)


def test_it_asks_once_a_kind_and_for_configs_only_of_new_packs():
    database = Database(OLD, packs=["old"])
    take_snapshot(database, ["old"])
    assert sorted(database.asked) == ["actions", "aliases", "policies", "rules", "sensors", "triggers", "versions"]
    take_snapshot(database, ["old", "new"])
    assert database.asked.count("configs") == 1
    database.asked.clear()
    assert take_snapshot(database, []) == Snapshot() and database.asked == []


def test_who_cannot_look_says_so_and_where_nothing_was_told_nothing_stays():
    class Local(NoRegistrar):
        by = "local"

    for registrar, stays in ((Local(), (UNKNOWN,)), (NoRegistrar(), ())):
        done = undo(registrar, take_snapshot(registrar, ["one"]))
        assert done.stays == stays and done.deleted == ()


def test_who_can_look_takes_nothing_out_where_nobody_had_looked_before():
    before = take_snapshot(NoRegistrar(), ["old"])
    database = Database(OLD, packs=["old"])
    kept = snapshot_from(json.loads(json.dumps(before.document())))
    assert undo(database, kept) == Undone(stays=(UNNOTED,)) and database.names() == ["old.check"]


def test_what_an_interrupted_run_notes_is_what_it_had_but_for_what_does_not_wait_for_its_packs():
    waiting = resource("rules", "default.r", file="", trigger="old.t")
    database = Database(OLD, OTHER, waiting, packs=["old"])
    before = take_snapshot(database, ["old", "new"])
    kept = snapshot_from(json.loads(json.dumps(before.document())))
    assert kept == replace(before, others=(waiting,)) and kept.waiting(["old"]) == [waiting]
    assert snapshot_from({"refs": []}) == Snapshot()
