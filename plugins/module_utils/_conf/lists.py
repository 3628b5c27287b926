# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Options of C(st2.conf) that hold a list in one value."""

from __future__ import annotations

import typing as t

from .._st2.conf import DEFAULTS

# oslo_config/types.py List. What is split by colons is plain text to it (st2common/content/utils.py).
COMMA, COLON = ",", ":"
_BY_COLON = ("packs_base_paths", "runners_base_paths")


def separator_of(option: str) -> str:
    """What stands between the items of an option."""
    return COLON if option in _BY_COLON else COMMA


def split(value: str, separator: str) -> t.Tuple[str, ...]:
    """The items of a value, blanks around them and empty ones left out."""
    return tuple(item.strip() for item in value.split(separator) if item.strip())


def reads_as(value: str, separator: str, items: t.Sequence[str]) -> bool:
    """Whether StackStorm gets just these items from a value. It does not take blanks off what C(:) separates."""
    found = tuple(filter(None, value.split(separator))) if separator == COLON else split(value, separator)
    return found == tuple(items)


def default_items(section: str, option: str, separator: str) -> t.Tuple[str, ...]:
    """What StackStorm takes where nothing sets the option, as far as that is known."""
    return split(DEFAULTS.get((section, option), ""), separator)


def edited_text(how: str, value: str, separator: str, given: t.Sequence[str]) -> str:
    """As L(edited), of the text that a file has: what stays is written as it was, so that what comes can go again.

    Not every text allows that; see L(reads_as).
    """
    if how == "remove":
        return separator.join(item for item in value.split(separator) if item.strip() not in given).strip()
    found = split(value, separator)
    return separator.join([value, *(item for item in dict.fromkeys(given) if item not in found)])


def edited(how: str, items: t.Sequence[str], given: t.Sequence[str]) -> t.Tuple[str, ...]:
    """The items after an edit; the order of those that stay is kept, new ones come last.

    :arg how: C(set), C(add) or C(remove).
    :arg given: What the task gives.
    """
    if how == "remove":
        return tuple(item for item in items if item not in given)
    new = dict.fromkeys(given)
    return tuple(new) if how == "set" else (*items, *(item for item in new if item not in items))
