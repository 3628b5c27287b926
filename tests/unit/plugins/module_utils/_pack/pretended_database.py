# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A registrar that keeps its database in this process: what is told to it, when, and what comes when it refuses."""

from __future__ import annotations

import os

import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._content.resource_rules import RUNNERS
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import RegistrationError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Configs, Registered, Resource

PLURALS = {"actions": "actions", "rules": "rules", "sensors": "sensors", "aliases": "aliases"}


class PretendedDatabase:
    """As the API adapter, or with C(reads=False, unloads=False) as the local one.

    :ivar rows: The version of each pack, by ref.
    :ivar stored: The resources of each pack, by ref.
    :ivar configured: The values of the config of each pack, by ref.
    :ivar schemas: The config schema of each pack, by ref.
    :ivar calls: What it was asked, in order: C((method, refs)).
    :ivar refuses: Refs that it refuses to register in a certain version: C((ref, version)).
    """

    def __init__(self, name="api", reads=True, unloads=True):
        self.name = self.by = name
        self.reads = reads
        self.unloads = unloads
        self.rows = {}
        self.stored = {}
        self.configured = {}
        self.schemas = {}
        self.closed = False
        self.calls = []
        self.refuses = set()
        self.unload_fails = False
        self.loses = False
        self.seen = []

    def require(self):
        pass

    def register(self, packs, types=(), *, fail_on_failure=True):
        self.calls.append(("register", sorted(pack.ref for pack in packs)))
        self.seen.append((tuple(types), fail_on_failure))
        counts = {"actions": 0}
        for pack in packs:
            with open(os.path.join(pack.path, "pack.yaml"), encoding="utf-8") as stream:
                version = yaml.safe_load(stream)["version"]
            if (pack.ref, version) in self.refuses:
                raise RegistrationError(f"StackStorm refuses {pack.ref} {version}: bad content.", ref=pack.ref)
            if self.loses:
                continue
            self.rows[pack.ref] = version
            for resource in self._resources(pack):
                self.stored.setdefault(pack.ref, {})[resource.ref] = resource
                counts[resource.kind] = counts.get(resource.kind, 0) + 1
        return Registered(counts)

    @staticmethod
    def _resources(pack):
        for kind in PLURALS:
            directory = os.path.join(pack.path, kind)
            for name in sorted(os.listdir(directory)) if os.path.isdir(directory) else []:
                stem, extension = os.path.splitext(name)
                if extension in (".yaml", ".yml"):
                    yield Resource(kind, stem, f"{pack.ref}.{stem}", True, f"{kind}/{name}", pack.ref)

    def unload(self, refs):
        self.calls.append(("unload", sorted(refs)))
        if self.unload_fails:
            raise RegistrationError(f"packs.unload of {', '.join(refs)} failed.")
        for ref in refs:
            self.rows.pop(ref, None)
            self.stored.pop(ref, None)

    def versions(self, refs):
        assert self.reads
        self.calls.append(("versions", sorted(refs)))
        return {ref: self.rows[ref] for ref in refs if ref in self.rows}

    def config(self, ref):
        assert self.reads
        return self.configured.get(ref)

    def configs(self, refs):
        assert self.reads
        return Configs({ref: self.configured[ref] for ref in refs if ref in self.configured})

    def config_schema(self, ref):
        assert self.reads
        return self.schemas.get(ref)

    def runners(self):
        assert self.reads
        return RUNNERS

    def every(self, kind):
        assert self.reads
        return [one for stored in self.stored.values() for one in stored.values() if one.kind == kind]

    def close(self):
        self.closed = True

    def resources_of(self, refs, kinds):
        assert self.reads
        return [one for ref in refs for one in self.stored.get(ref, {}).values() if one.kind in kinds]

    def delete(self, resource):
        self.calls.append(("delete", [resource.ref]))
        ref = resource.ref.partition(".")[0]
        self.stored[ref].pop(resource.ref, None)

    def content(self):
        """All that it has."""
        return dict(self.rows), {ref: dict(stored) for ref, stored in self.stored.items()}

    def told(self):
        """What it was told to change, without what it was asked."""
        return [call for call in self.calls if call[0] != "versions"]
