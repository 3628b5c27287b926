# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The variables that programs under test get: nothing of the machine that the tests happen to run on."""

from __future__ import annotations

import os
import typing as t

KEPT = ("PATH", "TMPDIR", "LD_LIBRARY_PATH")


def clean_environment(home: t.Union[str, os.PathLike[str]] = os.devnull, **extra: str) -> t.Dict[str, str]:
    """Return an environment without proxies, certificate bundles, git, pip or uv settings, plus what is given.

    git takes no system-wide configuration and, with the default home, no user's either; modules do not hand this on to
    their git. The PATH of a check has one that takes none all the same: see tests/toolchain/check_environment.py.
    """
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment.update(HOME=os.fspath(home), LC_ALL="C.UTF-8", GIT_CONFIG_NOSYSTEM="1")
    environment.update(PIP_CONFIG_FILE=os.devnull, UV_NO_CONFIG="1")
    environment.update(extra)
    return environment
