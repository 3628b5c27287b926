# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What to tell of a library that is missing: whether a StackStorm could have it, and else how to install it."""

from __future__ import annotations

import typing as t

from ._libraries import MODULES


def why_missing(library: str, service: t.Optional[str], python: str) -> str:
    """Why a library is not there, as a clause; where no StackStorm is that could have it, how to install it.

    :arg service: StackStorm's own Python, where there is one.
    :arg python: The Python that lacks it.
    """
    if service:
        return f"StackStorm's own Python ({service}) lacks it too"
    package = f"python3-{MODULES[library]}"
    return (
        f"there is no StackStorm Python on this host. Install it: {python} -m pip install {library}, or on Debian and "
        f"Ubuntu apt-get install {package}"
    )
