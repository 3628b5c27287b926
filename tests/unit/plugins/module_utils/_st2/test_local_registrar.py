# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The adapter for st2-register-content, against a program that behaves as that of StackStorm 3.9.0 does."""

from __future__ import annotations

import dataclasses
import json
import sys

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    DeadlineError,
    InvalidContentError,
    RegistrationError,
    UnreachableError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.local_registrar import (
    LocalRegistrar,
    find_program,
    parse_counts,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Registered
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._st2.rest_server import scratch_host

CANARY = "ca-na-ry-7"
# Logs to standard error, as StackStorm does, and notes how it was called.
PROGRAM = """\
#!{python}
import json, os, sys
with open({log!r}, "a") as stream:
    stream.write(json.dumps([sys.argv[1:], dict(os.environ)]) + "\\n")
sys.stderr.write({said!r})
sys.exit({code})
"""
SAID = """\
2026-11-21 23:26:36,001 INFO [-] ############## Registering sensors ######################
2026-11-21 23:26:36,002 INFO [-] Registered 2 sensors.
2026-11-21 23:26:36,003 INFO [-] 0 sensors had their metadata overridden.
2026-11-21 23:26:36,004 INFO [-] Registered 14 runners.
2026-11-21 23:26:36,005 INFO [-] Registered 3 actions.
2026-11-21 23:26:36,006 INFO [-] 1 actions had their metadata overridden.
2026-11-21 23:26:36,007 INFO [-] Registered 3 policy types.
2026-11-21 23:26:36,008 INFO [-] Registered 1 policies.
2026-11-21 23:26:36,009 INFO [-] Registered 1 configs.
"""
INVALID = f"""\
2026-11-21 23:26:36,009 WARNING [-] Failed to register configs: {CANARY}
Traceback (most recent call last):
  File "/opt/stackstorm/st2/bin/st2-register-content", line 22, in <module>
    sys.exit(bootstrap.main(sys.argv[1:]))
jsonschema.exceptions.ValidationError: Failed validating attribute "port" in config for pack "one" (/c/one.yaml): \
'{CANARY}' is not of type 'integer'

Failed validating 'type' in schema['properties']['port']:
    {{'type': 'integer'}}

On instance['port']:
    '{CANARY}'
"""
DOWN = """\
Traceback (most recent call last):
  File "x.py", line 1, in y
pymongo.errors.ServerSelectionTimeoutError: 127.0.0.1:27017: [Errno 111] Connection refused
"""


@pytest.fixture
def host(tmp_path):
    return scratch_host(tmp_path)


@pytest.fixture
def program(tmp_path):
    def make(said=SAID, code=0):
        path = tmp_path / "bin/st2-register-content"
        path.parent.mkdir(exist_ok=True)
        path.write_text(PROGRAM.format(python=sys.executable, log=f"{tmp_path}/log", said=said, code=code))
        path.chmod(0o755)
        return str(path)

    return make


@pytest.fixture
def pack(tmp_path):
    """A pack with some directories of resources, and a file where one could be taken for such."""
    path = tmp_path / "packs/one"
    for name in ("sensors", "actions", "policies", "etc"):
        (path / name).mkdir(parents=True)
    (path / "rules").write_text("")
    return PackFiles("one", str(path))


def calls(tmp_path):
    return [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]


def registrar(program, host, environment=None, seconds=30.0, redactor=None):
    return LocalRegistrar(program, host, environment=environment or {}, deadline=Deadline(seconds), redactor=redactor)


def test_a_pack_is_registered_by_the_flags_for_what_it_has(program, host, pack, tmp_path):
    found = registrar(program(), host).register([pack])
    assert found == Registered(
        {"sensors": 2, "runners": 14, "actions": 3, "policy_types": 3, "policies": 1, "configs": 1}, {"actions": 1}
    )
    ((argv, _environment),) = calls(tmp_path)
    assert argv == [
        "--config-file",
        host.st2_conf,
        "--register-pack",
        pack.path,
        "--register-sensors",
        "--register-actions",
        "--register-policies",
        "--register-configs",
    ]


def test_types_choose_among_them_and_nothing_to_do_starts_nothing(program, host, pack, tmp_path):
    local = registrar(program(), host)
    assert local.register([pack], ["rule", "alias"]) == Registered() and not (tmp_path / "log").exists()
    local.register([pack], ["config", "action", "rule"], fail_on_failure=False)
    ((argv, _environment),) = calls(tmp_path)
    assert argv[4:] == ["--register-actions", "--register-configs", "--register-no-fail-on-failure"]


def test_several_packs_are_several_calls_and_one_answer(program, host, pack, tmp_path):
    other = tmp_path / "packs/two"
    (other / "actions").mkdir(parents=True)
    found = registrar(program(), host).register([pack, PackFiles("two", str(other))])
    assert found.counts["actions"] == 6 and found.counts["runners"] == 14 and found.overridden == {"actions": 2}
    assert [argv[3] for argv, _environment in calls(tmp_path)] == [pack.path, str(other)]
    assert registrar(program(), host).register([]) == Registered()


def test_the_program_gets_the_services_settings_and_no_credentials(program, pack, tmp_path):
    (tmp_path / "etc/default").mkdir(parents=True)
    (tmp_path / "etc/default/st2actionrunner").write_text("ST2_DATABASE__HOST=db\nhttp_proxy=http://p\n")
    host = scratch_host(tmp_path)
    environment = {"ST2_API_KEY": CANARY, "ST2_AUTH_TOKEN": CANARY, "ST2_MESSAGING__URL": "amqp://m", "PATH": "/bin"}
    registrar(program(), host, environment).register([pack])
    ((argv, given),) = calls(tmp_path)
    assert given["ST2_DATABASE__HOST"] == "db" and given["ST2_MESSAGING__URL"] == "amqp://m"
    assert given["LC_ALL"] == "C.UTF-8" and "http_proxy" not in given
    assert CANARY not in json.dumps([argv, given])


def test_an_invalid_config_is_told_without_its_values(program, host, pack):
    with pytest.raises(InvalidContentError) as caught:
        registrar(program(INVALID, 1), host).register([pack])
    error = caught.value
    assert error.ref == "one" and error.step == "register"
    assert error.message.startswith("st2-register-content failed with exit status 1 for one: ")
    assert "the value is not of type 'integer' (rule type at schema['properties']['port'])" in error.message
    assert CANARY not in f"{error.message} {error.stderr} {error.__dict__}"


def test_a_database_that_is_down_is_unreachable(program, host, pack):
    with pytest.raises(UnreachableError, match="cannot reach StackStorm's database or message bus to register one"):
        registrar(program(DOWN, 1), host).register([pack])


def test_known_secrets_and_silence_are_handled(program, host, pack):
    with pytest.raises(RegistrationError) as caught:
        registrar(program(f"ValueError: {CANARY}\n", 1), host, redactor=Redactor([CANARY])).register([pack])
    assert CANARY not in caught.value.message
    with pytest.raises(RegistrationError, match="for one: it said nothing"):
        registrar(program("", 1), host).register([pack])


def test_it_ends_with_the_deadline(host, pack, tmp_path):
    slow = tmp_path / "slow"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    with pytest.raises(DeadlineError):
        registrar(str(slow), host, {"PATH": "/usr/bin:/bin"}, seconds=0.3).register([pack])


def test_what_it_cannot_do_is_an_error_and_not_an_answer(program, host):
    local = registrar(program(), host)
    assert (local.name, local.by, local.reads, local.unloads) == ("local", "local", False, False)
    for method, argument in (("unload", ["one"]), ("versions", ["one"]), ("config", "one")):
        with pytest.raises(RegistrationError, match="Only StackStorm's API can"):
            getattr(local, method)(argument)


def test_the_program_is_found_beside_stackstorms_python_or_on_path(program, host, tmp_path):
    on_path = program()
    system = dataclasses.replace(host, st2_conf="/etc/st2/st2.conf")
    assert find_program(system, {"PATH": "/nowhere"}) is None
    assert find_program(system, {"PATH": f"/nowhere:{tmp_path}/bin"}) == on_path
    assert find_program(host, {"PATH": f"{tmp_path}/bin"}) is None, "a host in a root of its own has its own or none"
    beside = tmp_path / "st2/bin"
    beside.mkdir(parents=True)
    for name in ("python", "st2-register-content"):
        (beside / name).write_text("#!/bin/sh\n")
        (beside / name).chmod(0o755)
    assert find_program(scratch_host(tmp_path), {"PATH": f"{tmp_path}/bin"}) == f"{beside}/st2-register-content"


def test_counts_are_read_whatever_the_log_looks_like():
    assert parse_counts("x Registered 0 rules.\n5 rules had their metadata overridden.") == Registered(
        {"rules": 0}, {"rules": 5}
    )
    assert parse_counts("nothing") == Registered()


# Several packs in one process. StackStorm's own code is what is pretended here, down to its names.

CONFIG = """\
class Conf:
    given = {}
    def set_override(self, name, value, group):
        self.given[(group, name)] = value
class cfg:
    CONF = Conf()
"""
BOOTSTRAP = """\
import json, os, sys
from oslo_config import cfg
LOG, SEEN = {log!r}, []
if {missing!r}:
    raise ImportError("moved")
def note(*words):
    with open(LOG, "a") as stream:
        stream.write(json.dumps([*words, os.getpid()]) + "\\n")
def setup(argv):
    note("setup", argv, sys.argv[1:])
    if {down!r}:
        raise RuntimeError("pymongo.errors.ServerSelectionTimeoutError: refused")
def teardown():
    note("teardown")
def register(name):
    def work():
        path = cfg.CONF.given[("register", "pack")]
        note(name, path)
        if os.path.exists(path + "/dies"):
            os._exit(9)
        if os.path.exists(path + "/bad") and not (os.path.exists(path + "/needs") and SEEN):
            sys.stderr.write("a log line of %s\\n" % path)
            raise ValueError("no runner in %s" % path)
        SEEN.append(path)
        sys.stderr.write("INFO Registered 2 %s.\\nINFO 1 %s had their metadata overridden.\\n" % (name, name))
    return work
for name in ("runners", "triggers", "sensors", "actions", "rules", "aliases", "policies", "configs"):
    globals()["register_" + name] = register(name)
"""


class St2:
    """StackStorm's Python and program in a directory of the test."""

    def __init__(self, directory):
        self.directory = directory

    def install(self, **said):
        bin_, library = self.directory / "st2/bin", self.directory / "library"
        for path in (bin_, library / "st2common/content", library / "oslo_config"):
            path.mkdir(parents=True, exist_ok=True)
        (library / "st2common/content/__init__.py").touch()
        (library / "st2common/__init__.py").touch()
        (library / "oslo_config/__init__.py").write_text(CONFIG)
        flags = {"missing": False, "down": False, **said}
        text = BOOTSTRAP.format(log=f"{self.directory}/joint", **flags)
        (library / "st2common/content/bootstrap.py").write_text(text)
        alone = PROGRAM.format(python=sys.executable, log=f"{self.directory}/log", said=SAID, code=0)
        python = f'#!/bin/sh\nPYTHONPATH={library} exec {sys.executable} "$@"\n'
        for name, content in (("python", python), ("st2-register-content", alone)):
            (bin_ / name).write_text(content)
            (bin_ / name).chmod(0o755)
        return registrar(f"{bin_}/st2-register-content", scratch_host(self.directory))

    def packs(self, *names, **files):
        found = []
        for name in names:
            (self.directory / "packs" / name / "actions").mkdir(parents=True)
            for file in files.get(name, ()):
                (self.directory / "packs" / name / file).touch()
            found.append(PackFiles(name, str(self.directory / "packs" / name)))
        return found

    def joint(self):
        """What the one process did."""
        path = self.directory / "joint"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def alone(self):
        """The packs that had a process of their own."""
        return [argv[3].rpartition("/")[2] for argv, _environment in calls(self.directory)] if (
            self.directory / "log").exists() else []  # fmt: skip


@pytest.fixture
def st2(tmp_path):
    return St2(tmp_path)


def test_several_packs_are_one_process_and_runners_are_registered_once(st2, host):
    local = st2.install()
    packs = st2.packs("one", "two", "three")
    found = local.register(packs, ["config", "action"], fail_on_failure=False)
    assert found == Registered({"runners": 2, "actions": 6, "configs": 6}, {"runners": 1, "actions": 3, "configs": 3})
    setup, *work, teardown = st2.joint()
    assert len({one[-1] for one in st2.joint()}) == 1 and st2.alone() == [] and teardown[0] == "teardown"
    assert setup[2] == ["--config-file", host.st2_conf, "--register-no-fail-on-failure"]
    names = [(name, path.rpartition("/")[2]) for name, path, _pid in work]
    assert names == [("runners", "one"), *((n, p) for p in ("one", "two", "three") for n in ("actions", "configs"))]


def test_one_pack_is_the_program_itself(st2):
    local = st2.install()
    local.register(st2.packs("one"))
    assert st2.joint() == [] and st2.alone() == ["one"]


def test_all_packs_at_fault_are_named_and_the_others_are_registered(st2):
    local = st2.install()
    packs = st2.packs("two", "one", "three", one=["bad"], three=["bad"])
    with pytest.raises(InvalidContentError, match=r"2 of 3 packs .*one: .*no runner in .*three: .*no runner") as caught:
        local.register(packs)
    assert (caught.value.ref, caught.value.taken, list(caught.value.refused)) == ("one", ("two",), ["one", "three"])
    assert "log line" not in caught.value.message and st2.alone() == []


def test_a_pack_that_may_need_a_later_one_gets_a_second_go(st2):
    local = st2.install()
    assert local.register(st2.packs("one", "two", one=["bad"])).counts["actions"] == 5
    assert st2.alone() == ["one"]


def test_where_stackstorms_code_is_another_every_pack_has_its_own_process(st2):
    local = st2.install(missing=True)
    assert local.register(st2.packs("one", "two")).counts["actions"] == 6
    assert st2.alone() == ["one", "two"]


def test_what_the_one_process_left_undone_when_it_died_is_done(st2):
    local = st2.install()
    assert local.register(st2.packs("one", "two", "three", two=["dies"])).counts["actions"] == 2 + 3 + 3
    assert st2.alone() == ["two", "three"]


def test_a_database_that_is_down_is_not_asked_for_every_pack(st2):
    local = st2.install(down=True)
    with pytest.raises(UnreachableError):
        local.register(st2.packs("one", "two"))
    assert st2.alone() == []
