# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real git over ssh: sshd with a configuration, host key and deploy key of its own."""

from __future__ import annotations

import shlex
import time
import typing as t
from pathlib import Path

from .ssh_server import SshServer

# Only `git-upload-pack 'PATH'` is run, and `git-receive-pack 'PATH'` where pushing is allowed, and PATH is taken as one
# below the served folder.
GATE = """\
#!/bin/sh
set -eu
program=
case "${SSH_ORIGINAL_COMMAND:-}" in
    "git-upload-pack '"*"'" | "git upload-pack '"*"'") program=upload-pack ;;
    "git-receive-pack '"*"'" | "git receive-pack '"*"'") [ PUSH = no ] || program=receive-pack ;;
esac
[ "$program" ] || { echo "only git-upload-pack is allowed here" >&2; exit 128; }
path=${SSH_ORIGINAL_COMMAND#*"'"}
path=${path%"'"}
case "$path" in *..* | *"'"*) echo "no such repository" >&2; exit 128 ;; esac
printf '%s\\n' "${path#/}" >> LOG
export GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=safe.directory GIT_CONFIG_VALUE_0='*'
exec git "$program" ROOT/"${path#/}"
"""

CONNECTED = "Connection from 127.0.0.1"


class GitSshServer(SshServer):
    """Serves the bare repositories below ``root`` for whoever has the deploy key, and runs nothing else for them.

    :arg directory: where its keys, configuration and logs are made, outside ``root``.
    :arg push: whether that key may push, too.

    * ``key_file``: the deploy key, without a passphrase; ``stranger_key_file`` is a key that is refused.
    * ``known_hosts_file``: knows this server; ``wrong_known_hosts_file`` knows another key for it.

    Raises AssertionError where the machine has no sshd (see `find_sshd`).
    """

    def __init__(self, root: t.Union[str, Path], directory: t.Union[str, Path], push: bool = False) -> None:
        self._push = push
        self.root = Path(root).resolve()
        self._fetch_log = Path(directory).resolve() / "fetches.log"
        super().__init__(directory)
        self.stranger_key_file = self._key("stranger_key")
        self.wrong_known_hosts_file = self._known_hosts("wrong_known_hosts", "stranger_key")
        # The connection that showed it to be up is logged a moment later; it is not one of a test.
        deadline = time.monotonic() + 60
        while CONNECTED not in self.log and time.monotonic() < deadline:
            time.sleep(0.01)
        self._own_connections = self.log.count(CONNECTED)

    def restriction(self) -> str:
        """Return the command that is run instead of any other."""
        gate = self.directory / "gate"
        text = GATE.replace("LOG", shlex.quote(str(self._fetch_log)))
        text = text.replace("PUSH", "yes" if self._push else "no")
        gate.write_text(text.replace("ROOT", shlex.quote(str(self.root))))
        gate.chmod(0o755)
        return f'restrict,command="{gate}" '

    @property
    def url(self) -> str:
        """The address, without a slash at the end."""
        return f"ssh://{self.user}@127.0.0.1:{self.port}"

    @property
    def fetches(self) -> t.List[str]:
        """The repositories asked for, in order."""
        return self._fetch_log.read_text().splitlines() if self._fetch_log.exists() else []

    @property
    def connections(self) -> int:
        """How many connections there were, refused ones too."""
        return self.log.count(CONNECTED) - self._own_connections

    def client_command(self) -> str:
        """Return a GIT_SSH_COMMAND that gets in."""
        return shlex.join(
            [
                *(
                    "ssh",
                    "-F",
                    "/dev/null",
                    "-o",
                    "BatchMode=yes",
                    "-o",
                    "IdentitiesOnly=yes",
                    "-i",
                    str(self.key_file),
                ),
                *("-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={self.known_hosts_file}"),
            ]
        )
