# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boundary to Ansible: results, errors, warnings and secrets on their way out; who may go on in another Python."""

from __future__ import annotations

import json
import os
import re
import sys
import syslog
from dataclasses import replace

import pytest
from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    host_options,
    pack_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    HostError,
    MissingLibraryError,
    OptionError,
    SourceError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Result

SPEC = pack_options().merge(access_options()).merge(registration_options()).merge(host_options())
CANARY = "c4n4ry"

needs_ansible = pytest.mark.needs_ansible


class Answer(dict):
    """What a module printed; ``rc`` is its exit status, ``log`` what it sent to syslog."""

    rc = 0
    log = ""


@pytest.fixture(scope="module")
def host(tmp_path_factory):
    return ScratchHost(tmp_path_factory.mktemp("host"))


@pytest.fixture
def run(host, tmp_path, capsys, monkeypatch):
    """Runs a real AnsibleModule around some work, in this process."""
    from ansible.module_utils import _internal, basic
    from ansible.module_utils.common.parameters import PASS_VARS
    from ansible.module_utils.testing import patch_module_args

    from ansible_collections.stackstorm.st2.plugins.module_utils import _runner

    logged = []
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(basic, "has_journal", False)
    # Where tests of plugins have made this process a controller, warnings would go elsewhere.
    monkeypatch.setattr(_internal, "is_controller", False)
    monkeypatch.setattr(syslog, "syslog", lambda *arguments: logged.append(str(arguments)))
    umask = os.umask(0o077)

    def go(work, check=False, diff=False, **params):
        internal = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": str(tmp_path)}
        if "inject_invocation" in PASS_VARS:
            internal["_ansible_inject_invocation"] = True  # As with -vvv; before 2.21 always.
        internal["_ansible_keep_remote_files"] = True  # Else each leaves a clean-up for the end of this process.
        given = {"name": ["demo"], "st2_conf": str(host.st2_conf), **params, **internal}
        given = {option: value for option, value in given.items() if value is not None}
        with patch_module_args(given), pytest.raises(SystemExit) as ended:
            _runner.run_module(SPEC, work)
        answer = Answer(json.loads(capsys.readouterr().out))
        # From 2.22 on, what Ansible on the controller is to mask; it takes that out before anybody sees a result.
        answer.pop("_ansible_new_secrets", None)
        answer.rc, answer.log = ended.value.code, "\n".join(logged)
        return answer

    yield go
    os.umask(umask)


def raising(error):
    def work(_task):
        raise error

    return work


# What comes out


@needs_ansible
def test_a_result_comes_out_as_it_is(run):
    returned = {"packs": [{"ref": "demo", "changed": True}], "database_state": "unknown"}
    answer = run(lambda _task: Result(changed=True, msg="demo 1.0.0 abc", returned=returned))
    assert (answer.rc, answer["changed"], answer["msg"]) == (0, True, "demo 1.0.0 abc")
    assert (answer["packs"], answer["database_state"]) == (returned["packs"], "unknown")
    assert not {"failed", "step", "stderr", "diff", "warnings", "exception"} & set(answer)


@needs_ansible
def test_what_is_null_empty_or_as_it_was_comes_out_with_verbosity_only(run):
    inner = {"name": "token", "default": [{"a": None}], "enum": None}
    row = {
        "ref": "demo",
        "before": "1",
        "after": "1",
        "changed": False,
        "count": 0,
        "text": "",
        "config": {"url": None},
    }
    other = {"before": None, "after": None, "edits": [], "counts": {}, "attributes": [inner], "names": [None, ""]}
    returned = {"packs": [row, other], "missing": [], "backup_file": None, "registration": {"by": None, "counts": {}}}
    short = run(lambda _task: Result(returned=returned))
    assert short["packs"] == [
        {"ref": "demo", "after": "1", "changed": False, "count": 0, "text": "", "config": {"url": None}},
        {"attributes": [{"name": "token", "default": [{"a": None}]}], "names": [None, ""]},
    ]
    assert (short["missing"], short["registration"]) == ([], {}) and "backup_file" not in short
    for internal in ({"_ansible_verbosity": 1}, {"_ansible_module_name": "stackstorm.st2.st2_pack_info"}):
        whole = run(lambda _task: Result(returned=returned), **internal)
        assert {key: whole[key] for key in returned} == returned


