# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Going back on changes: the files and the database are what they were, whatever the change was about."""

from __future__ import annotations

import typing as t

import pytest
from infrastructure.ansible_run import ModuleResult
from infrastructure.packs import PackTree
from infrastructure.snapshot import Snapshot, compare, take_snapshot
from infrastructure.st2_stub import StackStormStub

from .scene import STATE, Scene, only


@pytest.fixture
def stub(scene: Scene) -> t.Iterator[StackStormStub]:
    with StackStormStub(scene.host) as found:
        yield found


class Site:
    """A host with a stand-in for StackStorm, and what both have of packs."""

    def __init__(self, scene: Scene, stub: StackStormStub) -> None:
        self.scene = scene
        self.stub = stub
        self.access = {"api_url": f"{stub.api_url}/v1", "auth_url": stub.auth_url, "api_key": stub.api_key}

    def run(self, module: str, *names: str, **options: t.Any) -> ModuleResult:
        return self.scene.run(*names, module=module, **{"register": "api", **self.access, **options})

    def change(self, module: str, *names: str, **options: t.Any) -> ModuleResult:
        result = self.run(module, *names, **options)
        assert not result.failed and result.changed, result.everything
        return result

    def back(self, **options: t.Any) -> ModuleResult:
        """Go back: check mode and the run say the same, and a second run has nothing to do."""
        before = self.files()
        predicted = self.run("st2_rollback", check=True, **options)
        assert not predicted.failed and predicted.changed, predicted.everything
        assert not compare(before, self.files()), "check mode changes nothing"
        result = self.change("st2_rollback", **options)
        told = ("msg", "packs", "database_state", "undone", "diff", "restart_needed")
        assert {key: predicted[key] for key in told} == {key: result[key] for key in told}
        assert self.scene.debris() == []
        for check in (True, False):
            again = self.run("st2_rollback", check=check, **options)
            assert not again.failed and not again.changed and "change" not in again, again.everything
        return result

    def files(self) -> Snapshot:
        """All that StackStorm sees of the host, with modes; names of bytecode and logs do not matter."""
        return take_snapshot(self.scene.host.root, exclude=[STATE, "home", "tmp", "__pycache__"])

    def database(self) -> t.Dict[str, t.Any]:
        return self.stub.database_snapshot()


@pytest.fixture
def site(scene: Scene, stub: StackStormStub) -> Site:
    return Site(scene, stub)


SCHEMA = {"url": {"type": "string"}, "pin": {"type": "string", "secret": True}}
CANARY = "c4nary-of-former-configs"


def release(site: Site, ref: str, *versions: str) -> None:
    """Release a pack with an action of its own in each version, a schema, and requirements that differ."""
    repository = site.scene.repository(ref)
    for number, version in enumerate(versions):
        tree = PackTree(ref, version, actions=["check", f"only_{number}"], requirements=[f"tinydep=={number + 1}.0.0"])
        repository.release(tree.add_yaml("config.schema.yaml", SCHEMA))
    site.scene.publish()


def test_an_upgrade_is_undone_and_done_again(site: Site) -> None:
    release(site, "demo", "1.0.0", "1.1.0")
    site.change("st2_pack", "demo=1.0.0", virtualenv="auto")
    files, database = site.files(), site.database()
    upgraded = site.change("st2_pack", "demo=1.1.0", virtualenv="auto", prune=True)
    newer, newer_database = site.files(), site.database()
    assert upgraded["change"] == "0002"
    site.scene.forget()
    undone = site.back(prune=True)
    assert (undone["undone"], undone["change"]) == ("0002", "0003")
    assert compare(files, site.files()) == ([], [], []) and site.database() == database
    assert site.scene.programs == [] and site.scene.git.quiet and site.scene.packages.quiet
    row = only(undone)
    assert (row["action"], row["virtualenv"], row["database_state"]) == ("downgrade", "restored", "current")
    # By the number of what went back, it is done again; and undone by the number that it first had.
    site.back(change="3", prune=True)
    assert compare(newer, site.files()) == ([], [], []) and site.database() == newer_database
    assert site.scene.host.virtualenv_imports("demo", "tinydep") == "2.0.0"
    site.back(change="0002", prune=True)
    assert compare(files, site.files()) == ([], [], []) and site.database() == database
    assert site.scene.host.virtualenv_imports("demo", "tinydep") == "1.0.0"
    assert site.scene.quiet and site.scene.programs == []


