# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A repository elsewhere, asked as often as its server allows."""

from __future__ import annotations

import os
import re
import tempfile
import time
import typing as t

from .._deadline import Deadline
from .._errors import DeadlineError, SourceError
from .._process import ProgramError
from .._secrets import strip_urls
from .._source.git_program import Git, fetch_failure
from .._source.remote_refs import RemoteRefs, list_remote_refs
from .patience import Patience, refusal_of
from .served_repository import ServedRepository

_Answer = t.TypeVar("_Answer")
# A listing of refs is short. Many repositories of a server that hangs must not take all of the night.
_LISTING_SECONDS = 60.0
# curl: Operation too slow. ssh: Connection timed out.
_TOO_SLOW = re.compile(r"Operation too slow|timed out", re.IGNORECASE)
_LONGEST_TRACE = 4 << 20


class Upstream:
    """One repository.

    :arg url: Clean of credentials.
    :arg git: Gives the git program, for as long as it may take.
    :arg deadline: By which all has to be done.
    """

    def __init__(self, url: str, *, git: t.Callable[[Deadline], Git], deadline: Deadline, patience: Patience) -> None:
        self.url = url
        self._git = git
        self._deadline = deadline
        self._patience = patience

    def list_refs(self) -> RemoteRefs:
        """What it has now.

        :raises SourceError: when it cannot be reached, or has nothing.
        """
        found = self._ask(
            lambda git, environment: list_remote_refs(git, self.url, environment=environment), _LISTING_SECONDS
        )
        if not found.objects:
            raise SourceError(f"The repository {strip_urls(self.url)} is empty: it has no branches and no tags.")
        return found

    def fetch(self, directory: str, names: t.Collection[str]) -> t.Dict[str, str]:
        """Bring some of its refs into a repository that is served, as L(ServedRepository.fetch).

        :raises SourceError: when they cannot be had.
        """

        def bring(git: Git, environment: t.Mapping[str, str]) -> t.Dict[str, str]:
            try:
                repository = ServedRepository(git, directory)
                return repository.fetch(self.url, names, url=self.url, environment=environment)
            except ProgramError as error:
                raise fetch_failure(strip_urls(self.url), error, git.access) from error

        return self._ask(bring)

    def _ask(
        self, question: t.Callable[[Git, t.Mapping[str, str]], _Answer], seconds: t.Optional[float] = None
    ) -> _Answer:
        while True:
            self._patience.wait(self.url, self._deadline)
            self._deadline.check(f"{strip_urls(self.url)} was about to be asked")
            remaining = self._deadline.remaining()
            git = self._git(Deadline(min(seconds, remaining) if seconds else remaining))
            with tempfile.NamedTemporaryFile(prefix="headers-", dir=git.scratch) as trace:
                try:
                    answer = question(git, self._traced(trace.name))
                except DeadlineError:
                    self._patience.unanswered(self.url)
                    raise
                except SourceError as error:
                    if not self._is_to_be_asked_again(error, trace):
                        raise
                else:
                    self._patience.answered(self.url)
                    return answer

    def _is_to_be_asked_again(self, error: SourceError, trace: t.IO[bytes]) -> bool:
        if not isinstance(error.__cause__, ProgramError):
            return False
        if _TOO_SLOW.search(error.__cause__.completed.told):
            self._patience.unanswered(self.url)
        refusal = refusal_of(error.__cause__, _end_of(trace), time.time())
        return refusal is not None and self._patience.refused(self.url, refusal)

    def _traced(self, path: str) -> t.Mapping[str, str]:
        """Let git write down the headers of answers, where it does not say how long a server wants to be left alone.

        It leaves credentials out (C(GIT_TRACE_REDACT)).
        """
        if not self.url.lower().startswith(("http://", "https://")):
            return {}
        return {"GIT_TRACE_CURL": path, "GIT_TRACE_CURL_NO_DATA": "1", "GIT_TRACE_REDACT": "1"}


def _end_of(trace: t.IO[bytes]) -> str:
    trace.seek(0, os.SEEK_END)
    trace.seek(max(0, trace.tell() - _LONGEST_TRACE))
    return trace.read().decode("utf-8", "replace")