@needs_ansible
@pytest.mark.parametrize("diff", [True, False])
def test_a_diff_comes_out_when_it_is_wanted(run, diff):
    entry = {"before_header": "demo", "before": "1.0.0\n", "after": "1.1.0\n"}
    answer = run(lambda _task: Result(changed=True, diff=[entry]), diff=diff)
    assert answer.get("diff") == ([entry] if diff else None)
    assert "diff" not in run(lambda _task: Result(), diff=diff)


@needs_ansible
@pytest.mark.parametrize(
    ("error", "step"),
    [
        (OptionError("It cannot be used."), "options"),
        (SourceError("It cannot be fetched.", stderr="fatal: no"), "fetch"),
        (SourceError("It cannot be fetched.", step="index"), "index"),
    ],
)
def test_an_error_that_is_raised_fails_the_task(run, error, step):
    answer = run(raising(error))
    assert (answer.rc, answer["failed"], answer["changed"]) == (1, True, False)
    assert (answer["msg"], answer["step"]) == (error.message, step)
    assert answer.get("stderr", "") == error.stderr


@needs_ansible
def test_a_failure_with_a_result_returns_both(run):
    failure = SourceError("It cannot be fetched.", stderr="fatal: no", ref="demo")
    result = Result(changed=True, msg="never shown", returned={"packs": [{"ref": "demo"}]}, failure=failure)
    result.warnings.append("An earlier run was interrupted.")
    answer = run(lambda _task: result)
    assert (answer.rc, answer["failed"], answer["changed"]) == (1, True, True)
    assert (answer["msg"], answer["step"], answer["stderr"]) == ("It cannot be fetched.", "fetch", "fatal: no")
    assert answer["packs"] == [{"ref": "demo"}]
    assert "An earlier run was interrupted." in str(answer["warnings"])


@needs_ansible
def test_a_host_that_cannot_be_read(run, tmp_path):
    answer = run(lambda _task: Result(), st2_conf=str(tmp_path / "none.conf"))
    assert (answer["failed"], answer["step"]) == (True, HostError.default_step)
    assert f"{tmp_path}/none.conf" in answer["msg"]


@needs_ansible
def test_a_host_is_read_only_for_work_on_it(run, tmp_path):
    hosts = []

    def work(task):
        hosts.append(task.found_host)
        return Result(msg="done")

    answer = run(work, st2_conf=str(tmp_path / "none.conf"), backend="api")
    assert (answer.rc, answer["msg"], hosts) == (0, "done", [None])
    answer = run(lambda task: Result(msg=task.host.base_path), backend="api")
    assert (answer["failed"], answer["step"]) == (True, HostError.default_step)


@needs_ansible
def test_warnings_come_out_once(run):
    answer = run(lambda _task: Result(warnings=["One.", "Two.", "One."]))
    text = json.dumps(answer["warnings"])
    assert (text.count("One."), text.count("Two.")) == (1, 1)


@needs_ansible
def test_a_mistake_in_the_code_is_told_as_one_without_what_was_in_hand(run):
    def work(task):
        raise KeyError(f"no {task.params['token']} here")

    answer = run(work, token=CANARY)
    assert (answer.rc, answer["failed"]) == (1, True)
    assert "bug in stackstorm.st2" in answer["msg"] and "KeyError: 'no ******** here'" in answer["msg"]
    assert CANARY not in json.dumps(answer) and CANARY not in answer.log


@needs_ansible
def test_a_lone_user_name_may_be_a_token(run):
    answer = run(lambda task: Result(msg=task.redactor.text(f"with {CANARY}")), username=CANARY)
    assert answer["msg"] == "with ********" and CANARY not in json.dumps(answer) and CANARY not in answer.log
    answer = run(lambda task: Result(msg=task.redactor.text("by me2")), username="me2", token="hunter22")
    assert answer["msg"] == "by me2" and answer["invocation"]["module_args"]["username"] == "me2"


@needs_ansible
def test_names_that_are_no_text_can_be_printed(run):
    answer = run(lambda _task: Result(msg=os.fsdecode(b"caf\xe9"), returned={"edits": [os.fsdecode(b"extra \xff")]}))
    assert answer["msg"].startswith("caf") and answer["edits"][0].startswith("extra ")
    json.dumps(answer, ensure_ascii=False).encode()


# What goes in


