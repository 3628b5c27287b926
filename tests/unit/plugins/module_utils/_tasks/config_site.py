# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scratch host with a pack that has a config schema, StackStorm's stand-in beside it, and the tasks of a play."""

from __future__ import annotations

import json
import tempfile

import yaml
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._config.argspec import config_info_options, config_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config import converge_config
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config_info import describe_configs

CANARY = "c4nary-secret-value"
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
# The same without anything that must be there.
OPTIONAL = SCHEMA.replace("required: true", "required: false")


class ConfigSite:
    """A host with the pack C(sensu).

    :arg schema: The text of its config.schema.yaml; C(None) for none.
    :arg register: The option for all tasks: C(api), C(local), C(none) or C(auto).
    """

    def __init__(self, root, schema=SCHEMA, register="api", **stub):
        self.host = ScratchHost(root / "host")
        self.register = register
        self.place("sensu", schema)
        self.stub = StackStormStub(self.host, **stub)
        if register == "local":
            self.stub.install_register_content()
        self.path = self.host.configs / "sensu.yaml"

    def place(self, ref, schema):
        """Put a pack on the host, as files."""
        tree = PackTree(ref, "1.0.0", minimal=True)
        tree.files.pop("config.schema.yaml", None)
        if schema is not None:
            tree.add("config.schema.yaml", schema)
        return self.host.place(tree, ref)

    def stop(self):
        """End the stand-in."""
        self.stub.stop()

    def task(self, spec, check=False, **given):
        """A module's task on the host."""
        if self.register == "api":
            given = {"api_url": self.stub.api_url, "api_key": self.stub.api_key, **given}
        given = {"register": self.register, "timeout": 60, **given}
        options = spec.merge(registration_options()).merge(connection_options()).merge(host_options()).options
        assert not set(given) - set(options), "an option that the module has not"
        params = {**{name: option.get("default") for name, option in options.items()}, **given}
        environment = self.host.environment()
        host = read_host(str(self.host.st2_conf), environment)
        return Task(params, host, check, environment, tempfile.mkdtemp(dir=str(self.host.tmp)), Redactor())

    def run(self, check=False, **given):
        """Run what st2_pack_config runs, and return its result."""
        return converge_config(self.task(config_options(), check, **{"pack": "sensu", **given}))

    def info(self, *packs, **given):
        """Run what st2_pack_config_info runs, and return the configs."""
        return describe_configs(self.task(config_info_options(), pack=list(packs) or None, **given)).returned["configs"]

    def on_disk(self):
        """What the file says; C(None) without one."""
        return yaml.safe_load(self.path.read_bytes()) if self.path.exists() else None

    def files(self):
        """The files in the directory of configs and below it, the collection's own too, but for change sets."""
        configs = self.host.configs
        found = [path for path in configs.rglob("*") if not path.is_dir() and "changes" not in path.parts]
        return sorted(str(path.relative_to(configs)) for path in found)

    def in_database(self):
        """What StackStorm's database says; C(None) without a config."""
        return self.stub.config("sensu")

    def everything(self, result):
        """All that a result tells."""
        failure = [result.failure.message, result.failure.stderr] if result.failure else []
        return json.dumps([result.msg, result.returned, result.diff, result.warnings, failure], default=str)


def succeeded(result):
    """The result, which has to be no failure."""
    assert result.failure is None, result.failure.message
    return result
