# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API's adapter with the stand-in StackStorm, whose database is looked at: refused registrations are undone,
configs cleared, schemas opened."""

from __future__ import annotations

import os
import shutil

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidContentError, ServerError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_client import ApiClient
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_registrar import ApiRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.stale_config import (
    FileStep,
    clearing,
    is_open,
    opening,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.undo import take_snapshot, undo

SCHEMA = {"host": {"type": "string", "required": True}, "password": {"type": "string", "secret": True}}


class World:
    """A StackStorm with the pack C(demo), and a registrar for it."""

    def __init__(self, stub, scratch):
        self.stub = stub
        self.scratch = scratch
        host = read_host(str(scratch.st2_conf), scratch.environment())
        headers = {"St2-Api-Key": stub.api_key}
        client = ApiClient(f"{stub.api_url}/v1", deadline=Deadline(60), headers=headers)
        self.registrar = ApiRegistrar(client, host, Redactor(), poll_seconds=0.02)

    def place(self, tree):
        path = self.scratch.pack_path(tree.ref)
        shutil.rmtree(path, ignore_errors=True)
        self.scratch.place(tree, tree.ref)
        return PackFiles(tree.ref, str(path))

    def run(self, steps):
        for step in steps:
            if not isinstance(step, FileStep):
                self.registrar.register([step.pack], step.types)
            elif step.content is not None:
                os.makedirs(os.path.dirname(step.path), exist_ok=True)
                with open(step.path, "wb") as stream:
                    stream.write(step.content)
            elif os.path.isdir(step.path):
                shutil.rmtree(step.path)
            elif os.path.exists(step.path):
                os.unlink(step.path)

    def pack_yaml(self, ref):
        return (self.scratch.pack_path(ref) / "pack.yaml").read_bytes()

    @property
    def carriers(self):
        return str(self.stub.packs_path / ".stackstorm.st2/carriers")


@pytest.fixture
def world(tmp_path):
    scratch = ScratchHost(tmp_path / "host")
    scratch.place(PackTree("demo", config_schema=SCHEMA), "demo")
    with StackStormStub(scratch) as stub:
        yield World(stub, scratch)


def test_a_refused_upgrade_and_new_packs_leave_no_trace(world):
    old = PackTree("demo", config_schema=SCHEMA)
    before, held = take_snapshot(world.registrar, ["demo", "fresh", "good"]), world.stub.database_snapshot()
    tree = PackTree("demo", "2.0.0", actions=("report", "extra"), config_schema=SCHEMA)
    demo, fresh, good = (world.place(one) for one in (tree, PackTree("fresh"), PackTree("good")))
    world.stub.refuse("demo", kind="policies")
    world.stub.refuse("fresh", kind="rules")
    with pytest.raises(InvalidContentError) as caught:
        world.registrar.register([demo, fresh, good])
    assert (caught.value.taken, list(caught.value.refused)) == (("good",), ["demo", "fresh"])
    assert world.stub.resources("fresh")["sensors"] and world.stub.resources("demo")["actions"]["extra"]
    # The aliases and policies of the three have the same names, which StackStorm looks them up by.
    done = undo(world.registrar, before)
    assert done.stays == () and "action demo.extra" in done.deleted and "the pack fresh" in done.deleted
    world.stub.accept("demo")
    world.registrar.register([world.place(old)])
    assert world.stub.database_snapshot() == held


def test_by_hand_and_a_waiting_rule_keep_a_new_pack_from_going_whole(world):
    before = take_snapshot(world.registrar, ["fresh"])
    fresh = world.place(PackTree("fresh"))
    world.stub.refuse("fresh", kind="policies")
    with pytest.raises(InvalidContentError):
        world.registrar.register([fresh])
    world.stub.make("rules", {"pack": "demo", "name": "waits", "enabled": True, "trigger": {"type": "fresh.beat"},
                              "action": {"ref": "core.noop"}})  # fmt: skip
    done = undo(world.registrar, before)
    left = {kind: sorted(found) for kind, found in world.stub.resources("fresh").items() if found}
    assert left["sensors"] and "beat" in left["triggers"] and set(left) == {"sensors", "triggers"}
    assert "trigger fresh.beat (a rule waits for it)" in done.stays and "the pack fresh itself" in done.stays
    assert world.stub.resources("demo")["rules"]["waits"]["trigger"]["type"] == "fresh.beat"
    assert not any(sensor["enabled"] for sensor in world.stub.resources("fresh")["sensors"].values())


def test_a_config_is_cleared_while_what_people_made_by_hand_stays(world):
    (world.stub.configs_path / "demo.yaml").write_text("host: h\npassword: p\n")
    demo = PackFiles("demo", str(world.scratch.pack_path("demo")))
    world.registrar.register([demo], ["config"])
    world.stub.make("actions", {"pack": "demo", "name": "mine", "runner_type": "noop", "entry_point": ""})
    held = world.stub.database_snapshot("demo")
    world.run(clearing(demo, world.pack_yaml("demo"), str(world.stub.configs_path), world.carriers, True))
    assert world.stub.config("demo") == {} and world.registrar.configs(["demo", "core"]).values == {"demo": {}}
    now = world.stub.database_snapshot("demo")
    assert {kind: now[kind] for kind in now if kind != "configs"} == {
        kind: held[kind] for kind in held if kind != "configs"
    }


def test_a_schema_that_is_gone_refuses_nothing_any_more(world):
    demo = world.place(PackTree("demo", "2.0.0", config_schema=None))
    (world.stub.configs_path / "demo.yaml").write_text("port: 80\n")
    with pytest.raises(ServerError):
        world.registrar.register([demo])
    stale = world.registrar.config_schema("demo")
    assert stale == SCHEMA
    world.run(opening("demo", world.pack_yaml("demo"), world.carriers, stale, {"port": 80}))
    world.registrar.register([demo])
    assert world.stub.config("demo") == {"port": 80} and is_open(world.registrar.config_schema("demo"))
    assert world.stub.pack("demo")["version"] == "2.0.0" and world.stub.pack("demo")["path"] == demo.path
