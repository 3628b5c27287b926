# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the real data lies that tests may read, and that no copy is made of."""

from __future__ import annotations

import os
import typing as t
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
MISSING = "real data is missing: set ST2_TEST_DATA to its folder (the one that holds exchange/index.json)"
"""The reason to give when skipping a test."""


def real_data() -> t.Optional[Path]:
    """Return the folder named by ST2_TEST_DATA, else ``../shared/data`` beside the repository; None where missing."""
    folder = Path(os.environ.get("ST2_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    return folder if (folder / "exchange" / "index.json").is_file() else None
