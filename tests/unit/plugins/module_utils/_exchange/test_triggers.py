# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A burst of pushes makes one run, and what is pushed during a run makes another."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.settings import settings_from
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.triggers import PUSHED, UPDATE, take_triggers


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "triggers").mkdir()
    return settings_from({"url": "https://a", "root": str(tmp_path), "hosted": ["a"]})


def age(path, seconds):
    os.utime(path, (path.stat().st_atime, path.stat().st_mtime - seconds))


def test_what_was_left_alone_is_taken_at_once(settings, tmp_path):
    pushed = tmp_path / "triggers/pushed"
    pushed.touch()
    age(pushed, 10)
    slept = []
    assert take_triggers(settings, (UPDATE, PUSHED), sleep=slept.append) == [PUSHED]
    assert not pushed.exists() and slept == []
    assert take_triggers(settings, (PUSHED,), sleep=slept.append) == [] == slept


def test_a_burst_is_waited_for(settings, tmp_path, monkeypatch):
    pushed = tmp_path / "triggers/pushed"
    pushed.touch()
    clock = [0.0]
    monkeypatch.setattr(
        "ansible_collections.stackstorm.st2.plugins.module_utils._exchange.triggers.time.monotonic", lambda: clock[0]
    )
    moments = []

    def sleep(seconds):
        clock[0] += seconds
        moments.append(clock[0])
        if len(moments) == 5:
            os.utime(pushed, ns=(0, pushed.stat().st_mtime_ns + 10**9))

    assert take_triggers(settings, (PUSHED,), sleep=sleep) == [PUSHED]
    assert moments[-1] == pytest.approx(1.0 + 2.0), "two seconds after it was touched last"


def test_one_that_never_ends_gets_a_run_too(settings, tmp_path, monkeypatch):
    pushed = tmp_path / "triggers/pushed"
    pushed.touch()
    clock = [0.0]
    monkeypatch.setattr(
        "ansible_collections.stackstorm.st2.plugins.module_utils._exchange.triggers.time.monotonic", lambda: clock[0]
    )

    def sleep(seconds):
        clock[0] += seconds
        os.utime(pushed, ns=(0, pushed.stat().st_mtime_ns + 10**9))

    assert take_triggers(settings, (PUSHED,), sleep=sleep) == [PUSHED]
    assert clock[0] == pytest.approx(60, abs=1)


def test_one_that_cannot_be_removed_is_said(settings, tmp_path):
    (tmp_path / "triggers/pushed").mkdir()
    age(tmp_path / "triggers/pushed", 10)
    with pytest.raises(ApplyError, match="triggers/pushed asks for a run and cannot be removed"):
        take_triggers(settings, (PUSHED,))
