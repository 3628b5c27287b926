# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The boundary of a pack: nothing in its directory may lead out of it, or be more than a file, link or directory."""

from __future__ import annotations

import collections
import itertools
import os
import stat
import typing as t

from .._errors import InvalidPackError
from .._printable import printable
from .file_problem import FileProblem

# PATH_MAX is 4096 on Linux, and the packs directory and the collection's own places come before a path in a pack.
MOST_PATH_BYTES = 3584
# Python's own walks recurse: a pack that is a thousand directories deep could not even be removed with them.
MOST_LEVELS = 100
# As many links as Linux follows before it gives up.
_MOST_LINKS = 40
_GIT = ".git"
_LONGEST_SHOWN = 500
_KINDS = (
    (stat.S_ISFIFO, "a pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)


def check_boundary(pack_dir: str, *, hard_links: bool = False) -> t.List[str]:
    """Refuse a pack whose files lead out of it or are no ordinary files.

    Refused are links that are absolute or lead out, be it through other links; pipes, sockets and devices; files with
    setuid or setgid; repositories below the root and a C(.git) that is no directory; paths that are too long, or not
    UTF-8, which StackStorm cannot store (st2common/bootstrap/base.py _register_pack_db keeps the list of all files).
    The directory C(.git) at the root is not looked into.

    :arg pack_dir: A directory where nobody else changes anything meanwhile.
    :arg hard_links: Whether to refuse files, too, that have a further name outside of the pack.
    :returns: Sentences about what is odd: links to nothing, names that differ only in case.
    :raises InvalidPackError: one message with everything that is refused.
    """
    walk = _Walk(pack_dir)
    walk.run()
    if hard_links:
        walk.check_hard_links()
    if walk.offences:
        offences = [offence.message for offence in walk.offences]
        raise InvalidPackError(f"The pack holds what no pack may hold: {listed(offences, most=10, separator='; ')}.")
    return walk.warnings()


def boundary_problems(
    pack_dir: str, *, skip: t.Callable[[str], bool] = lambda path: False, most_entries: t.Optional[int] = None
) -> t.List[FileProblem]:
    """The same, one by one: what L(check_boundary) refuses (C(refused)), and what is odd (C(dangling), C(alike)).

    :arg skip: Whether to leave a path of the pack out, with all below it.
    :arg most_entries: How much of the pack to look at.
    """
    walk = _Walk(pack_dir, skip, most_entries)
    walk.run()
    return [*walk.offences, *walk.odd]


def path_problem(path: str) -> t.Optional[str]:
    """What is wrong with the length of a path inside a pack, as a clause; C(None) when nothing is."""
    if len(os.fsencode(path)) > MOST_PATH_BYTES:
        return f"{printable(path[:100])}... is a path of more than {MOST_PATH_BYTES} bytes"
    if path.count("/") > MOST_LEVELS:
        return f"{printable(path[:100])}... is a path of more than {MOST_LEVELS} directories"
    return None


def leads_out(pack_dir: str, path: str) -> bool:
    """Whether a path inside of a pack is really one outside of it, by links.

    Packs are installed without such links; whoever may write into an installed one can make some, and what root reads
    there would show in results.
    """
    inside = os.path.join(os.path.realpath(pack_dir), "")
    return not os.path.realpath(os.path.join(pack_dir, path)).startswith(inside)


def listed(items: t.Sequence[str], *, most: int = 5, separator: str = ", ") -> str:
    """The first few of some texts, the beginning of long ones, and how many more there are."""
    more = f"{separator.rstrip()} and {len(items) - most} more" if len(items) > most else ""
    shown = [item if len(item) <= _LONGEST_SHOWN else f"{item[:_LONGEST_SHOWN]}..." for item in items[:most]]
    return separator.join(shown) + more


class _Walk:
    """One walk through a pack."""

    def __init__(
        self,
        pack_dir: str,
        skip: t.Callable[[str], bool] = lambda path: False,
        most_entries: t.Optional[int] = None,
    ) -> None:
        self.pack_dir = pack_dir
        self.offences: t.List[FileProblem] = []
        self.odd: t.List[FileProblem] = []
        self._skip = skip
        self._left = most_entries
        self._names: t.Dict[t.Tuple[int, int], t.List[str]] = collections.defaultdict(list)
        self._links: t.Dict[t.Tuple[int, int], int] = {}

    def run(self) -> None:
        """Look at everything in the pack, sorted by path in every directory."""
        waiting = [""]
        while waiting and self._left != 0:
            directory = waiting.pop()
            below = []
            entries = self._entries(directory)
            for entry in entries:
                path = f"{directory}/{entry.name}" if directory else entry.name
                if self._is_directory(path, entry):
                    below.append(path)
            self._compare_names(directory, [entry.name for entry in entries])
            waiting.extend(reversed(below))

    def check_hard_links(self) -> None:
        """Refuse files that have a name outside of the pack."""
        for file, paths in self._names.items():
            if self._links[file] > len(paths):
                self._refuse(paths[0], "has another name outside of the pack (a hard link)")

    def warnings(self) -> t.List[str]:
        """What is odd."""
        found = []
        for kind, what in (("dangling", "links to nothing"), ("alike", "names that differ only in case")):
            which = [problem.subject for problem in self.odd if problem.kind == kind]
            if which:
                found.append(f"The pack holds {what}: {listed(which)}.")
        return found

    def _refuse(self, subject: str, clause: str, file: t.Optional[str] = None) -> None:
        self.offences.append(FileProblem(subject if file is None else file, subject, clause, kind="refused"))

    def _entries(self, directory: str) -> t.List[t.Any]:
        try:
            with os.scandir(os.path.join(self.pack_dir, directory)) as entries:
                found = list(itertools.islice(entries, self._left))
        except OSError as error:
            shown = printable(directory) or "."
            self._refuse(f"the directory {shown}", f"cannot be read ({error.strerror})", shown)
            return []
        if self._left is not None:
            self._left -= len(found)
        prefix = f"{directory}/" if directory else ""
        return sorted(
            (entry for entry in found if not self._skip(prefix + entry.name)),
            key=lambda entry: os.fsencode(entry.name),
        )

    def _is_directory(self, path: str, entry: t.Any) -> bool:
        """Judge one entry, and say whether to go into it."""
        shown = printable(path)
        too_long = path_problem(path)
        if too_long:
            self._refuse("", too_long, printable(path[:100]))
            return False
        if not _is_utf8(entry.name):
            self._refuse(shown, "is not a name in UTF-8")
        status = entry.stat(follow_symlinks=False)
        if entry.name == _GIT:
            return self._check_git(path, status)
        if stat.S_ISDIR(status.st_mode):
            return True
        if stat.S_ISLNK(status.st_mode):
            self._check_link(path)
        elif stat.S_ISREG(status.st_mode):
            self._check_file(path, status)
        else:
            kind = next((name for test, name in _KINDS if test(status.st_mode)), "no file")
            self._refuse(shown, f"is {kind}")
        return False

    def _check_git(self, path: str, status: os.stat_result) -> bool:
        if path == _GIT and stat.S_ISDIR(status.st_mode):
            return False
        if path == _GIT:
            self._refuse(path, "is not a directory, and would make git use a repository elsewhere")
        else:
            self._refuse(printable(path), "makes a part of the pack a repository of its own")
        return False

    def _check_file(self, path: str, status: os.stat_result) -> None:
        if status.st_mode & (stat.S_ISUID | stat.S_ISGID):
            self._refuse(printable(path), "is a setuid or setgid file")
        if status.st_nlink > 1:
            file = (status.st_dev, status.st_ino)
            self._names[file].append(printable(path))
            self._links[file] = status.st_nlink

    def _check_link(self, path: str) -> None:
        target = os.readlink(os.path.join(self.pack_dir, path))
        shown = " -> ".join(printable(text[:200]) + "..." * (len(text) > 200) for text in (path, target))
        found = self._follow(path)
        if found == "out":
            self._refuse(shown, "is a link that leads out of the pack", printable(path))
        elif found == "nothing":
            self.odd.append(FileProblem(printable(path), shown, "is a link to nothing", kind="dangling"))

    def _follow(self, path: str) -> str:
        """Where a link leads, as the kernel would follow it in a pack that were the whole file system but for C(..).

        :returns: C(in), C(out) or C(nothing).
        """
        at = path.split("/")[:-1]
        ahead = [path.split("/")[-1]]
        links = 0
        exists = True
        while ahead:
            part = ahead.pop()
            if part == "..":
                if not at:
                    return "out"
                at.pop()
            elif part not in ("", "."):
                at.append(part)
                target = self._target("/".join(at)) if exists else None
                exists = exists and os.path.lexists(os.path.join(self.pack_dir, *at))
                if target is not None:
                    links += 1
                    if target.startswith("/"):
                        return "out"
                    if links > _MOST_LINKS:
                        return "nothing"
                    at.pop()
                    ahead.extend(reversed(target.split("/")))
        return "in" if exists else "nothing"

    def _target(self, path: str) -> t.Optional[str]:
        try:
            return os.readlink(os.path.join(self.pack_dir, path))
        except OSError:
            return None

    def _compare_names(self, directory: str, names: t.Sequence[str]) -> None:
        folded: t.Dict[str, t.List[str]] = collections.defaultdict(list)
        for name in names:
            folded[name.casefold()].append(f"{directory}/{name}" if directory else name)
        for alike in folded.values():
            if len(alike) > 1:
                shown = [printable(path) for path in alike]
                self.odd.append(FileProblem(shown[0], " and ".join(shown), "differ only in case", kind="alike"))


def _is_utf8(name: str) -> bool:
    try:
        os.fsencode(name).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
