# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a task says of an index: the packs that come, go and change, in a list, in a line, and as a diff."""

from __future__ import annotations

import typing as t

from .build import Built
from .document import Document

Packs = t.Mapping[str, t.Mapping[str, t.Any]]

_MOST_NAMED = 5
_MOST_FILES = 200


class Report:
    """The change of an index.

    :arg before: The entries that are published.
    :arg files: How files change, from L(Place.changes).
    """

    def __init__(self, path: str, before: Packs, built: Built, document: Document, files: t.Sequence[str]) -> None:
        self._path = path
        self._before = before
        self._built = built
        self._document = document
        self._files = files

    def packs(self) -> t.List[t.Dict[str, t.Any]]:
        """The packs whose entries differ."""
        after: Packs = self._built.entries
        changed = []
        for ref in sorted({*self._before, *after}):
            old, new = self._before.get(ref), after.get(ref)
            if old == new:
                continue
            changed.append(
                {
                    "ref": ref,
                    "before": _version(old),
                    "after": _version(new),
                    "commit": (new or {}).get("commit"),
                    "source": self._built.sources.get(ref),
                }
            )
        return changed

    def line(self) -> str:
        """What happens, in one line."""
        changed = self.packs()
        named = [_change(one["ref"], one["before"], one["after"]) for one in changed]
        more = [f"{len(named) - _MOST_NAMED} more"] if len(named) > _MOST_NAMED else []
        if not named and self._files:
            number = len(self._files)
            named = [f"{number} {'file' if number == 1 else 'files'} written anew"]
        what = ", ".join([*named[:_MOST_NAMED], *more]) or "as it was"
        number = len(self._built.entries)
        return f"{self._path}: {what} ({number} {'pack' if number == 1 else 'packs'}, serial {self._document.serial})"

    def diff(self) -> t.List[t.Dict[str, str]]:
        """The packs and their versions, before and after; and files, where only these differ."""
        if not self._files:
            return []
        shown = {"before_header": self._path, "after_header": self._path}
        before, after = _listing(self._before), _listing(self._built.entries)
        if before == after:
            some = self._files[:_MOST_FILES]
            before = "".join(f"{line[2:]}\n" for line in some if line[0] in "-~")
            after = "".join(
                f"{line[2:]}{' (new content)' if line[0] == '~' else ''}\n" for line in some if line[0] != "-"
            )
        return [{**shown, "before": before, "after": after}]

    def returned(self) -> t.Dict[str, t.Any]:
        """The return values of the module."""
        return {
            "path": self._path,
            "serial": self._document.serial,
            "generated_ts": self._document.generated_ts,
            "hash": self._document.hash,
            "pack_count": len(self._built.entries),
            "packs": self.packs(),
            "left_out": [one._asdict() for one in self._built.skipped],
            "shadowed": [one._asdict() for one in self._built.shadowed],
        }

    def warnings(self) -> t.List[str]:
        """What a person should know of the index."""
        found = list(self._built.warnings)
        found += [f"{one.ref or one.name} is left out: {one.reason}" for one in self._built.skipped]
        for one in self._built.shadowed:
            own = f"is listed from {one.repo_url}" if one.repo_url else "is left out"
            found.append(
                f"{one.ref} {own}; the index {one.index_url} lists another pack of that name, from "
                f"{one.other_repo_url}. That pack is not listed. Add it to exclude to disable this warning."
            )
        return found


def _change(ref: str, before: t.Optional[str], after: t.Optional[str]) -> str:
    return f"{ref} {after} changed" if before == after else f"{ref} {before or 'absent'} -> {after or 'absent'}"


def _version(entry: t.Optional[t.Mapping[str, t.Any]]) -> t.Optional[str]:
    if entry is None:
        return None
    version = entry.get("version")
    return None if version is None else str(version)


def _listing(packs: Packs) -> str:
    lines = []
    for ref, entry in sorted(packs.items()):
        commit = entry.get("commit")
        lines.append(f"{ref} {_version(entry)}{f' {commit[:7]}' if isinstance(commit, str) else ''}\n")
        versions = entry.get("versions")
        lines += [f"  {ref} {version}\n" for version in (versions if isinstance(versions, list) else ())]
    return "".join(lines)
