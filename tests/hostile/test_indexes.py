# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Indexes and git servers that are huge, deep, slow, cut short, of the wrong kind, or that lead elsewhere."""

from __future__ import annotations

import gzip
import json
import typing as t

import pytest
from hostile.arena import Arena
from infrastructure.servers import Document, IndexServer

INDEX = "/v1/index.json"
MANY = json.dumps({"packs": {f"p{number}": {} for number in range(60_000)}})
ENTRY = {"name": "victim", "ref": "victim", "repo_url": "https://127.0.0.1:9/x/y", "version": "1.0.0"}


def packs(entry: t.Any) -> t.Any:
    return {"packs": {"victim": entry}}


DOCUMENTS: t.Mapping[str, t.Tuple[t.Any, str]] = {
    "nothing": (b"", "malformed"),
    "html": (b"<html>", "malformed"),
    "null": (b"null", "malformed .Expected an index object, got a null"),
    "list": ([], "malformed .Expected an index object, got a list"),
    "number": (b"4", "malformed .Expected an index object, got a number"),
    "text": (b'"x"', "malformed .Expected an index object, got a string"),
    "empty": ({}, "empty"),
    "no-packs": ({"x": 1}, "missing .packs. attribute"),
    "packs-list": ({"packs": ["victim"]}, "must be an object, not a list"),
    "packs-text": ({"packs": "victim"}, "must be an object, not a string"),
    "packs-null": ({"packs": None}, "must be an object, not a null"),
    "truncated": (b'{"packs": {"victim": {', "malformed"),
    "two": (b'{"packs": {}}{"packs": {}}', "malformed"),
    "deep": (b'{"packs": ' + b"[" * 500_000, "nested too deeply|malformed"),
    "deep-objects": (b'{"a":' * 500_000, "nested too deeply|malformed"),
    "digits": (b'{"packs": {"victim": ' + b"9" * 4_000_000 + b"}}", "A number of 4000000 digits"),
    "many": (MANY, "lists 60000 packs"),
    "utf-16": (json.dumps({"packs": {}}).encode("utf-16"), "No record"),
    "latin-1": (b'{"packs": {"caf\xe9": {}}}', "malformed"),
    "surrogate": (b'{"packs": {"\\ud800": {}}}', "No record"),
    "nan": (b'{"packs": NaN}', "must be an object"),
    "duplicate": (b'{"packs": {}, "packs": []}', "No record"),
    "hostile-key": (b'{"packs": {"../../x": {"repo_url": "/etc"}, "": {}, "\\n": 1}}', "No record"),
    "python": (b"{'packs': {}}", "malformed"),
    "entry-list": (packs([]), "has no repo_url"),
    "entry-text": (packs("https://x"), "has no repo_url"),
    "entry-null": (packs(None), "has no repo_url"),
    "entry-number": (packs(5), "has no repo_url"),
    "url-list": (packs({**ENTRY, "repo_url": ["x"]}), "has no repo_url"),
    "url-number": (packs({**ENTRY, "repo_url": 5}), "has no repo_url"),
    "url-object": (packs({**ENTRY, "repo_url": {"a": "b"}}), "has no repo_url"),
    "url-empty": (packs({**ENTRY, "repo_url": ""}), "has no repo_url"),
    "url-place": (packs({**ENTRY, "repo_url": "/etc"}), "a path on this host"),
    "url-file": (packs({**ENTRY, "repo_url": "file:///srv/x"}), "a path on this host"),
    "url-file-host": (packs({**ENTRY, "repo_url": "file://localhost/srv/x"}), "a path on this host"),
    "url-file-upper": (packs({**ENTRY, "repo_url": "FILE:///srv/x"}), "a path on this host"),
    "version-list": (packs({**ENTRY, "version": ["1"]}), "has no valid version"),
    "version-object": (packs({**ENTRY, "version": {}}), "has no valid version"),
    "version-truth": (packs({**ENTRY, "version": True}), "has no valid version"),
    "version-null": (packs({**ENTRY, "version": None}), "has no valid version"),
    "version-option": (packs({**ENTRY, "version": "--upload-pack=x"}), "has no valid version"),
    "version-digits": (packs({**ENTRY, "version": int("9" * 900)}), "cannot be fetched"),
    "versions-object": (packs({**ENTRY, "versions": {"a": 1}}), "cannot be fetched"),
    "commit-option": (packs({**ENTRY, "commit": "--upload-pack=x"}), "cannot be fetched"),
    "commit-object": (packs({**ENTRY, "commit": {"a": "b"}, "digest": ["x"]}), "cannot be fetched"),
    "commit-digits": (packs({**ENTRY, "commit": int("9" * 900), "digest": 1}), "cannot be fetched"),
    "commit-line": (packs({**ENTRY, "commit": "1" * 40 + "\n", "digest": f"sha256:{'0' * 64}\n"}), "cannot be fetched"),
    "metadata-list": ({"metadata": [], **packs(ENTRY)}, "cannot be fetched"),
    "serial-huge": (b'{"metadata": {"serial": ' + b"9" * 900 + b'}, "packs": {}}', "No record"),
    "huge-field": (packs({**ENTRY, "description": "x" * 8_000_000}), "cannot be fetched"),
}
ANSWERS: t.Mapping[str, t.Tuple[Document, str]] = {
    "huge": (Document(b"{}", filler=40 << 20), "larger than 16 MiB"),
    "huge-packed": (
        Document(gzip.compress(b" " * (60 << 20)), headers={"Content-Encoding": "gzip"}),
        "larger than 16 MiB",
    ),
    "not-packed": (Document(b"x", headers={"Content-Encoding": "gzip"}), "unresponsive|malformed"),
    "cut": (Document(b'{"packs": {}}', truncate=5), "unresponsive"),
    "hanging": (Document(b"{}", hang=True), "unresponsive|timeout of 1 s"),
    "dripping": (Document(b" " * 1000 + b'{"packs": {}}', drip=0.05), "unresponsive|timeout of 1 s"),
    "late": (Document(b"{}", delay=30), "unresponsive|timeout of 1 s"),
    "moved-to-file": (Document(redirect_to="file:///etc/passwd"), "redirect from http to file"),
    "moved-to-ftp": (Document(redirect_to="ftp://127.0.0.1/x"), "redirect from http to ftp"),
    "moved-to-nowhere": (Document(redirect_to="//"), "unresponsive|malformed"),
    "moved-in-a-circle": (Document(redirect_to=INDEX), "More than 5 redirects"),
    "moved-to-a-wrong-port": (Document(redirect_to="http://127.0.0.1:99999/x"), "unresponsive|malformed"),
    "moved-with-escape": (Document(redirect_to="http://127.0.0.1:9/\x1b[2J"), "unresponsive|malformed"),
    "error": (Document(b"x" * 1_000_000, status=500), "HTTP status 500"),
    "teapot": (Document(b"", status=418), "HTTP status 418"),
    "not-modified": (Document(b"", status=304), "malformed"),
    "many-headers": (Document(b"{}", headers={f"X-{n}": "x" for n in range(300)}), "unresponsive"),
    "long-header": (Document(b"{}", headers={"X": "x" * 200_000}), "unresponsive"),
}


