# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What st2_index_info tells: on a StackStorm host and elsewhere, of real servers on loopback, and by StackStorm."""

from __future__ import annotations

import json
import os
import tempfile

import pytest
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.servers import Document, IndexServer
from infrastructure.signing import Signer, missing_program
from infrastructure.snapshot import compare
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import ADMIN, StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DeadlineError,
    IndexError_,
    InvalidContentError,
    OptionError,
    ServerError,
    UnauthorisedError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._index_info import argspec
from ansible_collections.stackstorm.st2.plugins.module_utils._index_info.argspec import index_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index_serials import IndexSerials
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.index_info import describe_indexes

ONE, TWO = "/one.json", "/two.json"


def entry(ref, version="1.0.0", **more):
    return {"name": ref, "ref": ref, "version": version, "repo_url": f"https://git.example.com/{ref}", **more}


@pytest.fixture
def server():
    with IndexServer({ONE: {"packs": {"a": entry("a"), "b": entry("b", keywords=["tool"])}}}) as one:
        yield one


@pytest.fixture
def describe(tmp_path):
    """Runs the module's work, on a host where one is given; nothing of that is written."""

    def run(*urls, host=None, **given):
        options = index_info_options().options
        assert not set(given) - set(options), "an option that the module has not"
        params = {name: option.get("default") for name, option in options.items()}
        params.update({"index_url": list(urls) or None, **given})
        scratch = tempfile.mkdtemp(dir=tmp_path)
        environment = host.environment() if host else clean_environment(tmp_path)
        found = read_host(str(host.st2_conf), environment) if host else None
        before = host.snapshot(identity=True) if host else None
        try:
            result = describe_indexes(Task(params, found, False, environment, scratch, Redactor()))
        finally:
            if host:
                assert compare(before, host.snapshot(identity=True)) == ([], [], []), "looking changes nothing"
        assert not result.changed and result.diff == []
        json.dumps(result.returned)
        return result

    return run


def refs(result):
    return [row["ref"] for row in result.returned["packs"]]


def kinds(result):
    return [(problem["kind"], problem["ref"]) for problem in result.returned["problems"]]


def url(server, path=ONE):
    return f"{server.url}{path}"


# Searching and showing


def test_a_search_tells_what_matched_and_where_it_is_from(server, describe):
    result = describe(url(server), query="TOOL")
    assert result.returned["packs"] == [
        {
            "ref": "b",
            "name": "b",
            "version": "1.0.0",
            "description": None,
            "author": None,
            "keywords": ["tool"],
            "repo_url": "https://git.example.com/b",
            "index_url": url(server),
            "also_in": [],
            "problem": None,
            "matched": "keywords",
        }
    ]
    assert (result.msg, result.failure, result.warnings) == ('1 pack found for "TOOL"', None, [])
    assert describe(url(server), query="TOOL", case_sensitive=True).returned["packs"] == []
    assert refs(describe(url(server), query="oo", fields=["keywords"])) == ["b"]


def test_all_packs_are_told_as_far_as_the_limit_goes(server, describe):
    server.documents[ONE] = {"packs": {f"p{number:03}": entry(f"p{number:03}") for number in reversed(range(150))}}
    result = describe(url(server))
    assert refs(result) == [f"p{number:03}" for number in range(100)]
    assert result.returned["found"] == 150
    assert result.msg == "150 packs in the index; the first 100 are returned (limit)"
    assert len(refs(describe(url(server), limit=0))) == 150
    assert refs(describe(url(server), query="p", limit=2)) == ["p149", "p148"], "StackStorm's order is the index's"


