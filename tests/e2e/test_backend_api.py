# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A StackStorm that is reached by its API alone: the module as it runs on a machine without any StackStorm."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.scene import only
from infrastructure.ansible_run import ModuleResult, run_module_directly, run_play
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import OBSERVER, StackStormStub, stackstorm_under_test

CANARY = "c4n@ry/p4ss:w0rd"
REF = "st2_remote_demo"
# So that nobody reads what happens to be on the machine that runs the tests.
NOWHERE = {"st2_conf": "/nonexistent/st2.conf"}
SCHEMA = """\
url: {type: string}
token: {type: string, secret: true}
"""


@pytest.fixture
def repository(tmp_path: Path) -> GitRepository:
    """Releases 1.0.0 and 1.1.0 of a pack, where StackStorm can get at them."""
    made = GitRepository(tmp_path / f"stackstorm-{REF}")
    for version in ("1.0.0", "1.1.0"):
        made.release(PackTree(REF, version, minimal=True).add("config.schema.yaml", SCHEMA))
    return made.build()


@pytest.fixture
def stub(tmp_path: Path, repository: GitRepository) -> t.Iterator[StackStormStub]:
    with StackStormStub(ScratchHost(tmp_path / "server"), index={REF: repository}) as running:
        yield running


def run(
    stackstorm: t.Any,
    *names: str,
    module: str = "st2_pack",
    env: t.Optional[t.Dict[str, str]] = None,
    **given: t.Any,
) -> ModuleResult:
    how = {key: given.pop(key) for key in ("check",) if key in given}
    asked = {"name": list(names)} if names else {}
    options = {**asked, "backend": "api", "api_url": f"{stackstorm.api_url}/v1", **NOWHERE, **given}
    if not {"api_key", "auth_token", "api_username"} & set(given):
        options["api_key"] = stackstorm.api_key
    environment = {"HOME": "/nonexistent", **(env or {})}
    return run_module_directly(module, options, diff=True, env=environment, **how)


def version_on_disk(stackstorm: t.Any) -> t.Optional[str]:
    path = stackstorm.packs_path / REF / "pack.yaml"
    return yaml.safe_load(path.read_text())["version"] if path.exists() else None


def test_a_pack_comes_changes_and_goes(tmp_path: Path, repository: GitRepository) -> None:
    """Runs against a real server too, on whose machine it must be."""
    url = f"file://{repository.path}"
    with stackstorm_under_test(ScratchHost(tmp_path / "server"), repositories={url: repository}) as stackstorm:
        versions = [(f"{url}=1.0.0", "1.0.0"), (f"{url}=1.1.0", "1.1.0"), (REF, None)]
        before = None
        for asked, after in versions:
            state = "present" if after else "absent"
            predicted = run(stackstorm, asked, state=state, check=True)
            assert predicted.changed and version_on_disk(stackstorm) == before, predicted.everything
            done = run(stackstorm, asked, state=state)
            assert done.changed and not done.failed, done.everything
            assert only(done)["before"] == only(predicted)["before"] and only(done)["after"] == only(predicted)["after"]
            assert done["msg"] == predicted["msg"] and done["diff"] == predicted["diff"]
            assert version_on_disk(stackstorm) == after
            assert (stackstorm.pack(REF) or {}).get("version") == after
            again = run(stackstorm, asked, state=state)
            assert not again.changed and not again.failed, again.everything
            before = after


def config_of(url: str, **more: t.Any) -> t.Dict[str, t.Any]:
    return {"config": {"url": url, **more}, "secrets": {"token": CANARY}}


CONFIGS: t.List[t.Tuple[t.Dict[str, t.Any], t.Dict[str, t.Any]]] = [
    (config_of("http://one"), {"url": "http://one", "token": CANARY}),
    (config_of("http://two"), {"url": "http://two", "token": CANARY}),
    ({"config": {"url": "http://three"}, "merge": "merge"}, {"url": "http://three", "token": CANARY}),
    ({"state": "absent"}, {}),
]


def test_a_config_comes_changes_and_goes(tmp_path: Path, repository: GitRepository) -> None:
    """Runs against a real server too, on whose machine it must be."""
    url = f"file://{repository.path}"
    with stackstorm_under_test(ScratchHost(tmp_path / "server"), repositories={url: repository}) as stackstorm:
        file = stackstorm.configs_path / f"{REF}.yaml"
        try:
            assert run(stackstorm, f"{url}=1.0.0").changed
            shown = []
            for given, wanted in CONFIGS:
                before = stackstorm.config(REF)
                predicted = run(stackstorm, module="st2_pack_config", pack=REF, check=True, **given)
                assert predicted.changed and stackstorm.config(REF) == before, predicted.everything
                done = run(stackstorm, module="st2_pack_config", pack=REF, **given)
                assert done.changed and not done.failed, done.everything
                assert (done["msg"], done["diff"]) == (predicted["msg"], predicted["diff"])
                assert stackstorm.config(REF) == yaml.safe_load(file.read_text()) == wanted
                for check in (True, False):
                    again = run(stackstorm, module="st2_pack_config", pack=REF, check=check, **given)
                    assert not again.changed and not again.failed, again.everything
                told = run(stackstorm, module="st2_pack_config_info", pack=[REF])
                assert told["configs"][0]["exists"] is bool(wanted), told.everything
                shown += [predicted, done, again, told]
            assert not [result for result in shown if CANARY in result.everything]
            packs = run(stackstorm, module="st2_pack_info", name=[REF])["packs"]
            assert [pack["version"] for pack in packs] == ["1.0.0"]
        finally:
            run(stackstorm, REF, state="absent")
            file.unlink(missing_ok=True)


