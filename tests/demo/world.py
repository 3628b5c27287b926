# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory that the demo plays in. Everything it makes, and everything that Ansible and pip leave, is in there."""

from __future__ import annotations

import contextlib
import json
import shlex
import shutil
import sys
import typing as t
from pathlib import Path

from infrastructure.repositories import GitRepository, index_document
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub

from . import packs

CHECKOUT = Path(__file__).resolve().parents[2]
MARKER = ".made-by-the-demo"
SOURCES = ("git", "index", "wheels")
PLAYS = Path(__file__).resolve().parent / "plays"

ANSIBLE_CFG = """\
[defaults]
inventory = inventory.ini
collections_path = collections
home = .ansible
local_tmp = .ansible/tmp
remote_tmp = {directory}/.ansible/tmp
callback_result_format = yaml
retry_files_enabled = false
nocows = true

[connection]
pipelining = true
"""
ACCESS = """\
export ST2_API_URL={api_url}/v1
export ST2_API_KEY={api_key}
"""
INVENTORY = """\
localhost ansible_connection=local ansible_python_interpreter={python} st2_conf={st2_conf}
"""
ACTIVATE = """\
# Lets this shell's ansible play on this directory:  . {directory}/activate
# Settings of your own for Ansible, pip and uv are put aside; a new shell has them again.
for name in $(env | sed -n -E 's/^((ANSIBLE|PIP|UV|VIRTUALENV|ST2)_[A-Za-z0-9_]+)=.*/\\1/p'); do unset "$name"; done
unset name PYTHONPATH PYTHONHOME
export PATH={programs}:"$PATH"
export LC_ALL=C.UTF-8
export ANSIBLE_CONFIG={directory}/ansible.cfg
export ST2_CONF={st2_conf}
{access}export PIP_CONFIG_FILE=/dev/null UV_NO_CONFIG=1
export XDG_CACHE_HOME={directory}/.cache XDG_DATA_HOME={directory}/.cache
export PYTHONDONTWRITEBYTECODE=1
"""


class CannotPlay(Exception):
    """The demo cannot be played here; the message says why, and what to do."""


class World:
    """A StackStorm host in miniature, and what it gets its packs from, all made anew in C(directory).

    C(host) is the host, C(stackstorm) what stands in for StackStorm's own programs there, C(repositories) has the git
    repository of each pack by its ref. Raises CannotPlay where the directory holds something else or cannot be written.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.repositories: t.Dict[str, GitRepository] = {}
        try:
            _clear(directory)
            self.host = ScratchHost(directory / "host", index_url=self.index.as_uri())
            self._add_packages()
            self.stackstorm = StackStormStub(self.host)
            self.stackstorm.install_register_content()
            self._add_ansible()
            (directory / "chat-token").write_text(packs.CHAT_TOKEN)
        except OSError as problem:
            raise CannotPlay(
                f"{directory} cannot be made anew: {problem}. Remove it, or name another one: tests/demo/run DIRECTORY"
            ) from problem

    @property
    def index(self) -> Path:
        """The pack index, which the host's st2.conf names."""
        return self.directory / "index" / "v1" / "index.json"

    def publish(self, *releases: packs.Pack) -> None:
        """Commit and tag releases in the packs' repositories and list them in the index, as their teams would."""
        for pack in releases:
            path = self.directory / "git" / f"stackstorm-{pack.ref}"
            repository = self.repositories.setdefault(pack.ref, GitRepository(path))
            repository.tag(f"v{pack.version}", repository.commit(pack, f"Release {pack.version}"))
            repository.build()
        self.index.parent.mkdir(parents=True, exist_ok=True)
        document = index_document(self.repositories.values(), (self.directory / "git").as_uri())
        self.index.write_text(json.dumps(document, indent=1) + "\n")

    def end(self) -> None:
        """End what stands in for StackStorm. From then on the host registers with its own program."""
        self.stackstorm.stop()
        self._write_activate("")

    def commit(self, ref: str, version: str) -> str:
        """Return the full commit of a release, as git itself finds it in the pack's repository."""
        return self.repositories[ref].sha(f"v{version}")

    @contextlib.contextmanager
    def sources_away(self) -> t.Iterator[None]:
        """Take away, for a while, everything that packs and their requirements come from."""
        away = self.directory / "away"
        away.mkdir()
        for name in SOURCES:
            (self.directory / name).rename(away / name)
        try:
            yield
        finally:
            for name in SOURCES:
                (away / name).rename(self.directory / name)
            away.rmdir()

    def _add_packages(self) -> None:
        wheels = self.directory / "wheels"
        packs.write_wheels(wheels)
        # What a host without internet says: virtualenvs are filled from this directory only.
        self.host.configure("actionrunner", pip_opts=f"--no-index,--find-links={wheels}")

    def _add_ansible(self) -> None:
        link = self.directory / "collections" / "ansible_collections" / "stackstorm" / "st2"
        link.parent.mkdir(parents=True)
        link.symlink_to(CHECKOUT)
        values = {
            "directory": self.directory,
            "programs": Path(sys.executable).parent,
            "python": sys.executable,
            "st2_conf": self.host.st2_conf,
        }
        self._quoted = {name: shlex.quote(str(value)) for name, value in values.items()}
        (self.directory / "ansible.cfg").write_text(ANSIBLE_CFG.format(**values))
        (self.directory / "inventory.ini").write_text(INVENTORY.format(**self._quoted))
        self._write_activate(ACCESS.format(api_url=self.stackstorm.api_url, api_key=self.stackstorm.api_key))
        for play in PLAYS.iterdir():
            lines = play.read_text().splitlines(keepends=True)
            text = "".join(line for line in lines if not line.startswith("#"))
            (self.directory / play.name).write_text(text.lstrip("\n"))

    def _write_activate(self, access: str) -> None:
        (self.directory / "activate").write_text(ACTIVATE.format(**self._quoted, access=access))


def _clear(directory: Path) -> None:
    if directory.exists() and any(directory.iterdir()):
        if not (directory / MARKER).exists():
            raise CannotPlay(f"{directory} holds something that is not the demo's. Name an empty or a new directory.")
        shutil.rmtree(directory)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / MARKER).touch()
