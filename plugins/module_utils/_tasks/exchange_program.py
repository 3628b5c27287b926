# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""M(stackstorm.st2.st2_exchange_program), which is done by its action plugin: only its options are here."""

from __future__ import annotations

from .._argspec import ArgumentSpec
from .._errors import OptionError
from .._task import Result, Task


def program_options() -> ArgumentSpec:
    """All options of the module."""
    return ArgumentSpec(
        {
            "dest": {"type": "path", "default": "/usr/local/lib/st2-exchange/st2-exchange.pyz"},
            "mode": {"type": "raw", "default": "0644"},
            "owner": {"type": "str"},
            "group": {"type": "str"},
        },
        reads_host=False,
    )


def copy_program(_task: Task) -> Result:
    """:raises OptionError: always, as only the controller has what the program is made of."""
    raise OptionError("The program is created on the controller: run this module with Ansible, from a play or ad hoc.")
