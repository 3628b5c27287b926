# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""st2_pack and StackStorm's database: what the module says is compared with what the database has, not with itself."""

from __future__ import annotations

import shutil
import typing as t

import pytest
from infrastructure.ansible_run import ModuleResult
from infrastructure.packs import PackTree, bodies
from infrastructure.st2_stub import (
    OBSERVER,
    Fault,
    RealStackStorm,
    StackStormStub,
    delay,
    gateway_timeout,
    hang,
    is_stub,
    stackstorm_under_test,
)

from .scene import STATE, Scene, only, warnings

CANARY = "k3y-c4n4ry-5f1e"
REF = "registration_test"
StackStorm = t.Union[StackStormStub, RealStackStorm]


@pytest.fixture
def stackstorm(scene: Scene) -> t.Iterator[StackStorm]:
    """The stand-in, or the real server that the environment names; the host's packs are in its directories."""
    scene.release(REF, "1.0.0", "1.1.0")
    with stackstorm_under_test(scene.host) as found:
        if not is_stub(found):
            scene.host.configure("system", base_path=str(found.packs_path.parent))
            scene.host.configure("content", system_packs_base_path=str(found.packs_path))
        yield found


@pytest.fixture
def stub(scene: Scene, stackstorm: StackStorm) -> StackStormStub:
    """The stand-in; what needs it is skipped for a real server."""
    if not isinstance(stackstorm, StackStormStub):
        pytest.skip("this needs the stand-in for StackStorm")
    scene.release("demo", "1.0.0", "1.1.0")
    return stackstorm


def api(stub: StackStorm, **more: t.Any) -> t.Dict[str, t.Any]:
    """The options that lead to the stand-in."""
    access = {"api_url": f"{stub.api_url}/v1", "auth_url": stub.auth_url, "api_key": stub.api_key}
    return {"register": "api", **access, **more}


def version(stub: StackStorm, ref: str = "demo") -> t.Optional[str]:
    pack = stub.pack(ref)
    return t.cast(str, pack["version"]) if pack else None


def registrations(stub: StackStormStub) -> t.List[t.Any]:
    return [request.body["packs"] for request in stub.asked("POST", "/packs/register")]


def release_unregistrable(scene: Scene) -> None:
    """Release demo 2.0.0, whose files are fine and which StackStorm cannot register."""
    tree = PackTree("demo", "2.0.0", minimal=True)
    tree.add(
        "rules/odd.yaml",
        "name: odd\npack: demo\nenabled: true\ntrigger: {type: demo.none}\ncriteria: {}\naction: {ref: core.noop}\n",
    )
    scene.repository("demo").release(tree)
    scene.publish()


def undone(scene: Scene, *names: str, **options: t.Any) -> ModuleResult:
    """Run st2_pack, which must fail after it had changed files, and put all of them back."""
    files = scene.host.snapshot(exclude=[STATE])
    result = scene.run(*names, **options)
    assert result.failed and not result.changed, result.everything
    assert scene.host.snapshot(exclude=[STATE]) == files and scene.debris() == []
    return result


def changes(stub: StackStormStub) -> t.List[str]:
    return [request.path for request in stub.requests if request.method != "GET"]


STEPS: t.List[t.Tuple[str, t.Dict[str, t.Any], t.Optional[str]]] = [
    (f"{REF}=1.0.0", {}, "1.0.0"),
    (f"{REF}=1.1.0", {}, "1.1.0"),
    (REF, {"state": "absent"}, None),
]


@pytest.mark.parametrize("how", ["api", "auto"])
def test_create_change_remove_each_foretold_done_and_then_nothing(
    scene: Scene, stackstorm: StackStorm, how: str
) -> None:
    before: t.Optional[str] = None
    for name, options, after in STEPS:
        options = {**api(stackstorm, register=how), **options}
        foretold = scene.change(name, check=True, **options)
        assert version(stackstorm, REF) == before
        done = scene.change(name, **options)
        assert version(stackstorm, REF) == after
        assert (stackstorm.packs_path / REF).exists() is (after is not None)
        state = "current" if after else "absent"
        assert done["database_state"] == only(done)["database_state"] == state
        for key in ("packs", "msg", "diff"):
            assert foretold[key] == done[key]
        view = scene.view()
        for check in (True, False):
            assert scene.keep(name, check=check, **options)["database_state"] == state
        assert scene.moved(view) == []
        before = after
    assert stackstorm.resources(REF)["actions"] == {}


