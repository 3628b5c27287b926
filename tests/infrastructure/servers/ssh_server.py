# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An sshd on loopback with a configuration and keys of its own."""

from __future__ import annotations

import getpass
import os
import shutil
import subprocess
import typing as t
from pathlib import Path

from .serving_process import ServingProcess

CONFIGURATION = """\
ListenAddress 127.0.0.1
Port {port}
HostKey {directory}/host_key
PidFile none
AuthorizedKeysFile {directory}/authorized_keys
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
PermitRootLogin prohibit-password
StrictModes no
AcceptEnv GIT_PROTOCOL
Subsystem sftp internal-sftp
LogLevel VERBOSE
# A fleet logs in at once.
MaxStartups 500
"""


def find_sshd() -> t.Optional[str]:
    """Return the path of sshd, which is often outside PATH; None where there is none."""
    return shutil.which("sshd", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))


class SshServer(ServingProcess):
    """Lets the account of the tests in by a key, to run whatever it asks for; a subclass may restrict that.

    :arg directory: where its keys, configuration and logs are made.

    * ``key_file``: the key that is let in, without a passphrase.
    * ``known_hosts_file``: knows this server.

    Raises AssertionError where the machine has no sshd (see `find_sshd`).
    """

    def __init__(self, directory: t.Union[str, Path]) -> None:
        self.directory = Path(directory).resolve()
        self.directory.mkdir(parents=True, exist_ok=True)
        self.user = getpass.getuser()
        self._sshd = find_sshd()
        assert self._sshd, "sshd is missing: install openssh-server"
        if os.geteuid() == 0:
            # The folder in which sshd confines its unprivileged part; normally made when the service starts.
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.key_file = self._key("deploy_key")
        self._key("host_key")
        public = self.key_file.with_suffix(".pub").read_text()
        (self.directory / "authorized_keys").write_text(f"{self.restriction()}{public}")
        super().__init__(self.directory / "sshd.log")
        self.known_hosts_file = self._known_hosts("known_hosts", "host_key")

    def restriction(self) -> str:
        """Return what stands before the key in authorized_keys, with a blank at its end."""
        return ""

    def command(self) -> t.List[str]:
        """Return the command line for ``self.port``."""
        config = self.directory / "sshd_config"
        config.write_text(CONFIGURATION.format(port=self.port, directory=self.directory))
        return [str(self._sshd), "-D", "-e", "-f", str(config)]

    def ansible_variables(self) -> t.Dict[str, t.Any]:
        """Return the variables by which Ansible gets in."""
        options = f"-F /dev/null -o IdentitiesOnly=yes -o UserKnownHostsFile={self.known_hosts_file}"
        return {
            "ansible_connection": "ssh",
            "ansible_host": "127.0.0.1",
            "ansible_port": self.port,
            "ansible_user": self.user,
            "ansible_ssh_private_key_file": str(self.key_file),
            "ansible_ssh_common_args": options,
            # The path of a socket beside the keys may be longer than a socket's may be.
            "ansible_ssh_args": "-o ControlMaster=no",
        }

    def _key(self, name: str) -> Path:
        path = self.directory / name
        if not path.exists():
            command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
            subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
        return path

    def _known_hosts(self, name: str, key: str) -> Path:
        path = self.directory / name
        kind, body = (self.directory / f"{key}.pub").read_text().split()[:2]
        path.write_text(f"[127.0.0.1]:{self.port} {kind} {body}\n")
        return path
