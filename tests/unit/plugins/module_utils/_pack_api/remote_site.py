# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A StackStorm that is reached by its API alone: the stand-in, packs that it can get, and tasks of st2_pack."""

from __future__ import annotations

import yaml
from infrastructure.repositories import GitRepository
from infrastructure.st2_host import SYSTEM_PACKS, ScratchHost
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import pack_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.scratch_run import params

BASE_URL = "https://git.example.com/acme"


class RemoteSite:
    """A stand-in with packs in its index, and a machine without any StackStorm that talks to it.

    :arg packs: Trees by pack; each is released as its version, and the last one is what the index offers. A repository
        can be had at `url` too.
    """

    def __init__(self, root, *packs, **stub):
        self.host = ScratchHost(root / "host")
        self.repositories = {}
        for trees in packs:
            repository = GitRepository(root / f"stackstorm-{trees[0].ref}.git")
            for tree in trees:
                repository.release(tree)
            self.repositories[trees[0].ref] = repository.build()
        urls = {self.url(ref): repository for ref, repository in self.repositories.items()}
        self.stub = StackStormStub(self.host, index=self.repositories, repositories=urls, **stub)
        self.stub.executions.polls_until_done = 1
        self.redactor = Redactor()

    @staticmethod
    def url(ref):
        """The address of a pack's repository."""
        return f"{BASE_URL}/stackstorm-{ref}.git"

    def run(self, *names, check=False, environment=None, **given):
        """Run a task of st2_pack and return its result; what it raises is raised."""
        access = {"api_key": self.stub.api_key} if not {"auth_token", "api_username"} & set(given) else {}
        options = {"backend": "api", "api_url": f"{self.stub.api_url}/v1", "name": list(names) or None, **access}
        parameters = params(pack_options(), **{**options, **given})
        return converge_packs(Task(parameters, None, check, environment or {"HOME": "/nonexistent"}, "", self.redactor))

    def change(self, *names, **given):
        """Run a task that must change something."""
        result = self.run(*names, **given)
        assert result.failure is None, result.failure.message
        assert result.changed
        return result

    def keep(self, *names, **given):
        """Run a task that must find everything as asked, without telling StackStorm to do anything."""
        told = len(self.told())
        result = self.run(*names, **given)
        assert result.failure is None, result.failure.message
        assert not result.changed and len(self.told()) == told
        return result

    def fail(self, *names, **given):
        """Run a task that must fail after it has seen what there is."""
        result = self.run(*names, **given)
        assert result.failure is not None
        return result

    def told(self):
        """What StackStorm was told to install and remove."""
        return [
            request.body["packs"][0]
            for path in ("/packs/install", "/packs/uninstall")
            for request in self.stub.asked("POST", path)
        ]

    def database(self):
        """The versions in StackStorm's database, by ref, its own packs aside."""
        return {ref: self.stub.pack(ref)["version"] for ref in self.stub.packs() if ref not in SYSTEM_PACKS}

    def files(self):
        """The versions in the packs directory, by ref, StackStorm's own packs aside."""
        return {
            path.parent.name: yaml.safe_load(path.read_text())["version"]
            for path in self.stub.packs_path.glob("*/pack.yaml")
            if path.parent.name not in SYSTEM_PACKS
        }

    def world(self):
        """Database and files, which have to agree."""
        assert self.database() == self.files()
        return self.files()


def rows(result):
    """The rows of a result by ref, each cut down to version before, version after, action and changed."""
    return {
        row["ref"]: (
            row["before"] and row["before"]["version"],
            row["after"] and row["after"]["version"],
            row["action"],
            row["changed"],
        )
        for row in result.returned["packs"]
    }