@pytest.fixture(scope="module")
def server() -> t.Iterator[IndexServer]:
    with IndexServer({}) as server:
        yield server


def both() -> t.Iterator[t.Any]:
    for key, (body, says) in DOCUMENTS.items():
        yield pytest.param(Document(body), says, id=key)
    for key, (document, says) in ANSWERS.items():
        yield pytest.param(document, says, id=key)


@pytest.mark.parametrize(("document", "says"), list(both()))
def test_an_index_that_means_harm(arena: Arena, server: IndexServer, document: Document, says: str) -> None:
    server.documents[INDEX] = document
    waits = document.hang or document.drip or document.delay
    options = {"index_url": [f"{server.url}{INDEX}"], "timeout": 1 if waits else 60}
    # A failed version lookup of the entry is looked for where no version is asked for.
    arena.refuse({"name": ["victim"], "state": "latest", **options}, says, most_cpu=10, most_kib=512 << 10)


SIGNATURES: t.Mapping[str, t.Tuple[Document, str]] = {
    "none": (Document(b"", 404), "has no signature: index.json.sig beside it gives HTTP status 404"),
    "nothing": (Document(b""), "is not an OpenSSH signature"),
    "the-index-again": (Document({"packs": {}}), "is not an OpenSSH signature"),
    "only-a-head": (Document(b"-----BEGIN SSH SIGNATURE-----\n"), "index_allowed_signers does not name"),
    "escapes": (Document(b"-----BEGIN SSH SIGNATURE-----\n\x1b[2J\0\n-----END SSH SIGNATURE-----\n"), "does not name"),
    "huge": (Document(b"-----BEGIN SSH SIGNATURE-----\n", filler=1 << 20), "has more than 65536 bytes"),
    "hanging": (Document(hang=True), "unresponsive|timeout of 1 s"),
    "dripping": (Document(b"-" * 1000, drip=0.05), "unresponsive|timeout of 1 s"),
    "moved-to-file": (Document(redirect_to="file:///etc/passwd"), "redirect from http to file"),
    "cut": (Document(b"-" * 100, truncate=5), "Its signature cannot be read"),
}