def test_a_config_comes_along_with_its_pack(tmp_path: Path, repository: GitRepository) -> None:
    """Runs against a real server too, on whose machine it must be."""
    url = f"file://{repository.path}"
    with stackstorm_under_test(ScratchHost(tmp_path / "server"), repositories={url: repository}) as stackstorm:
        try:
            for version, address in (("1.0.0", "http://one"), ("1.1.0", "http://two")):
                packs = [{"name": REF, "source": url, "version": version, **config_of(address)}]
                predicted = run(stackstorm, packs=packs, check=True)
                done = run(stackstorm, packs=packs)
                assert done.changed and not done.failed and done["msg"] == predicted["msg"], done.everything
                assert stackstorm.config(REF) == {"url": address, "token": CANARY}
                assert version_on_disk(stackstorm) == version
                again = run(stackstorm, packs=packs)
                assert not again.changed and not again.failed, again.everything
                assert CANARY not in predicted.everything + done.everything + again.everything
        finally:
            run(stackstorm, REF, state="absent")
            (stackstorm.configs_path / f"{REF}.yaml").unlink(missing_ok=True)


def test_overrides_are_refused_with_a_sentence(stub: StackStormStub) -> None:
    for module, given in (("st2_override", {"pack": REF, "state": "absent"}), ("st2_override_info", {})):
        result = run(stub, module=module, **given)
        assert result.failed and "backend=api cannot be used for overrides" in result["msg"], result.everything
    assert stub.requests == []


@pytest.mark.parametrize(
    "secret",
    [{"api_key": CANARY}, {"auth_token": CANARY}, {"api_username": "st2admin", "api_password": CANARY}],
)
def test_a_secret_that_opens_nothing_is_shown_nowhere(stub: StackStormStub, secret: t.Dict[str, str]) -> None:
    result = run(stub, REF, auth_url=stub.auth_url, **secret)
    assert result.failed and "does not accept the credentials" in result["msg"], result.everything
    assert CANARY not in result.everything and stub.pack(REF) is None


def test_a_secret_that_opens_is_shown_nowhere(stub: StackStormStub) -> None:
    stub.refuse(REF, f"The keys are {stub.api_key} {stub.password}.")
    by_key = run(stub, REF)
    by_environment = run(stub, REF, api_key=None, env={"ST2_API_KEY": stub.api_key})
    by_password = run(stub, REF, auth_url=stub.auth_url, api_username=stub.username, api_password=stub.password)
    for result, secret in ((by_key, stub.api_key), (by_environment, stub.api_key), (by_password, stub.password)):
        assert result.failed and "The keys are" in result["msg"], result.everything
        assert secret not in result.everything
    parameters = json.dumps([each["parameters"] for each in stub.executions.list(action="packs.install")])
    assert stub.api_key not in parameters and stub.password not in parameters


def test_a_secret_in_a_url_never_gets_to_stackstorm(stub: StackStormStub) -> None:
    result = run(stub, f"https://me:{CANARY.replace('/', '%2F')}@git.example.com/acme/{REF}=1.0.0")
    assert result.failed and "credentials in it" in result["msg"]
    assert "p4ss" not in result.everything and stub.requests == []


def test_an_account_that_may_not(stub: StackStormStub) -> None:
    stub.accounts.rbac = True
    result = run(stub, REF, api_key=OBSERVER.api_key)
    assert result.failed and "permission pack_install" in result["msg"] and stub.pack(REF) is None
    assert result["step"] == "register" and only(result)["after"] is None


def test_in_a_play_on_the_controller(stub: StackStormStub) -> None:
    task = {"name": REF, "backend": "api", "api_url": f"{stub.api_url}/v1", "api_key": stub.api_key, **NOWHERE}
    play = run_play(
        [
            {"name": "new", "stackstorm.st2.st2_pack": task, "delegate_to": "localhost", "run_once": True},
            {"name": "old", "stackstorm.st2.st2_pack": {**task, "verify": "content"}, "ignore_errors": True},
        ],
        env={"HOME": "/nonexistent"},
    )
    assert play["new"]["changed"] and version_on_disk(stub) == "1.1.0", play.stdout + play.stderr
    assert "verify cannot be used with backend=api" in play["old"]["msg"]
    assert stub.api_key not in play.stdout + play.stderr
