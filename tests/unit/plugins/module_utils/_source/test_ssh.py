# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How git calls ssh: the task's files, else the account's own command; keys that ssh cannot use."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from infrastructure.servers import GitSshServer
from infrastructure.servers.ssh_server import find_sshd

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._process import ProgramError
from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_program import fetch_failure
from ansible_collections.stackstorm.st2.plugins.module_utils._source.ssh import (
    account_command,
    is_ssh,
    own_command,
    require_usable,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at, releases


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ssh://git@h/x", True),
        ("SSH://h/x", True),
        ("git@h:x", True),
        ("h:x/y", True),
        ("https://h/x", False),
        ("file:///srv/x", False),
        ("/srv/a:b", False),
        ("", False),
    ],
)
def test_addresses_that_ssh_reaches(url, expected):
    assert is_ssh(url) is expected


QUIET = "-oBatchMode=yes -oConnectTimeout=30 -oControlMaster=no -oControlPath=none"


@pytest.mark.parametrize(
    ("variables", "configured", "expected"),
    [
        ({}, "", ""),
        ({"GIT_SSH_COMMAND": "ssh -i '/my key'"}, "ssh -i /other", f"ssh -i '/my key' {QUIET}"),
        ({}, "/usr/bin/ssh -F none", f"/usr/bin/ssh -F none {QUIET}"),
        ({"GIT_SSH": "/a b/ssh"}, "", f"'/a b/ssh' {QUIET}"),
        ({"GIT_SSH": "/bin/other"}, "mine --now", "mine --now"),
        ({"GIT_SSH_COMMAND": "KEY=1 ssh"}, "", "KEY=1 ssh"),
        ({"GIT_SSH_COMMAND": "ssh 'unfinished"}, "", "ssh 'unfinished"),
    ],
)
def test_the_accounts_own_command_as_git_finds_it(variables, configured, expected):
    assert account_command(variables, lambda: configured, Deadline(600)) == expected


def test_the_command_of_a_task_names_its_files():
    command = own_command("/my key", "/hosts", Deadline(600))
    assert command.startswith(f"ssh {QUIET} ") and "-i '/my key'" in command
    assert "-oUserKnownHostsFile=/hosts" in command and "-oStrictHostKeyChecking=yes" in command


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is missing: install openssh-client")
    root = tmp_path_factory.mktemp("keys")

    def make(name, passphrase=""):
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-f", str(root / name)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL)

    make("good")
    make("locked", "c4n4ry of a passphrase")
    good = (root / "good").read_bytes()
    contents = {
        "open": good,
        "public": (root / "good.pub").read_bytes(),
        "windows": good.replace(b"\n", b"\r\n"),
        "cut": good.rstrip(b"\n"),
        "empty": b"",
        "putty": b"PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n",
        "prose": b"c4n4ry: please find the key attached\n",
        "broken": good[:100] + b"\n-----END OPENSSH PRIVATE KEY-----\n",
    }
    for name, content in contents.items():
        (root / name).write_bytes(content)
        (root / name).chmod(0o644 if name == "open" else 0o600)
    (root / "folder").mkdir()
    return root


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good", None),
        ("missing", "there is no such file on the target"),
        ("folder", "that is (a directory|not a file)"),
        ("open", "its mode is 0644, .* Set the mode to 0600"),
        ("locked", "it has a passphrase"),
        ("public", "it is a public key"),
        ("windows", "it has Windows line endings"),
        ("cut", "the newline at its end is missing"),
        ("empty", "it is empty"),
        ("putty", "it is a PuTTY key"),
        ("prose", "it does not contain a private key"),
        ("broken", "ssh-keygen says"),
    ],
)
def test_a_key_that_ssh_cannot_use_is_named_with_the_reason(keys, name, expected):
    def look():
        require_usable(str(keys / name), None, deadline=Deadline(60), environment=dict(os.environ))

    if expected is None:
        look()
        return
    with pytest.raises(SourceError, match=expected) as caught:
        look()
    assert str(keys / name) in caught.value.message and "ssh_key_file" in caught.value.message
    assert "c4n4ry" not in caught.value.message


def test_without_ssh_keygen_only_the_file_is_looked_at(keys, tmp_path):
    environment = {"PATH": str(tmp_path)}
    require_usable(str(keys / "prose"), None, deadline=Deadline(60), environment=environment)
    with pytest.raises(SourceError, match=r"known_hosts_file is .*there is no such file"):
        require_usable(None, str(tmp_path / "hosts"), deadline=Deadline(60), environment=environment)


@pytest.fixture
def server(tmp_path):
    if find_sshd() is None:
        pytest.skip("sshd is missing: install openssh-server")
    releases(tmp_path / "served/demo.git", "demo", "1.0.0")
    with GitSshServer(tmp_path / "served", tmp_path / "ssh") as one:
        yield one


def reached(git, server):
    url = f"{server.url}/demo.git"
    return "refs/heads/main" in git("ls-remote", url, url=url).stdout


@pytest.mark.parametrize("place", ["GIT_SSH_COMMAND", "core.sshCommand", "GIT_SSH"])
def test_what_the_account_says_of_ssh_counts_where_the_task_says_nothing(server, tmp_path, place):
    program = tmp_path / "ssh-of-mine"
    program.write_text(f'#!/bin/sh\nexec {server.client_command()} "$@"\n')
    program.chmod(0o755)
    environment = {}
    if place == "core.sshCommand":
        (tmp_path / ".gitconfig").write_text(f'[core]\n\tsshCommand = "{server.client_command()}"\n')
    else:
        environment = {place: server.client_command() if place == "GIT_SSH_COMMAND" else str(program)}
    assert reached(git_at(tmp_path, environment=environment), server)
    # What the task says itself comes first.
    own = {"ssh_key_file": str(server.stranger_key_file), "known_hosts_file": str(server.known_hosts_file)}
    git = git_at(tmp_path, environment=environment, **own)
    with pytest.raises(ProgramError) as caught:
        reached(git, server)
    assert f"refused the key {server.stranger_key_file}" in fetch_failure("u", caught.value, git.access).message


def test_an_unusable_key_is_named_before_any_server_is_asked(server, tmp_path):
    server.key_file.chmod(0o644)
    files = {"ssh_key_file": str(server.key_file), "known_hosts_file": str(server.known_hosts_file)}
    with pytest.raises(SourceError, match="its mode is 0644"):
        reached(git_at(tmp_path, **files), server)
    assert server.connections == 0
    server.key_file.chmod(0o600)
    assert reached(git_at(tmp_path, **files), server)


def test_a_repository_may_not_say_what_ssh_is(server, tmp_path):
    marker, trap = tmp_path / "marker", tmp_path / "trap"
    git = git_at(tmp_path)
    git("init", "--quiet", str(trap))
    git("config", "core.sshCommand", f"touch {marker};", cwd=str(trap))
    url = f"{server.url}/demo.git"
    git("ls-remote", url, url=url, cwd=str(trap), check=False)
    assert not marker.exists()
