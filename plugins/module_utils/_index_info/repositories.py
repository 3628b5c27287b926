# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Asking the repositories of an index whether they are there, and whether they have what the index says."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor

from .._deadline import Deadline
from .._errors import DeadlineError, St2Error
from .._source.git_program import Git
from .._source.index import IndexEntry
from .._source.refs import Refs, look_up
from .._source.repository import Repository
from .health import Problem

_PARALLEL = 6
_SECONDS = 30.0
_MOST_NAMED = 5
Answer = t.Union[Refs, St2Error, None]


class Repositories:
    """Asks repositories, some at a time, each once.

    :arg git: Makes a git program with a deadline of its own.
    :arg deadline: Of all of it.
    :arg seconds: What one repository may take.
    """

    def __init__(self, git: t.Callable[[Deadline], Git], deadline: Deadline, seconds: float = _SECONDS) -> None:
        self._git = git
        self._deadline = deadline
        self._seconds = seconds

    def problems(self, entries: t.Sequence[IndexEntry]) -> t.Iterator[Problem]:
        """What is wrong with the repositories of packs; those of entries that name none are left out.

        :raises SourceError: when there is no git program.
        """
        named = [entry for entry in entries if entry.repo_url]
        urls = list(dict.fromkeys(_url(entry) for entry in named))
        if not urls:
            return
        self._git(self._deadline)
        with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(urls))) as pool:
            answers = dict(zip(urls, pool.map(self._ask, urls)))
        for entry in named:
            yield from _problems(entry, answers[_url(entry)])

    def _ask(self, url: str) -> Answer:
        remaining = self._deadline.remaining()
        if not remaining:
            return None
        patience = Deadline(min(self._seconds, remaining))
        try:
            return Repository(self._git(patience), url).list_remote()
        except DeadlineError as error:
            return error if self._deadline.remaining() else None
        except St2Error as error:
            return error


def _url(entry: IndexEntry) -> str:
    return f"file://{entry.repo_url}" if entry.repo_url.startswith("/") else entry.repo_url


def _problems(entry: IndexEntry, answer: Answer) -> t.Iterator[Problem]:
    def problem(kind: str, message: str) -> Problem:
        return Problem(kind, entry.ref, entry.index_url, message)

    if answer is None:
        yield problem("not_asked", f"The repository of {entry.ref} did not answer before the timeout of the task.")
    elif isinstance(answer, St2Error):
        yield problem("unreachable", answer.message)
    else:
        yield from (problem(kind, message) for kind, message in _differences(entry, answer))


def _differences(entry: IndexEntry, refs: Refs) -> t.Iterator[t.Tuple[str, str]]:
    """What an index says that a repository does not have."""
    found = look_up(refs, entry.version) if entry.version else None
    if found and entry.commit and found.resolved.kind == "tag" and found.commit != entry.commit:
        yield (
            "moved",
            f"The tag {found.resolved.name} of {entry.repo_url} is {found.commit} now, and {entry.commit} by the "
            "index: somebody has moved it.",
        )
    wanted = list(dict.fromkeys(filter(None, (entry.version, *entry.versions))))
    missing = [version for version in wanted if look_up(refs, version) is None and version != entry.commit]
    if missing:
        shown = ", ".join(missing[:_MOST_NAMED])
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        yield "no_such_version", f"{entry.repo_url} has no tag or branch for {shown}{more}, which the index lists."