def test_check_mode_and_a_satisfied_run_ask_and_tell_nothing(scene: Scene, stub: StackStormStub) -> None:
    scene.change("demo=1.0.0", check=True, **api(stub))
    assert changes(stub) == []
    scene.change("demo=1.0.0", **api(stub))
    stub.requests.clear()
    scene.keep("demo=1.0.0", **api(stub))
    assert changes(stub) == []
    # It tells both whether the key is good and what StackStorm has.
    assert [request.path for request in stub.requests] == ["/v1/packs"]


def test_what_is_registered_is_counted_in_stackstorms_own_words(scene: Scene, stub: StackStormStub) -> None:
    (stub.overrides_path / "demo.yaml").write_text("actions:\n  defaults:\n    enabled: false\n")
    done = scene.change("demo", **api(stub))
    actions = stub.resources("demo")["actions"]
    assert done["registration"]["by"] == "api"
    assert done["registration"]["counts"]["actions"] == len(actions) > 0
    assert done["registration"]["overridden"] == {"actions": len(actions)}
    assert {action["enabled"] for action in actions.values()} == {False}


def test_all_packs_of_a_task_are_registered_and_counted_truly(scene: Scene, stub: StackStormStub) -> None:
    for ref in ("one", "two"):
        scene.release(ref, "1.0.0", minimal=True)
    done = scene.change("one", "two", **api(stub))
    assert [version(stub, ref) for ref in ("one", "two")] == ["1.0.0", "1.0.0"]
    assert done["registration"]["counts"]["actions"] == 2
    assert sorted(ref for packs in registrations(stub) for ref in packs) == ["one", "two"]


def test_a_database_that_lost_a_pack_gets_it_again(scene: Scene, stub: StackStormStub) -> None:
    scene.change("demo", **api(stub))
    stub.database.delete("packs", "demo")
    view = scene.view()
    done = scene.change("demo", **api(stub))
    assert only(done)["action"] == "register" and version(stub) == "1.1.0"
    assert scene.moved(view) == []


def test_yesterdays_failure_and_a_pack_copied_by_hand_are_registered_today(scene: Scene, stub: StackStormStub) -> None:
    scene.change("demo=1.0.0", register="none")
    scene.host.place(PackTree("mine", "3.0.0", minimal=True), "mine")
    done = scene.change("demo", "mine", **api(stub))
    assert [row["action"] for row in done["packs"]] == ["register", "register"]
    assert [version(stub, ref) for ref in ("demo", "mine")] == ["1.0.0", "3.0.0"]


def test_content_that_stackstorm_refuses_leaves_everything_as_it_was(scene: Scene, stub: StackStormStub) -> None:
    scene.change("demo=1.0.0", **api(stub))
    release_unregistrable(scene)
    before = stub.resources("demo")
    refused = undone(scene, "demo=2.0.0", **api(stub))
    assert refused["step"] == "register" and "demo.none" in refused["msg"]
    assert "could not be put back" not in refused["msg"] and only(refused)["database_state"] == "current"
    assert version(stub) == "1.0.0" and stub.resources("demo") == before
    scene.keep("demo=1.0.0", **api(stub))


def test_what_could_not_be_put_back_is_said_and_mended_by_the_next_run(scene: Scene, stub: StackStormStub) -> None:
    scene.change("demo=1.0.0", **api(stub))
    stub.refuse("demo")
    stub.faults.append(
        Fault("/packs/register$", skip=1, times=None, status=500, body={"faultstring": "No."}, work=False)
    )
    files = scene.host.snapshot(exclude=[STATE])
    failed = scene.run("demo=1.1.0", **api(stub))
    assert failed.failed and failed.changed and "could not be put back" in failed["msg"]
    assert scene.host.snapshot(exclude=[STATE]) == files
    stub.accept("demo")
    stub.faults.clear()
    scene.change("demo=1.0.0", **api(stub))
    assert version(stub) == "1.0.0"


def test_one_refused_pack_takes_the_others_back_too(scene: Scene, stub: StackStormStub) -> None:
    for ref in ("fine", "wrong"):
        scene.release(ref, "1.0.0", minimal=True)
    stub.refuse("wrong")
    refused = scene.refuse("fine", "wrong", **api(stub))
    assert [row["after"] for row in refused["packs"]] == [None, None]
    assert stub.resources("fine")["actions"] == {}
    assert stub.packs() == sorted(["chatops", "core", "linux", "packs"])


