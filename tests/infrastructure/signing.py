# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real keys of OpenSSH and GnuPG, and signatures made with them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

NAMESPACE = "st2-index"


class Signer:
    """Somebody with a key, who signs as OpenSSH does.

    :arg directory: For the key and for what is signed; made where it is missing.
    """

    def __init__(self, directory: Path, name: str = "ci@example.com") -> None:
        self.name = name
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self.key_file = directory / "key"
        run = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(self.key_file)]
        subprocess.run(run, check=True, capture_output=True)

    @property
    def line(self) -> str:
        """Their line in an allowed_signers file."""
        return f"{self.name} {self.public_key}"

    @property
    def public_key(self) -> str:
        """Type and key, as they stand in such a line."""
        return self.key_file.with_suffix(".pub").read_text().strip()

    def sign(self, content: bytes, namespace: str = NAMESPACE) -> bytes:
        """Return a signature of some bytes."""
        message = self._directory / "message"
        message.write_bytes(content)
        signature = self._directory / "message.sig"
        signature.unlink(missing_ok=True)
        command = ["ssh-keygen", "-Y", "sign", "-n", namespace, "-f", str(self.key_file), str(message)]
        subprocess.run(command, check=True, capture_output=True)
        return signature.read_bytes()


class GpgSigner:
    """Somebody with a key of GnuPG, in a home of its own with a short path, as its sockets need one.

    To be closed: its agent runs on.
    """

    def __init__(self, user: str = "Jane Releaser <jane@example.com>") -> None:
        self.home = tempfile.mkdtemp(prefix="gnupg-")
        self._environment = {"PATH": os.environ.get("PATH", os.defpath), "GNUPGHOME": self.home, "LC_ALL": "C"}
        made = ("--faked-system-time", "20200101T000000")
        self.gpg(*made, "--passphrase", "", "--quick-generate-key", user, "ed25519", "sign", "never")
        self.fingerprint = self.fingerprints()[0]

    def gpg(self, *arguments: str, data: bytes = b"") -> bytes:
        """Run gpg with this home, and return what it writes."""
        command = ["gpg", "--batch", "--no-tty", "--quiet", "--pinentry-mode", "loopback", *arguments]
        done = subprocess.run(command, input=data, env=self._environment, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def fingerprints(self) -> t.List[str]:
        """Return that of the primary key, then those of its subkeys."""
        listing = self.gpg("--with-colons", "--list-keys").decode().splitlines()
        return [line.split(":")[9] for line in listing if line.startswith("fpr:")]

    def add_subkey(self) -> str:
        """Make a subkey that signs from now on, and return its fingerprint."""
        self.gpg("--passphrase", "", "--quick-add-key", self.fingerprint, "ed25519", "sign", "never")
        return self.fingerprints()[-1]

    @property
    def public_key(self) -> str:
        """The public key, armoured."""
        return self.gpg("--armor", "--export").decode()

    def sign(self, content: bytes) -> bytes:
        """Return a detached signature, armoured."""
        return self.gpg("--passphrase", "", "--armor", "--detach-sign", data=content)

    def expire(self) -> None:
        """Let the key have expired some years ago."""
        said = ("--faked-system-time", "20210101T000000")
        self.gpg(*said, "--passphrase", "", "--quick-set-expire", self.fingerprint, "1d")

    def revoke(self) -> None:
        """Revoke the key, by the certificate that was made with it."""
        path = Path(self.home) / "openpgp-revocs.d" / f"{self.fingerprint}.rev"
        self.gpg("--import", data=path.read_bytes().replace(b":-----BEGIN", b"-----BEGIN"))

    def close(self) -> None:
        """Stop its agent, and remove everything."""
        subprocess.run(["gpgconf", "--homedir", self.home, "--kill", "all"], env=self._environment, check=False)
        shutil.rmtree(self.home, ignore_errors=True)


def missing_program(program: str = "ssh-keygen", package: str = "openssh-client") -> str:
    """Return why nothing can be signed here; empty where it can."""
    return "" if shutil.which(program) else f"the program {program} is missing: install {package}"
