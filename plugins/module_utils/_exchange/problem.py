# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is wrong with something that an Exchange serves, while it serves the rest."""

from __future__ import annotations

import typing as t

KINDS = (*("upstream", "index", "refused", "left_out", "wheels", "shadowed", "notice"),)
# What a person should know, and nothing has to be done about.
_NOTICES = ("shadowed", "notice")


class Problem(t.NamedTuple):
    """One thing that is wrong.

    :arg ref: The pack; empty where it is none in particular.
    :arg kind: One of L(KINDS).
    :arg message: A sentence, clean of credentials.
    """

    ref: str
    kind: str
    message: str

    @property
    def is_notice(self) -> bool:
        """Whether everything is served as it should be all the same."""
        return self.kind in _NOTICES
