# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""How git calls ssh, and why a private key cannot be used."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import typing as t

from .._content.address import SCP
from .._deadline import Deadline
from .._errors import SourceError
from .._process import last_lines, run

# What an account says of ssh by its environment (git(1)).
VARIABLES = ("GIT_SSH_COMMAND", "GIT_SSH", "GIT_SSH_VARIANT")
_LONGEST_CONNECT_SECONDS = 30
_MOST_READ = 1 << 16
_LOAD_KEY = re.compile(r'Load key "[^"]*": (?P<why>.*)')


def is_ssh(url: str) -> bool:
    """Whether git reaches an address by ssh."""
    if "://" in url:
        return url.lower().startswith("ssh://")
    return not url.startswith("/") and SCP.fullmatch(url) is not None


def own_command(key_file: t.Optional[str], known_hosts_file: t.Optional[str], deadline: Deadline) -> str:
    """The command for git, which never asks anybody.

    :arg key_file: The one key to use; the account's where it is C(None).
    :arg known_hosts_file: The file with the keys of servers; those of the account where it is C(None).
    """
    command = ["ssh", *_never_asking(deadline)]
    if key_file:
        command += ["-oIdentitiesOnly=yes", "-oIdentityAgent=none", "-i", key_file]
    if known_hosts_file:
        command += [
            f"-oUserKnownHostsFile={known_hosts_file}",
            "-oGlobalKnownHostsFile=/dev/null",
            "-oStrictHostKeyChecking=yes",
        ]
    return " ".join(map(shlex.quote, command))


def account_command(variables: t.Mapping[str, str], configured: t.Callable[[], str], deadline: Deadline) -> str:
    """The command that the account itself has for git; empty when it has none.

    :arg variables: Those of L(VARIABLES) that are set.
    :arg configured: Gives git's own setting C(core.sshCommand); asked when it counts.
    """
    command = variables.get("GIT_SSH_COMMAND") or configured() or ""
    if not command and variables.get("GIT_SSH"):
        command = shlex.quote(variables["GIT_SSH"])
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if words and os.path.basename(words[0]) == "ssh":
        # Of an option that is given twice ssh takes the first one, so that the account's own stays.
        return f"{command} {' '.join(_never_asking(deadline))}"
    return command


def _never_asking(deadline: Deadline) -> t.Tuple[str, ...]:
    timeout = max(1, min(_LONGEST_CONNECT_SECONDS, int(deadline.remaining())))
    return ("-oBatchMode=yes", f"-oConnectTimeout={timeout}", "-oControlMaster=no", "-oControlPath=none")


def require_usable(
    key_file: t.Optional[str],
    known_hosts_file: t.Optional[str],
    *,
    deadline: Deadline,
    environment: t.Mapping[str, str],
) -> None:
    """Look at the files that a task gives for ssh, which itself says little of them, or nothing.

    :raises SourceError: naming the file and what is wrong with it.
    """
    for option, path in (("ssh_key_file", key_file), ("known_hosts_file", known_hosts_file)):
        if path and _unreadable(path):
            raise SourceError(f"{option} is {path}, and {_unreadable(path)}.")
    if key_file:
        why = _key_problem(key_file, deadline, environment)
        if why:
            raise SourceError(f"ssh_key_file is {key_file}, which ssh cannot use: {why}.")


def _unreadable(path: str) -> str:
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as stream:
            if stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                return ""
            return "that is not a file"
    except FileNotFoundError:
        return "there is no such file on the target"
    except IsADirectoryError:
        return "that is a directory"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _key_problem(path: str, deadline: Deadline, environment: t.Mapping[str, str]) -> str:
    """Why a private key cannot be used, by ssh's own judgement; empty when it can, or nobody can tell.

    C(ssh-keygen -y) loads it as ssh does. ssh itself does so only once a server has taken the public half.
    """
    program = shutil.which("ssh-keygen", path=environment.get("PATH", os.defpath))
    if program is None:
        return ""
    # Without a passphrase there is nothing to give away, and nobody is asked for one.
    answer = run(
        [program, "-y", "-P", "", "-f", path],
        deadline=deadline,
        environment={**environment, "LC_ALL": "C"},
        check=False,
    )
    if answer.returncode == 0:
        return ""
    match = _LOAD_KEY.search(answer.stderr)
    why = match.group("why").strip() if match else last_lines(answer.stderr).splitlines()[-1:] or ["it is not a key"]
    words = why if isinstance(why, str) else why[0]
    if "bad permissions" in words:
        mode = stat.S_IMODE(os.stat(path).st_mode)
        return f"its mode is {mode:04o}, and ssh does not accept a key that others can read. Set the mode to 0600"
    if "passphrase" in words:
        return (
            "it has a passphrase, which cannot be entered. Use a key without a passphrase, or remove the option if an "
            "agent has the key"
        )
    return _format_problem(path) or f"ssh-keygen says {words.rstrip('.')}"


def _format_problem(path: str) -> str:
    with open(path, "rb") as stream:
        content = stream.read(_MOST_READ)
    if not content.strip():
        return "it is empty"
    if content.startswith(b"PuTTY-User-Key-File"):
        return "it is a PuTTY key. Convert it with: puttygen KEY -O private-openssh -o FILE"
    if re.match(rb"(?:ssh|ecdsa|sk-ssh|sk-ecdsa)-\S+ [A-Za-z0-9+/]", content):
        return "it is a public key. Use the private key, which usually has the same name without .pub"
    if b"PRIVATE KEY-----" not in content:
        return "it does not contain a private key, which begins with -----BEGIN ... PRIVATE KEY-----"
    if b"\r" in content:
        return "it has Windows line endings. Convert it with: sed -i 's/\\r$//' FILE"
    if not content.endswith(b"\n"):
        return "the newline at its end is missing, which templates and lookups remove"
    return ""
