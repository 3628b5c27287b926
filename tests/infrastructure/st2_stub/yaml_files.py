# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading YAML, quickly."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

_LOADER: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> t.Any:
    """Return what a YAML file says, the last of duplicate keys. Raises PyYAML's errors and OSError."""
    return yaml.load(path.read_bytes(), Loader=_LOADER)