def test_installations_and_removals_are_undone(site: Site) -> None:
    site.scene.release("base", "1.0.0")
    site.scene.release("demo", "1.0.0", dependencies=["base"])
    empty, nothing = site.files(), site.database()
    site.change("st2_pack", "demo")
    files, database = site.files(), site.database()
    assert site.back()["msg"].startswith("change 0001 undone: ") and site.files() == empty
    assert site.database() == nothing
    site.back(change="0002")
    assert site.files() == files and site.database() == database
    site.change("st2_pack", "demo", state="absent")
    undone = site.back()
    assert undone["undone"] == "0004" and only(undone)["action"] == "install"
    assert site.files() == files and site.database() == database
    # What was installed since, and needs what would go, keeps it.
    site.change("st2_pack", "demo", state="absent")
    site.change("st2_pack", "base", state="absent")
    site.change("st2_pack", "base")
    site.change("st2_pack", "demo")
    refused = site.run("st2_rollback", change="0008")
    assert refused.failed and "demo 1.0.0 needs base" in refused["msg"]


def test_configs_and_overrides_are_undone(site: Site) -> None:
    release(site, "demo", "1.0.0")
    site.change("st2_pack", "demo", virtualenv="never")
    states = [(site.files(), site.database())]
    config, overrides = site.scene.host.configs / "demo.yaml", site.scene.host.overrides / "demo.yaml"
    secrets = {"pin": CANARY}
    steps: t.List[t.Tuple[str, t.Dict[str, t.Any]]] = [
        ("st2_pack_config", {"config": {"url": "one"}, "secrets": secrets}),
        ("st2_pack_config", {"config": {"url": "two"}, "secrets": {"pin": "other"}, "mode": "0600"}),
        ("st2_pack_config", {"state": "absent"}),
        ("st2_override", {"actions": {"disabled": ["check"]}}),
        ("st2_override", {"state": "absent"}),
    ]
    config_text = ""
    for number, (module, options) in enumerate(steps):
        if number == 1:  # What people write into a config comes back with it.
            config.write_text(config.read_text() + "# by hand\n")
            config_text = config.read_text()
            states[-1] = (site.files(), site.database())
        assert site.change(module, pack="demo", **options)["change"] == f"{number + 2:04d}"
        states.append((site.files(), site.database()))
    for number in reversed(range(1, len(steps))):
        shown = site.back(change=str(number + 2)).everything
        assert CANARY not in shown and "one" not in shown.split()
        files, database = states[number]
        assert compare(files, site.files()) == ([], [], []) and site.database() == database, number
    assert config.read_text() == config_text and not overrides.exists()
    refused = site.run("st2_rollback", change="0002")
    assert refused.failed and "demo.yaml is not as change 0002 left it" in refused["msg"]
    files = [path for path in site.scene.host.root.rglob("*") if path.is_file()]
    kept = [path for path in files if path != config and CANARY.encode() in path.read_bytes()]
    assert kept and all(STATE in path.parts for path in kept)
    for path in kept:
        directory = next(above for above in path.parents if above.name == "changes")
        assert directory.stat().st_mode & 0o777 == 0o700
    records = list(site.scene.host.packs.glob(f"{STATE}/changes/*.json"))
    assert records and all(path.stat().st_mode & 0o777 == 0o600 for path in records)
    assert not any(CANARY in path.read_text() for path in records)


def test_a_pack_with_its_config_and_overrides_is_one_change(site: Site) -> None:
    release(site, "demo", "1.0.0", "1.1.0")
    item = {
        "name": "demo",
        "version": "1.0.0",
        "config": {"url": "one"},
        "overrides": {"actions": {"disabled": ["check"]}},
    }
    site.change("st2_pack", packs=[item], virtualenv="never")
    files, database = site.files(), site.database()
    newer = {**item, "version": "1.1.0", "config": {"url": "two"}, "overrides": {"actions": {"enabled": ["check"]}}}
    site.change("st2_pack", packs=[newer], virtualenv="never", prune=True)
    row = only(site.back(prune=True))
    assert row["config"]["changes"]["changed"] == ["url"] and row["overrides"]["changed"]
    assert compare(files, site.files()) == ([], [], []) and site.database() == database
    site.change("st2_pack_config", pack="demo", config={"url": "by others"})
    refused = site.run("st2_rollback", change="0001")
    assert refused.failed and "demo.yaml is not as change 0001 left it" in refused["msg"]
    listed = site.scene.run(module="st2_rollback_info", ca_bundle=None)
    by_id = {row["change"]: row for row in listed["changes"]}
    assert list(by_id) == ["0004", "0003", "0002", "0001"]
    assert by_id["0004"]["restorable"] and by_id["0003"]["undoes"] == "0002" and by_id["0002"]["undone_by"] == "0003"
    assert not by_id["0001"]["restorable"] and by_id["0001"]["problems"] == [refused["msg"].partition(": ")[2]]