@needs_ansible
@pytest.mark.parametrize("check", [True, False])
def test_the_task_has_what_it_needs(run, host, check, monkeypatch):
    monkeypatch.setenv("ST2_TEST_MARK", "seen")
    tasks = []

    def work(task):
        tasks.append(task)
        with open(f"{task.scratch}/x", "w") as stream:
            stream.write("x")
        assert os.stat(task.scratch).st_mode & 0o077 == 0
        os.mkdir(f"{task.scratch}/made")
        assert os.stat(f"{task.scratch}/made").st_mode & 0o777 == 0o755
        return Result()

    run(work, check=check, name=["demo=1.0.0"], timeout="30")
    (task,) = tasks
    assert (task.params["name"], task.params["timeout"], task.params["state"]) == (["demo=1.0.0"], 30, "present")
    assert (task.check, task.host.base_path) == (check, str(host.base_path))
    assert task.environment["ST2_TEST_MARK"] == "seen"


@needs_ansible
@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"name": None}, "name, packs"),
        ({"password": "hunter22", "token": "hunter23"}, "mutually exclusive"),
        ({"state": "there"}, "state"),
        ({"nonsense": 1}, "nonsense is no option of"),
        ({"name": None, "namee": "sensu"}, "Did you mean name?"),
        ({"packs": ["sensu"]}, "An item of packs is of type str"),
    ],
)
def test_what_ansible_itself_refuses(run, params, said):
    def never(_task):
        raise AssertionError("the work began")

    answer = run(never, **params)
    assert answer["failed"] and said in answer["msg"]


# Secrets

SECRETS = [
    {"password": CANARY, "username": "me"},
    {"token": CANARY},
    {"name": [f"https://me:{CANARY}@git.example.com/x"]},
    {"name": [f"https://{CANARY}@git.example.com/x"]},
    {"packs": [{"source": f"https://me:{CANARY}@git.example.com/x", "version": "1.0.0"}]},
    {"packs": [{"source": f"https://git.example.com/x?private_token={CANARY}"}]},
    {"index_url": ["https://one.example.com", f"https://me:{CANARY}@two.example.com/index.json"]},
    {"https_proxy": f"http://me:{CANARY}@proxy:3128"},
    {"pip_index_url": f"https://me:{CANARY}@pypi.example.com/simple"},
    {"pip_args": [f"--extra-index-url=https://me:{CANARY}@pypi.example.com/simple"]},
]


@needs_ansible
@pytest.mark.parametrize("params", SECRETS)
@pytest.mark.parametrize("fails", [True, False])
def test_a_secret_comes_out_nowhere(run, params, fails):

    def work(task):
        assert CANARY in str(task.params)
        # What a program wrote has gone through the redactor; what is our own may have an address in it.
        text = task.redactor.text(f"before {CANARY} https://x:{CANARY}@h/ after").replace("********@h", f"x:{CANARY}@h")
        result = Result(
            changed=True,
            msg=text,
            returned={"packs": [{"source": text, "edits": [text], "before": {"version": text}}], "text": text},
            diff=[{"before": text, "after": text}],
            warnings=[text],
        )
        if fails:
            result.failure = SourceError(text, stderr=text)
        return result

    answer = run(work, diff=True, **params)
    assert CANARY not in json.dumps(answer)
    assert CANARY not in answer.log and "Invoked with" in answer.log
    for shown in (answer["msg"], answer["text"], answer["diff"][0]["after"], answer["packs"][0]["edits"][0]):
        assert shown.startswith("before ") and shown.endswith(" after")
    if fails:
        assert answer["stderr"].startswith("before ")


@needs_ansible
@pytest.mark.parametrize("params", [{}, {"state": "nosuch"}], ids=["runs", "refused"])
def test_values_of_hidden_options_are_neither_logged_nor_in_the_invocation(run, monkeypatch, params):
    monkeypatch.setitem(run.__globals__, "SPEC", replace(SPEC, hidden=("packs",)))
    packs = [{"name": CANARY, "version": "1.0.0"}]
    seen = []

    def work(task):
        seen.extend(task.params["packs"])
        return Result(msg="done")

    answer = run(work, packs=packs, **params)
    assert CANARY not in json.dumps(answer) and CANARY not in answer.log
    assert answer["invocation"]["module_args"]["packs"] == "not shown"
    assert answer["invocation"]["module_args"]["name"] == ["demo"]
    assert params or seen[0]["name"] == CANARY


