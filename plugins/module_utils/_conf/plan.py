# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is to change in an C(st2.conf): a pure function of the file and of what a task asks for."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._errors import Collected, OptionError, VerifyError
from .._file_attributes import changed_mode
from .._st2.conf_text import ConfTextError
from .conf_file import ConfFile
from .document import Document
from .lists import default_items, edited, edited_text, reads_as, split
from .options import ConfOptions, Wanted
from .parsers import require_generators


@dataclass(frozen=True)
class Change:
    """One option that a task is about.

    :arg before: What oslo.config reads; C(None) where the file does not define it, as for C(after).
    """

    wanted: Wanted
    before: t.Optional[str] = field(repr=False)
    after: t.Optional[str] = field(repr=False)

    @property
    def changed(self) -> bool:
        """Whether there is another value."""
        return self.before != self.after


@dataclass(frozen=True)
class ConfPlan:
    """A file and what it is to become."""

    file: ConfFile
    changes: t.Tuple[Change, ...]
    document: Document = field(repr=False)
    mode: int
    uid: int
    gid: int

    @property
    def content(self) -> bytes:
        """The bytes that the file is to have."""
        return self.document.text.encode("utf-8")

    @property
    def content_changed(self) -> bool:
        """Whether there is another text."""
        return self.content != self.file.content

    @property
    def changed(self) -> bool:
        """Whether anything is to be written."""
        before = self.file.mode, self.file.uid, self.file.gid
        return self.content_changed or before != (self.mode, self.uid, self.gid)


def make_plan(file: ConfFile, options: ConfOptions) -> ConfPlan:
    """The plan.

    :raises OptionError: for values with which StackStorm could not read the file.
    """
    document = file.document
    collected = Collected()
    changes: t.List[Change] = []
    for wanted in options.wanted:
        before = document.value(*wanted.key)
        edited_document = _edited(document, wanted, before)
        with collected.one():
            _require_readable(edited_document)
            document = edited_document
        changes.append(Change(wanted, before, edited_document.value(*wanted.key)))
    collected.raise_them()
    _require_nothing_else(file, document, options)
    return ConfPlan(
        file,
        tuple(changes),
        document,
        file.mode if options.mode is None else changed_mode(options.mode, file.mode),
        file.uid if options.uid is None else options.uid,
        file.gid if options.gid is None else options.gid,
    )


def _edited(document: Document, wanted: Wanted, before: t.Optional[str]) -> Document:
    if wanted.state == "absent":
        return document.without(*wanted.key)
    if wanted.items is None:
        return document.with_value(wanted.section, wanted.option, wanted.value or "")
    default = default_items(*wanted.key, wanted.separator)
    found = default if before is None else split(before, wanted.separator)
    items = edited(wanted.how, found, wanted.items)
    if wanted.how != "set" and items == found:
        return document
    if wanted.how == "remove" and items == default:
        # What an earlier task has added to StackStorm's default goes without a trace.
        return document.without(*wanted.key)
    if before is not None and reads_as(before, wanted.separator, items):
        return document
    text = wanted.separator.join(items)
    if before is not None and wanted.how != "set":
        closer = edited_text(wanted.how, before, wanted.separator, wanted.items)
        text = closer if reads_as(closer, wanted.separator, items) else text
    return document.with_value(wanted.section, wanted.option, text)


def _require_readable(document: Document) -> None:
    try:
        require_generators(document)
    except ConfTextError as error:
        raise OptionError(f"Nothing was written, as StackStorm could not read it: {error.why}.") from None


def _require_nothing_else(file: ConfFile, document: Document, options: ConfOptions) -> None:
    """Hold the edit against what oslo.config reads of both texts."""
    about = {wanted.key for wanted in options.wanted}
    before, after = (
        {key: value for key, value in one.values().items() if key not in about} for one in (file.document, document)
    )
    if before != after:
        raise VerifyError(f"The edit of {file.path} would change other options, too, so nothing was written.")
