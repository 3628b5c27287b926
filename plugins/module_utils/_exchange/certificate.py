# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The certificate authority of an Exchange, and the certificate of its web server, made by the openssl program.

An authority and a certificate instead of one that signs itself: rustls, which uv is built with, refuses an authority as
the certificate of a server, and Python 3.13 checks that both have what RFC 5280 asks for.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import tempfile
import time
import typing as t

from .._errors import OptionError, St2Error
from .._file_changes import write_atomically
from .._files import read_regular_file
from .._process import Completed, run

if t.TYPE_CHECKING:
    from .._deadline import Deadline

AUTHORITY = "/var/lib/st2-exchange-ca"
TLS = "/etc/st2-exchange/tls"
# What renewal is before, and how long what it makes is valid. Clients refuse certificates of more than 398 days. The
# authority must outlive each certificate, and hosts must have time to get to know its successor.
_RENEW_DAYS = 30
_DAYS = 397
_AUTHORITY_RENEW_DAYS = _DAYS + 90
_AUTHORITY_DAYS = 3650
_DAY = 24 * 60 * 60
_LARGEST = 1 << 20
_LONGEST_COMMON_NAME = 64
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})+\Z")
_PERMITTED = re.compile(r"^\s*DNS:(\S+)$", re.MULTILINE)
_CONFIG = """\
[req]
prompt = no
string_mask = utf8only
distinguished_name = subject
[subject]
CN = {subject}
[authority]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
nameConstraints = critical, @limits
[limits]
permitted;DNS.0 = {name}
excluded;IP.0 = 0.0.0.0/0.0.0.0
excluded;IP.1 = 0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0
[server]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = DNS:{name}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
"""


def renew(
    name: str,
    *,
    authority: str = AUTHORITY,
    tls: str = TLS,
    deadline: Deadline,
    environment: t.Mapping[str, str],
) -> t.Tuple[str, ...]:
    """Create what is missing, and renew what ends soon or is for another name.

    C(authority.pem) has the key and the certificate of the authority, C(server.pem) those of the server: a kill at any
    moment leaves a pair that belongs together. C(ca.pem) is the certificate of the authority, for everybody.

    :arg name: Of the server.
    :arg authority: The directory of C(authority.pem).
    :arg tls: The directory of C(server.pem) and C(ca.pem).
    :arg environment: For C(openssl).
    :returns: A sentence for each thing that was done, none if nothing was to be done.
    :raises OptionError: when this cannot be the name of a server, or there is no C(openssl).
    :raises St2Error: when it cannot be done; then everything is as it was, or a step further.
    """
    if not _NAME.match(name) or len(name) > 253 or re.match(r"[0-9.]+\Z", name):
        raise OptionError(
            f"There can be no certificate for {name}: the name of a server has lower case letters, digits, hyphens and "
            "at least one dot."
        )
    try:
        with tempfile.TemporaryDirectory(prefix=".st2-", dir=authority) as scratch:
            openssl = _OpenSSL(name, scratch, deadline, environment)
            return tuple(_renewed(openssl, os.path.join(authority, "authority.pem"), tls))
    except OSError as error:
        raise St2Error(f"The certificate of {name} cannot be renewed: {error}.", step="certificate") from error


def _renewed(openssl: _OpenSSL, authority: str, tls: str) -> t.Iterator[str]:
    server, public = os.path.join(tls, "server.pem"), os.path.join(tls, "ca.pem")
    if not os.path.lexists(authority):
        _write(authority, openssl.new_authority(), 0o600)
        yield f"A certificate authority was created. It is valid until {openssl.end(authority)}."
    elif not openssl.is_pair(authority):
        raise St2Error(
            f"{authority} does not hold a key and a certificate that belong together. Restore it from a backup, or "
            "remove it, and make all hosts trust the authority that is then created.",
            step="certificate",
        )
    elif not openssl.permits(authority):
        _write(authority, openssl.new_authority(), 0o600)
        yield (
            f"The certificate authority was for another name, and a new one was created, which all hosts must be made "
            f"to trust. It is valid until {openssl.end(authority)}."
        )
    elif not openssl.is_valid_for(authority, _AUTHORITY_RENEW_DAYS):
        _write(authority, openssl.same_authority(authority), 0o600)
        yield (
            "The certificate of the authority was renewed, with the same key. Hosts that trust the previous one must "
            f"trust this one, too, before that ends. It is valid until {openssl.end(authority)}."
        )
    if not openssl.serves(server, authority, _RENEW_DAYS):
        done = "renewed" if os.path.lexists(server) else "created"
        new = openssl.new_server(authority)
        openssl.check(new, authority)
        _write(server, new, 0o600)
        yield f"The certificate of {openssl.name} was {done}. It is valid until {openssl.end(server)}."
    certificate = openssl.certificate(authority)
    if _read(public) != certificate:
        _write(public, certificate, 0o644)


def _write(path: str, content: bytes, mode: int) -> None:
    write_atomically(path, content, mode=mode)


def _read(path: str) -> t.Optional[bytes]:
    try:
        return read_regular_file(path, _LARGEST, follow=False)
    except FileNotFoundError:
        return None