WORDS = ["zabbix", "password", "load", "true", "fetch", "demo", "msg", "/etc/st2/st2.conf", "packs"]
OPTIONS = ("token", "secrets", "username", "url")


@needs_ansible
@pytest.mark.parametrize("option", OPTIONS)
@pytest.mark.parametrize("fails", [True, False])
def test_a_secret_that_is_a_common_word_damages_nothing(run, option, fails):
    for word in WORDS:
        given = {
            "token": {"token": word},
            "secrets": {"packs": [{"name": "demo", "secrets": {"password": word}}]},
            "username": {"username": word},
            "url": {"https_proxy": f"http://me:{word.replace('/', '%2F')}@proxy:3128"},
        }[option]
        row = {"ref": word, "path": f"/opt/{word}", "action": word, "step": word, word: [f"{word}.{word}", 1, True]}
        result = Result(
            msg=f"{word} '{word}': {word}",
            returned={"packs": [row], "step": word},
            diff=[{"before_header": word, "before": f"{word}: '{word}'\n", "after": ""}],
            warnings=[f"'{word}'"],
        )
        if fails:
            result.failure = SourceError(f"{word} '{word}': {word}", step=word, stderr=f"fatal: no {word}")
        answer = run(lambda _task, result=result: result, diff=True, **given)
        shown = {key: answer[key] for key in ("msg", "packs", "step", "diff")}
        assert shown == {"msg": result.msg, "packs": [row], "step": word, "diff": result.diff}
        assert f"'{word}'" in str(answer["warnings"]), word
        assert not fails or answer["stderr"] == f"fatal: no {word}"


@needs_ansible
@pytest.mark.parametrize("params", SECRETS)
def test_options_are_shown_without_their_secrets(run, params):
    arguments = run(lambda _task: Result(), state="absent", **params)["invocation"]["module_args"]
    assert CANARY not in json.dumps(arguments) and arguments["state"] == "absent"


@needs_ansible
def test_a_refused_option_damages_no_message(run):
    packs = [{"name": "demo", "secrets": {"state": "present"}}]
    answer = run(lambda _task: Result(), state="nosuch", token="value", api_key="must", packs=packs)
    assert "value of state must be one of: present" in answer["msg"] and "********" not in answer["msg"]
    answer = run(lambda _task: Result(), packs=[{"name": "demo", "secrets": CANARY}])
    assert answer["failed"] and CANARY not in json.dumps(answer) and CANARY not in answer.log


@needs_ansible
def test_a_mistake_shows_no_hidden_value(run):
    def work(task):
        raise ValueError(f"with {task.params['packs'][0]}")

    answer = run(work, packs=[{"name": "demo", "config": {"a": ["swordfish", 4711]}, "secrets": {"b": "marlin"}}])
    assert answer["step"] == "unexpected" and not {"swordfish", "4711", "marlin"} & set(re.findall(r"\w+", str(answer)))


@needs_ansible
def test_a_secret_that_only_the_work_knew_is_the_works_to_hide(run):
    def work(task):
        task.redactor.add(f"{CANARY}-0123456789")
        text = f"with {CANARY}-0123456789"
        return Result(msg=text, warnings=[text], diff=[{"prepared": text}], failure=SourceError(text, stderr=text))

    assert CANARY not in json.dumps(run(work, diff=True))


# Another Python


class Gone(SystemExit):
    """Ansible's respawn ends the process."""


@pytest.fixture
def respawned(monkeypatch):
    """Notes the interpreters that a module goes on in."""
    from ansible.module_utils.common import respawn as ansible_respawn

    found = []

    def respawn(python):
        found.append(python)
        print("{}")
        raise Gone(0)

    monkeypatch.setattr(ansible_respawn, "respawn_module", respawn)
    return found


@needs_ansible
def test_a_missing_library_goes_on_in_stackstorms_python(run, host, respawned):
    assert run(raising(MissingLibraryError("semver"))).rc == 0
    assert respawned == [f"{host.base_path}/st2/bin/python"]


@needs_ansible
@pytest.mark.parametrize("conf", ["right", "broken", "missing"])
def test_it_goes_on_there_also_for_a_task_about_another_stackstorm(run, host, respawned, tmp_path, conf):
    other = ScratchHost(tmp_path / "other")
    if conf == "broken":
        other.st2_conf.write_text("no settings\n")
    elif conf == "missing":
        other.st2_conf.unlink()
    answer = run(raising(MissingLibraryError("PyYAML")), backend="api", st2_conf=str(other.st2_conf))
    assert answer.rc == 0 and respawned == [str(other.service / "bin/python")]