def test_a_config_that_the_new_version_refuses_is_told_of_before_anything_is_touched(
    scene: Scene, stub: StackStormStub
) -> None:
    scene.release("strict", "1.0.0", minimal=True)
    schema = {"host": {"type": "string", "required": True}, "password": {"type": "integer", "secret": True}}
    stricter = PackTree("strict", "2.0.0", minimal=True)
    stricter.add_yaml("config.schema.yaml", schema)
    scene.repository("strict").release(stricter)
    scene.publish()
    scene.change("strict=1.0.0", **api(stub))
    (scene.host.configs / "strict.yaml").write_text(f"password: {CANARY}\n")
    stub.requests.clear()
    refused = scene.refuse("strict=2.0.0", **api(stub))
    assert refused["step"] == "validate"
    assert "host" in refused["msg"] and "password" in refused["msg"] and CANARY not in refused.everything
    assert changes(stub) == []


def test_a_gateway_that_gives_up_is_waited_out(scene: Scene, stub: StackStormStub) -> None:
    stub.faults.append(gateway_timeout("/packs/register$"))
    done = scene.change("demo", **api(stub))
    assert done["database_state"] == "current" and version(stub) == "1.1.0"


def test_an_api_that_hangs_ends_with_the_timeout_and_nothing_changed(scene: Scene, stub: StackStormStub) -> None:
    stub.faults.append(hang("/packs/register$", times=None))
    view = scene.view()
    failed = scene.run("demo", **api(stub, timeout=3))
    assert failed.failed and failed["step"] == "timeout"
    assert scene.moved(view) == [] and version(stub) is None


def test_an_unload_that_does_not_end_keeps_the_files(scene: Scene, stub: StackStormStub) -> None:
    scene.change("demo", **api(stub))
    stub.executions.endless = True
    refused = undone(scene, "demo", state="absent", **api(stub, timeout=3))
    assert "packs.unload" in refused["msg"] and "cancelled" in refused["msg"]
    assert scene.host.installed() == ["demo"] and version(stub) == "1.1.0"


def test_a_pack_whose_files_are_gone_is_unloaded(scene: Scene, stub: StackStormStub) -> None:
    scene.host.place(PackTree("mine", "3.0.0", minimal=True), "mine")
    stub.register("mine")
    shutil.rmtree(scene.host.packs / "mine")
    done = scene.change("mine", state="absent", **api(stub))
    assert only(done)["action"] == "unload" and version(stub, "mine") is None


def test_prune_takes_what_has_no_file_and_nothing_made_by_hand(scene: Scene, stub: StackStormStub) -> None:
    tree = PackTree("lean", "1.0.0")
    scene.repository("lean").release(tree)
    smaller = PackTree("lean", "1.1.0")
    gone = next(path for path in smaller.files if path.startswith("rules/"))
    smaller.remove(gone)
    scene.repository("lean").release(smaller)
    scene.publish()
    scene.change("lean=1.0.0", **api(stub))
    rule = next(iter(stub.resources("lean")["rules"].values()))
    stub.make("rules", bodies.rule("lean", "by_hand", "lean.beat"))
    kept = scene.change("lean=1.1.0", **api(stub))
    assert rule["name"] in stub.resources("lean")["rules"] and only(kept)["pruned"] == []
    foretold = scene.change("lean", check=True, prune=True, **api(stub))
    assert f"rules {rule['name']}" in foretold["diff"][0]["before"]
    assert rule["name"] in stub.resources("lean")["rules"]
    done = scene.change("lean", prune=True, **api(stub))
    assert only(done)["pruned"] == [rule["ref"]]
    assert list(stub.resources("lean")["rules"]) == ["by_hand"]
    scene.keep("lean", prune=True, **api(stub))


