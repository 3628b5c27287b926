# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The authority and the certificate of an Exchange: clients accept them, and only what is needed is made anew."""

from __future__ import annotations

import os
import re
import ssl
import stat
import subprocess

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError, OptionError, St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import certificate

NAME = "exchange.example.com"


class Place:
    """Where an authority and a certificate are kept."""

    def __init__(self, root):
        self.authority, self.tls = root / "ca", root / "tls"
        self.authority.mkdir()
        self.tls.mkdir()
        self.pair, self.server, self.public = (
            self.authority / "authority.pem",
            self.tls / "server.pem",
            self.tls / "ca.pem",
        )

    def renew(self, name=NAME, seconds=60):
        return certificate.renew(
            name,
            authority=str(self.authority),
            tls=str(self.tls),
            deadline=Deadline(seconds),
            environment={"PATH": os.environ["PATH"]},
        )

    def files(self):
        return {path.name: path.read_bytes() for path in (self.pair, self.server, self.public)}


@pytest.fixture(name="place")
def _place(tmp_path):
    return Place(tmp_path)


@pytest.fixture(name="made")
def _made(place):
    place.renew()
    return place


def shown(path, *what):
    command = ["openssl", "x509", "-noout", "-in", str(path), *what]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def greet(place, name=NAME):
    """A handshake between a client that trusts the authority, and checks strictly, and the server, in memory."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(str(place.server))
    client = ssl.create_default_context(cafile=str(place.public))
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    sent, received = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [client.wrap_bio(received, sent, server_hostname=name), server.wrap_bio(sent, received, server_side=True)]
    for end in ends * 3:
        try:
            end.do_handshake()
        except ssl.SSLWantReadError:
            pass
    return ends[0].getpeercert()


def test_clients_that_trust_the_authority_accept_the_server_and_no_other_name(place):
    assert [sentence.split(".")[0] for sentence in place.renew()] == [
        "A certificate authority was created",
        "The certificate of exchange",
    ]
    assert greet(place)["subjectAltName"] == (("DNS", NAME),)
    with pytest.raises(ssl.SSLCertVerificationError, match=r"other\.example\.com"):
        greet(place, "other.example.com")


def test_authority_and_certificate_have_what_strict_clients_ask_for(made):
    authority, server = shown(made.public, "-text"), shown(made.server, "-text")
    assert re.search(r"Basic Constraints: critical\s+CA:TRUE, pathlen:0\n", authority)
    assert re.search(r"Key Usage: critical\s+Certificate Sign, CRL Sign\n", authority)
    assert re.search(r"Name Constraints: critical\s+Permitted:\s+DNS:exchange.example.com\s+Excluded:\s+IP:", authority)
    assert re.search(r"Basic Constraints: critical\s+CA:FALSE\n", server)
    assert "TLS Web Server Authentication" in server and "Authority Key Identifier" in server
    assert ssl.cert_time_to_seconds(ends(made.server)) - ssl.cert_time_to_seconds(starts(made.server)) <= 398 * 86400


def ends(path):
    return shown(path, "-enddate").strip().split("=")[1]


def starts(path):
    return shown(path, "-startdate").strip().split("=")[1]


def test_keys_are_for_nobody_else_and_nothing_else_is_left(made):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (made.pair, made.server, made.public)}
    assert modes == {"authority.pem": 0o600, "server.pem": 0o600, "ca.pem": 0o644}
    assert b"PRIVATE" not in made.public.read_bytes()
    assert sorted(os.listdir(made.authority)) == ["authority.pem"] and len(os.listdir(made.tls)) == 2


def test_nothing_is_made_twice(made):
    before = made.files()
    assert made.renew() == () and made.files() == before


def test_a_certificate_that_ends_in_less_than_thirty_days_is_renewed(place, monkeypatch):
    monkeypatch.setattr(certificate, "_DAYS", 29)
    place.renew()
    before = place.files()
    monkeypatch.undo()
    (said,) = place.renew()
    assert said.startswith(f"The certificate of {NAME} was renewed.") and ends(place.server) in said
    after = place.files()
    assert after["server.pem"] != before["server.pem"] and after["authority.pem"] == before["authority.pem"]
    assert greet(place)


def test_an_authority_that_ends_soon_is_renewed_with_its_key(place, monkeypatch):
    monkeypatch.setattr(certificate, "_AUTHORITY_DAYS", 400)
    place.renew()
    before, key, old = place.files(), shown(place.public, "-pubkey"), place.public.read_bytes()
    monkeypatch.undo()
    (said,) = place.renew()
    assert said.startswith("The certificate of the authority was renewed, with the same key.")
    assert shown(place.public, "-pubkey") == key and place.public.read_bytes() != old
    assert place.server.read_bytes() == before["server.pem"] and greet(place)
    assert "CA:TRUE, pathlen:0" in shown(place.public, "-text") and "Name Constraints" in shown(place.public, "-text")
    # Hosts that have not been told of it yet.
    place.public.write_bytes(old)
    assert greet(place)
    assert place.renew() == () and place.public.read_bytes() != old


def test_another_name_gets_an_authority_of_its_own(made):
    before = made.files()
    first, second = made.renew("other.example.com")
    assert "all hosts must be made to trust" in first and "other.example.com was renewed" in second
    assert before["authority.pem"] != made.pair.read_bytes() and greet(made, "other.example.com")


def test_an_authority_is_never_replaced_by_itself(made):
    key = made.pair.read_bytes().partition(b"-----BEGIN CERTIFICATE")[0]
    for broken in (b"", key, made.public.read_bytes(), made.server.read_bytes()[:200] + made.public.read_bytes()):
        made.pair.write_bytes(broken)
        with pytest.raises(St2Error, match="Restore it from a backup, or remove it"):
            made.renew()
        assert made.pair.read_bytes() == broken


@pytest.mark.parametrize("broken", [b"", b"nonsense"])
def test_a_certificate_that_cannot_be_read_is_made_anew(made, broken):
    made.server.write_bytes(broken)
    assert len(made.renew()) == 1 and greet(made)


def test_a_certificate_that_clients_would_refuse_replaces_nothing(made, monkeypatch):
    before = made.server.read_bytes()
    monkeypatch.setattr(certificate, "_CONFIG", certificate._CONFIG.replace("serverAuth", "clientAuth"))
    monkeypatch.setattr(certificate, "_RENEW_DAYS", 399)
    with pytest.raises(St2Error, match=r"is not valid: .*The old one stays\."):
        made.renew()
    assert made.server.read_bytes() == before


@pytest.mark.parametrize(
    "name", ["", "exchange", "Exchange.example.com", "192.0.2.1", "a.b\nc", "a..b", "-a.b", "*.b.c"]
)
def test_what_is_no_name_of_a_server_is_refused(place, name):
    with pytest.raises(OptionError, match="There can be no certificate for"):
        place.renew(name)
    assert os.listdir(place.authority) == os.listdir(place.tls) == []


def test_a_name_that_is_too_long_for_a_subject_is_served_all_the_same(place):
    name = ".".join(["a" * 60] * 3 + ["example.com"])
    place.renew(name)
    assert greet(place, name)


def test_what_is_missing_is_said(place, monkeypatch):
    monkeypatch.setenv("PATH", str(place.tls))
    with pytest.raises(OptionError, match="install openssl"):
        place.renew()
    monkeypatch.undo()
    with pytest.raises(DeadlineError):
        place.renew(seconds=0)
    place.tls.rmdir()
    with pytest.raises(St2Error, match=r"cannot be renewed: .*No such file"):
        place.renew()
