# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of hostile input share: one arena for each worker, swept after every test."""

from __future__ import annotations

import shutil
import sys
import tempfile
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from faults.kill import quick_directory
from hostile.arena import Arena


@pytest.fixture(scope="session")
def lasting_arena() -> t.Iterator[Arena]:
    path = Path(tempfile.mkdtemp(prefix="hostile-", dir=quick_directory()))
    path.chmod(0o755)
    arena = Arena(path)
    yield arena
    arena.stop()
    shutil.rmtree(path)


@pytest.fixture
def arena(lasting_arena: Arena) -> t.Iterator[Arena]:
    """The arena of this worker; see `Arena`."""
    yield lasting_arena
    lasting_arena.clear()
