# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in StackStorm against recordings of a real one: the same requests, in the same order, to the same state."""

from __future__ import annotations

import base64
import json
import re
import shutil
import typing as t
from pathlib import Path

import pytest

from infrastructure.packs import ABSENT, PackTree, Tree
from infrastructure.real_data import MISSING, real_data
from infrastructure.repositories import GitRepository, index_document, index_entry
from infrastructure.servers import Document, IndexServer
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import ADMIN, OBSERVER, StackStormStub
from infrastructure.st2_stub.workflows import unload

requests = pytest.importorskip("requests")

Json = t.Any
Recording = t.Dict[str, t.Any]

OUT_OF_SCOPE: t.Dict[str, str] = {}
"""Recordings that are not replayed, and why."""
WORDS_OF_A_LIBRARY = dict.fromkeys((165, 166, 167), "the words are those of the JSON library that StackStorm used")
"""Recordings whose faultstring is compared as a text of any content, and why."""
SHAPELESS = {
    "action.parameters": "what StackStorm's own actions take is said there by StackStorm's metadata files",
    "action.description": "likewise",
    "runner.runner_parameters": "likewise, by the runners' metadata",
    "runner.output_schema": "likewise",
}
"""Paths below an execution that are compared as an object of any content, and why."""

CONFIG_SCHEMA = {
    "api_url": {"description": "URL", "type": "string", "required": True},
    "api_key": {"description": "secret key", "type": "string", "required": True, "secret": True},
    "region": {"description": "region", "type": "string", "enum": ["us", "eu"], "default": "us"},
    "timeout": {"description": "seconds", "type": "integer", "default": 30},
    "settings": {
        "description": "nested",
        "type": "object",
        "properties": {"debug": {"type": "boolean", "default": False}, "depth": {"type": "integer"}},
        "additionalProperties": False,
    },
}
CONFIG = "api_url: http://put\napi_key: anything\nregion: us\n"


def _number(name: str) -> int:
    return int(name.split("-")[0])


def _recordings() -> t.Dict[str, Recording]:
    data = real_data()
    if data is None:
        return {}
    paths = sorted((data / "st2-api").glob("*.json"), key=lambda path: _number(path.name))
    return {path.stem: json.loads(path.read_text()) for path in paths}


def _pack(ref: str, version: str, runner: str = "local-shell-cmd", **metadata: t.Any) -> PackTree:
    """Return a pack with one action, ``hello``."""
    tree = PackTree(ref, version, minimal=True, actions=(), metadata=metadata)
    tree.remove("actions")
    return t.cast(
        PackTree,
        tree.add_yaml(
            "actions/hello.yaml",
            {
                "name": "hello",
                "pack": ref,
                "runner_type": runner,
                "description": "say hello",
                "enabled": True,
                "entry_point": "",
                "parameters": {
                    "cmd": {"immutable": True, "default": "echo hello {{who}}"},
                    "who": {"type": "string", "default": "world"},
                },
            },
        ),
    )


def _rich(version: str) -> PackTree:
    tree = PackTree("demo_rich", version, config_schema=CONFIG_SCHEMA)
    tree.add_yaml("actions/hello.yaml", {"name": "hello", "runner_type": "local-shell-cmd", "entry_point": ""})
    return tree


