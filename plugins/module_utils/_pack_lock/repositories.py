# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The repositories of a lock: each is asked once, so that all that is said of it is of one moment."""

from __future__ import annotations

import os
import shutil
import threading
import typing as t

from .._content.origin import Resolved, Source
from .._errors import InvalidPackError, SourceError, St2Error
from .._pack.fetch import Fetcher, Rules
from .._printable import printable
from .._source.git_program import Git
from .._source.refs import Found, Refs
from .._source.repository import Repository

# Of a commit's message, which may be a whole text without a break.
_LONGEST_TITLE = 200


class LockRepository(Repository):
    """A repository that is cloned once, however often it is asked for.

    :arg place: Where the clone is kept.
    """

    def __init__(self, git: Git, url: str, place: str) -> None:
        super().__init__(git, url)
        self._program = git
        self._place = place
        self._asking = threading.Lock()
        self._cloned: t.Optional[Refs] = None
        self._failure: t.Optional[St2Error] = None
        self._titles: t.Dict[str, str] = {}

    def clone(self, directory: str) -> Refs:
        """As L(Repository.clone): a copy of what the first call got."""
        with self._asking:
            if self._failure:
                raise self._failure
            if self._cloned is None:
                try:
                    self._cloned = super().clone(self._place)
                except St2Error as error:
                    self._failure = error
                    raise
            shutil.copytree(self._place, directory, symlinks=True)
        return self._cloned

    def check_out(self, directory: str, found: Found) -> None:
        """As L(Repository.check_out)."""
        super().check_out(directory, found)
        title = self._program("log", "-1", "--format=%s", found.commit, cwd=directory).stdout
        self._titles[found.commit] = printable(" ".join(title.split()))[:_LONGEST_TITLE].strip()

    def title(self, commit: str) -> str:
        """The first line of the message of a commit that was checked out."""
        return self._titles.get(commit, "")

    def old_files(self, commit: str, directory: str) -> bool:
        """Put the files of a commit of the past into a directory; whether it is there still."""
        try:
            refs = self.clone(directory)
            found = self.find(directory, refs, commit)
            if found.commit == commit:
                self.check_out(directory, Found(Resolved("commit", "", commit), commit))
        except (SourceError, InvalidPackError):
            return False
        return found.commit == commit

    def distance(self, directory: str, before: str, after: str) -> t.Optional[t.Tuple[int, int]]:
        """How many commits C(after) has that C(before) has not, and the other way round; C(None) if nobody knows.

        :arg directory: A clone that has both.
        """
        answer = self._program(
            "rev-list", "--left-right", "--count", f"{before}...{after}", "--", cwd=directory, check=False
        )
        numbers = answer.stdout.split()
        if answer.returncode or len(numbers) != 2:
            return None
        return int(numbers[1]), int(numbers[0])


class LockFetcher(Fetcher):
    """Fetches packs for a lock."""

    def __init__(self, staging: str, git: t.Callable[[], Git]) -> None:
        # No host is known here. Whether one takes a pack that is not for it, or of which StackStorm leaves something
        # out, is decided where it is installed.
        super().__init__(staging, git, Rules(st2_version=None, force=True, lenient=True))
        self._clones = os.path.join(staging, "clones")
        os.mkdir(self._clones)
        self._program = git
        self._known: t.Dict[str, LockRepository] = {}
        self._knowing = threading.Lock()

    def repository(self, source: Source) -> LockRepository:
        """The one repository behind a source of kind C(git)."""
        from .._content.address import normal_url

        key = normal_url(source.url)
        with self._knowing:
            if key not in self._known:
                place = os.path.join(self._clones, str(len(self._known)))
                self._known[key] = LockRepository(self._program(), source.url, place)
            return self._known[key]
