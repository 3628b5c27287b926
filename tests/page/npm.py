# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests of pages take from npm, as C(tests/toolchain/page_tools.py) installs it."""

from __future__ import annotations

from pathlib import Path

import pytest
from infrastructure.real_data import REPOSITORY

PACKAGES = REPOSITORY / ".cache" / "npm" / "node_modules"


def tool(path: str) -> Path:
    """A file of a package; the test is skipped where that is not installed."""
    if not (PACKAGES / path).exists():
        pytest.skip(f"{path.partition('/')[0]} is not here: make page installs it, if npm can")
    return PACKAGES / path