def test_packs_are_shown_whole(server, describe):
    whole = entry("a", versions=["1.0.0", "0.9.0"], commit="1" * 40, digest=f"sha256:{'2' * 64}", x={"y": [1]})
    server.documents[ONE] = {"packs": {"a": whole, "b": entry("b")}}
    result = describe(url(server), name=["a", "nosuch", "a"])
    (row,) = result.returned["packs"]
    assert (row["entry"], row["versions"]) == (whole, ["1.0.0", "0.9.0"])
    assert (row["commit"], row["digest"]) == (whole["commit"], whole["digest"])
    assert (result.returned["missing"], result.msg) == (["nosuch"], "1 pack in the index; not there: nosuch")


def test_which_index_serves_which_pack(server, describe):
    server.documents[TWO] = {"packs": {"b": entry("b", "2.0.0"), "c": entry("c")}}
    result = describe(url(server), url(server, TWO))
    rows = {row["ref"]: row for row in result.returned["packs"]}
    assert {ref: (row["version"], row["index_url"][-8:], len(row["also_in"])) for ref, row in rows.items()} == {
        "a": ("1.0.0", "one.json", 0),
        "b": ("1.0.0", "one.json", 1),
        "c": ("1.0.0", "two.json", 0),
    }
    assert [(status["packs"], status["serves"]) for status in result.returned["indexes"]] == [(2, 2), (2, 1)]
    assert result.returned["health"] == {
        "indexes": {"count": 2, "valid": 2, "invalid": 0, "errors": {}},
        "packs": {"count": 4},
    }


def test_what_could_not_be_installed_by_its_name_says_why(server, describe):
    server.documents[ONE] = {"packs": {"a": entry("a", repo_url=None), "b": entry("b", version=None)}}
    rows = describe(url(server)).returned["packs"]
    assert "has no repo_url" in rows[0]["problem"] and "has no valid version" in rows[1]["problem"]
    server.documents[ONE] = Document(b"", 503)
    server.documents[TWO] = {"packs": {"c": entry("c")}}
    (row,) = describe(url(server), url(server, TWO), name=["c"]).returned["packs"]
    assert "was not looked up, because an index cannot be read" in row["problem"]
    (row,) = describe(url(server), url(server, TWO), name=["c"], index_strict=False).returned["packs"]
    assert row["problem"] is None


def test_an_index_that_cannot_be_read_is_a_warning_and_all_of_them_an_error(server, describe):
    server.documents[TWO] = Document(b"", 500)
    result = describe(url(server, TWO), url(server), query="a")
    assert refs(result) == ["a"] and len(result.warnings) == 1
    assert f"The index {url(server, TWO)} cannot be read (unresponsive): HTTP status 500" in result.warnings[0]
    failed = describe(url(server, TWO), query="a")
    assert isinstance(failed.failure, IndexError_) and "HTTP status 500" in failed.failure.message
    assert failed.returned["indexes"][0]["error"] == "unresponsive"
    looked = describe(url(server, TWO))
    assert looked.failure is None and not looked.returned["healthy"]


# Checks


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (b"", "malformed"),
        (b"{}", "empty"),
        (b"null", "malformed"),
        (b"7", "malformed"),
        (b"[]", "malformed"),
        (b'{"packs": null}', "malformed"),
        (b'{"packs": ["ab"]}', "malformed"),
        (b'{"packs": 7}', "malformed"),
        (b'{"packs": {}}', "no_packs"),
        (Document(b'{"packs": {"a":', truncate=5), "unresponsive"),
        (Document(b"", 404), "unresponsive"),
        (Document(redirect_to="file:///etc/passwd"), "unresponsive"),
        (Document(b" " * 10, filler=17 << 20), "malformed"),
    ],
)
def test_an_index_that_is_none_is_a_problem_and_no_error(server, describe, document, kind):
    server.documents[TWO] = document
    result = describe(url(server, TWO), url(server), checks=["shadowed"])
    assert kinds(result) == [(kind, None)] and result.failure is None and not result.returned["healthy"]
    assert result.returned["problems"][0]["index_url"] == url(server, TWO)
    assert result.warnings == [] and "packs" not in result.returned
    assert result.msg == f"problems: 1 {kind}"


