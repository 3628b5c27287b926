# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole runs in this process: a scratch host, a repository, an index, and the options of a task."""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile

from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.snapshot import compare
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    pack_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.argspec import pack_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.options import options_from
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv import (
    MARKER,
    Interpreters,
    Settings,
    requirements_digest,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_build import marker_document
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack import PackTask
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_items import items_from

from .pretended_database import PretendedDatabase

STATE = ".stackstorm.st2"


def params(spec, **given):
    """All parameters of a module, as Ansible fills them in."""
    options = spec.merge(access_options()).merge(registration_options()).options
    assert not set(given) - set(options), "an option that the module has not"
    return {**{name: option.get("default") for name, option in options.items()}, **given}


class Site:
    """A StackStorm host and the packs that it can get.

    :arg packs: Trees by repository; each tree is released as its version, the last one is the index's.
    """

    def __init__(self, root, *packs, **host):
        self.root = root
        self.repositories = {}
        self.index = root / "index.json"
        self.host = ScratchHost(root / "host", index_url=f"file://{self.index}", **host)
        for trees in packs:
            self.publish(*trees)

    def publish(self, *trees):
        """Make the repository of a pack, or add releases to it, and write the index anew."""
        ref = trees[0].ref
        path = self.root / "repositories" / f"stackstorm-{ref}.git"
        repository = self.repositories.setdefault(ref, GitRepository(path))
        for tree in trees:
            repository.release(tree)
        repository.build()
        entries = {name: self._entry(name, found) for name, found in self.repositories.items()}
        self.index.write_text(json.dumps({"metadata": {}, "packs": entries}))
        return repository

    def _entry(self, ref, repository):
        versions = repository.versions
        return {"name": ref, "ref": ref, "version": versions[-1], "versions": versions, "repo_url": self.url(ref)}

    def url(self, ref):
        """The address of a pack's repository."""
        return f"file://{self.repositories[ref].path}"

    def sha(self, ref, revision="HEAD"):
        """What git says a revision of a repository is."""
        return self.repositories[ref].sha(revision)

    def task(self, spec, check=False, environment=None, **given):
        """A module's task on the host."""
        environment = self.host.environment(**(environment or {}))
        scratch = tempfile.mkdtemp(dir=self.host.tmp)
        host = read_host(str(self.host.st2_conf), environment)
        return Task(params(spec, **given), host, check, environment, scratch, Redactor())

    def pack_task(self, *names, **given):
        """The task of st2_pack."""
        given.setdefault("register", "none")
        return self.task(pack_options(), **{"name": list(names) or None, **given})

    def info_task(self, *names, **given):
        """The task of st2_pack_info."""
        given.setdefault("register", "none")
        return self.task(pack_info_options(), **{"name": list(names) or None, **given})

    def run(self, *names, seconds=120, database=None, **given):
        """Run what st2_pack runs, and return its outcome. No virtualenv is made unless C(virtualenv) asks for one.

        :arg seconds: The timeout, which may be shorter here than a task's.
        :arg database: The registrar; nobody is told without.
        """
        given.setdefault("virtualenv", "never")
        task = self.pack_task(*names, **given)
        options = options_from(task.params)
        items = items_from(task.params, options.requests)
        return Ran(task, options, items, database_of(task, database, options), Deadline(seconds))

    def files(self, **options):
        """What StackStorm sees: every path of the host but the collection's own places."""
        return self.host.snapshot(exclude=(STATE,), **options)

    def place_virtualenv(self, ref, marker=True, **settings):
        """A virtualenv of nothing but what is looked at, right for a pack as it is; return its path.

        :arg marker: Whether it is one that the collection made.
        :arg settings: In place of those of the host.
        """
        path = self.host.virtualenvs / ref
        (path / "bin").mkdir(parents=True)
        (path / "bin" / "python").symlink_to(self.host.service / "bin" / "python")
        if marker:
            task = self.info_task()
            python = Interpreters(Deadline(30), task.environment).look(task.host.python_binary)
            made = {"options": task.host.virtualenv_opts, "st2_site_packages": task.host.st2_site_packages, **settings}
            needs = requirements_digest(str(self.host.packs / ref))
            inputs = Settings(python.path, **made).inputs(python.version, needs)
            (path / MARKER).write_bytes(marker_document(inputs, python.signature))
        return path

    def keep(self):
        """Remember everything as it is, for L(restore); the repositories stay as they are."""
        shutil.copytree(self.host.root, f"{self.host.root}.kept", symlinks=True)

    def restore(self):
        """Make the host what it was when it was kept, in the same place. A stand-in for StackStorm begins anew."""
        for database in self.host.root.parent.glob(f"{self.host.root.name}.st2-database.json*"):
            database.unlink()
        shutil.rmtree(self.host.root)
        shutil.copytree(f"{self.host.root}.kept", self.host.root, symlinks=True)

    def debris(self):
        """What lies in staging directories, and the journal."""
        base = self.host.base_path
        found = list(base.glob(f"**/{STATE}/staging/*")) + list(base.glob(f"**/{STATE}/journal.json"))
        return sorted(str(path.relative_to(base)) for path in found)

    def releases(self, ref):
        """The names of the kept releases of a pack."""
        place = self.host.packs / STATE / "releases" / ref
        return sorted(path.name for path in place.iterdir()) if place.exists() else []


class Ran(PackTask):
    """A task of st2_pack that was run, with what it came to."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        result = self.run()
        self.msg, self.diff, self.rows = result.msg, result.diff, result.returned["packs"]
        self.changed, self.warnings, self.failure = result.changed, result.warnings, result.failure
        self.database_state = result.returned["database_state"]

    def _rows(self, outcome):
        self.plan, self.recovered = outcome.plan and outcome.plan.packs, outcome.recovered
        return super()._rows(outcome)


def choosing(registrar):
    """Gives the registrar as often as it answers; then, as C(auto) does it, none."""
    answers = itertools.count(1)

    def choose(_deadline):
        gone = getattr(registrar, "answers", None)
        return (NoRegistrar() if gone is not None and next(answers) > gone else registrar), []

    return choose


def database_of(task, registrar=None, options=None):
    """What StackStorm knows, with a registrar of the test's; nobody is told without."""
    return Database(
        choosing(registrar or NoRegistrar()),
        Deadline(60),
        Records(OwnPlaces(task.host).state),
        types=options.register_types if options else (),
        fail_on_failure=not options or options.fail_on_failure,
        prune=bool(options and options.prune),
    )


def released(ref, *versions, **tree):
    """Trees of one pack, one for each version."""
    return [PackTree(ref, version, **{"minimal": True, **tree}) for version in versions]


def told(outcome):
    """What a run says of what it does."""
    assert outcome.failure is None, outcome.failure and outcome.failure.message
    return (
        outcome.changed,
        outcome.rows,
        outcome.msg,
        outcome.diff,
        outcome.warnings,
    )


def converge(site, *names, **options):
    """Check, run, check again, run again: the host may only be different after the first run, which was predicted."""
    database = options.get("database") or PretendedDatabase()
    start, stored = site.files(identity=True), database.content()
    everything = site.host.snapshot(identity=True)
    predicted = site.run(*names, check=True, **options)
    assert site.host.snapshot(identity=True) == everything, "check mode writes nothing"
    done = site.run(*names, **options)
    assert told(done) == told(predicted)
    changes = compare(start, site.files(identity=True))
    assert (bool(changes) or database.content() != stored) == done.changed, "changed tells whether anything is"
    assert site.debris() == []
    # A run that has to ask upstream takes the lock and a staging directory for it; all others do not even that.
    asks = options.get("state") == "latest" or options.get("verify") == "content"
    unseen = ("lock", "staging") if asks else ()
    settled, told_so_far = site.host.snapshot(exclude=unseen, identity=True), database.told()
    for again in (site.run(*names, check=True, **options), site.run(*names, **options)):
        assert again.failure is None and not again.changed
        assert {row["action"] for row in again.rows} <= {"none"}
        assert again.diff == []
    assert compare(settled, site.host.snapshot(exclude=unseen, identity=True)) == ([], [], [])
    assert database.told() == told_so_far
    return done


def row_of(outcome, ref="sensu"):
    """The result of one pack."""
    return next(row for row in outcome.rows if row["ref"] == ref)
