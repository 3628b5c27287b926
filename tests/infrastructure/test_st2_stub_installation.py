# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in StackStorm installs and removes packs as a real one does, with its wrong answers."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest

from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import ADMIN, StackStormStub

requests = pytest.importorskip("requests")

Json = t.Dict[str, t.Any]


class Sources:
    """The repositories of an index of four packs, and one that is known by its URL only."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self.index: t.Dict[str, GitRepository] = {}
        self._release(PackTree("alpha", "1.0.0", minimal=True))
        self._release(PackTree("alpha", "1.1.0", minimal=True))
        self.index["alpha"].commit(PackTree("alpha", "3.0.0", minimal=True), branch="dev")
        self._release(PackTree("beta", "1.0.0", minimal=True, dependencies=["alpha"]))
        self._release(PackTree("clash", "1.0.0", minimal=True))
        self._release(PackTree("clash", "2.0.0", minimal=True, dependencies=["alpha=1.0.0"]))
        broken = PackTree("broken", minimal=True)
        broken.add_yaml("actions/report.yaml", {"name": "report", "runner_type": "nosuch-runner"})
        self._release(broken)
        for repository in self.index.values():
            repository.build()
        self.elsewhere = GitRepository(root / "elsewhere")
        self.elsewhere.release(PackTree("gamma", minimal=True, stackstorm_version=">=99.0.0"))
        self.elsewhere.build()

    def _release(self, tree: PackTree) -> None:
        self.index.setdefault(tree.ref, GitRepository(self._root / tree.ref)).release(tree)


class World:
    """A stand-in whose executions are over when they are first asked for."""

    def __init__(self, host: ScratchHost, sources: Sources) -> None:
        self.host = host
        self.repositories = sources.index
        known = {"https://git.example.com/elsewhere": sources.elsewhere}
        self.stub = StackStormStub(host, index=sources.index, repositories=known)
        self.stub.executions.polls_until_done = 1

    def post(self, path: str, body: Json) -> t.Any:
        """Send a request as the admin."""
        headers = {"St2-Api-Key": ADMIN.api_key}
        return requests.post(f"{self.stub.api_url}/v1{path}", json=body, headers=headers, timeout=30)

    def get(self, path: str) -> t.Any:
        """Read as the admin."""
        return requests.get(f"{self.stub.api_url}/v1{path}", headers={"St2-Api-Key": ADMIN.api_key}, timeout=30).json()

    def install(self, *packs: str, **options: bool) -> Json:
        """Install packs and return the execution, which is over."""
        started = self.post("/packs/install", {"packs": list(packs), **options})
        assert started.status_code == 202
        return t.cast(Json, self.get(f"/executions/{started.json()['execution_id']}"))

    def uninstall(self, *packs: str) -> Json:
        """Remove packs and return the execution, which is over."""
        started = self.post("/packs/uninstall", {"packs": list(packs)})
        assert started.status_code == 202
        return t.cast(Json, self.get(f"/executions/{started.json()['execution_id']}"))


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    return Sources(tmp_path_factory.mktemp("srv"))


@pytest.fixture
def world(tmp_path: Path, sources: Sources) -> t.Iterator[World]:
    made = World(ScratchHost(tmp_path / "host"), sources)
    yield made
    made.stub.stop()


def _error(execution: Json) -> str:
    """Return the last line of what the failed task said."""
    return str(execution["result"]["errors"][0]["result"]["stderr"].splitlines()[-1])


def test_a_name_installs_the_version_of_the_index_by_git(world: World) -> None:
    execution = world.install("alpha")
    assert execution["status"] == "succeeded"
    assert execution["result"]["output"] == {
        "packs_list": ["alpha"],
        "message": "Successfully installed packs",
        "conflict_list": [],
        "warning_list": [],
    }
    assert world.host.head("alpha") == world.repositories["alpha"].sha("v1.1.0")
    assert world.host.branch("alpha") == "main"
    assert (world.host.packs / "alpha" / "pack.yaml").stat().st_mode & 0o777 == 0o775
    assert world.host.interpreter("alpha").exists()
    found = world.stub.pack("alpha")
    assert found
    assert (found["version"], found["path"]) == ("1.1.0", str(world.host.packs / "alpha"))


def test_a_workflow_has_tasks(world: World) -> None:
    execution = world.install("alpha")
    tasks = world.get(f"/executions?parent={execution['id']}&limit=-1&sort_asc=true")
    assert [task["id"] for task in tasks] == execution["children"]
    assert [task["action"]["ref"] for task in tasks] == [
        "core.noop",
        "packs.download",
        "packs.virtualenv_prerun",
        "packs.get_pack_dependencies",
        "core.noop",
        "packs.setup_virtualenv",
        "packs.get_pack_warnings",
        "packs.load",
    ]
    assert tasks[1]["result"]["result"] == {"alpha": "Success."}
    assert tasks[-1]["result"]["result"]["actions"] == 1


@pytest.mark.parametrize(
    ("spec", "revision"),
    [("alpha=1.0.0", "v1.0.0"), ("alpha=v1.0.0", "v1.0.0"), ("alpha=main", "main"), ("alpha=dev", "dev")],
)
def test_revisions_are_tags_versions_and_branches(world: World, spec: str, revision: str) -> None:
    assert world.install(spec)["status"] == "succeeded"
    assert world.host.head("alpha") == world.repositories["alpha"].sha(revision)
    assert world.host.branch("alpha") == ("dev" if revision == "dev" else "main")


def test_partial_failure_is_success(world: World) -> None:
    execution = world.install("alpha", "nobody")
    assert (execution["status"], execution["result"]["output"]["packs_list"]) == ("succeeded", ["alpha"])
    execution = world.install("nobody")
    assert execution["status"] == "failed"
    assert _error(execution) == 'No record of the "nobody" pack in the index.'


def test_what_was_fetched_before_a_failure_stays_unregistered(world: World) -> None:
    execution = world.install("alpha", "beta=nothing")
    assert execution["status"] == "failed"
    beta = world.repositories["beta"].path
    assert _error(execution) == (
        f'ValueError: "nothing" is not a valid version, hash, tag or branch in file://{beta}. '
        "Available versions are: 1.0.0."
    )
    assert world.host.pack_version("alpha") == "1.1.0"
    assert world.stub.pack("alpha") is None


def test_dependencies_come_along(world: World) -> None:
    assert world.install("beta")["result"]["output"]["packs_list"] == ["beta", "alpha"]
    assert world.host.installed() == ["alpha", "beta"]
    assert world.stub.pack("alpha")


def test_a_conflict_deletes_the_pack_that_was_to_be_upgraded(world: World) -> None:
    world.install("alpha", "clash=1.0.0")
    execution = world.install("clash=2.0.0")
    output = execution["result"]["output"]
    assert (execution["status"], output["packs_list"], output["conflict_list"]) == (
        "failed",
        ["clash"],
        ["alpha=1.0.0"],
    )
    assert world.host.installed() == ["alpha"]
    found = world.stub.pack("clash")
    assert found
    assert found["version"] == "1.0.0"
    assert world.stub.resources("clash")["actions"]
    assert world.install("clash=2.0.0", skip_dependencies=True)["status"] == "succeeded"
    assert world.host.pack_version("clash") == "2.0.0"


def test_content_that_cannot_be_registered_fails_with_a_message_of_success(world: World) -> None:
    execution = world.install("broken")
    assert execution["status"] == "failed"
    assert execution["result"]["output"]["message"] == "Successfully installed packs"
    assert "RunnerType nosuch-runner is not found" in execution["result"]["errors"][0]["result"]["stderr"]
    assert world.host.installed() == ["broken"]
    assert world.stub.pack("broken")
    assert world.post("/packs/register", {}).status_code == 400


def test_force_gets_past_the_check_of_releases(world: World) -> None:
    url = "https://git.example.com/elsewhere"
    execution = world.install(url)
    assert execution["status"] == "failed"
    assert 'requires StackStorm ">=99.0.0", but current version is "3.9.0"' in _error(execution)
    assert world.install(url, force=True)["status"] == "succeeded"
    assert world.host.origin("gamma") == url


def test_nothing_beyond_this_machine_is_reached(world: World) -> None:
    execution = world.install("https://git.example.com/unknown")
    assert execution["status"] == "failed"
    assert "Could not resolve host" in _error(execution)


def test_a_directory_is_copied(world: World, tmp_path: Path) -> None:
    PackTree("local", minimal=True).write(tmp_path / "local")
    assert world.install(f"file://{tmp_path}/local")["status"] == "succeeded"
    assert world.host.head("local") is None
    assert _error(world.install(f"file://{tmp_path}/none")).endswith(f'"{tmp_path}/none" doesn\'t exist')


def test_removal_takes_database_files_and_virtualenv_but_not_the_config(world: World) -> None:
    world.install("alpha")
    (world.host.configs / "alpha.yaml").write_text("kept: true\n")
    world.stub.register("alpha", types=["configs"])
    assert world.stub.config("alpha") == {"kept": True}
    execution = world.uninstall("alpha")
    assert execution["status"] == "succeeded"
    assert [task["name"] for task in execution["result"]["tasks"]] == ["unregister packs", "delete packs"]
    assert (world.stub.pack("alpha"), world.stub.config("alpha")) == (None, None)
    assert world.host.installed() == []
    assert not (world.host.virtualenvs / "alpha").exists()
    assert (world.host.configs / "alpha.yaml").exists()
    world.install("alpha")
    assert world.stub.config("alpha") == {"kept": True}


def test_removal_of_what_is_not_there_succeeds_and_of_core_fails(world: World) -> None:
    assert world.uninstall("nobody")["status"] == "succeeded"
    execution = world.uninstall("core")
    assert execution["status"] == "failed"
    assert [task["state"] for task in execution["result"]["tasks"]] == ["failed"]
    assert world.stub.pack("core")
    assert (world.host.packs / "core").is_dir()
    assert world.post("/packs/uninstall", {}).status_code == 500


def test_a_linked_pack_is_unregistered_but_cannot_be_deleted(world: World, tmp_path: Path) -> None:
    PackTree("linked", minimal=True).write(tmp_path / "linked")
    (world.host.packs / "linked").symlink_to(tmp_path / "linked")
    world.stub.register("linked")
    execution = world.uninstall("linked")
    assert [task["state"] for task in execution["result"]["tasks"]] == ["succeeded", "failed"]
    assert world.stub.pack("linked") is None
    assert (tmp_path / "linked" / "pack.yaml").exists()


def test_the_index_is_made_of_the_repositories(world: World) -> None:
    assert sorted(world.get("/packs/index")["index"]) == ["alpha", "beta", "broken", "clash"]
    assert world.get("/packs/index/health")["packs"] == {"count": 4}
    found = world.post("/packs/index/search", {"pack": "alpha"}).json()
    assert (found["version"], found["versions"]) == ("1.1.0", ["1.1.0", "1.0.0"])
    assert world.post("/packs/index/search", {"pack": "nobody"}).json() == []
    assert {each["ref"] for each in world.post("/packs/index/search", {"query": "alpha"}).json()} == {"alpha", "beta"}
    world.stub.index.packs.clear()
    assert world.post("/packs/index/search", {"query": "alpha"}).status_code == 400


def test_other_actions_can_be_run_by_themselves(world: World) -> None:
    world.install("alpha")
    for action, status in (("packs.load", "succeeded"), ("packs.delete", "succeeded"), ("packs.load", "failed")):
        started = world.post("/executions", {"action": action, "parameters": {"packs": ["alpha"]}}).json()
        assert world.get(f"/executions/{started['id']}")["status"] == status
    assert world.host.installed() == []
    assert world.stub.pack("alpha")
