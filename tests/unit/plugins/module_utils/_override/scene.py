# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scratch host with a pack, a StackStorm that registers it by the rules of its own loader, and tasks about both."""

from __future__ import annotations

import pickle
import tempfile

import yaml
from infrastructure.packs import PackTree, bodies
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidContentError
from ansible_collections.stackstorm.st2.plugins.module_utils._override.argspec import (
    override_info_options,
    override_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._override.observe import installed_packs
from ansible_collections.stackstorm.st2.plugins.module_utils._override.options import options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Configs, Registered, Resource
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override import run_override
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override import st2_loader

STATE = ".stackstorm.st2"
SINGULAR = {"sensors": "sensor", "actions": "action", "rules": "rule", "aliases": "alias"}


def sensu():
    """A pack with two actions (C(check), C(list) in a file of another name), a sensor, two rules and an alias."""
    tree = PackTree("sensu", minimal=True, actions=("check",))
    tree.add_yaml("actions/list_all.yaml", bodies.python_action("list", "check.py"))
    tree.add_yaml("sensors/pulse.yaml", dict(bodies.sensor("sensu", "pulse"), name="heartbeat"))
    tree.add_yaml("rules/on_pulse.yaml", bodies.rule("sensu", "on_pulse", "core.st2.webhook"))
    unsaid = bodies.rule("sensu", "unsaid", "core.st2.webhook")
    del unsaid["enabled"]
    tree.add_yaml("rules/unsaid.yaml", unsaid)
    tree.add_yaml("aliases/ask.yaml", bodies.alias("ask", "sensu.check"))
    return tree


class LoaderRegistrar:
    """A registrar with a database of its own, filled by a literal copy of StackStorm's loader.

    :arg reads: Whether it lets itself be read, as the API, or not, as C(st2-register-content).
    :ivar refusals: What the next registrations fail with; C(None) for one that does not.
    """

    unloads = False

    def __init__(self, host, reads=True):
        self.host = host
        self.reads = reads
        self.name = "api" if reads else "local"
        self.by = "http://127.0.0.1:9101/v1" if reads else "local"
        self.rows = {}
        self.registered = []
        self.refusals = []
        self.store = None
        self.asked = 0

    def require(self):
        pass

    def register(self, packs, types=(), *, fail_on_failure=True):
        self.registered.append(([pack.ref for pack in packs], tuple(types)))
        done = Registered()
        refusal = self.refusals.pop(0) if self.refusals else None
        if refusal:
            raise refusal
        for pack in packs:
            for kind in st2_loader.KINDS:
                if not types or SINGULAR[kind] in types:
                    done = done.add(self._register(pack, kind))
        if self.store:
            self.store.write_bytes(pickle.dumps(self.rows))
        return done

    def load(self):
        """Have what a child of this process left in the database."""
        self.rows = pickle.loads(self.store.read_bytes())

    def _register(self, pack, kind):
        number = overridden = 0
        for content in st2_loader.contents(pack.path, kind):
            try:
                overridden += st2_loader.override(str(self.host.overrides), pack.ref, kind, content)
            except Exception as error:
                raise InvalidContentError(f"Failed to register {kind}: {error}", ref=pack.ref) from error
            number += 1
            self.rows[(pack.ref, kind, content[st2_loader.NAMES[kind]])] = st2_loader.stored(kind, content)
        return Registered({kind: number}, {kind: overridden} if overridden else {})

    def resources_of(self, refs, kinds):
        assert self.reads, "who cannot read must not be asked"
        self.asked += 1
        return [one for one in self._resources() if one.pack in refs and one.kind in kinds]

    def _resources(self):
        for (of, kind, name), on in self.rows.items():
            yield Resource(kind, name, f"{of}.{name}", on, f"{kind}/{name}.yaml", of)

    def every(self, kind):
        return [one for one in self._resources() if one.kind == kind]

    def versions(self, refs):
        assert self.reads, "who cannot read must not be asked"
        return {ref: self.host.pack_version(ref) for ref in refs if any(of == ref for of, _kind, _name in self.rows)}

    def configs(self, _refs):
        return Configs()

    def delete(self, resource):
        self.rows.pop((resource.pack, resource.kind, resource.name))

    def close(self):
        pass

    def enabled(self, kind, name, ref="sensu"):
        """What the database has, read without the module."""
        return self.rows.get((ref, kind, name))


class Scene:
    """A host with the pack sensu, registered."""

    def __init__(self, root, *, reads=True, packs=None):
        self.host = ScratchHost(root)
        for ref, tree in (packs or {"sensu": sensu()}).items():
            self.host.place(tree, ref)
        self.database = LoaderRegistrar(self.host, reads)
        self.register_all()

    def register_all(self):
        """As C(st2ctl reload) does."""
        read = self.task({}).host
        self.database.register(installed_packs(Installation(read.packs_base_paths), None))
        self.database.registered.clear()

    def task(self, given, spec=None, check=False):
        spec = (spec or override_options()).merge(registration_options()).merge(connection_options())
        spec = spec.merge(host_options())
        assert not set(given) - set(spec.options), "an option that the module has not"
        params = {name: option.get("default") for name, option in spec.options.items()}
        params.update({"pack": "sensu", **given} if "state" in spec.options else given)
        environment = self.host.environment()
        host = read_host(str(self.host.st2_conf), environment)
        return Task(params, host, check, environment, tempfile.mkdtemp(dir=self.host.tmp), Redactor())

    def info_task(self, *packs, **given):
        return self.task({"pack": list(packs) or None, "register": "none", **given}, override_info_options())

    def run(self, check=False, seconds=30, **given):
        """Run what st2_override runs, against the database of this scene."""
        task = self.task(given, check=check)
        deadline = Deadline(seconds)
        return run_override(task, options_from(task.params), self.database_of_a_run(deadline), deadline)

    def records(self):
        """What the collection remembers of what StackStorm was told."""
        return Records(OwnPlaces(self.task({}).host).state)

    def database_of_a_run(self, deadline=None):
        """As a run sees the database of this scene."""
        return Database(lambda _deadline: (self.database, ()), deadline or Deadline(30), self.records())

    def path(self, pack="sensu"):
        return self.host.overrides / f"{pack}.yaml"

    def document(self, pack="sensu"):
        """What an override file says, read without the module; C(None) where there is none."""
        path = self.path(pack)
        return yaml.safe_load(path.read_bytes()) if path.exists() else None

    def write(self, text, pack="sensu"):
        self.path(pack).write_text(text)
        return self.path(pack)

    def overrides(self):
        """The files in the overrides directory and below it, the collection's own among them but for change sets."""
        directory = self.host.overrides
        found = [path for path in directory.rglob("*") if not path.is_dir() and "changes" not in path.parts]
        return sorted(str(path.relative_to(directory)) for path in found)

    def files(self):
        """What StackStorm sees of the host, down to inodes and times."""
        return self.host.snapshot(exclude=(STATE,), identity=True)
