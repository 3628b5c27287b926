# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run has: a place of its own, git with the credentials of the unit, and the key that signs."""

from __future__ import annotations

import os
import threading

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.run import Run, alone
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.settings import settings_from


def settings(tmp_path, **more):
    return settings_from({"url": "https://a", "root": str(tmp_path), "hosted": ["a"], **more})


def test_a_place_of_its_own_is_empty_and_goes_whatever_happens(tmp_path):
    with pytest.raises(RuntimeError), alone(settings(tmp_path), "build") as scratch:
        (tmp_path / "state/scratch-build/left").touch()
        raise RuntimeError
    assert not os.path.exists(scratch)
    os.mkdir(scratch)
    (tmp_path / "state/scratch-build/of-a-run-that-was-killed").touch()
    with alone(settings(tmp_path), "build") as again:
        assert again == scratch and os.listdir(again) == [] and os.stat(again).st_mode & 0o777 == 0o700
        with alone(settings(tmp_path), "update") as other:
            assert other != again, "another kind of run does not wait"


def test_runs_of_one_kind_wait_for_each_other(tmp_path):
    taken = threading.Event()

    def take():
        with alone(settings(tmp_path), "build"):
            taken.set()

    with alone(settings(tmp_path), "build"):
        other = threading.Thread(target=take, daemon=True)
        other.start()
        assert not taken.wait(0.3)
    assert taken.wait(60)
    other.join(60)


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(ApplyError, match=r"cannot write in .*state"), alone(settings(tmp_path), "build"):
        pass


def test_what_the_unit_gives(tmp_path):
    (tmp_path / "credentials").write_text("- {url: https://git.example.com, username: me, password: top-secret}")
    environment = {
        "PATH": os.environ["PATH"],
        "CREDENTIALS_DIRECTORY": str(tmp_path),
        "https_proxy": "http://u:pw-secret@p",
    }
    run = Run(settings(tmp_path, sign_key="sign_key"), str(tmp_path), environment)
    assert run.sign_key == str(tmp_path / "sign_key")
    assert run.git(Deadline(5)).access.credentials("https://git.example.com/a").password == "top-secret"
    anonymous = run.anonymous_git(Deadline(5)).access
    assert not anonymous.credentials("https://git.example.com/a") and anonymous.ssh_key_file is None
    assert anonymous.withholds
    assert run.redactor.text("top-secret pw-secret") == "******** ********"
    assert run.proxy.https == "http://u:pw-secret@p"
    assert Run(settings(tmp_path, sign_key="/etc/key"), str(tmp_path), {}).sign_key == "/etc/key"
    assert Run(settings(tmp_path), str(tmp_path), {}).sign_key is None
