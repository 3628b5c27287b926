# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real keys of OpenSSH, and signatures made with them."""

from __future__ import annotations

import shutil
import subprocess
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


def missing_program() -> str:
    """Return why nothing can be signed here; empty where it can."""
    return "" if shutil.which("ssh-keygen") else "the program ssh-keygen is missing: install openssh-client"
