# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task about C(st2.conf), checked and typed."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass, field

from .._errors import Collected, OptionError
from .._file_attributes import Mode, changed_mode, gid_of, uid_of
from .._st2.conf_text import section_key
from .document import Key, lines_of_value
from .lists import COMMA, separator_of

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")


@dataclass(frozen=True)
class Wanted:
    """What a task asks of one option.

    :arg section: As the task writes it.
    :arg value: Its text; C(None) for a list, and where the option is not to be there.
    :arg items: Its items, where it is a list; C(how) says what is done with them, see L(lists.edited).
    :arg secret: Whether the task says that the value is not to be shown.
    """

    section: str
    option: str
    state: str = "present"
    value: t.Optional[str] = field(default=None, repr=False)
    items: t.Optional[t.Tuple[str, ...]] = field(default=None, repr=False)
    how: str = "set"
    separator: str = COMMA
    secret: bool = False

    @property
    def key(self) -> Key:
        """Section and option as oslo.config compares them."""
        return section_key(self.section), self.option

    @property
    def name(self) -> str:
        """The option for a message."""
        return f"[{self.section}] {self.option}"


@dataclass(frozen=True)
class ConfOptions:
    """What a task asks for; owner, group and mode are C(None) where the file keeps its own."""

    st2_conf: str
    wanted: t.Tuple[Wanted, ...]
    backup: bool = False
    uid: t.Optional[int] = None
    gid: t.Optional[int] = None
    mode: t.Optional[Mode] = None


def options_from(params: t.Mapping[str, t.Any]) -> ConfOptions:
    """The options of M(st2_conf) from Ansible's parameters.

    :raises OptionError: naming all options that cannot be used.
    """
    collected = Collected()
    wanted: t.List[Wanted] = []
    numbers: t.Dict[str, int] = {}
    mode = params["mode"]
    given = params["options"]
    if given is not None:
        with collected.one():
            _require_single_options_unset(params)
    for item in [params] if given is None else given:
        with collected.one():
            wanted.append(_wanted(item, item["state"] or params["state"]))
    with collected.one():
        _require_once(wanted)
    for name, number_of in (("owner", uid_of), ("group", gid_of)):
        with collected.one():
            if params[name] is not None:
                numbers[name] = number_of(params[name])
    with collected.one():
        if mode is not None:
            changed_mode(mode, 0)
    collected.raise_them()
    return ConfOptions(
        params["st2_conf"], tuple(wanted), params["backup"], numbers.get("owner"), numbers.get("group"), mode
    )


def _require_single_options_unset(params: t.Mapping[str, t.Any]) -> None:
    lone = [name for name in ("value", "values", "separator") if params[name] is not None]
    if lone:
        raise OptionError(f"{' and '.join(lone)} cannot be beside options; give it in each of these.")
    if not params["options"]:
        raise OptionError("options is empty. It must contain at least one option.")


def _require_once(wanted: t.Sequence[Wanted]) -> None:
    keys = [one.key for one in wanted]
    twice = dict.fromkeys(one.name for one in wanted if keys.count(one.key) > 1)
    if twice:
        raise OptionError(f"options names {' and '.join(twice)} more than once. List each option only once.")


def _wanted(item: t.Mapping[str, t.Any], state: str) -> Wanted:
    """What one item asks. Raises OptionError."""
    section, option = item["section"], item["option"]
    for what, name in (("section", section), ("option", option)):
        if not _NAME.fullmatch(name):
            raise OptionError(
                f'{what} is "{name}"; it must be of letters, digits, "_", "-" and ".", and begin with a letter or "_".'
            )
    value, values, separator = item["value"], item["values"], item["separator"]
    wanted = Wanted(section, option, state, how=item["list"], secret=item["secret"])
    _require_fitting(wanted.name, state, item)
    if value is not None:
        try:
            lines_of_value(value)
        except ValueError as error:
            raise OptionError(
                f"{wanted.name}: the value cannot stand in an st2.conf so that StackStorm reads it back, as {error}."
            ) from None
        return Wanted(section, option, state, value, secret=wanted.secret)
    if values is not None:
        separator = separator_of(option) if separator is None else separator
        _require_items(wanted.name, values, separator)
        return Wanted(section, option, state, None, tuple(values), wanted.how, separator, wanted.secret)
    return wanted


def _require_fitting(name: str, state: str, item: t.Mapping[str, t.Any]) -> None:
    given = [one for one in ("value", "values") if item[one] is not None]
    if state == "absent":
        if given:
            raise OptionError(
                f"{name}: state=absent removes the whole option from the file, so it cannot be combined with "
                f"{' and '.join(given)}. To remove items from a list, set values with list=remove and state=present."
            )
    elif len(given) != 1:
        found = "both are given" if given else "none is"
        raise OptionError(f"{name}: set value, or values for a list, or state=absent; {found}.")
    if given != ["values"]:
        lone = ["list"] if item["list"] != "set" else []
        lone += ["separator"] if item["separator"] is not None else []
        if lone:
            raise OptionError(f"{name}: {' and '.join(lone)} can only be used with values.")


def _require_items(name: str, values: t.Sequence[str], separator: str) -> None:
    if not separator.strip() or not separator.isprintable():
        raise OptionError(f"{name}: separator must contain a character other than spaces.")
    for number, item in enumerate(values, 1):
        if not item or item != item.strip() or not item.isprintable():
            raise OptionError(
                f"{name}: item {number} of values is empty, begins or ends with a space, or contains a character that "
                "cannot be in a line."
            )
        if separator in item:
            raise OptionError(f'{name}: item {number} of values has a "{separator}" in it, which separates the items.')