@pytest.mark.parametrize("document", [Document(hang=True), Document(b'{"packs": {}}', drip=0.5)])
def test_the_timeout_ends_an_index_that_hangs_or_drips(server, describe, document):
    server.documents[TWO] = document
    with pytest.raises(DeadlineError):
        describe(url(server, TWO), timeout=1)


@pytest.mark.once
def test_an_index_of_very_many_packs(server, describe):
    packs = {f"p{number}": entry(f"p{number}", "2.0.0", python_versions=["2"]) for number in range(50_000)}
    server.documents[ONE] = {"packs": packs}
    server.documents[TWO] = {"packs": {f"p{number}": entry("other") for number in range(50_000)}}
    result = describe(url(server), url(server, TWO), checks=["installable", "shadowed"], query="p", limit=3)
    assert (result.returned["found"], len(result.returned["packs"])) == (50_000, 3)
    assert (len(result.returned["problems"]), result.returned["problem_count"]) == (1000, 100_000)
    server.documents[ONE] = {"packs": {**packs, "one_more": {}}}
    assert "more than 50000" in describe(url(server)).returned["problems"][0]["message"]


def test_the_checks_are_about_what_is_asked_for(server, describe):
    old = {"python_versions": ["2"]}
    server.documents[ONE] = {"packs": {"a": entry("a", **old), "b": entry("b", **old)}}
    server.documents[TWO] = {"packs": {ref: entry("other") for ref in ("a", "b")}}
    both = url(server), url(server, TWO)
    checks = ["installable", "shadowed"]
    assert kinds(describe(*both, checks=checks, name=["b"])) == [("not_installable", "b"), ("shadowed", "b")]
    assert len(kinds(describe(*both, checks=checks))) == 4
    assert kinds(describe(*both)) == []


def test_an_old_index(server, describe):
    server.documents[ONE]["metadata"] = {"generated_ts": 1_600_000_000, "serial": 4}
    result = describe(url(server), max_age=3600)
    assert kinds(result) == [("old", None)]
    (status,) = result.returned["indexes"]
    assert (status["generated_ts"], status["serial"], status["signer"]) == (1_600_000_000, 4, None)
    assert status["age"] > 100_000_000
    assert kinds(describe(url(server))) == []


def test_repositories_are_asked(tmp_path, server, describe):
    repository = GitRepository(tmp_path / "demo.git")
    repository.release(PackTree("demo", "1.0.0", minimal=True))
    repository.build()
    packs = {
        "demo": entry("demo", repo_url=f"file://{repository.path}", versions=["1.0.0", "0.9.0"]),
        "gone": entry("gone", repo_url=f"file://{tmp_path}/gone.git"),
    }
    (tmp_path / "index.json").write_text(json.dumps({"packs": packs}))
    result = describe(str(tmp_path / "index.json"), checks=["repositories"])
    assert kinds(result) == [("no_such_version", "demo"), ("unreachable", "gone")]
    assert kinds(describe(str(tmp_path / "index.json"), checks=["repositories"], name=["gone"])) == [
        ("unreachable", "gone")
    ]


# Where it runs


def test_on_a_stackstorm_host_its_indexes_and_packs_count(tmp_path, server, describe):
    host = ScratchHost(tmp_path / "host", index_url=url(server))
    for ref in ("a", "b"):
        host.place(PackTree(ref, "1.0.0", minimal=True), ref)
    server.documents[ONE] = {
        "packs": {"a": entry("a", "1.10.0"), "b": entry("b", "0.9.0"), "c": entry("c", stackstorm_version=">=99.0.0")}
    }
    result = describe(host=host, checks=["outdated", "installable"])
    assert result.returned["outdated"] == [
        {"ref": "a", "installed_version": "1.0.0", "version": "1.10.0", "index_url": url(server)}
    ]
    assert kinds(result) == [("not_installable", "c")]
    assert result.msg == "problems: 1 not_installable; newer than installed: a"
    rows = describe(host=host).returned["packs"]
    assert [(row["ref"], row["installed_version"]) for row in rows] == [("a", "1.0.0"), ("b", "1.0.0"), ("c", None)]