class _World:
    """What was on the real server's machine: repositories below /srv/packs, an index, five system packs."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repositories: t.Dict[str, GitRepository] = {}
        self.host = ScratchHost(root / "host")
        self.host.place(_pack("default", "3.9.0"), "default")
        proxies = {
            f"{kind}_proxy": {"description": "URL", "type": "string", "required": False} for kind in ("http", "https")
        }
        proxies["proxy_ca_bundle_path"] = dict(proxies["http_proxy"], description="path")
        proxies["no_proxy"] = {"description": "names", "required": False, "default": "localhost"}
        Tree().add_yaml("config.schema.yaml", proxies).write(self.host.packs / "packs")
        self.host.place(_pack("demo_dep", "0.2.0"), "demo_dep")
        self.host.place(_pack("demo_reqs", "0.1.0"), "demo_reqs")
        for version in ("1.0.0", "1.1.0"):
            self._release(_rich(version))
        self._release(_pack("demo_conf", "1.0.0", keywords=ABSENT))
        self._release(_pack("demo_conf", "2.0.0", keywords=ABSENT, dependencies=["demo_rich=1.0.0"]))
        for number in range(1, 11):
            self._release(_pack(f"demo_t{number}", "1.0.0"))
        self._untagged(_pack("demo_oldst2", "2.0.0", keywords=ABSENT, stackstorm_version=">=99.0.0"))
        self._untagged(_pack("demo_py2", "2.0.0", keywords=ABSENT, python_versions=["2"]))
        self._untagged(_pack("demo_bad", "2.0.0", keywords=ABSENT, runner="nosuch-runner"))
        self._untagged(_pack("demo_dep", "0.2.0", dependencies=["file:///srv/packs/demo_rich"]))
        self._untagged(_pack("demo_reqs", "0.1.0"))
        for repository in self.repositories.values():
            repository.build()
        self.second_index = {"packs": {"demo_t1": self._entry("demo_t1", description="FROM INDEX2", version="9.9.9")}}
        self.server = IndexServer({"/v1/index.json": self.index(), "/v1/index2.json": self.second_index})
        self.urls = {name: f"{self.server.url}/v1/{name}.json" for name in ("index", "index2", "missing")}
        known = {f"file:///srv/packs/{name}": repository for name, repository in self.repositories.items()}
        self.stub = StackStormStub(self.host, index_urls=[self.urls["index"]], repositories=known)

    def _release(self, tree: PackTree) -> None:
        self._repository(tree.ref).release(tree)

    def _untagged(self, tree: PackTree) -> None:
        self._repository(tree.ref).commit(tree)

    def _repository(self, ref: str) -> GitRepository:
        return self.repositories.setdefault(ref, GitRepository(self.root / "srv" / ref))

    def _entry(self, name: str, **changes: t.Any) -> t.Dict[str, t.Any]:
        repository = self.repositories[name]
        entry = index_entry(repository.head.files, f"file:///srv/packs/{name}", repository.versions)
        return {**entry, **changes}

    def index(self) -> t.Dict[str, t.Any]:
        """Return the index with all packs."""
        return index_document([self._entry(name) for name in self.repositories], "")

    def before(self, name: str) -> None:
        """Bring about what was done to the real server, by hand, before a request."""
        steps: t.Dict[int, t.Callable[[], object]] = {
            101: self._tag_all,
            118: lambda: self._write_config(CONFIG),
            134: lambda: self._write_config(CONFIG.replace("region: us", "region: mars")),
            136: lambda: self._write_config(CONFIG),
            160: lambda: self._serve(Document(b"", 404)),
            164: lambda: self._serve(b"{nonsense"),
            168: lambda: self._serve({}),
            172: lambda: self._serve([]),
            176: lambda: self._serve({"metadata": {}}),
            180: lambda: self._serve({"packs": {}}),
            201: self._second_server,
            204: lambda: self._remove("demo_t1", "demo_t3"),
            214: lambda: self._leave_running("demo_t1"),
        }
        steps.get(_number(name), lambda: None)()

    def _tag_all(self) -> None:
        for ref in ("demo_oldst2", "demo_py2", "demo_bad"):
            self.repositories[ref].tag("v2.0.0").build()

    def _write_config(self, text: str) -> None:
        (self.host.configs / "demo_rich.yaml").write_text(text)

    def _serve(self, document: t.Any) -> None:
        self.server.documents["/v1/index.json"] = document

    def _second_server(self) -> None:
        self._serve(self.index())
        self.stub.index.urls[:] = [self.urls[name] for name in ("index2", "index", "missing")]
        self.stub.accounts.rbac = True

    def _remove(self, *refs: str) -> None:
        for ref in refs:
            shutil.rmtree(self.host.packs / ref)
            unload(self.stub.database, ref)

    def _leave_running(self, pack: str) -> None:
        self.stub.executions.polls_until_done = 9
        headers = {"St2-Api-Key": ADMIN.api_key}
        url = f"{self.stub.api_url}/v1"
        started = requests.post(f"{url}/packs/install", json={"packs": [pack]}, headers=headers, timeout=30).json()
        for _poll in range(2):
            requests.get(f"{url}/executions/{started['execution_id']}", headers=headers, timeout=30)

    def stop(self) -> None:
        """End the servers."""
        self.stub.stop()
        self.server.stop()


class _Replay:
    """Sends recorded requests with the ids, tokens and addresses of this world."""

    def __init__(self, world: _World) -> None:
        self.world = world
        self.ids: t.Dict[str, str] = {}
        self.tokens = {"good": world.stub.token(), "observer": world.stub.token(OBSERVER)}

    def send(self, name: str, recording: Recording) -> t.Any:
        """Send one request; an execution is asked for until it is over, if it was over in the recording."""
        asked, recorded = recording["request"], recording["response"]["body"]
        url = re.sub(r"^http://[^/]*", self.world.stub.api_url, asked["url"])
        if "/tokens" in url:
            url = url.replace(self.world.stub.api_url, self.world.stub.auth_url)
        for old, new in self.ids.items():
            url = url.replace(old, new)
        url = url.replace("fedcba9876543210fedcba9876543210", self.tokens["good"]).replace(
            "example-api-key", ADMIN.api_key
        )
        body = asked["body"]
        raw = (
            body["raw"] if isinstance(body, dict) and "raw" in body else json.dumps(body) if body is not None else None
        )
        headers = self._headers(name, asked["headers"])
        answer = requests.request(asked["method"], url, data=raw, headers=headers, timeout=30)
        while isinstance(recorded, dict) and recorded.get("end_timestamp") and "end_timestamp" not in answer.json():
            answer = requests.request(asked["method"], url, headers=headers, timeout=30)
        if isinstance(recorded, dict) and "execution_id" in recorded:
            self.ids[recorded["execution_id"]] = answer.json()["execution_id"]
        return answer

    def _headers(self, name: str, recorded: t.Mapping[str, str]) -> t.Dict[str, str]:
        headers = dict(recorded)
        if headers.get("St2-Api-Key") == "<redacted>":
            headers["St2-Api-Key"] = ADMIN.api_key
        if headers.get("X-Auth-Token") == "0123456789abcdef0123456789abcdef":
            headers["X-Auth-Token"] = self.tokens["observer"]
        elif len(headers.get("X-Auth-Token", "")) == 32:
            headers["X-Auth-Token"] = self.tokens["good"]
        if "auth-token" in name:
            password = "wrong" if name.endswith("badpass") else ADMIN.password
            headers["Authorization"] = "Basic " + base64.b64encode(f"{ADMIN.username}:{password}".encode()).decode()
        return headers

    def here(self, text: str) -> str:
        """Return a recorded text with the addresses and paths of this world."""
        text = text.replace("/opt/stackstorm/", f"{self.world.host.base_path}/")
        for name, url in self.world.urls.items():
            text = text.replace(f"http://127.0.0.1:8901/v1/{name}.json", url)
        return text.replace("404 Client Error: File not found", "404 Client Error: Not Found")


def _differences(ours: Json, theirs: Json, path: str = "") -> t.List[str]:
    """Return where two values differ in keys and types. An empty list is like any other list."""
    if re.sub(r"\[\]\.?", "", path) in SHAPELESS:
        return [] if isinstance(ours, type(theirs)) else [f"{path}: {ours!r} instead of {theirs!r}"]
    if isinstance(ours, dict) and isinstance(theirs, dict):
        found = [f"{path}: without {key}" for key in theirs if key not in ours]
        found += [f"{path}: with {key}" for key in ours if key not in theirs]
        for key in set(ours) & set(theirs):
            found += _differences(ours[key], theirs[key], f"{path}.{key}".strip("."))
        return found
    if isinstance(ours, list) and isinstance(theirs, list):
        return _differences_of_lists(ours, theirs, f"{path}[]") if ours and theirs else []
    if _kind(ours) != _kind(theirs):
        return [f"{path}: {ours!r} instead of {theirs!r}"]
    return []


def _differences_of_lists(ours: t.List[Json], theirs: t.List[Json], path: str) -> t.List[str]:
    """Return what of the one list is like nothing in the other."""
    found = []
    for some, others in ((ours, theirs), (theirs, ours)):
        for item in some:
            tries = [_differences(*((item, other) if some is ours else (other, item)), path) for other in others]
            if all(tries):
                found += min(tries, key=len)
    return found


def _kind(value: Json) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return "number" if number else type(value).__name__


def _compare(replay: _Replay, name: str, recorded: Recording, answer: t.Any) -> t.List[str]:
    """Return what of an answer is not as recorded."""
    found = [] if answer.status_code == recorded["status"] else [f"status {answer.status_code}: {answer.text[:300]}"]
    for header in ("X-Total-Count", "X-Limit"):
        ours, theirs = answer.headers.get(header), recorded["headers"].get(header)
        if ours != theirs and name != "214-rbac-observer-executions":
            found.append(f"{header} {ours} instead of {theirs}")
    body = recorded["body"]
    if isinstance(body, str):
        return found
    ours = answer.json()
    found += _differences(ours, body)
    if isinstance(body, dict) and "faultstring" in body and _number(name) not in WORDS_OF_A_LIBRARY:
        said = replay.here(body["faultstring"])
        found += [f"{ours.get('faultstring')!r} instead of {said!r}"] if ours.get("faultstring") != said else []
    if isinstance(body, dict) and "status" in body and "result" in body:
        found += _compare_execution(ours, body)
    return found


def _compare_execution(ours: Json, theirs: Json) -> t.List[str]:
    found = [] if ours["status"] == theirs["status"] else [f"{ours['status']} instead of {theirs['status']}"]
    for key in ("output", "published"):
        if ours["result"].get(key) != theirs["result"].get(key):
            found.append(f"{ours['result'].get(key)} instead of {theirs['result'].get(key)}")
    tasks = [[error.get("task_id") for error in each["result"].get("errors", [])] for each in (ours, theirs)]
    return found if tasks[0] == tasks[1] else [*found, f"errors of {tasks[0]} instead of {tasks[1]}"]


RECORDINGS = _recordings()


@pytest.fixture(scope="module")
def differences(tmp_path_factory: pytest.TempPathFactory) -> t.Dict[str, t.List[str]]:
    """Replay everything in its order, once, and return what differed by the name of the recording."""
    world = _World(tmp_path_factory.mktemp("replay"))
    replay = _Replay(world)
    found = {}
    try:
        for name, recording in RECORDINGS.items():
            if name not in OUT_OF_SCOPE:
                world.before(name)
                found[name] = _compare(replay, name, recording["response"], replay.send(name, recording))
    finally:
        world.stop()
    return found


@pytest.mark.skipif(not RECORDINGS, reason=MISSING)
def test_nothing_is_left_out_but_what_is_said(differences: t.Dict[str, t.List[str]]) -> None:
    assert set(RECORDINGS) - set(differences) == set(OUT_OF_SCOPE)


@pytest.mark.skipif(not RECORDINGS, reason=MISSING)
@pytest.mark.parametrize("name", sorted(set(RECORDINGS) - set(OUT_OF_SCOPE), key=_number) or [""])
def test_the_answer_is_as_recorded(name: str, differences: t.Dict[str, t.List[str]]) -> None:
    assert differences[name] == []


def test_the_comparison_sees_what_differs() -> None:
    assert _differences({"a": 1, "b": [{"c": ""}]}, {"a": 2.5, "b": [{"c": "x"}]}) == []
    assert _differences({"a": 1}, {"a": "1"}) == ["a: 1 instead of '1'"]
    assert _differences({"a": True}, {"a": 1}) == ["a: True instead of 1"]
    assert _differences({}, {"a": 1}) == [": without a"]
    assert _differences({"a": 1}, {}) == [": with a"]
    assert _differences([{"a": 1}, {"b": 1}], [{"a": 1}]) != []
    assert _differences([{"a": 1}], [{"a": 1}, {"b": 1}]) != []
