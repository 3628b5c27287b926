# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Servers that say that they are asked too much (HTTP 429 and 503), or do not answer: when to leave them alone."""

from __future__ import annotations

import email.utils
import random
import re
import threading
import time
import typing as t
from urllib.parse import urlsplit

from .._deadline import Deadline
from .._errors import SourceError
from .._process import ProgramError

# git: The requested URL returned error: 429
_REFUSED = re.compile(r"returned error: (429|503)\b")
# Of curl's headers in git's own trace.
_RETRY_AFTER = re.compile(r"Recv header: retry-after:\s*(?P<value>[^\r\n]{1,100})", re.IGNORECASE)
_TRIES = 4
# A server that hangs costs minutes for each repository.
_MOST_UNANSWERED = 4
_FIRST_SECONDS = 5.0
_JITTER = 0.5
# A server that wants more has the rest of this run without us.
_LONGEST_SECONDS = 300.0


class Refusal(t.NamedTuple):
    """A server that says that it is asked too much.

    :arg status: C(429) or C(503).
    :arg seconds: How long it wants to be left alone; C(None) where it does not say.
    """

    status: str
    seconds: t.Optional[float] = None


def refusal_of(error: ProgramError, trace: str, now: float) -> t.Optional[Refusal]:
    """What a failure of git says of a server that is asked too much; C(None) for every other failure.

    :arg trace: What git wrote of the headers (C(GIT_TRACE_CURL)).
    :arg now: Seconds since 1970.
    """
    refused = _REFUSED.search(error.completed.told)
    if refused is None:
        return None
    said = [match.group("value").strip() for match in _RETRY_AFTER.finditer(trace)]
    return Refusal(refused.group(1), _seconds(said[-1], now) if said else None)


def _seconds(value: str, now: float) -> t.Optional[float]:
    if re.fullmatch(r"[0-9]{1,9}", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None


class Patience:
    """What is known in one run of the servers; for all threads of it.

    :arg sleep: Waits some seconds.
    :arg clock: Gives seconds, by a clock that nobody can set.
    """

    def __init__(
        self, sleep: t.Callable[[float], None] = time.sleep, clock: t.Callable[[], float] = time.monotonic
    ) -> None:
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at: t.Dict[str, float] = {}
        self._refused: t.Dict[str, int] = {}
        self._unanswered: t.Dict[str, int] = {}
        self._given_up: t.Dict[str, str] = {}
        self._random = random.Random()  # noqa: S311  # It only spreads requests.

    def wait(self, url: str, deadline: Deadline) -> None:
        """Wait until a server may be asked.

        :raises SourceError: when that takes too long, or it was asked too often already.
        """
        place = _place(url)
        with self._lock:
            why = self._given_up.get(place)
            seconds = self._free_at.get(place, 0.0) - self._clock()
            if seconds > min(_LONGEST_SECONDS, deadline.remaining()):
                why = why or f"wants to be left alone for {seconds:.0f} s"
                self._given_up[place] = why
        if why:
            raise SourceError(f"{place} was not asked again in this run, since it {why}.")
        if seconds > 0:
            # Not all at once when the time is over.
            self._sleep(seconds * (1 + _JITTER * self._random.random() / 2))

    def refused(self, url: str, refusal: Refusal) -> bool:
        """Note that a server refused.

        :returns: Whether to try again.
        """
        place = _place(url)
        with self._lock:
            times = self._refused[place] = self._refused.get(place, 0) + 1
            again = times < _TRIES
            if not again:
                self._given_up[place] = f"answers that it is asked too much (HTTP {refusal.status})"
            seconds = refusal.seconds
            if seconds is None:
                seconds = _FIRST_SECONDS * 2 ** (times - 1) * (1 - _JITTER * self._random.random())
            self._free_at[place] = max(self._free_at.get(place, 0.0), self._clock() + seconds)
        return again

    def unanswered(self, url: str) -> None:
        """Note that a server did not answer in time."""
        place = _place(url)
        with self._lock:
            times = self._unanswered[place] = self._unanswered.get(place, 0) + 1
            if times >= _MOST_UNANSWERED:
                self._given_up[place] = f"did not answer in time, {times} times in a row"

    def answered(self, url: str) -> None:
        """Note that a server did what it was asked."""
        with self._lock:
            self._refused.pop(_place(url), None)
            self._unanswered.pop(_place(url), None)


def _place(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2].lower()}"
