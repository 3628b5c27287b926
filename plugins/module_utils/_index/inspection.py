# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""How packs are looked at beside what an index says of them: what is in their files, and which ones that refuses."""

from __future__ import annotations

import typing as t

from .._content.request import PackRequest
from .describe import Description

if t.TYPE_CHECKING:
    from .repository import IndexedRepository

# As the one who looks makes them, in a form that JSON can hold; see L(Finding) of _lint.
Findings = t.List[t.Dict[str, t.Any]]


class Inspection(t.NamedTuple):
    """A way to look at packs.

    :arg look: Gives what is found in a directory with all files of a pack. It is only called by one thread, since it
        may fork.
    :arg key: What findings depend on beside the files: what was found under another one is not believed.
    :arg judged: Whether a pack that is asked for is to be judged by its findings.
    :arg refusal: Why findings keep a version of such a pack out of the index; C(None) when they do not.
    """

    look: t.Callable[[str], Findings]
    key: str
    judged: t.Callable[[PackRequest], bool] = lambda _request: False
    refusal: t.Callable[[Findings], t.Optional[str]] = lambda _findings: None


class Refused(t.NamedTuple):
    """A version that is not listed.

    :arg findings: Why; none where it could not even be described, which C(reason) says then.
    """

    ref: str
    version: str
    commit: str
    reason: str
    findings: t.Tuple[t.Dict[str, t.Any], ...] = ()


class Judge:
    """Looks at the versions of one repository.

    :arg inspection: C(None) where nothing is looked at; then only what cannot be described is refused.
    """

    def __init__(self, repository: IndexedRepository, inspection: t.Optional[Inspection]) -> None:
        self._repository = repository
        self._inspection = inspection
        self.refused: t.Dict[str, Refused] = {}

    @property
    def is_thorough(self) -> bool:
        """Whether all versions are to be judged, and not only those above the one that is described."""
        return self._inspection is not None

    def refuses(self, version: str, commit: str, description: Description, reason: t.Optional[str]) -> bool:
        """Whether a version is not to be listed; then it is among C(refused).

        :arg reason: Why it cannot be, by its description alone.
        """
        found: t.Tuple[t.Dict[str, t.Any], ...] = ()
        if reason is None and self._inspection is not None:
            found = tuple(self._repository.inspect(commit, description.ref or "", self._inspection))
            reason = self._inspection.refusal(list(found))
        if reason is not None:
            self.refuse(version, commit, description, reason, found)
        return reason is not None

    def refuse(
        self,
        version: str,
        commit: str,
        description: Description,
        reason: str,
        found: t.Tuple[t.Dict[str, t.Any], ...] = (),
    ) -> None:
        """Take note of a version that is not to be listed."""
        self.refused[version] = Refused(description.ref or "", version, commit, reason, found)
