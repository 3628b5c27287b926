# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What to do about a library that is missing: whether a StackStorm has it, and else how to install it."""

from __future__ import annotations

import typing as t

from ._errors import St2Error
from ._libraries import MODULES
from ._st2.host import DEFAULT_ST2_CONF, Host, read_host


def local_host(st2_conf: t.Optional[str]) -> t.Optional[Host]:
    """The StackStorm of this host, for work that is not about it and only wants its Python."""
    try:
        return read_host(st2_conf or DEFAULT_ST2_CONF)
    except St2Error:
        return None


def why_missing(library: str, host: t.Optional[Host], python: str) -> str:
    """Why a library is not there, as a clause; where no StackStorm is that could have it, how to install it.

    :arg python: The Python that lacks it.
    """
    if host is None:
        package = f"python3-{MODULES[library]}"
        return f"Install it: {python} -m pip install {library}, or on Debian and Ubuntu apt-get install {package}"
    if host.st2_python:
        return f"StackStorm's own Python ({host.st2_python}) lacks it too"
    return "there is no StackStorm Python on this host"
