# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A StackStorm that is reached by its API alone, with a pack that has a config schema; and tasks about its config."""

from __future__ import annotations

import json

import yaml
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import Account, StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._config.argspec import config_info_options, config_options
from ansible_collections.stackstorm.st2.plugins.module_utils._printable import every_text
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config import converge_config
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config_info import describe_configs

CANARY = "c4nary-secret-value"
KEY = "key-of-bob"
SCHEMA = """\
url:
  type: string
  description: Where it answers
  required: true
token:
  type: string
  secret: true
  required: false
timeout:
  type: integer
  default: 30
"""
OPTIONAL = SCHEMA.replace("required: true", "required: false")


class ApiConfigSite:
    """StackStorm with the pack C(sensu), and a machine without any that talks to it.

    :arg schema: The text of its config.schema.yaml; C(None) for none.
    """

    def __init__(self, root, schema=SCHEMA, **stub):
        self.host = ScratchHost(root / "host")
        self.place("sensu", schema)
        self.stub = StackStormStub(self.host, **stub)

    def place(self, ref, schema):
        """Put a pack on StackStorm's server, as files."""
        tree = PackTree(ref, "1.0.0", minimal=True)
        tree.files.pop("config.schema.yaml", None)
        if schema is not None:
            tree.add("config.schema.yaml", schema)
        return self.host.place(tree, ref)

    def grant(self, *grants):
        """Switch RBAC on, and give Bob these permissions and no others; return what a task says to be him."""
        self.stub.accounts.rbac = True
        self.stub.accounts.accounts.append(Account("bob", "secret", KEY, "bob", grants))
        return {"api_key": KEY}

    def task(self, spec, check=False, environment=None, **given):
        """A module's task."""
        options = spec.merge(registration_options()).merge(connection_options()).merge(host_options()).options
        given = {
            **{"backend": "api", "api_url": f"{self.stub.api_url}/v1", "api_key": self.stub.api_key, "timeout": 60},
            **given,
        }
        assert not set(given) - set(options), "an option that the module has not"
        params = {**{name: option.get("default") for name, option in options.items()}, **given}
        return Task(params, None, check, environment or {"HOME": "/nonexistent"}, "", Redactor())

    def run(self, check=False, **given):
        """Run what st2_pack_config runs, and return its result with all secrets that the runner would take out."""
        task = self.task(config_options(), check, **{"pack": "sensu", **given})
        result = converge_config(task)
        result.diff = every_text(result.diff, task.redactor.own_text)
        result.returned = every_text(result.returned, task.redactor.own_text)
        return result

    def info(self, *packs, **given):
        """Run what st2_pack_config_info runs, and return the result."""
        return describe_configs(self.task(config_info_options(), pack=list(packs) or None, **given))

    def on_server(self, ref="sensu"):
        """What the file on StackStorm's server says; C(None) without one."""
        path = self.host.configs / f"{ref}.yaml"
        return yaml.safe_load(path.read_bytes()) if path.exists() else None

    def in_database(self, ref="sensu"):
        """What StackStorm's database says; C(None) without a config."""
        return self.stub.config(ref)

    def puts(self):
        """How often a config was put."""
        return len([request for request in self.stub.requests if request.method == "PUT"])

    def everything(self, result):
        """All that a result tells."""
        failure = [result.failure.message, result.failure.stderr] if result.failure else []
        return json.dumps([result.msg, result.returned, result.diff, result.warnings, failure], default=str)
