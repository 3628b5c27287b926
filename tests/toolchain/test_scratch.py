# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Temporary files of checks are in memory where that is possible, and nowhere else than where TMPDIR says."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
import scratch


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("TMPDIR", raising=False)
    monkeypatch.setattr(scratch, "MEMORY", tmp_path)
    monkeypatch.setattr(scratch, "ROOM", 0)
    monkeypatch.setattr(scratch, "FREE", 0)
    return tmp_path


def test_each_check_has_its_own_which_is_empty_and_can_be_cleaned(memory: Path) -> None:
    first, second = (scratch.for_check(name) for name in ("units-packs", "units-changes"))
    assert first and second and first != second and first == scratch.for_check("units-packs")
    (memory / "somebodys").mkdir()
    for place in (first, second):
        scratch.empty(place)
        (place / "left").touch()
    scratch.empty(first)
    assert not list(first.iterdir()) and (second / "left").exists()
    scratch.clean()
    assert os.listdir(memory) == ["somebodys"]


@pytest.mark.parametrize(
    "change",
    [
        lambda patch: patch.setenv("TMPDIR", "/somewhere"),
        lambda patch: patch.setattr(scratch, "MEMORY", Path("/nowhere")),
        lambda patch: patch.setattr(scratch, "ROOM", 1 << 60),
        lambda patch: patch.setattr(scratch, "FREE", 1 << 60),
        # Programs cannot be run there.
        lambda patch: patch.setattr(
            "os.statvfs", lambda _path: SimpleNamespace(f_flag=os.ST_NOEXEC, f_bavail=1 << 20, f_frsize=1 << 20)
        ),
    ],
)
def test_elsewhere_the_system_decides(
    monkeypatch: pytest.MonkeyPatch, change: t.Callable[[pytest.MonkeyPatch], None]
) -> None:
    change(monkeypatch)
    assert scratch.for_check("units") is None
