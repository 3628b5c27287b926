# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installing packages by uv, which takes a fraction of pip's time, with what pip is told on this machine."""

from __future__ import annotations

import ast
import os
import subprocess
import typing as t
from pathlib import Path

PIP_OPTIONS = ("--disable-pip-version-check", "--no-input")

# pip's settings that say where packages come from, and what says the same to uv.
_SAME = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "constraint": "UV_CONSTRAINT",
    "no-index": "UV_NO_INDEX",
}


def install_by_uv(python: Path, requirements: t.Sequence[str], uv: Path) -> bool:
    """Install into the environment of an interpreter. False when uv cannot; pip can try then, and say why not.

    :arg requirements: Arguments for C(pip install): packages, or C(-r file).
    """
    command = [str(uv), "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), *requirements]
    inherited = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "PYTHONHOME")}
    environment = {**inherited, "UV_NO_CONFIG": "1", "UV_LINK_MODE": "copy", **uv_variables(_pip_settings(python))}
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, env=environment, check=False)
    except OSError:
        return False
    return done.returncode == 0


def uv_variables(listed: str) -> dict[str, str]:
    """The variables that tell uv what C(pip config list) has printed; a later line wins over an earlier one."""
    found = {}
    for line in listed.splitlines():
        key, _equals, value = line.partition("=")
        scope, _dot, name = key.rpartition(".")
        if name in _SAME and scope in ("global", "install", ":env:"):
            words = ast.literal_eval(value).split()
            found[_SAME[name]] = (",".join if name == "find-links" else " ".join)(words)
    if "UV_INDEX" in found:
        # As pip does: the best of all indexes, not the first that has the package.
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def _pip_settings(python: Path) -> str:
    done = subprocess.run(
        [str(python), "-m", "pip", "config", "list"], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    return done.stdout.decode(errors="replace")