def test_elsewhere_no_st2_conf_is_needed(monkeypatch, tmp_path):
    spec = index_info_options()
    params = {name: option.get("default") for name, option in spec.options.items()}
    monkeypatch.setattr(argspec, "DEFAULT_ST2_CONF", str(tmp_path / "st2.conf"))
    params["st2_conf"] = str(tmp_path / "st2.conf")
    assert not spec.needs_host(params)
    (tmp_path / "st2.conf").write_text("")
    assert spec.needs_host(params)
    assert not spec.needs_host({**params, "backend": "api"})
    assert spec.needs_host({**params, "st2_conf": "/nowhere/st2.conf"}), "so that it is said that it is not there"


def test_elsewhere_the_public_exchange_is_read(describe, monkeypatch):
    from ansible_collections.stackstorm.st2.plugins.module_utils._tasks import index_reading

    asked = []
    monkeypatch.setattr(index_reading, "fetch_indexes", lambda urls, **_more: asked.append(list(urls)) or 1 / 0)
    with pytest.raises(ZeroDivisionError):
        describe()
    assert asked == [["https://index.stackstorm.org/v1/index.json"]]


# Signatures


@pytest.mark.skipif(bool(missing_program()), reason=missing_program())
def test_a_signed_index(tmp_path, server, describe):
    signer = Signer(tmp_path / "signer")
    host = ScratchHost(tmp_path / "host", index_url=url(server))

    def sign(serial, by=signer):
        content = json.dumps({"metadata": {"serial": serial}, "packs": {"a": entry("a")}}).encode()
        server.documents[ONE], server.documents[f"{ONE}.sig"] = content, by.sign(content)

    sign(4)
    (status,) = describe(host=host, index_allowed_signers=[signer.line]).returned["indexes"]
    assert (status["signer"], status["serial"], status["error"]) == (signer.name, 4, None)
    IndexSerials(str(host.packs / ".stackstorm.st2")).remember({url(server): 5})
    gone_back = describe(host=host, index_allowed_signers=[signer.line])
    assert kinds(gone_back) == [("untrusted", None)]
    assert "serial gone back from 5 to 4" in gone_back.returned["problems"][0]["message"]
    # Elsewhere nothing was taken before.
    assert kinds(describe(url(server), index_allowed_signers=[signer.line])) == []
    sign(6, Signer(tmp_path / "stranger"))
    assert kinds(describe(host=host, index_allowed_signers=[signer.line])) == [("untrusted", None)]


# Options and secrets


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"query": ""}, "query is empty"),
        ({"fields": ["name"]}, "fields requires query"),
        ({"query": "a", "fields": []}, "fields is empty"),
        ({"name": ["Not A Ref"]}, "Did you mean not_a_ref"),
        ({"limit": -1}, "limit is -1"),
        ({"max_age": 0}, "max_age is 0"),
        ({"index_allowed_signers": []}, "index_allowed_signers has no line"),
        ({"backend": "api", "fields": ["name"], "query": "a"}, "fields cannot be used with backend=api"),
        ({"backend": "api", "checks": ["shadowed"]}, "checks cannot be used with backend=api"),
        ({"backend": "api", "index_url": ["https://x"]}, "index_url cannot be used with backend=api"),
        ({"backend": "api", "index_allowed_signers": ["x y"]}, "index_allowed_signers cannot be used with backend=api"),
        ({"backend": "api", "token": "s3cret"}, "token cannot be used with backend=api"),
    ],
)
def test_options_that_cannot_be_used(describe, given, words):
    with pytest.raises(OptionError) as caught:
        describe(**given)
    assert words in caught.value.message and "s3cret" not in caught.value.message