class _OpenSSL:
    """The openssl program, about one server.

    :arg name: Of the server.
    :arg scratch: A directory of this run alone, in which keys may lie.
    :raises OptionError: when the program is not here.
    """

    def __init__(self, name: str, scratch: str, deadline: Deadline, environment: t.Mapping[str, str]) -> None:
        program = shutil.which("openssl", path=environment.get("PATH", os.defpath))
        if program is None:
            raise OptionError("The program openssl, which makes certificates, is not on this host: install openssl.")
        self.name = name
        self._program = program
        self._scratch = scratch
        self._deadline = deadline
        self._environment = {**environment, "LC_ALL": "C"}

    def new_authority(self) -> bytes:
        """The key and the certificate of an authority that can only vouch for this server."""
        key, certificate = self._new_key("authority.key"), self._path("authority.crt")
        config = self._config(f"StackStorm Exchange {self.name}")
        self._run(
            *("req", "-x509", "-new", "-sha256", "-config", config, "-extensions", "authority", "-key", key),
            *("-set_serial", _serial(), "-days", str(_AUTHORITY_DAYS), "-out", certificate),
        )
        return _joined(key, certificate)

    def same_authority(self, pair: str) -> bytes:
        """The key of an authority and a certificate that is as its own, and valid for longer."""
        key, certificate = self._path("authority.key"), self._path("authority.crt")
        self._run("pkey", "-in", pair, "-out", key)
        self._run(
            *("x509", "-in", pair, "-signkey", key, "-sha256", "-set_serial", _serial()),
            *("-days", str(_AUTHORITY_DAYS), "-out", certificate),
        )
        return _joined(key, certificate)

    def new_server(self, authority: str) -> bytes:
        """The key and the certificate of the server."""
        key, request, certificate = self._new_key("server.key"), self._path("server.csr"), self._path("server.crt")
        config = self._config(self.name if len(self.name) <= _LONGEST_COMMON_NAME else "StackStorm Exchange")
        self._run("req", "-new", "-sha256", "-config", config, "-key", key, "-out", request)
        self._run(
            *("x509", "-req", "-sha256", "-in", request, "-CA", authority, "-CAkey", authority),
            *("-extfile", config, "-extensions", "server", "-set_serial", _serial(), "-days", str(_DAYS)),
            *("-out", certificate),
        )
        return _joined(key, certificate)

    def check(self, pair: bytes, authority: str) -> None:
        """:raises St2Error: when a client would not accept what was made."""
        path = self._path("made.pem")
        _write(path, pair, 0o600)
        done = self._verify(path, authority, 0)
        if done.returncode or not self.is_pair(path):
            said = " ".join(f"{done.stdout} {done.stderr}".split())
            raise St2Error(
                f"The certificate that was made for {self.name} is not valid: {said}. The old one stays.",
                step="certificate",
            )

    def serves(self, pair: str, authority: str, days: int) -> bool:
        """Whether clients will accept a certificate in some days, too."""
        return os.path.isfile(pair) and self.is_pair(pair) and not self._verify(pair, authority, days).returncode

    def is_pair(self, path: str) -> bool:
        """Whether a file has a key, and a certificate for that key."""
        key = self._run("pkey", "-in", path, "-pubout", check=False)
        certificate = self._run("x509", "-in", path, "-noout", "-pubkey", check=False)
        return key.returncode == certificate.returncode == 0 and key.stdout == certificate.stdout

    def permits(self, authority: str) -> bool:
        """Whether an authority may vouch for this server."""
        found = self._run("x509", "-in", authority, "-noout", "-ext", "nameConstraints", check=False)
        return any(self.name == one or self.name.endswith(f".{one}") for one in _PERMITTED.findall(found.stdout))

    def is_valid_for(self, path: str, days: int) -> bool:
        """Whether a certificate is valid for some days more."""
        found = self._run("x509", "-in", path, "-noout", "-checkend", str(days * _DAY), check=False)
        return not found.returncode

    def end(self, path: str) -> str:
        """The moment at which a certificate ends."""
        return self._run("x509", "-in", path, "-noout", "-enddate").stdout.strip().partition("=")[2]

    def certificate(self, path: str) -> bytes:
        """The certificate in a file, without the key."""
        return self._run("x509", "-in", path).stdout.encode("ascii")

    def _verify(self, path: str, authority: str, days: int) -> Completed:
        return self._run(
            *("verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", self.name),
            *("-attime", str(int(time.time()) + days * _DAY), "-CAfile", authority, path),
            check=False,
        )

    def _new_key(self, name: str) -> str:
        path = self._path(name)
        self._run("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", path)
        return path

    def _config(self, subject: str) -> str:
        path = self._path("openssl.cnf")
        text = _CONFIG.format(subject=subject[:_LONGEST_COMMON_NAME], name=self.name)
        _write(path, text.encode("ascii"), 0o600)
        return path

    def _path(self, name: str) -> str:
        return os.path.join(self._scratch, name)

    def _run(self, *arguments: str, check: bool = True) -> Completed:
        return run(
            [self._program, *arguments],
            deadline=self._deadline,
            environment=self._environment,
            cwd=self._scratch,
            check=check,
        )


def _serial() -> str:
    return f"0x{secrets.randbits(127):032x}"


def _joined(*paths: str) -> bytes:
    parts = []
    for path in paths:
        with open(path, "rb") as stream:
            parts.append(stream.read())
    return b"".join(parts)
