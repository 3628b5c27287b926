# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who is at work, and of whom one can say that it is not any more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change import liveness
from ansible_collections.stackstorm.st2.plugins.module_utils._change.liveness import owner_from, this_process


@pytest.fixture
def ended():
    """A process of this host that has ended."""
    process = subprocess.Popen(["sleep", "60"])
    owner = replace(this_process("lock"), pid=process.pid, start=liveness.process_start(process.pid))
    assert owner.start.isdigit() and not owner.is_gone()
    process.kill()
    process.wait()
    return owner


def test_what_is_written_is_read_back():
    owner = this_process("0123")
    assert (owner.lock, owner.pid) == ("0123", os.getpid())
    assert owner_from(owner.document()) == owner
    assert not owner.is_gone()


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"pid": "1"}, {"pid": 0}, {"pid": -1}, {"pid": True, "host": 1}, {"pid": 3, "boot": None}],
)
def test_what_makes_no_sense_is_nobody(document):
    assert owner_from(document) is None


def test_a_process_that_ended_is_gone(ended):
    assert ended.is_gone()


@pytest.mark.parametrize("which", ["host_name", "boot_id", "pid_namespace"])
@pytest.mark.parametrize("other", ["another", ""])
def test_of_a_process_elsewhere_nobody_can_say_that(ended, monkeypatch, which, other):
    monkeypatch.setattr(liveness, which, lambda: other)
    assert not ended.is_gone()


def test_a_number_that_is_used_again_is_another_process():
    assert replace(this_process(), start="1").is_gone()


def test_a_process_that_nobody_waited_for_is_gone():
    process = subprocess.Popen(["true"], stdout=subprocess.PIPE)
    owner = replace(this_process(), pid=process.pid, start="")
    process.stdout.read()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert owner.is_gone()
    process.wait()
    process.stdout.close()


def test_a_process_in_another_namespace_is_not_taken_for_one_of_this(ended):
    if os.geteuid() or not shutil.which("unshare"):
        pytest.skip("making a namespace of processes needs root and the program unshare")
    code = (
        f"from {liveness.__name__} import owner_from, this_process\n"
        f"import json; owner = owner_from({ended.document()!r})\n"
        "print(json.dumps([this_process().document(), owner.is_gone(), this_process().is_gone()]))"
    )
    for mounting in (["--mount-proc"], []):
        command = ["unshare", "--pid", "--fork", *mounting, sys.executable, "-c", code]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        done = subprocess.run(command, env=environment, capture_output=True, check=False)
        if b"unshare failed" in done.stderr:
            pytest.skip("this machine does not let root make a namespace of processes")
        assert done.returncode == 0, done.stderr
        inner, gone, itself = json.loads(done.stdout)
        assert owner_from(inner).pid_namespace not in ("", liveness.pid_namespace())
        assert (gone, itself) == (False, False), "it cannot tell of ours, and we not of it"
        assert not owner_from(inner).is_gone(), "though its number is used by another process here, or by none"
