# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of a config that fails or is killed: file and database are put back, at once or by the next run."""

from __future__ import annotations

import json
import os
import shutil
import stat
import tempfile

import pytest
import yaml
from infrastructure.packs import PackTree
from infrastructure.snapshot import compare
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._change import journal as moving
from ansible_collections.stackstorm.st2.plugins.module_utils._change.database import Database
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import NO_CONFIG, Records, Told
from ansible_collections.stackstorm.st2.plugins.module_utils._config.options import ConfigOptions
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation, identity_of
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import RegistrationError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import Configs, Registered
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config import ConfigTask
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.kill_points import (
    is_killed,
    without_waiting_for_disks,
)

PUT_BACK = "Everything this task had changed was put back."
FREE = "a: {type: integer}\n"
STRICT = "a: {type: integer, required: true}\n"


class Registrar:
    """Keeps its database in a file, which outlives a process; says what it was told while the config said what.

    :arg reads: Whether it is as the API, or as C(st2-register-content).
    """

    def __init__(self, bench, path, reads=True):
        self.bench, self.path, self.reads, self.unloads = bench, path, reads, reads
        self.name, self.by = ("api", "http://st2") if reads else ("local", "local")
        self.calls, self.paths, self.failures = [], [], []

    @property
    def rows(self):
        return json.loads(self.path.read_text())

    def set(self, rows):
        self.path.write_text(json.dumps(rows))

    def register(self, packs, types=(), **_how):
        self.calls.append(("register", tuple(types), self.bench.text()))
        self.paths += [pack.path for pack in packs]
        failure = self.failures.pop(0) if self.failures else None
        if failure:
            raise failure
        rows = self.rows
        for pack in packs:
            row = rows.setdefault(pack.ref, {"config": None})
            with open(os.path.join(pack.path, "config.schema.yaml")) as stream:
                schema = yaml.safe_load(stream)
            values = yaml.safe_load(self.bench.text()) if self.bench.text() is not None else None
            if values is not None:
                if any(one.get("required") and name not in values for name, one in schema.items()):
                    raise RegistrationError("StackStorm refuses the config.")
                row["config"] = values
        self.set(rows)
        return Registered({"configs": 1})

    def require(self):
        pass

    def unload(self, refs):
        self.calls.append(("unload", tuple(refs), self.bench.text()))
        self.set({ref: row for ref, row in self.rows.items() if ref not in refs})

    def versions(self, refs):
        return {ref: "1.0.0" for ref in refs if ref in self.rows}

    def every(self, _kind):
        return []

    def config(self, ref):
        assert self.reads, "who cannot read must not be asked"
        return self.rows.get(ref, {}).get("config")

    def config_schema(self, _ref):
        return None

    def configs(self, refs):
        return Configs({ref: self.config(ref) for ref in refs if self.config(ref) is not None})

    def resources_of(self, _refs, _kinds):
        return []

    def close(self):
        pass


class Bench:
    """A host with the pack sensu, and the database of its StackStorm."""

    def __init__(self, root, schema=FREE, reads=True):
        self.scratch = ScratchHost(root / "host")
        tree = PackTree("sensu", "1.0.0", minimal=True)
        tree.add("config.schema.yaml", schema)
        self.scratch.place(tree, "sensu")
        self.host = read_host(str(self.scratch.st2_conf), self.scratch.environment())
        self.path = self.scratch.configs / "sensu.yaml"
        self.state = OwnPlaces(self.host).state
        self.records = Records(self.state)
        self.registrar = Registrar(self, root / "database.json", reads)
        self.start(None)

    def start(self, values):
        """Have a host on which nothing ran yet, with or without a config that is registered."""
        for directory in (self.state, self.scratch.configs / ".stackstorm.st2"):
            shutil.rmtree(directory, ignore_errors=True)
        if values is None:
            self.path.unlink(missing_ok=True)
        else:
            self.path.write_text(yaml.safe_dump(values))
            self.path.chmod(0o640)
            digest = Records(self.state).config_digest(self.path.read_bytes())
        self.registrar.set({"sensu": {"config": values}})
        if values is not None and not self.registrar.reads:
            self.records = Records(self.state)
            digest = self.records.config_digest(self.path.read_bytes())
            self.records.write("sensu", {"config": Told(digest, self.registrar.by)})

    def run(self, check=False, **options):
        options = ConfigOptions("sensu" if "pack" not in options else options.pop("pack"), **options)
        scratch = tempfile.mkdtemp(dir=self.scratch.tmp)
        task = Task({}, self.host, check, self.scratch.environment(), scratch, Redactor())
        database = Database(lambda _deadline: (self.registrar, ()), Deadline(30), Records(self.state))
        return ConfigTask(task, options, database, Deadline(30)).run()

    def text(self):
        return self.path.read_text() if self.path.exists() else None

    def record(self):
        return self.records.read("sensu")

    def vouch(self):
        """Record that the pack itself is registered as it is, and return that."""
        told = Told(identity_of(Installation(self.host.packs_base_paths).get("sensu")), self.registrar.by)
        self.records.write("sensu", {"pack": told})
        return told

    def told(self, text):
        """What is recorded of a config that was registered."""
        return Told(Records(self.state).config_digest(text.encode()), self.registrar.by)

    def files(self):
        configs = self.scratch.configs
        found = [path for path in configs.rglob("*") if not path.is_dir() and "changes" not in path.parts]
        return sorted(str(path.relative_to(configs)) for path in found)


