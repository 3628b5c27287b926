# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the Python interpreters on this machine that can make a virtual environment."""

from __future__ import annotations

import glob
import json
import os
import subprocess
import sys
import typing as t
from functools import lru_cache
from pathlib import Path

Version = t.Tuple[int, int]

# Where interpreters lie that may not be on PATH.
PLACES = (
    "~/.pyenv/versions/*/bin",
    "~/.local/share/uv/python/*/bin",
    "/opt/python/*/bin",
    "/usr/local/bin",
    "/usr/bin",
)
OLDEST: Version = (3, 8)
NEWEST: Version = (3, 15)

_PROBE = "import ensurepip, json, sys, venv; print(json.dumps([*sys.version_info[:2], sys.prefix == sys.base_prefix]))"


def directories() -> list[Path]:
    """Every directory to look in, those on PATH first."""
    elsewhere = [
        Path(found) for place in PLACES for found in sorted(glob.glob(os.path.expanduser(place)), reverse=True)
    ]
    return list(dict.fromkeys(_on_path() + elsewhere))


@lru_cache(maxsize=None)
def find() -> dict[Version, Path]:
    """The interpreters from Python 3.8 up by version, each of them started once to see that it works."""
    found: dict[Version, Path] = {}
    for directory in directories():
        for minor in range(OLDEST[1], NEWEST[1] + 1):
            candidate = directory / f"python3.{minor}"
            if (3, minor) not in found and os.access(candidate, os.X_OK) and _works(candidate, (3, minor)):
                found[(3, minor)] = candidate
    return dict(sorted(found.items()))


def newest(lowest: Version, highest: Version = NEWEST) -> Path | None:
    """The newest interpreter between two versions (both included), or None."""
    fitting = [path for version, path in find().items() if lowest <= version <= highest]
    return fitting[-1] if fitting else None


def search_path() -> list[Path]:
    """The directories of PATH, and those of the system behind them."""
    system = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return list(dict.fromkeys([*_on_path(), *map(Path, system)]))


def _on_path() -> list[Path]:
    """PATH without pyenv's shims, which work only inside a pyenv project, and without virtual environments."""
    entries = [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    return [entry for entry in entries if "shims" not in entry.parts and not (entry.parent / "pyvenv.cfg").exists()]


def _works(candidate: Path, version: Version) -> bool:
    try:
        answer = subprocess.run(
            [str(candidate), "-I", "-c", _PROBE], capture_output=True, stdin=subprocess.DEVNULL, timeout=30, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return bool(json.loads(answer.stdout) == [*version, True])


if __name__ == "__main__":
    for number, interpreter in find().items():
        sys.stdout.write(f"{number[0]}.{number[1]} {interpreter}\n")
