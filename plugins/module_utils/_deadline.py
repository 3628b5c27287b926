# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""How long a task may take."""

from __future__ import annotations

import time

from ._errors import DeadlineError


class Deadline:
    """A moment after which nothing may go on; measured on a clock that nobody can set.

    :arg seconds: From now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def remaining(self) -> float:
        """Seconds left, never less than zero."""
        return max(0.0, self._end - time.monotonic())

    def check(self, doing: str) -> None:
        """:raises DeadlineError: when the time is over, saying what was being done."""
        if not self.remaining():
            raise DeadlineError(f"The timeout of {self.seconds:g} s ran out while {doing}.")
