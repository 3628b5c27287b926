# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate authority of the tests' own, made by the openssl program."""

from __future__ import annotations

import ipaddress
import ssl
import subprocess
import typing as t
from pathlib import Path

NAMES = ("localhost", "127.0.0.1", "::1", "github.com", "*.example.com")
"""What server certificates are for. github.com is among them for `Proxy` routes that stand in for it."""


def _openssl(*arguments: t.Union[str, Path]) -> None:
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.decode(errors='replace')}"


class CertificateAuthority:
    """An authority in ``directory``: ``ca_file`` is what clients shall trust (PEM).

    Making it and its first certificate takes about 50 ms.
    """

    def __init__(self, directory: t.Union[str, Path], name: str = "Authority of the tests") -> None:
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self.ca_file = self.directory / "ca.pem"
        self._key = self.directory / "ca.key"
        self._issued: t.Dict[t.Tuple[t.Tuple[str, ...], int], t.Tuple[Path, Path]] = {}
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", self._key, "-out", self.ca_file, "-days", "30", "-subj", f"/CN={name}"),
            *("-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"),
        )

    def issue(self, names: t.Sequence[str] = NAMES, days: int = 30) -> t.Tuple[Path, Path]:
        """Return the paths of a certificate (with the authority's behind it) and its key, for these names.

        ``days=0`` makes one that is over at once.
        """
        wanted = (tuple(names), days)
        if wanted not in self._issued:
            self._issued[wanted] = self._issue(names, days)
        return self._issued[wanted]

    def server_context(self, names: t.Sequence[str] = NAMES, days: int = 30) -> ssl.SSLContext:
        """Return a server-side TLS context with a certificate for these names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate, key = self.issue(names, days)
        context.load_cert_chain(str(certificate), str(key))
        return context

    def client_context(self) -> ssl.SSLContext:
        """Return a client-side TLS context that trusts this authority and no other."""
        return ssl.create_default_context(cafile=str(self.ca_file))

    def _issue(self, names: t.Sequence[str], days: int) -> t.Tuple[Path, Path]:
        stem = self.directory / f"server-{len(self._issued)}"
        key, request, certificate = (stem.with_suffix(end) for end in (".key", ".csr", ".pem"))
        _openssl(
            *("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", key, "-out", request, "-subj", f"/CN={names[0]}"),
        )
        extensions = stem.with_suffix(".ext")
        alternatives = ",".join(f"{'IP' if _is_address(name) else 'DNS'}:{name}" for name in names)
        extensions.write_text(
            f"subjectAltName={alternatives}\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n"
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", self.ca_file, "-CAkey", self._key, "-CAcreateserial"),
            *("-days", str(days), "-extfile", extensions, "-out", certificate),
        )
        certificate.write_bytes(certificate.read_bytes() + self.ca_file.read_bytes())
        return certificate, key


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