@pytest.mark.parametrize("name", list(SIGNATURES))
def test_a_signature_that_means_harm(arena: Arena, server: IndexServer, name: str) -> None:
    document, says = SIGNATURES[name]
    server.documents = {INDEX: Document(packs(ENTRY)), f"{INDEX}.sig": document}
    waits = document.hang or document.drip
    arguments = {
        "name": ["victim"],
        "state": "latest",
        "index_url": [f"{server.url}{INDEX}"],
        "index_allowed_signers": ["ci@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA"],
        "timeout": 1 if waits else 60,
    }
    arena.refuse(arguments, says, most_cpu=10, most_kib=512 << 10)


@pytest.mark.parametrize("name", list(DOCUMENTS)[::4])
def test_a_file_as_index_that_means_harm(arena: Arena, name: str) -> None:
    document = Document(DOCUMENTS[name][0])
    arena.index.write_bytes(document.content())
    try:
        says = DOCUMENTS[name][1]
        arena.refuse({"name": ["victim=7.7.7"]}, f"{says}|cannot be fetched|no pack.yaml", most_kib=512 << 10)
        told = arena.run({"name": ["victim"], "check_latest": True}, module="st2_pack_info", most_kib=512 << 10)
        assert told.failed == any(word in says for word in ("malformed", "attribute", "must be", "lists")), told["msg"]
    finally:
        arena.index.write_text('{"packs": {}}')


def test_several_that_hang_are_waited_for_together(arena: Arena, server: IndexServer) -> None:
    server.documents = {f"/{number}": Document(b"{}", hang=True) for number in range(20)}
    urls = [f"{server.url}/{number}" for number in range(20)]
    arena.refuse({"name": ["victim=7"], "index_url": urls, "timeout": 1}, "timeout of 1 s|unresponsive")


GIT: t.Mapping[str, t.Tuple[Document, str]] = {
    "nothing": (Document(b""), "is empty"),
    "text": (Document(b"x" * 100_000, content_type="application/x-git-upload-pack-advertisement"), "cannot be fetched"),
    "error-line": (Document(b"0020ERR \x1b[2Jgo away \x07 please"), "cannot be fetched|is empty"),
    "old-protocol": (Document(b"1" * 40 + b"\trefs/heads/main\n"), "cannot be fetched"),
    "climbing-ref": (Document(b"1" * 40 + b"\trefs/heads/../../x\n"), "cannot be fetched|is empty"),
    "option-ref": (Document(b"1" * 40 + b"\trefs/heads/--upload-pack=x\n"), "cannot be fetched"),
    "very-many-refs": (
        Document(b"".join(b"%040x\trefs/tags/%d\n" % (n, n) for n in range(1000))),
        "cannot be fetched",
    ),
    "moved-to-file": (Document(redirect_to="file:///etc"), "cannot be fetched"),
    "moved-to-ext": (Document(redirect_to="ext::sh"), "cannot be fetched"),
    "moved-in-a-circle": (Document(redirect_to="/x/y/info/refs?service=git-upload-pack"), "cannot be fetched"),
    "hanging": (Document(b"", hang=True), "timeout of 1 s"),
    "endless": (Document(b"", filler=80 << 20), "cannot be fetched|is empty"),
}


@pytest.mark.parametrize(("document", "says"), [pytest.param(*pair, id=key) for key, pair in GIT.items()])
def test_a_git_server_that_means_harm(arena: Arena, server: IndexServer, document: Document, says: str) -> None:
    server.documents["/x/y/info/refs"] = document
    arena.refuse({"name": [f"{server.url}/x/y"], "timeout": 1 if document.hang else 20}, says)
