# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A run in a fork is a run: the same result as in a process of its own, and nothing of it in the next one."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from infrastructure.ansible_run import run_module_directly
from infrastructure.packs import PackTree
from infrastructure.st2_host import ScratchHost
from infrastructure.warm_modules import warm_modules

pytest.importorskip("ansible", reason="ansible-core is missing: pip install ansible-core")


def refs(host: ScratchHost) -> t.List[str]:
    return [pack["ref"] for pack in warm_modules.run("st2_pack_info", {}, host=host)["packs"]]


def test_it_gives_what_a_process_of_its_own_gives(tmp_path: Path) -> None:
    host, empty = ScratchHost(tmp_path / "host"), ScratchHost(tmp_path / "empty")
    host.place(PackTree("alpha", "1.0.0"), "alpha")
    for arguments in ({}, {"name": ["alpha", "nosuch"]}, {"wnat": 1}):
        warm = warm_modules.run("st2_pack_info", arguments, host=host, check=True)
        direct = run_module_directly("st2_pack_info", arguments, host=host, check=True)
        assert (dict(warm), warm.rc, warm.stderr) == (dict(direct), direct.rc, direct.stderr)
        assert warm.seconds > 0
    assert "alpha" in refs(host)
    assert "alpha" not in refs(empty)


def test_a_run_that_takes_too_long_is_ended_and_the_next_one_runs(tmp_path: Path) -> None:
    host = ScratchHost(tmp_path / "host")
    with pytest.raises(subprocess.TimeoutExpired):
        warm_modules.run("st2_pack_info", {}, host=host, timeout=0)
    assert "core" in refs(host)
