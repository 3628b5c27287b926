# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviour that a test orders: answers that are late, broken, wrong, or never come."""

from __future__ import annotations

import dataclasses
import re
import typing as t

GATEWAY_TIMEOUT = "<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"
DRIP = 0.05


@dataclasses.dataclass
class Fault:
    """What happens to matching requests in place of a good answer.

    * ``path``: a regular expression that is looked for in the path, such as ``/packs/register$``.
    * ``method``: one method; all when empty.
    * ``times``: how many requests it meets; None for all.
    * ``status``, ``body``: answer this. Without a status, the real answer is sent, as the rest says.
    * ``work``: whether what the request asks for is done all the same.
    * ``late``: do that work only when so many further requests have come, as behind a gateway that has given up.
    * ``delay``: seconds before the answer.
    * ``drip``: seconds between any two bytes of the body.
    * ``hang``: never answer.
    * ``reset``: reset the connection.
    """

    path: str
    method: str = ""
    times: t.Optional[int] = 1
    status: int = 0
    body: t.Any = None
    work: bool = True
    late: int = 0
    delay: float = 0.0
    drip: float = 0.0
    hang: bool = False
    reset: bool = False

    def meets(self, method: str, path: str) -> bool:
        """Whether a request gets this fault, which is then used up by one."""
        if self.times == 0 or self.method not in ("", method) or not re.search(self.path, path):
            return False
        if self.times is not None:
            self.times -= 1
        return True


def gateway_timeout(path: str, late: int = 1, times: t.Optional[int] = 1) -> Fault:
    """Return a 504 as nginx sends it; the work is done when ``late`` further requests have come."""
    return Fault(path, status=504, body=GATEWAY_TIMEOUT, late=late, times=times)


def server_error(path: str, status: int = 500, times: t.Optional[int] = 1) -> Fault:
    """Return an error of StackStorm's own, with nothing done."""
    return Fault(path, status=status, body={"faultstring": "Internal Server Error"}, work=False, times=times)


def hang(path: str, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that takes the request and never answers."""
    return Fault(path, hang=True, work=False, times=times)


def drip(path: str, seconds: float = DRIP, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that sends the good answer byte by byte, so that every single read is in time."""
    return Fault(path, drip=seconds, times=times)


def reset(path: str, work: bool = False, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that resets the connection, with the work done or not."""
    return Fault(path, reset=True, work=work, times=times)


def delay(path: str, seconds: float, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that sends the good answer late."""
    return Fault(path, delay=seconds, times=times)
