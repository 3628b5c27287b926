# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A scratch host, StackStorm's stand-in beside it, packs in plain directories, and tasks about them."""

from __future__ import annotations

import tempfile

from infrastructure.packs import PackTree, bodies
from infrastructure.st2_host import ScratchHost
from infrastructure.st2_stub import StackStormStub

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    host_options,
    pack_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._override.argspec import override_options
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override import converge_override
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import converge_packs

SCHEMA = {"a": {"type": "integer"}}


class PackSite:
    """A host whose tasks reach StackStorm by its API.

    :ivar packs: Where the sources of packs are.
    """

    def __init__(self, root):
        (root / "index.json").write_text('{"metadata": {}, "packs": {}}')
        self.host = ScratchHost(root / "host", index_url=f"file://{root}/index.json")
        self.stub = StackStormStub(self.host)
        self.packs = root / "sources"

    def source(self, ref, version="1.0.0", schema=None, rules=(), actions=("report",)):
        """Write a version of a pack, and return its item for the option C(packs).

        :arg rules: Pairs of name and the trigger C(tick) of a pack.
        """
        tree = PackTree(ref, version, minimal=True, actions=actions)
        if schema:
            tree.add_yaml("config.schema.yaml", schema)
        for name, trigger in rules:
            tree.add_yaml(f"rules/{name}.yaml", bodies.rule(ref, name, trigger, {"every": 3}))
        ticks = {"type": "object", "properties": {"every": {"type": "integer"}}}
        tree.add_yaml("triggers/tick.yaml", {**bodies.trigger(ref, "tick"), "parameters_schema": ticks})
        return {"name": ref, "source": str(tree.write(self.packs / f"{ref}-{version}"))}

    def run(self, *items, check=False, **given):
        """Run what st2_pack runs."""
        self.stub.requests.clear()
        spec = pack_options().merge(access_options()).merge(registration_options()).merge(host_options())
        return converge_packs(self._task(spec, check, packs=list(items), virtualenv="never", **given))

    def override(self, pack, check=False, **given):
        """Run what st2_override runs."""
        self.stub.requests.clear()
        spec = override_options().merge(access_options()).merge(registration_options()).merge(host_options())
        return converge_override(self._task(spec, check, pack=pack, **given))

    def _task(self, spec, check, **given):
        given = {"register": "api", "api_url": self.stub.api_url, "api_key": self.stub.api_key, **given}
        params = {**{name: option.get("default") for name, option in spec.options.items()}, **given}
        environment = self.host.environment()
        host = read_host(str(self.host.st2_conf), environment)
        return Task(params, host, check, environment, tempfile.mkdtemp(dir=self.host.tmp), Redactor())

    def asked(self):
        """What the last task asked StackStorm."""
        return [f"{each.method} {each.path}" for each in self.stub.requests]