@pytest.fixture(autouse=True)
def quick():
    with without_waiting_for_disks():
        yield


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture
def strict(tmp_path):
    return Bench(tmp_path, schema=STRICT)


def no(message="StackStorm said no."):
    return RegistrationError(message)


def test_the_file_is_there_with_its_mode_before_it_is_registered_and_recorded(bench):
    modes = []
    register = bench.registrar.register

    def look(*given, **how):
        modes.append((stat.S_IMODE(bench.path.stat().st_mode), bench.record()["config"].digest))
        return register(*given, **how)

    bench.registrar.register = look
    result = bench.run(config={"a": 1})
    assert result.failure is None and result.returned["registration"]["counts"] == {"configs": 1}
    assert bench.registrar.calls == [("register", ("config",), "a: 1\n")]
    assert modes == [(0o640, "")], "nobody vouches for what is being told"
    assert bench.record() == {"config": bench.told("a: 1\n")} and bench.files() == ["sensu.yaml"]


def test_a_registration_that_fails_leaves_all_as_it_was(bench):
    bench.start({"a": 1})
    bench.path.chmod(0o604)
    before = bench.vouch()
    bench.registrar.failures = [no()]
    result = bench.run(config={"a": 2})
    assert result.failure.message == f"StackStorm said no. {PUT_BACK}" and result.failure.step == "register"
    assert (result.changed, result.returned["database_state"]) == (False, "current")
    assert (bench.text(), stat.S_IMODE(bench.path.stat().st_mode)) == ("a: 1\n", 0o604)
    assert [call[2] for call in bench.registrar.calls] == ["a: 2\n", "a: 1\n"]
    assert bench.record() == {"pack": before, "config": bench.told("a: 1\n")} and bench.files() == ["sensu.yaml"]


def test_what_cannot_be_told_again_is_said_and_done_by_the_next_run(bench):
    bench.start({"a": 1})
    bench.registrar.failures = [no(), no("Down.")]
    result = bench.run(config={"a": 2})
    assert result.failure.message == (
        f"StackStorm said no. {PUT_BACK} StackStorm's database could not be put back, which the next run does: Down."
    )
    assert bench.text() == "a: 1\n" and bench.record()["config"].digest == ""
    bench.registrar.calls.clear()
    again = bench.run(config={"a": 1})
    assert again.failure is None and bench.registrar.calls == [("register", ("config",), "a: 1\n")]
    assert bench.record()["config"] == bench.told("a: 1\n") and not bench.run(config={"a": 1}).changed


def test_a_file_that_cannot_be_put_back_is_said_and_put_back_by_the_next_run(bench, monkeypatch):
    def full(_moves):
        raise OSError(28, "No space left on device")

    bench.start({"a": 1})
    bench.registrar.failures = [no()]
    with monkeypatch.context() as broken:
        broken.setattr(moving, "undo_all", full)
        result = bench.run(config={"a": 2})
    assert "cannot be put back" in result.failure.message and "No space left on device" in result.failure.message
    assert PUT_BACK not in result.failure.message and result.changed and bench.text() == "a: 2\n"
    again = bench.run(config={"a": 1})
    assert again.changed and "sensu" in again.warnings[0] and "interrupted" in again.warnings[0]
    assert bench.text() == "a: 1\n" and bench.files() == ["sensu.yaml"]


def test_a_database_that_keeps_its_opinion_is_a_failure(bench):
    bench.start({"a": 1})
    bench.registrar.config = lambda _ref: {"a": 1}
    result = bench.run(config={"a": 2})
    assert result.failure.step == "verify" and "does not have the config of sensu" in result.failure.message
    assert result.failure.message.endswith(PUT_BACK) and bench.text() == "a: 1\n" and not result.changed


def test_an_interruption_puts_the_file_back(bench):
    bench.start({"a": 1})
    bench.registrar.failures = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        bench.run(config={"a": 2})
    assert bench.text() == "a: 1\n" and bench.files() == ["sensu.yaml"]
    assert [call[2] for call in bench.registrar.calls] == ["a: 2\n", "a: 1\n"]


