# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviour that a test orders: answers that are late, broken, wrong, or never come."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .database import Database

_NGINX = "<html>\r\n<head><title>{}</title></head>\r\n<body>nginx</body>\r\n</html>\r\n"
GATEWAY_TIMEOUT = _NGINX.format("504 Gateway Time-out")
BAD_GATEWAY = _NGINX.format("502 Bad Gateway")
DRIP = 0.05


@dataclasses.dataclass
class Fault:
    """What happens to matching requests in place of a good answer.

    * ``path``: a regular expression that is looked for in the path, such as ``/packs/register$``.
    * ``method``: one method; all when empty.
    * ``skip``: how many matching requests it lets pass before it meets the first.
    * ``times``: how many requests it meets; None for all.
    * ``status``, ``body``: answer this. Without a status, the real answer is sent, as the rest says.
    * ``work``: whether what the request asks for is done all the same.
    * ``late``: do that work only when so many further requests have come, as behind a gateway that has given up.
    * ``delay``: seconds before the answer.
    * ``drip``: seconds between any two bytes of the body.
    * ``hang``: never answer.
    * ``reset``: reset the connection.
    * ``close``: close the connection without an answer.
    * ``call``: is called with the request, after the work and before any answer: to kill whoever asks, and the like.
    """

    path: str
    method: str = ""
    skip: int = 0
    times: t.Optional[int] = 1
    status: int = 0
    body: t.Any = None
    work: bool = True
    late: int = 0
    delay: float = 0.0
    drip: float = 0.0
    hang: bool = False
    reset: bool = False
    close: bool = False
    call: t.Optional[t.Callable[[t.Any], object]] = None

    def matches(self, method: str, path: str) -> bool:
        """Whether a request is one that this fault is about."""
        return self.method in ("", method) and bool(re.search(self.path, path))


def meeting(faults: t.Sequence[Fault], method: str, path: str) -> t.Optional[Fault]:
    """Return the fault that a request meets, the first that is about it and not used up; None where none is.

    It is used up by one. Every fault that lets requests pass first counts them by itself.
    """
    met = None
    for fault in faults:
        if not fault.matches(method, path):
            continue
        if fault.skip:
            fault.skip -= 1
        elif met is None and fault.times != 0:
            fault.times = None if fault.times is None else fault.times - 1
            met = fault
    return met


def gateway_timeout(path: str, late: int = 1, times: t.Optional[int] = 1) -> Fault:
    """Return a 504 as nginx sends it; the work is done when ``late`` further requests have come."""
    return Fault(path, status=504, body=GATEWAY_TIMEOUT, late=late, times=times)


def server_error(path: str, status: int = 500, times: t.Optional[int] = 1) -> Fault:
    """Return an error of StackStorm's own, with nothing done."""
    return Fault(path, status=status, body={"faultstring": "Internal Server Error"}, work=False, times=times)


def bad_gateway(path: str, times: t.Optional[int] = 1) -> Fault:
    """Return a 502 as nginx sends it where st2api is down: nothing is done."""
    return Fault(path, status=502, body=BAD_GATEWAY, work=False, times=times)


def nth(number: int, fault: Fault) -> Fault:
    """Return a fault that lets ``number - 1`` matching requests pass, and meets from the next on."""
    return dataclasses.replace(fault, skip=number - 1)


def close(path: str, work: bool = False, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that ends the connection without an answer, with the work done or not."""
    return Fault(path, close=True, work=work, times=times)


def hang(path: str, work: bool = False, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that takes the request, does the work or not, and never answers."""
    return Fault(path, hang=True, work=work, times=times)


def drip(path: str, seconds: float = DRIP, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that sends the good answer byte by byte, so that every single read is in time."""
    return Fault(path, drip=seconds, times=times)


def reset(path: str, work: bool = False, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that resets the connection, with the work done or not."""
    return Fault(path, reset=True, work=work, times=times)


def delay(path: str, seconds: float, times: t.Optional[int] = 1) -> Fault:
    """Return a fault that sends the good answer late."""
    return Fault(path, delay=seconds, times=times)


@dataclasses.dataclass(frozen=True)
class ProgramFault:
    """What happens to a run of ``st2-register-content`` in place of a good one.

    * ``skip``: how many runs it lets pass before it meets the first.
    * ``times``: how many runs it meets; None for all.
    * ``work``: whether what the run is asked for is done all the same.
    * ``exit_code``, ``stderr``: how it ends; negative as the signal that ends it.
    * ``hang``: it does not end by itself (but after `LONGEST` seconds, so that nothing is left running).
    """

    skip: int = 0
    times: t.Optional[int] = 1
    work: bool = False
    exit_code: int = 1
    stderr: str = "pymongo.errors.ServerSelectionTimeoutError: 127.0.0.1:27017: [Errno 111] Connection refused"
    hang: bool = False


LONGEST = 120.0


def order(database: Database, fault: ProgramFault) -> None:
    """Let the program meet a fault from now on, whoever runs it on this database."""
    with database.session():
        number = database.new_id()
        database.put("program_faults", number, {**dataclasses.asdict(fault), "number": number})


def take_program_fault(database: Database) -> t.Optional[t.Dict[str, t.Any]]:
    """Return the fault that this run of the program meets, which is used up by one; None where there is none."""
    met = None
    with database.session():
        for fault in database.all("program_faults"):
            if fault["skip"]:
                fault["skip"] -= 1
            elif met is None and fault["times"] != 0:
                fault["times"] = None if fault["times"] is None else fault["times"] - 1
                met = fault
            database.put("program_faults", fault["number"], fault)
    return met