def test_a_first_config_and_schema_that_came_with_an_upgrade(site: Site) -> None:
    repository = site.scene.repository("demo")
    repository.release(PackTree("demo", "1.0.0"))
    repository.release(PackTree("demo", "1.1.0").add_yaml("config.schema.yaml", SCHEMA))
    site.scene.publish()
    site.change("st2_pack", "demo=1.0.0", virtualenv="never")
    files = site.files()
    site.change("st2_pack", packs=[{"name": "demo", "version": "1.1.0", "config": {"url": "one"}}], virtualenv="never")
    row = only(site.back(prune=True))
    assert row["config"]["database_state"] == "absent" and row["database_state"] == "current"
    assert compare(files, site.files()) == ([], [], [])


def test_nodes_of_a_cluster_go_back_without_registering(site: Site) -> None:
    site.scene.release("demo", "1.0.0", "1.1.0")
    site.change("st2_pack", "demo=1.0.0")
    files, database = site.files(), site.database()
    site.change("st2_pack", "demo=1.1.0")
    row = only(site.back(register="none"))
    assert row["database_state"] == "unknown" and compare(files, site.files()) == ([], [], [])
    assert site.stub.pack("demo")["version"] == "1.1.0"  # type: ignore[index]
    registered = site.change("st2_rollback")
    assert "was undone already" in registered["msg"] and "change" not in registered
    assert site.database() == database


def test_what_cannot_be_restored_is_said_at_once(site: Site) -> None:
    site.scene.release("one", "1.0.0", "1.1.0", "1.2.0")
    site.scene.release("two", "1.0.0", "1.1.0")
    site.scene.release("three", "1.0.0", "1.1.0")
    site.change("st2_pack", "one=1.0.0", "two=1.0.0", "three=1.0.0")
    site.change("st2_pack", "one=1.1.0", "two=1.1.0", "three=1.1.0")
    site.change("st2_pack", "one=1.2.0")
    for path in site.scene.host.packs.glob(f"{STATE}/releases/two/*/pack/pack.yaml"):
        path.unlink()
    before = site.files()
    for check in (True, False):
        refused = site.run("st2_rollback", change="0002", check=check)
        assert refused.failed and not refused.changed and site.files() == before
        said = refused["msg"]
        assert "one is not as change 0002 left it: there is 1.2.0" in said and "former one 1.0.0" in said
        assert "former two 1.0.0" in said and "changed where it is kept" in said and "three" not in said
    purged = site.change("st2_pack", "three", state="absent", purge=True)
    unkept = site.change("st2_pack", "one=1.0.0", keep_releases=0, allow_downgrade=True)
    for change in (purged["change"], unkept["change"]):
        assert "was not kept" in site.run("st2_rollback", change=change)["msg"]
    for wrong, said in (("99", "no change set 0099"), ("7a", "have numbers")):
        assert said in site.run("st2_rollback", change=wrong)["msg"]


def test_ten_changes_are_kept(site: Site) -> None:
    release(site, "demo", "1.0.0")
    assert "nothing to go back on" in site.run("st2_rollback")["msg"]
    site.change("st2_pack", "demo", virtualenv="never", register="none")
    for number in range(11):
        site.change("st2_pack_config", pack="demo", config={"url": str(number)}, register="none")
    host = site.scene.host
    assert sorted(path.name for path in host.packs.glob(f"{STATE}/changes/*.json"))[0] == "0003.json"
    kept = sorted(path.name.partition("-")[0] for path in host.configs.glob(f"{STATE}/changes/*"))
    assert kept == [f"{number:04d}" for number in range(3, 13)]
