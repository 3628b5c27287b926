# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._progress import (
    STOP,
    VARIABLE,
    LongRunError,
    begin,
    finished,
)


def test_the_group_and_what_is_finished_are_in_a_private_file(tmp_path: Path) -> None:
    environment = {VARIABLE: str(tmp_path / "file")}
    for what in ("one 1.0.0 fetched", "two\x1b[2J fetched"):
        begin(environment)
        finished(what, environment)
    expected = [str(os.getpgrp()), "one 1.0.0 fetched", "two\\x1b[2J fetched"]
    assert (tmp_path / "file").read_text().splitlines() == expected
    assert (tmp_path / "file").stat().st_mode & 0o777 == 0o600 and len(list(tmp_path.iterdir())) == 1


def test_a_run_that_shall_stop_or_is_forbidden_begins_nothing(tmp_path: Path) -> None:
    forbidden = tmp_path / "file"
    forbidden.write_text("")
    for value in (STOP, str(forbidden)):
        with pytest.raises(LongRunError) as caught:
            begin({VARIABLE: value})
        assert caught.value.step == "progress"
    assert list(tmp_path.iterdir()) == [forbidden]


def test_without_a_variable_or_a_place_nothing_is_told(tmp_path: Path) -> None:
    for environment in ({}, {VARIABLE: ""}, {VARIABLE: str(tmp_path / "none" / "file")}):
        begin(environment)
        finished("one 1.0.0 fetched", environment)
    assert list(tmp_path.iterdir()) == []