@needs_ansible
def test_a_library_comes_from_a_stackstorm_python_of_the_same_version_without_another_process(
    run, host, respawned, monkeypatch
):
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    libraries = host.service / "lib" / version / "site-packages"
    libraries.mkdir(parents=True, exist_ok=True)
    (libraries / "only_stackstorm_has_this.py").write_text("ANSWER = 42\n")

    def work(_task):
        try:
            import only_stackstorm_has_this
        except ImportError:
            raise MissingLibraryError("only_stackstorm_has_this") from None
        return Result(msg=f"{only_stackstorm_has_this.ANSWER}")

    assert run(work)["msg"] == "42"
    assert respawned == [] and sys.path[-1] == str(libraries)


@needs_ansible
def test_a_library_that_is_missing_there_too(run, host, respawned, monkeypatch):
    from ansible.module_utils.common import respawn as ansible_respawn

    monkeypatch.setattr(ansible_respawn, "has_respawned", lambda: True)
    answer = run(raising(MissingLibraryError("semver", "Traceback ... No module named semver")))
    assert respawned == [] and answer["failed"]
    assert "semver" in answer["msg"] and sys.executable in answer["msg"]
    assert f"StackStorm's own Python ({host.base_path}/st2/bin/python) lacks it too" in answer["msg"]


@needs_ansible
def test_a_stackstorm_python_that_ansible_does_not_run_on(run, host, respawned, monkeypatch):
    """That of StackStorm 3.8, with an ansible-core after 2.19."""
    from ansible.module_utils import basic

    version = (sys.version_info[0], sys.version_info[1] + 1)
    monkeypatch.setattr(basic, "_PY_MIN", version)
    answer = run(raising(MissingLibraryError("semver")))
    assert respawned == [] and answer["failed"]
    assert f"StackStorm's own Python, {host.base_path}/st2/bin/python, is Python" in answer["msg"]
    assert f"Install it: {sys.executable} -m pip install semver" in answer["msg"]


@needs_ansible
def test_a_missing_library_without_a_stackstorm(run, tmp_path, respawned):
    conf = tmp_path / "etc/st2/st2.conf"
    conf.parent.mkdir(parents=True)
    conf.write_text(f"[system]\nbase_path = {tmp_path}\n")
    answer = run(raising(MissingLibraryError("jsonschema")), st2_conf=str(conf))
    assert respawned == [] and answer["failed"]
    assert "jsonschema" in answer["msg"] and "there is no StackStorm Python on this host" in answer["msg"]


@needs_ansible
def test_a_missing_library_for_work_that_needs_no_stackstorm(run, host, tmp_path, respawned, monkeypatch):
    monkeypatch.setitem(run.__globals__, "SPEC", replace(SPEC, reads_host=False))
    # A missing file of a root directory of its own: the machine may have a StackStorm.
    nowhere = tmp_path / "none/etc/st2/st2.conf"
    answer = run(raising(MissingLibraryError("PyYAML")), st2_conf=str(nowhere))
    assert respawned == [] and answer["failed"]
    assert f"Install it: {sys.executable} -m pip install PyYAML, or on Debian" in answer["msg"]
    assert "apt-get install python3-yaml" in answer["msg"]
    assert run(raising(MissingLibraryError("semver"))).rc == 0
    assert respawned == [f"{host.base_path}/st2/bin/python"], "where one is, nothing has to be installed"


@needs_ansible
@pytest.mark.parametrize(
    "error, says",
    [
        (MemoryError(), "cannot allocate the memory that it needs"),
        (RuntimeError("can't start new thread"), "module cannot start more threads"),
        (UnicodeEncodeError("ascii", "/packs/日本", 7, 8, "ordinal not in range"), "environment: {LC_ALL: C.UTF-8}"),
    ],
)
def test_what_the_host_does_not_give_is_no_mistake_of_the_code(run, monkeypatch, error, says):
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: "ascii")

    def work(_task):
        raise error

    answer = run(work)
    assert (answer.rc, answer["failed"], answer["step"]) == (1, True, HostError.default_step)
    assert says in answer["msg"] and "mistake" not in answer["msg"]