def test_prune_takes_resources_of_every_kind_and_switches_sensors_off(scene: Scene, stub: StackStormStub) -> None:
    kinds = ("actions", "rules", "aliases", "policies", "triggers", "sensors")
    scene.repository("lean").release(PackTree("lean", "1.0.0"))
    smaller = PackTree("lean", "1.1.0")
    for path in [path for path in smaller.files if path.startswith(kinds) and path.endswith(".yaml")]:
        smaller.remove(path)
    scene.repository("lean").release(smaller)
    scene.publish()
    scene.change("lean=1.0.0", **api(stub))
    before = stub.resources("lean")
    assert all(before[kind] for kind in kinds)
    foretold = scene.change("lean=1.1.0", check=True, prune=True, **api(stub))
    done = scene.change("lean=1.1.0", prune=True, **api(stub))
    assert only(done)["pruned"] == only(foretold)["pruned"] and foretold["diff"] == done["diff"]
    after = stub.resources("lean")
    assert {sensor["enabled"] for sensor in after["sensors"].values()} == {False}
    files = {kind: [one for one in after[kind].values() if one.get("metadata_file")] for kind in kinds[:-1]}
    assert files == {kind: [] for kind in kinds[:-1]}
    assert only(scene.keep("lean", prune=True, **api(stub)))["pruned"] == []


def test_the_program_on_the_host_does_it_without_credentials(scene: Scene, stub: StackStormStub) -> None:
    stub.install_register_content()
    done = scene.change("demo=1.0.0", register="auto")
    assert done["registration"]["by"] == "local" and warnings(done) == []
    assert version(stub) == "1.0.0" and stub.requests == []
    scene.satisfied("demo=1.0.0", register="auto")
    scene.change("demo=1.1.0", register="local")
    assert version(stub) == "1.1.0"
    gone = scene.change("demo", state="absent", register="local")
    assert gone["database_state"] == "stale" and "keeps what it has of demo" in " ".join(warnings(gone))


def test_a_registration_that_fails_on_the_host_is_put_back(scene: Scene, stub: StackStormStub) -> None:
    stub.install_register_content()
    scene.change("demo=1.0.0", register="local")
    release_unregistrable(scene)
    refused = undone(scene, "demo=2.0.0", register="local")
    assert refused["step"] == "register" and "demo.none" in refused.everything


def test_without_any_way_to_tell_it_says_so(scene: Scene, stub: StackStormStub) -> None:
    done = scene.change("demo", register="auto")
    assert done["database_state"] == "unknown"
    assert any("Nothing is registered in StackStorm" in warning for warning in warnings(done))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"api_key": CANARY}, "credentials"),
        ({"api_key": None, "auth_token": CANARY}, "credentials"),
        ({"api_key": None, "api_username": "st2admin", "api_password": CANARY}, "password"),
        ({"api_url": "http://127.0.0.1:9/v1"}, "127.0.0.1:9"),
    ],
)
def test_an_api_that_cannot_be_used_is_an_error_and_no_secret_shows(
    scene: Scene, stub: StackStormStub, wrong: t.Dict[str, t.Any], said: str
) -> None:
    refused = scene.refuse("demo", **api(stub, **wrong))
    assert refused["step"] == "register" and said in refused["msg"]
    assert CANARY not in refused.everything and stub.api_key not in refused.everything


def test_an_account_that_may_not_register_is_told_which_permission_it_lacks(scene: Scene) -> None:
    scene.release("demo", "1.0.0")
    with StackStormStub(scene.host, rbac=True) as stub:
        refused = scene.refuse("demo", **api(stub, api_key=OBSERVER.api_key))
        assert "pack_register" in refused["msg"]


def test_a_name_and_a_password_do_as_well_as_a_key(scene: Scene, stub: StackStormStub) -> None:
    access = {"api_key": None, "api_username": stub.username, "api_password": stub.password}
    done = scene.change("demo", **api(stub, **access))
    assert done["database_state"] == "current" and version(stub) == "1.1.0"
    assert stub.password not in done.everything


def test_info_tells_what_the_database_has(scene: Scene, stub: StackStormStub) -> None:
    scene.change("demo", **api(stub))

    def state(**options: t.Any) -> t.Any:
        result: ModuleResult = scene.run("demo", module="st2_pack_info", **options)
        assert warnings(result) == []
        return only(result)["database_state"]

    assert state(**api(stub)) == "current"
    stub.database.delete("packs", "demo")
    assert state(**api(stub)) == "absent"
    assert state(register="auto") == "unknown"


def test_slow_answers_are_fine(scene: Scene, stub: StackStormStub) -> None:
    stub.faults.append(delay("/packs$", 0.3))
    scene.change("demo", **api(stub))
