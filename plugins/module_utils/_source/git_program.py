# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The git program: how it is called so that it can neither prompt, nor run anything of a pack, nor show a secret."""

from __future__ import annotations

import json
import os
import shutil
import typing as t
from dataclasses import dataclass
from urllib.parse import urlsplit

from .._deadline import Deadline
from .._errors import DeadlineError, SourceError
from .._file_changes import write_atomically
from .._process import Completed, ProgramError, last_lines, run
from .._secrets import Credentials, Redactor, strip_urls
from .._st2.proxy import Proxy
from .ssh import VARIABLES, account_command, is_ssh, own_command, require_usable

TRANSPORTS = "https:http:ssh:git:file"
# Nothing of a repository may run: no hooks, no file system monitor, no background housekeeping that outlives us.
_SAFE = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "protocol.ext.allow=never",
    "advice.detachedHead=false",
    "init.templateDir=",
    # What the account says of Git LFS, too: files are what git has, until their content is asked for (lfs.py).
    "filter.lfs.clean=",
    "filter.lfs.smudge=",
    "filter.lfs.process=",
    "filter.lfs.required=false",
)
# Of each process of git: an object that is told as a change of another one may stand for anything.
_MOST_MEMORY = 2 << 30
# Root installs from directories that belong to developers. The setting counts only in a global file, and only a file
# reaches the upload-pack that git starts for a local repository; the account's own file stays in force.
_INCLUDE = "[include]\n\tpath = {}\n"
_TRUST = "[safe]\n\tdirectory = *\n"
# What is larger is written through, and not held in memory.
_LARGE = "[core]\n\tbigFileThreshold = 32m\n"
# Of the account's own GIT_ variables only those that say whom to trust stay.
_KEPT = ("GIT_CONFIG_GLOBAL", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH")
# Give a server that drips less than this for this long up; the deadline of the task ends the rest.
_SLOWEST_BYTES_PER_SECOND = 200
_SLOW_SECONDS = 30
# A credential program of git's own kind (gitcredentials(7)): asked on standard input, so that nothing shows in a list
# of processes, and with host and protocol as values of their own, so that no address can pass for another's. It answers
# only for the place that the credentials are for: a redirect elsewhere gets nothing. A value given twice is none.
_CREDENTIAL = """#!/bin/sh
[ "$1" = get ] || exit 0
protocol= host=
while IFS= read -r line && [ -n "$line" ]; do
  case "$line" in
    protocol=*) protocol="$protocol${line#protocol=}" ;;
    host=*) host="$host${line#host=}" ;;
  esac
done
[ "$protocol://$host" = "$ST2_GIT_PLACE" ] || exit 0
printf 'username=%s\\npassword=%s\\n' "$ST2_GIT_USERNAME" "$ST2_GIT_PASSWORD"
"""


@dataclass(frozen=True)
class GitAccess:
    """How repositories are reached.

    :arg scratch: A private directory for git's configuration and its credential program.
    :arg credentials: Gives the credentials for a repository URL; empty where none may be sent.
    :arg ssh_key_file: Private key for ssh; the account's own keys where it is C(None).
    :arg known_hosts_file: Host keys for ssh; the account's own where it is C(None).
    :arg withholds: Whether there are credentials that C(credentials) keeps from servers that are not named.
    """

    scratch: str
    proxy: Proxy
    credentials: t.Callable[[str], Credentials]
    ssh_key_file: t.Optional[str] = None
    known_hosts_file: t.Optional[str] = None
    withholds: bool = False


class Git:
    """The git program, with everything it needs to reach repositories.

    :arg base_environment: What git's environment starts from, usually the module's own.
    :raises SourceError: when there is no git program.
    """

    def __init__(
        self, access: GitAccess, *, deadline: Deadline, redactor: Redactor, base_environment: t.Mapping[str, str]
    ) -> None:
        program = shutil.which("git", path=base_environment.get("PATH", os.defpath))
        if program is None:
            raise SourceError("The program git is needed to fetch packs and is not on this host: install it.")
        self.scratch = access.scratch
        self.access = access
        self._program = program
        self._deadline = deadline
        self._redactor = redactor
        self._base = {
            key: value for key, value in base_environment.items() if key in _KEPT or not key.startswith("GIT_")
        }
        self._ssh_files_seen = False
        self._ssh = {key: base_environment[key] for key in VARIABLES if base_environment.get(key)}

    def __call__(
        self,
        *arguments: str,
        url: str = "",
        cwd: t.Optional[str] = None,
        environment: t.Optional[t.Mapping[str, str]] = None,
        check: bool = True,
        most_written: t.Optional[int] = None,
        stdin: t.Optional[t.IO[bytes]] = None,
        answer: t.Optional[t.IO[bytes]] = None,
    ) -> Completed:
        """Run one git command.

        :arg url: The repository it talks to, if any; decides which credentials it gets.
        :arg environment: More variables.
        :arg most_written: As for L(_process.run), as are C(stdin) and C(answer).
        :raises ProgramError: when git fails and C(check) is true.
        :raises DeadlineError: when the task's time is over.
        """
        argv = [self._program]
        for setting in self._settings(url):
            argv += ["-c", setting]
        try:
            return run(
                [*argv, *arguments],
                deadline=self._deadline,
                environment={**self._environment(url), **(environment or {})},
                cwd=cwd or self.access.scratch,
                redactor=self._redactor,
                check=check,
                most_written=most_written,
                most_memory=_MOST_MEMORY,
                stdin=stdin,
                answer=answer,
            )
        except DeadlineError as error:
            if url:
                error.message = f"{error.message.rstrip('.')} on {strip_urls(url)}."
            raise

    def has(self, program: str) -> bool:
        """Whether git finds a program that it may need."""
        return shutil.which(program, path=self._base.get("PATH", os.defpath)) is not None

    def _settings(self, url: str) -> t.Iterator[str]:
        yield from _SAFE
        if url and self.access.credentials(url):
            yield "credential.helper="  # Neither ask a store nor put what the task gave into one.
            yield 'credential.helper=!sh "$ST2_GIT_CREDENTIAL"'

    def _environment(self, url: str) -> t.Dict[str, str]:
        environment = {
            **self.access.proxy.apply_to(self._base, url or None),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": TRANSPORTS,
            "GIT_ASKPASS": "/bin/false",
            "SSH_ASKPASS": "/bin/false",
            **self._ssh_variables(url),
            "GIT_HTTP_LOW_SPEED_LIMIT": str(_SLOWEST_BYTES_PER_SECOND),
            "GIT_HTTP_LOW_SPEED_TIME": str(_SLOW_SECONDS),
            "GIT_LFS_SKIP_SMUDGE": "1",
            "GIT_OPTIONAL_LOCKS": "0",
            # With every owner trusted, no repository may be found by going up, such as one that somebody made in /tmp,
            # and what a repository lacks is not fetched by a program that its own settings name.
            "GIT_CEILING_DIRECTORIES": os.path.dirname(os.path.realpath(self.scratch)),
            "GIT_NO_LAZY_FETCH": "1",
            "GIT_CONFIG_GLOBAL": self._global_config(),
            "LC_ALL": "C",
        }
        credentials = self.access.credentials(url) if url else Credentials()
        if credentials:
            environment.update(self._credential(url, credentials))
        return environment

    def _global_config(self) -> str:
        path = os.path.join(self.scratch, "gitconfig")
        if not os.path.exists(path):
            includes = [_INCLUDE.format(json.dumps(account, ensure_ascii=False)) for account in self._account_configs()]
            write_atomically(path, "".join([*includes, _TRUST, _LARGE]).encode("utf-8", "surrogateescape"))
        return path

    def _account_configs(self) -> t.List[str]:
        """The account's own configuration, as git finds it; what does not exist git leaves out."""
        if self._base.get("GIT_CONFIG_GLOBAL"):
            return [self._base["GIT_CONFIG_GLOBAL"]]
        home = self._base.get("HOME", "/root")
        xdg = self._base.get("XDG_CONFIG_HOME") or os.path.join(home, ".config")
        return [os.path.join(xdg, "git", "config"), os.path.join(home, ".gitconfig")]

    def _credential(self, url: str, credentials: Credentials) -> t.Dict[str, str]:
        parts = urlsplit(url)
        path = os.path.join(self.scratch, "git-credential")
        if not os.path.exists(path):
            write_atomically(path, _CREDENTIAL.encode(), mode=0o700)
        return {
            "ST2_GIT_CREDENTIAL": path,
            "ST2_GIT_PLACE": f"{parts.scheme}://{parts.netloc}",
            "ST2_GIT_USERNAME": credentials.username or "git",
            "ST2_GIT_PASSWORD": credentials.password,
        }

    def _ssh_variables(self, url: str) -> t.Dict[str, str]:
        """How git calls ssh. It is always told, so that no repository's own C(core.sshCommand) counts."""
        files = (self.access.ssh_key_file, self.access.known_hosts_file)
        if is_ssh(url) and any(files):
            if not self._ssh_files_seen:
                require_usable(*files, deadline=self._deadline, environment=self._base)
                self._ssh_files_seen = True
        elif is_ssh(url):
            command = account_command(self._ssh, self._configured_ssh, self._deadline)
            if command:
                return {**self._ssh, "GIT_SSH_COMMAND": command}
        return {"GIT_SSH_VARIANT": "ssh", "GIT_SSH_COMMAND": own_command(*files, self._deadline)}

    def _configured_ssh(self) -> str:
        """The setting C(core.sshCommand) of the account, or of the system; the scratch directory has no repository."""
        return self("config", "--get", "core.sshCommand", check=False).stdout.strip()


# What ssh says of keys, which says more than the refusal by the server that follows.
_KEY_WORDS = ("Load key ", "Permissions ", "Warning: Identity file ", "no such identity: ")


def fetch_failure(
    url: str, error: ProgramError, access: t.Optional[GitAccess] = None, attempt: str = "fetched"
) -> SourceError:
    """The error a reader needs when git could not get a repository: which one, what git said, what to try.

    :arg access: What the task gives, which is not advised then.
    :arg attempt: What could not be done to it, as a participle.
    """
    advice = _advice(url, error.completed.told, access)
    return SourceError(
        f"The repository {url} cannot be {attempt}: {failure_reason(error)}.{advice}", stderr=error.stderr
    )


def failure_reason(error: ProgramError) -> str:
    """What git said of a failure, in one line without a full stop."""
    said = error.completed.stderr
    starts = ("fatal:", "error:", "ssh:", "remote:", *_KEY_WORDS)
    lines = [line for line in said.strip().splitlines() if line.startswith(starts)]
    # Of each ref that a push could not set, which only its answer tells.
    lines += [" ".join(line[1:].split()) for line in error.completed.stdout.splitlines() if line.startswith("!")]
    reason = last_lines(" ".join(dict.fromkeys(lines or said.strip().splitlines()[-1:])) or "git said nothing")
    return reason.rstrip(".")


def _advice(url: str, said: str, access: t.Optional[GitAccess]) -> str:
    if "could not read Username" in said or "Authentication failed" in said or "terminal prompts disabled" in said:
        return _advice_of_credentials(url, access)
    if "Permission denied" in said or "publickey" in said:
        if access and access.ssh_key_file:
            return f" The server refused the key {access.ssh_key_file} (ssh_key_file). Add its public key there."
        return " The server refused the key. Set ssh_key_file, or set up a key for the account that it accepts."
    if "Host key verification failed" in said:
        if access and access.known_hosts_file:
            return f" The server's host key is not in {access.known_hosts_file} (known_hosts_file). Add it there."
        return " The server's host key is not known here. Set known_hosts_file."
    if "certificate" in said:
        if access and access.proxy.ca_bundle:
            return f" The authority of the server's certificate is not in {access.proxy.ca_bundle} (ca_bundle)."
        return " The server's certificate is not trusted here. Set ca_bundle."
    if "not found" in said.lower() or "does not exist" in said or "does not appear to be a git" in said:
        given = access and access.credentials(url)
        return f" Is the address right{', and may these credentials read it' if given else ''}?"
    return ""


def _advice_of_credentials(url: str, access: t.Optional[GitAccess]) -> str:
    given = access.credentials(url) if access else Credentials()
    if given.password:
        return (
            " The server refuses the credentials (token, or username and password). Check that they are valid there, "
            "and allowed to read this repository."
        )
    if given:
        return " The URL has a user name alone, which the server does not take: give token or password beside it."
    if access and access.withholds:
        return (
            " The server wants credentials, and those of the task go to no other servers than those that the task "
            "and the host's index name: name the repository in the task, too."
        )
    return " The server wants credentials: give token, or username and password."