def test_a_record_of_another_server_is_not_believed(bench):
    bench.registrar.reads = False
    bench.start({"a": 1})
    bench.registrar.by = "elsewhere"
    result = bench.run(config={"a": 1})
    assert result.changed and bench.record()["config"] == bench.told("a: 1\n")
    assert not bench.run(config={"a": 1}).changed


def test_without_a_pack_nothing_is_registered(bench):
    result = bench.run(pack="other", config={"a": 1})
    assert result.failure is None and bench.registrar.calls == [] and bench.records.read("other") == {}


def test_an_empty_config_is_registered_before_the_file_goes(bench):
    bench.start({"a": 1})
    before = bench.vouch()
    result = bench.run(state="absent")
    assert (result.changed, result.returned["database_state"]) == (True, "absent")
    assert bench.registrar.calls == [("register", ("config",), "{}\n")] and bench.files() == []
    assert bench.record() == {"pack": before, "config": Told(NO_CONFIG, "http://st2")}


def test_where_the_schema_refuses_an_empty_config_a_carrier_goes_first(strict):
    strict.start({"a": 1})
    result = strict.run(state="absent")
    assert (result.changed, result.returned["database_state"]) == (True, "absent")
    assert strict.registrar.calls == [("register", ("config",), "{}\n"), ("register", ("config",), None)]
    carrier, pack = strict.registrar.paths
    assert pack == str(strict.scratch.packs / "sensu") and not os.path.exists(carrier)
    assert strict.registrar.rows == {"sensu": {"config": {}}} and strict.files() == []
    assert strict.record()["config"] == Told(NO_CONFIG, "http://st2")


def test_a_pack_that_is_not_here_is_unloaded(bench):
    bench.registrar.set({"gone": {"config": {"a": 1}}})
    (bench.scratch.configs / "gone.yaml").write_text("a: 1\n")
    result = bench.run(pack="gone", state="absent")
    assert (result.failure, result.changed, result.returned["database_state"]) == (None, True, "absent")
    assert bench.registrar.rows == {} and bench.files() == [] and bench.records.read("gone") == {}


def test_a_removal_that_fails_puts_file_and_database_back(strict):
    strict.start({"a": 1})
    strict.registrar.failures = [no()]
    result = strict.run(state="absent")
    assert result.failure.message.endswith(PUT_BACK) and (result.changed, strict.text()) == (False, "a: 1\n")
    assert strict.registrar.calls[-1] == ("register", ("config",), "a: 1\n")
    assert strict.registrar.rows == {"sensu": {"config": {"a": 1}}}
    assert result.returned["database_state"] == "current"


def test_a_file_that_may_not_be_given_away_changes_nothing(bench, monkeypatch):
    def refuse(_descriptor, _uid, _gid):
        raise PermissionError(1, "Operation not permitted")

    bench.start({"a": 1})
    monkeypatch.setattr(os, "fchown", refuse)
    result = bench.run(config={"a": 2})
    assert "Run with become" in result.failure.message and result.failure.step == "apply"
    assert bench.text() == "a: 1\n" and bench.registrar.calls == [] and bench.files() == ["sensu.yaml"]


@pytest.mark.parametrize("reads", [True, False], ids=["api", "local"])
@pytest.mark.parametrize(
    "schema, before, options, wanted",
    [
        (FREE, None, {"config": {"a": 1}}, {"a": 1}),
        (FREE, {"a": 1}, {"config": {"a": 2}, "backup": True}, {"a": 2}),
        (FREE, {"a": 1}, {"state": "absent"}, None),
        (STRICT, {"a": 1}, {"state": "absent"}, None),
    ],
    ids=["create", "change", "clear", "carrier"],
)
def test_whatever_a_kill_leaves_the_next_run_puts_right(tmp_path, reads, schema, before, options, wanted):
    bench = Bench(tmp_path, schema, reads)
    number = 1
    while True:
        bench.start(before)
        if not is_killed(number, lambda: bench.run(**options)):
            break
        assert (bench.text() and yaml.safe_load(bench.text())) in (before, wanted, {})
        left, rows = bench.scratch.snapshot(identity=True), bench.registrar.rows
        predicted = bench.run(check=True, **options)
        assert compare(left, bench.scratch.snapshot(identity=True)) == ([], [], []) and bench.registrar.rows == rows
        done = bench.run(**options)
        assert done.failure is None, done.failure.message
        assert (done.changed, done.msg, done.diff) == (predicted.changed, predicted.msg, predicted.diff), number
        assert done.returned["database_state"] == predicted.returned["database_state"], number
        assert (bench.text() and yaml.safe_load(bench.text())) == wanted
        assert (bench.registrar.rows["sensu"]["config"] or None) == wanted
        again = bench.run(**options)
        assert (again.changed, again.returned["database_state"]) == (False, done.returned["database_state"])
        assert [name for name in bench.files() if not name.endswith("~")] == (["sensu.yaml"] if wanted else [])
        number += 1
    assert number > 8
