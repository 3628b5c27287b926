# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Signed indexes, with real keys and ssh-keygen: who is believed, what is signed, and that nothing goes back."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from pathlib import Path

import pytest
from infrastructure.signing import Signer, missing_program

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import IndexError_, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index_serials import IndexSerials
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index_trust import IndexTrust
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.index_server import (
    Server,
    basic,
    fetch,
    only_status,
    pack,
    reply,
)

pytestmark = [
    pytest.mark.skipif(bool(missing_program()), reason=missing_program()),
]


@pytest.fixture
def server():
    one = Server()
    yield one
    one.close()


@pytest.fixture
def other():
    one = Server()
    yield one
    one.close()


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("signer"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("stranger"), "stranger@example.com")


@pytest.fixture
def serials(tmp_path):
    (tmp_path / "packs").mkdir()
    return IndexSerials(str(tmp_path / "packs" / ".stackstorm.st2"))


@pytest.fixture
def trusting(tmp_path, serials):
    """Makes what indexes have to prove, of lines of allowed signers."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()

    def make(*lines, environment=None):
        return IndexTrust(lines, scratch=str(scratch), environment=environment or dict(os.environ), serials=serials)

    return make


def index(serial=None, version="1.0.0"):
    metadata = {"generated_ts": 1700000000, "hash": "0"}
    if serial is not None:
        metadata["serial"] = serial
    return json.dumps({"metadata": metadata, "packs": {"a": pack("a", version)}}, indent=4).encode()


def serve(server, content, signature, path="/v1/index.json"):
    place, mark, query = path.partition("?")
    server.serve(f"{place}.sig{mark}{query}", signature)
    return server.serve(path, content)


def refused(*urls, trust, **more):
    """The message of the only index, which must not be believed."""
    indexes = fetch(*urls, trust=trust, **more)
    status = only_status(indexes)
    assert (status.error, status.packs, status.signer, indexes.entries) == ("untrusted", 0, None, {})
    with pytest.raises(IndexError_, match="is untrusted"):
        indexes.lookup("a", strict=False)
    return status.message


def test_a_signed_index_is_read_and_who_signed_it_is_told(server, signer, stranger, trusting):
    url = serve(server, index(7), signer.sign(index(7)))
    lines = f"# the key of our builds\n\n{stranger.line}\n", f"{signer.line}\r"
    indexes = fetch(url, trust=trusting(*lines))
    status = only_status(indexes)
    assert (status.error, status.signer, status.serial, status.generated) == (None, signer.name, 7, 1700000000)
    assert indexes.lookup("a", strict=True).version == "1.0.0"
    assert [path for path, _headers in server.requests] == ["/v1/index.json", "/v1/index.json.sig"]


def test_without_signers_no_signature_is_asked_for(server, signer):
    status = only_status(fetch(serve(server, index(7), b"nonsense")))
    assert (status.error, status.signer, status.serial) == (None, None, 7)
    assert [path for path, _headers in server.requests] == ["/v1/index.json"]


def test_an_index_that_is_a_file(tmp_path, signer, trusting):
    path = tmp_path / "index.json"
    path.write_bytes(index())
    trust = trusting(signer.line)
    assert "signature cannot be read (The file cannot be read: No such file" in refused(str(path), trust=trust)
    (tmp_path / "index.json.sig").write_bytes(signer.sign(index()))
    for url in (str(path), f"file://{path}"):
        assert only_status(fetch(url, trust=trust)).signer == signer.name
    path.write_bytes(index() + b" ")
    assert "signature is wrong" in refused(str(path), trust=trust)


@pytest.mark.parametrize("status", [404, 403, 500])
def test_no_signature(server, signer, trusting, status):
    url = server.serve("/v1/index.json", index())
    server.serve("/v1/index.json.sig", b"", status=status)
    message = refused(url, trust=trusting(signer.line))
    assert message.startswith(f"It has no signature: index.json.sig beside it gives HTTP status {status}")


@pytest.mark.parametrize(
    ("signature", "words"),
    [
        (b"", "not an OpenSSH signature"),
        (b"<html>not found</html>", "not an OpenSSH signature"),
        (b"-----BEGIN SSH SIGNATURE-----\nabc\n-----END SSH SIGNATURE-----\n", "does not name"),
        (b"-----BEGIN SSH SIGNATURE-----\n" + b"A" * 70_000, "has more than 65536 bytes"),
    ],
)
def test_what_is_no_signature(server, signer, trusting, signature, words):
    assert words in refused(serve(server, index(), signature), trust=trusting(signer.line))


def test_a_wrong_signature(server, signer, trusting):
    url = serve(server, index(version="6.6.6"), signer.sign(index()))
    message = refused(url, trust=trusting(signer.line))
    assert message.startswith(f"Its signature is wrong: {signer.name} has not signed this content (")
    assert "incorrect signature" in message


def test_a_signature_for_something_else(server, signer, trusting):
    url = serve(server, index(), signer.sign(index(), namespace="file"))
    assert "namespace does not match" in refused(url, trust=trusting(signer.line))
    url = serve(server, index(), signer.sign(index()))
    message = refused(url, trust=trusting(f'{signer.name} namespaces="git" {signer.public_key}'))
    assert 'index_allowed_signers:1: key is not permitted for use in signature namespace "st2-index"' in message
    good = trusting(f'{signer.name} namespaces="git,st2-index" {signer.public_key}')
    assert only_status(fetch(url, trust=good)).signer == signer.name


def test_another_signer(server, signer, stranger, trusting):
    url = serve(server, index(), stranger.sign(index()))
    message = refused(url, trust=trusting(signer.line))
    key = subprocess.run(["ssh-keygen", "-l", "-f", stranger.key_file], check=True, capture_output=True).stdout.split()[
        1
    ]
    assert message == f"It is signed by the key {key.decode()}, which index_allowed_signers does not name."
    # The name that a stranger gives themselves says nothing.
    assert refused(url, trust=trusting(f"{stranger.name} {signer.public_key}")) == message


def test_a_key_whose_time_is_over(server, signer, trusting):
    url = serve(server, index(), signer.sign(index()))
    message = refused(url, trust=trusting(f'{signer.name} valid-before="20200101" {signer.public_key}'))
    assert "index_allowed_signers:1: key has expired" in message


def test_lines_that_are_none(server, signer, trusting):
    url = serve(server, index(), signer.sign(index()))
    assert "index_allowed_signers:1: missing key" in refused(url, trust=trusting("nonsense"))
    for lines in ((), ("",), ("# nobody", "\n")):
        with pytest.raises(OptionError, match="index_allowed_signers has no line that names a signer"):
            trusting(*lines)


def test_without_ssh_keygen(trusting, signer, tmp_path):
    with pytest.raises(
        IndexError_, match=r"index_allowed_signers needs the program ssh-keygen, which is not on this host: install"
    ):
        trusting(signer.line, environment={"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    "said", ["unknown option -- Y", 'Unsupported operation for -Y: "find-principals"', "ssh-keygen: illegal option"]
)
def test_an_old_ssh_keygen(server, signer, trusting, tmp_path, said):
    program = tmp_path / "ssh-keygen"
    program.write_text(f"#!/bin/sh\necho '{said}' >&2\nexit 1\n")
    program.chmod(0o755)
    trust = trusting(signer.line, environment={"PATH": str(tmp_path)})
    assert "older than OpenSSH 8.2" in refused(serve(server, index(), signer.sign(index())), trust=trust)


def test_an_ssh_keygen_that_hangs_is_given_up(server, signer, trusting, tmp_path):
    program = tmp_path / "ssh-keygen"
    program.write_text("#!/bin/sh\nexec sleep 600\n")
    program.chmod(0o755)
    trust = trusting(signer.line, environment={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    url = serve(server, index(), signer.sign(index()))
    status = only_status(fetch(url, trust=trust, session_timeout=2))
    assert (status.error, status.message) == ("unresponsive", "No complete response within 2 s.")


# What bytes


def test_packed_on_the_way(server, signer, trusting):
    url = server.serve("/i.json", gzip.compress(index(3)), headers={"Content-Encoding": "gzip"})
    server.serve("/i.json.sig", gzip.compress(signer.sign(index(3))), headers={"Content-Encoding": "gzip"})
    assert only_status(fetch(url, trust=trusting(signer.line))).serial == 3
    # A signature of the packed bytes is none of what gets read.
    server.serve("/i.json.sig", signer.sign(gzip.compress(index(3))))
    assert "signature is wrong" in refused(url, trust=trusting(signer.line))


def test_a_query_stays_behind_the_path(server, signer, trusting):
    server.serve("/i.json?ref=main", index())
    server.serve("/i.json.sig?ref=main", signer.sign(index()))
    assert only_status(fetch(f"{server.origin}/i.json?ref=main", trust=trusting(signer.line))).error is None


def test_redirects_of_both(server, other, signer, trusting):
    """Each is asked for at the place that the task names, wherever it leads."""
    server.redirect("/v1/index.json", f"{other.origin}/blob/1")
    server.redirect("/v1/index.json.sig", f"{other.origin}/blob/2")
    other.serve("/blob/1", index())
    other.serve("/blob/2", signer.sign(index()))
    other.serve("/blob/1.sig", b"not this one")
    assert only_status(fetch(f"{server.origin}/v1/index.json", trust=trusting(signer.line))).error is None
    assert [path for path, _headers in other.requests] == ["/blob/1", "/blob/2"]


def test_an_index_that_is_replaced_between_the_two(server, signer, trusting):
    answers = iter([index(1), index(2)])
    server.answers["/i.json"] = lambda handler: reply(handler, next(answers))
    server.serve("/i.json.sig", signer.sign(index(2)))
    assert only_status(fetch(f"{server.origin}/i.json", trust=trusting(signer.line))).serial == 2


def test_what_is_not_signed_is_not_even_read(server, stranger, signer, trusting):
    content = b"[" * 1_000_000
    assert "does not name" in refused(serve(server, content, stranger.sign(content)), trust=trusting(signer.line))


def test_what_is_signed_and_no_index_is_malformed(server, signer, trusting):
    status = only_status(fetch(serve(server, b"[]", signer.sign(b"[]")), trust=trusting(signer.line)))
    assert status.error == "malformed"


@pytest.mark.parametrize("place", ["url", "asked"])
def test_credentials_go_along_to_the_same_server_only(server, other, signer, trusting, place):
    def guard(path, body):
        def answer(handler):
            allowed = handler.headers.get("Authorization") == basic("me", "pw")
            reply(handler, body if allowed else b"", status=200 if allowed else 401)

        server.answers[path] = answer

    guard("/i.json", index())
    guard("/i.json.sig", signer.sign(index()))
    own = server.origin.replace("://", "://me:pw@") if place == "url" else server.origin
    find = (
        (lambda url: Credentials("me", "pw") if url.startswith(server.origin) else Credentials())
        if place == "asked"
        else None
    )
    trust = trusting(signer.line)
    assert only_status(fetch(f"{own}/i.json", trust=trust, credentials_for=find)).error is None
    server.redirect("/i.json.sig", f"{other.origin}/x.sig")
    other.serve("/x.sig", signer.sign(index()))
    assert only_status(fetch(f"{own}/i.json", trust=trust, credentials_for=find)).error is None
    assert [headers.get("Authorization") for _path, headers in other.requests] == [None]


# Serials


def take(url, trust):
    """As a run that is not in check mode: read, and write down."""
    status = only_status(fetch(url, trust=trust))
    return status, trust.remember()


def test_a_lower_serial_is_an_old_index(server, signer, trusting, serials):
    trust = trusting(signer.line)
    url = serve(server, index(41), signer.sign(index(41)))
    assert serials.known(url) is None
    status, warnings = take(url, trust)
    assert (status.error, warnings, serials.known(url)) == (None, [], 41)
    serve(server, index(40), signer.sign(index(40)))
    message = refused(url, trust=trusting(signer.line))
    assert message == (
        "It is older than the last one from there: serial gone back from 41 to 40. If it was recreated "
        f"on purpose, remove {serials.path(url)}."
    )
    serve(server, index(), signer.sign(index()))
    assert "serial 41 is gone" in refused(url, trust=trusting(signer.line))
    for serial in (41, 42):
        serve(server, index(serial), signer.sign(index(serial)))
        assert take(url, trusting(signer.line))[0].error is None
    assert serials.known(url) == 42
    os.unlink(serials.path(url))
    serve(server, index(1), signer.sign(index(1)))
    assert take(url, trusting(signer.line))[0].error is None and serials.known(url) == 1


def test_reading_alone_writes_nothing(server, signer, trusting, serials, tmp_path):
    fetch(serve(server, index(5), signer.sign(index(5))), trust=trusting(signer.line))
    assert os.listdir(tmp_path / "packs") == []


@pytest.mark.parametrize("serial", [-1, 1 << 63, "9", 9.0, True, None])
def test_what_is_no_serial_is_none(server, signer, trusting, serials, serial):
    content = json.dumps({"metadata": {"serial": serial}, "packs": {}}).encode()
    url = serve(server, content, signer.sign(content))
    status, _warnings = take(url, trusting(signer.line))
    assert (status.error, status.serial, serials.known(url)) == (None, None, None)


def test_an_index_that_is_not_believed_leaves_no_serial(server, signer, stranger, trusting, serials):
    url = serve(server, index(1 << 60), stranger.sign(index(1 << 60)))
    trust = trusting(signer.line)
    refused(url, trust=trust)
    assert trust.remember() == [] and serials.known(url) is None


def test_each_url_has_its_own_and_no_password_is_written(server, signer, trusting, serials):
    one = serve(server, index(9), signer.sign(index(9)), "/one.json")
    two = serve(server, index(2), signer.sign(index(2)), "/two.json?token=t0psecret")
    trust = trusting(signer.line)
    fetch(one.replace("://", "://me:s3cret@"), two, trust=trust)
    trust.remember()
    assert (serials.known(one), serials.known(two)) == (9, 2)
    written = "".join(Path(serials.path(url)).read_text() for url in (one, two))
    assert "s3cret" not in written and "t0psecret" not in written and "/one.json" in written


def test_a_place_that_cannot_be_written_is_a_warning(server, signer, trusting, serials, tmp_path, monkeypatch):
    url = serve(server, index(5), signer.sign(index(5)))
    (tmp_path / "packs").rmdir()
    (tmp_path / "packs").write_text("")  # As root, nothing else is unwritable for sure.
    status, warnings = take(url, trusting(signer.line))
    assert status.error is None
    assert len(warnings) == 1 and f"the index {url} has the serial 5 cannot be recorded" in warnings[0]


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"format": 1, "serial": "9"}', b'{"format": 2, "serial": 9}'])
def test_a_broken_note_is_none(serials, content):
    os.mkdir(os.path.dirname(serials.path("https://x/")))
    with open(serials.path("https://x/"), "wb") as stream:
        stream.write(content)
    assert serials.known("https://x/") is None


def test_a_place_of_somebody_else_is_not_believed(server, signer, trusting, serials, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "packs" / ".stackstorm.st2").symlink_to(tmp_path / "elsewhere")
    message = refused(serve(server, index(5), signer.sign(index(5))), trust=trusting(signer.line))
    assert "a symbolic link" in message