def test_no_password_comes_out(tmp_path, server, describe):
    secret = "c4nary-p4ss"
    server.username, server.password = "me", secret
    address = url(server).replace("://", f"://me:{secret}@")
    server.documents[ONE] = {
        "packs": {
            "a": entry("a", repo_url=f"https://me:{secret}@git.example.com/a"),
            "b": entry("b", repo_url=f"https://git.example.com/b?token={secret}"),
            "c": entry("c", repo_url=f"nonsense://me:{secret}@git.example.com/c"),
        }
    }
    for given in ({"name": ["a", "b", "c"]}, {"query": "a"}, {"checks": ["installable", "shadowed"]}):
        result = describe(address, **given)
        assert secret not in repr((result.msg, result.returned, result.warnings, result.failure)), given
        assert len(result.returned["indexes"]) == 1 and result.returned["indexes"][0]["error"] is None
    given = describe(url(server), query="a", username="me", password=secret)
    assert refs(given) == ["a"] and secret not in repr((given.returned, given.warnings))


# StackStorm's API


@pytest.fixture
def stub(tmp_path, server):
    server.documents[TWO] = {"packs": {"a": entry("a", 0.4), "c": entry("c", author="tool")}}
    host = ScratchHost(tmp_path / "stub")
    with StackStormStub(host, index_urls=[url(server, TWO), url(server), url(server, "/missing.json")]) as one:
        yield one


def by_api(stub, describe, **given):
    return describe(backend="api", api_url=f"{stub.api_url}/v1", api_key=ADMIN.api_key, **given)


def test_stackstorm_searches_by_itself(stub, describe):
    result = by_api(stub, describe, query="TOOL")
    assert refs(result) == ["b", "c"] and result.returned["found"] == 2
    assert "indexes" not in result.returned
    assert refs(by_api(stub, describe, query="TOOL", limit=1)) == ["b"]
    assert refs(by_api(stub, describe, query="nothing")) == []


def test_stackstorm_shows_by_itself(stub, describe):
    result = by_api(stub, describe, name=["a", "nosuch"])
    (row,) = result.returned["packs"]
    assert (row["ref"], row["version"], row["entry"]["version"]) == ("a", "0.4", "0.4")
    assert result.returned["missing"] == ["nosuch"]


def test_stackstorm_says_how_its_indexes_are(stub, describe, server):
    result = by_api(stub, describe)
    assert [(one["url"], one["packs"], one["error"]) for one in result.returned["indexes"]] == [
        (url(server, TWO), 2, None),
        (url(server), 2, None),
        (url(server, "/missing.json"), 0, "unresponsive"),
    ]
    assert result.returned["health"]["packs"] == {"count": 4}
    assert kinds(result) == [("unresponsive", None)] and not result.returned["healthy"]


def test_what_makes_stackstorm_crash_is_said(stub, describe, server):
    server.documents[TWO] = b"null"
    for given in ({}, {"query": "a"}, {"name": ["a"]}):
        with pytest.raises(ServerError) as crash:
            by_api(stub, describe, **given)
        assert "This happens if an index is null or a number" in crash.value.message
    server.documents[TWO] = server.documents[ONE] = b"{}"
    assert [one["error"] for one in by_api(stub, describe).returned["indexes"]] == ["empty", "empty", "unresponsive"]
    with pytest.raises(InvalidContentError) as nothing:
        by_api(stub, describe, query="a")
    assert "None of its indexes can be read" in nothing.value.message


def test_stackstorm_lets_nobody_in_without_a_key(stub, describe):
    with pytest.raises(UnauthorisedError):
        describe(backend="api", api_url=f"{stub.api_url}/v1")
    with pytest.raises(UnauthorisedError) as caught:
        describe(backend="api", api_url=f"{stub.api_url}/v1", api_key="c4nary-key")
    assert "c4nary" not in caught.value.message
    assert os.environ.get("ST2_API_KEY") is None
