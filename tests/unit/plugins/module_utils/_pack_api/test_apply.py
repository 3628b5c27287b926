# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One execution per pack: its status decides, and its tasks tell why. A client with canned answers."""

from __future__ import annotations

import json

import pytest
from infrastructure.real_data import MISSING, real_data

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import (
    ApplyError,
    DeadlineError,
    ForbiddenError,
    GatewayTimeoutError,
    InvalidPackError,
    RegistrationError,
    SourceError,
    UnexpectedAnswerError,
    UnreachableError,
    VirtualenvError,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import PackPlan, State
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.apply import Executor
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.plan import Step
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor

CANARY = "c4n4ry"
DATA = real_data()
NUMBER = "6b0227691960bbf4e56d26e9"


class Client:
    """Answers as it is told.

    :arg answers: Of C(GET /executions/ID), one after another; the last one stays.
    :arg tasks: Of C(GET /executions).
    """

    url = "https://st2.example.com/api/v1"

    def __init__(self, *answers, tasks=(), started=None, seconds=30):
        self.deadline = Deadline(seconds)
        self.answers = list(answers)
        self.tasks = tasks
        self.started = {"execution_id": NUMBER} if started is None else started
        self.posts = []
        self.deleted = []

    def post(self, path, body):
        self.posts.append((path, body))
        if isinstance(self.started, Exception):
            raise self.started
        return self.started

    def get(self, path, params=None):
        if path == "/executions":
            assert params["parent"] == NUMBER
            answer = self.tasks
        else:
            assert path == f"/executions/{NUMBER}"
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def delete(self, path):
        self.deleted.append(path)

    def with_deadline(self, _deadline):
        return self

    def close(self):
        pass


def ended(status="succeeded", **result):
    return {"status": status, "result": result}


def installed(*refs, status="succeeded", **more):
    return ended(status, output={"packs_list": list(refs), "message": "Successfully installed packs"}, **more)


def task(action, status="succeeded", stderr="", result=None):
    return {
        "id": "1",
        "action": {"ref": action},
        "status": status,
        "result": {"stderr": stderr, "result": result, "exit_code": 1},
    }


def step(ref="sensu", spec="sensu=1.0.2", action="install", before=None):
    return Step(PackPlan(ref, ref, action, "unknown", "", State(before) if before else None, None), spec)


def carry_out(client, what=None, **options):
    executor = Executor(client, Redactor([CANARY]), poll_seconds=0.001, **options)
    try:
        return executor.carry_out(what or step()), executor
    except Exception as error:
        error.executor = executor
        raise


def failure(kind, client, what=None):
    with pytest.raises(kind) as caught:
        carry_out(client, what)
    assert caught.type is kind and caught.value.ref == (what or step()).ref
    return caught.value


def test_one_pack_is_asked_for_without_its_dependencies():
    client = Client({"status": "requested"}, {"status": "running"}, installed("sensu"))
    refs, executor = carry_out(client)
    assert refs == ("sensu",) and executor.touched == {"sensu"}, "until somebody has looked"
    assert client.posts == [("/packs/install", {"packs": ["sensu=1.0.2"], "skip_dependencies": True})]
    carry_out(client, force=True)
    assert client.posts[-1][1]["force"] is True


def test_a_removal_has_no_output():
    client = Client(ended(tasks=[], published={}))
    assert carry_out(client, step(spec="sensu", action="remove"))[0] == ()
    assert client.posts == [("/packs/uninstall", {"packs": ["sensu"]})]


OVERRIDE = "You can override this restriction by the force flag."
FRAMES = 'Traceback (most recent call last):\n  File "/x.py", line 1, in run\n'


@pytest.mark.parametrize(
    ("action", "stderr", "kind"),
    [
        ("packs.download", "ValueError: no such tag\n", SourceError),
        ("packs.download", f'ValueError: Pack "sensu" requires another. {OVERRIDE}\n', InvalidPackError),
        ("packs.setup_virtualenv", "Exception: pip failed\n", VirtualenvError),
        ("packs.load", "HTTPError: 400 Client Error\n", RegistrationError),
        ("packs.other", "Exception: what\n", ApplyError),
    ],
)
def test_the_task_that_failed_says_what_kind_of_failure_it_is(action, stderr, kind):
    tasks = [task("core.noop"), task(action, "failed", f"DEBUG of little use\n{FRAMES}{stderr}")]
    # A message of success beside it counts nothing, as with content that cannot be registered.
    client = Client(installed("sensu", status="failed"), tasks=tasks)
    error = failure(kind, client)
    assert stderr.strip() in error.message and "/x.py" not in error.message and "DEBUG" not in error.message
    assert f"execution {NUMBER} ended with status failed in {action}" in error.message
    undone = [] if action == "packs.download" else [("/packs/uninstall", {"packs": ["sensu"]})]
    assert client.posts[1:] == undone and bool(error.executor.touched) is bool(undone) and error.executor.began


@pytest.mark.parametrize(
    "stderr",
    [
        "DEBUG    Removing existing pack sensu in /opt/stackstorm/packs/sensu to replace.\n",
        "DEBUG    Moving pack from /root/.st2packs/1 to /opt/stackstorm/packs/.\n",
        '  File "/pack_management.py", line 340, in apply_pack_permissions\n',
        '  File "/pack_management.py", line 300, in move_pack\n',
    ],
)
def test_a_download_that_fails_when_the_old_files_are_gone_is_undone(stderr):
    tasks = [task("packs.download", "failed", f"{stderr}{FRAMES}FileNotFoundError: no target of a link\n")]
    client = Client(ended("failed"), ended("succeeded"), tasks=tasks)
    error = failure(SourceError, client)
    assert error.message.endswith("sensu was removed again.") and error.executor.touched == set()


@pytest.mark.parametrize(
    ("before", "spec", "undone", "said"),
    [
        (None, "sensu=1.0.2", {"packs": ["sensu"]}, "sensu was removed again"),
        ("1.0.1", "sensu=1.0.2", {"packs": ["sensu=1.0.1"]}, "sensu=1.0.1 was installed again"),
        ("1.0.1", "https://h/o/x", {"packs": ["https://h/o/x=1.0.1"]}, "https://h/o/x=1.0.1 was installed again"),
        ("0.1", "sensu=1.0.2", None, "not a release that can be restored"),
    ],
)
def test_how_a_failure_is_undone(before, spec, undone, said):
    client = Client(ended("failed"), ended("succeeded"), tasks=[task("packs.load", "failed")])
    error = failure(RegistrationError, client, step(spec=spec, before=before))
    assert said in error.message and error.executor.touched == (set() if undone else {"sensu"})
    extra = {"skip_dependencies": True, "force": True} if before else {}
    assert [body for _path, body in client.posts[1:]] == ([{**undone, **extra}] if undone else [])


def test_a_failure_that_cannot_be_undone():
    client = Client(ended("failed"), UnreachableError("It is gone."), tasks=[task("packs.load", "failed")])
    error = failure(RegistrationError, client)
    assert "sensu could not be put back: It is gone." in error.message and error.executor.touched == {"sensu"}


def test_a_removal_that_fails_is_not_undone():
    client = Client(ended("failed"), tasks=[task("packs.delete", "failed", "OSError: a link\n")])
    error = failure(ApplyError, client, step(spec="sensu", action="remove"))
    assert len(client.posts) == 1 and error.executor.touched == {"sensu"}


def test_secrets_and_configs_in_what_stackstorm_says():
    dump = (
        f'ValueError: Failed validating attribute "key" in config for pack "sensu" (/x.yaml): \'{CANARY}\' is not '
        "of type 'integer'\n\nFailed validating 'type' in schema['properties']['key']:\n    {'type': 'integer'}\n\n"
        "On instance:\n    'other-secret'\n"
    )
    tasks = [task("packs.load", "failed", f"Traceback (most recent call last):\n  File x\n{dump}")]
    error = failure(RegistrationError, Client(ended("failed"), tasks=tasks))
    assert "Failed validating attribute" in error.message
    assert CANARY not in error.message and "other-secret" not in error.message


def test_a_config_that_does_not_fit_is_suspected():
    stderr = "HTTPError: 500 Server Error: Internal Server Error MESSAGE: Internal Server Error\n"
    error = failure(RegistrationError, Client(ended("failed"), tasks=[task("packs.load", "failed", stderr)]))
    assert "config of sensu" in error.message


@pytest.mark.parametrize("tasks", [UnreachableError("gone"), {"not": "a list"}, []])
def test_without_tasks_the_result_of_the_workflow_tells(tasks):
    told = [{"task_id": "download_pack", "result": {"stderr": "ValueError: no such tag\n", "result": "None"}}]
    error = failure(ApplyError, Client(ended("failed", errors=told), tasks=tasks))
    assert "no such tag" in error.message
    chain = [{"name": "unregister packs", "result": {"stderr": "ValueError: not this pack\n"}}]
    removal = step(spec="sensu", action="remove")
    error = failure(ApplyError, Client(ended("failed", tasks=chain), tasks=tasks), removal)
    assert "not this pack" in error.message and "could not remove sensu" in error.message


@pytest.mark.parametrize("status", ["failed", "timeout", "canceled", "abandoned"])
def test_every_end_but_success_is_a_failure(status):
    assert f"status {status}" in failure(ApplyError, Client(installed("sensu", status=status))).message


@pytest.mark.parametrize("output", [None, {"packs_list": None}, {"packs_list": []}, 5])
def test_success_that_installed_nothing(output):
    tasks = [task("packs.download", result={"sensu": 'No record of the "sensu" pack in the index.'})]
    error = failure(SourceError, Client(ended(output=output), tasks=tasks))
    assert 'installed nothing: No record of the "sensu" pack' in error.message


@pytest.mark.parametrize(
    ("lost", "unknown"),
    [(GatewayTimeoutError("504."), True), (UnreachableError("Reset."), True), (ForbiddenError("No."), False)],
)
def test_a_request_whose_answer_is_lost_may_have_begun(lost, unknown):
    error = failure(type(lost), Client(ended(), started=lost))
    assert ("It is not known whether" in error.message) is unknown
    assert (error.executor.began, error.executor.touched) == (unknown, {"sensu"} if unknown else set())


def test_an_answer_without_an_execution():
    for started in ({}, [], {"execution_id": 5}):
        error = failure(UnexpectedAnswerError, Client(ended(), started=started))
        assert error.executor.touched == set()


def test_time_that_runs_out():
    client = Client({"status": "running"}, seconds=0.5)
    error = failure(DeadlineError, client)
    assert client.deleted == [f"/executions/{NUMBER}"] and "was cancelled" in error.message
    assert "were not undone" in error.message and error.executor.touched == {"sensu"}


def test_a_stackstorm_that_goes_away():
    error = failure(UnreachableError, Client(UnreachableError("It is gone.")))
    assert error.message == f"It is gone. Execution {NUMBER} of packs.install may still be running."
    assert error.executor.touched == {"sensu"}


# What a real StackStorm 3.9.0 answered


def recorded(number):
    """A client that answers as in the recordings of one installation or removal."""
    start, execution, tasks = (
        json.loads(next((DATA / "st2-api").glob(f"{number + offset}-*.json")).read_text())["response"]["body"]
        for offset in range(3)
    )
    client = Client(execution, tasks=tasks, started={"execution_id": NUMBER})
    assert start["execution_id"] == execution["id"]
    return client


@pytest.mark.skipif(DATA is None, reason=MISSING)
@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (35, SourceError, 'No record of the "nosuchpack" pack in the index'),
        (38, SourceError, '"nosuchref" is not a valid version, hash, tag or branch in file:///srv/packs/demo_rich'),
        (41, SourceError, 'Local pack directory "/srv/packs/nosuchrepo" doesn\'t exist'),
        (101, InvalidPackError, 'requires StackStorm ">=99.0.0", but current version is "3.9.0"'),
        (107, InvalidPackError, "requires Python 2.x"),
        (110, RegistrationError, "RunnerType nosuch-runner is not found"),
        (65, ApplyError, "status failed"),
    ],
)
def test_the_failures_of_a_real_stackstorm(number, kind, said):
    error = failure(kind, recorded(number))
    assert said in error.message and "Traceback" not in error.message and "site-packages" not in error.message


@pytest.mark.skipif(DATA is None, reason=MISSING)
def test_the_successes_of_a_real_stackstorm():
    assert carry_out(recorded(29))[0] == ("demo_rich",)
    assert carry_out(recorded(32))[0] == ("demo_t1",)
    assert carry_out(recorded(136), step(spec="demo_t2", action="remove"))[0] == ()
    error = failure(RegistrationError, recorded(143), step("core", "core", "remove"))
    assert "Unregister includes an unregisterable pack - core" in error.message
