# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for StackStorm 3.9.0: its API and ``st2-register-content``, on the directories of a scratch host.

=======================  ===============================================================================
``stub``                 `StackStormStub`: what tests use
``under_test``           `stackstorm_under_test`: the stand-in, or a real server that the environment names
``faults``               misbehaviour to order
``register_content``     the stand-in for the program on the host
``server``, ``api``      HTTP; routes, permissions, errors, pages
``*_endpoints``          what each endpoint does
``registrars``           registration; with ``pack_files``, ``resource_files``, ``overrides``, ``config_values``
``triggers``             trigger types, and what rules hang on
``workflows``            packs.install, packs.uninstall and their parts; with ``downloads``, ``executions``
``database``, ``paths``  the documents; the directories; ``unique_keys``, ``database_snapshot`` are about documents
=======================  ===============================================================================

What it says follows recordings of a real server and the code of StackStorm 3.9.0, mistakes included. Like everything
here it does not know the collection.
"""

from __future__ import annotations

import importlib
import typing as t

if t.TYPE_CHECKING:
    from .accounts import Account
    from .executions import Outcome
    from .faults import (
        Fault,
        ProgramFault,
        bad_gateway,
        close,
        delay,
        drip,
        gateway_timeout,
        hang,
        nth,
        reset,
        server_error,
    )
    from .server import Request
    from .stub import ADMIN, OBSERVER, StackStormStub
    from .under_test import RealStackStorm, is_stub, stackstorm_under_test

__all__ = [
    "ADMIN",
    "OBSERVER",
    "Account",
    "Fault",
    "Outcome",
    "ProgramFault",
    "RealStackStorm",
    "Request",
    "StackStormStub",
    "bad_gateway",
    "close",
    "delay",
    "drip",
    "gateway_timeout",
    "hang",
    "is_stub",
    "nth",
    "reset",
    "server_error",
    "stackstorm_under_test",
]

_HOMES = {
    "accounts": ("Account",),
    "executions": ("Outcome",),
    "faults": (
        "Fault",
        "ProgramFault",
        "bad_gateway",
        "close",
        "delay",
        "drip",
        "gateway_timeout",
        "hang",
        "nth",
        "reset",
        "server_error",
    ),
    "server": ("Request",),
    "stub": ("ADMIN", "OBSERVER", "StackStormStub"),
    "under_test": ("RealStackStorm", "is_stub", "stackstorm_under_test"),
}


def __getattr__(name: str) -> t.Any:
    """Import what is asked for, when it is: the program on the host needs none of it, and is run often."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(importlib.import_module(f".{home}", __name__), name)
    raise AttributeError(name)
