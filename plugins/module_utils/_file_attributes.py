# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Owner, group and mode of a file as tasks give them."""

from __future__ import annotations

import grp
import pwd
import re
import typing as t

from ._errors import OptionError

# With somebody said: what nobody is said for depends on the umask.
_CLAUSE = re.compile(r"([ugoa]+)([-+=])([rwxXst]*|[ugo])")
_SHIFTS = {"u": 6, "g": 3, "o": 0}
_BITS = {"r": 4, "w": 2, "x": 1}
Mode = t.Union[str, int]
# To the system the next one, as well as -1, says to leave things as they are.
_LARGEST = 0xFFFFFFFE


def uid_of(owner: str) -> int:
    """The number of an account that is given by name or number.

    :raises OptionError: when there is no such account, and for a number that none can have.
    """
    return _number("owner", owner, lambda: pwd.getpwnam(owner).pw_uid)


def gid_of(group: str) -> int:
    """The number of a group, as L(uid_of)."""
    return _number("group", group, lambda: grp.getgrnam(group).gr_gid)


def _number(option: str, name: str, look_up: t.Callable[[], int]) -> int:
    if re.fullmatch("[0-9]+", name):
        if len(name) > len(str(_LARGEST)) or int(name) > _LARGEST:
            raise OptionError(f"The {option} {name[:20]} is too large: IDs of accounts are at most {_LARGEST}.")
        return int(name)
    try:
        return look_up()
    except (KeyError, ValueError):
        raise OptionError(f"The {option} {name or repr(name)} does not exist on this host.") from None


def user_name(uid: int) -> str:
    """The name of an account, its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def group_name(gid: int) -> str:
    """The name of a group, as L(user_name)."""
    try:
        return grp.getgrgid(gid).gr_name
    except (KeyError, OverflowError):
        return str(gid)


def octal_mode(value: Mode) -> t.Optional[int]:
    """A mode: text is octal, and a number is what YAML has made of 0640 without quotes; C(None) for anything else."""
    try:
        mode = value if isinstance(value, int) else int(value, 8)
    except ValueError:
        return None
    return mode if 0 <= mode <= 0o7777 and not isinstance(value, bool) else None


def changed_mode(value: Mode, mode: int) -> int:
    """The mode of a file after C(chmod VALUE), which may be octal or symbolic, such as C(u=rw,g=r,o=).

    :arg mode: What it is before.
    :raises OptionError: for a value that is neither.
    """
    octal = octal_mode(value)
    if octal is not None:
        return octal
    for clause in str(value).replace(" ", "").split(","):
        match = _CLAUSE.fullmatch(clause)
        if not match:
            raise OptionError('mode must be octal, like "0640", or symbolic, like "u=rw,g=r,o=".')
        mode = _apply(mode, *match.groups())
    return mode


def _apply(before: int, who: str, operator: str, permissions: str) -> int:
    mode = before
    for one in dict.fromkeys("ugo" if "a" in who else who):
        shift = _SHIFTS[one]
        if permissions in _SHIFTS:
            bits = (before >> _SHIFTS[permissions] & 7) << shift
        else:
            bits = sum({_BITS[letter] for letter in permissions if letter in _BITS})
            if "X" in permissions and before & 0o111:
                bits |= 1
            bits <<= shift
            if "s" in permissions and one in "ug":
                bits |= 0o4000 if one == "u" else 0o2000
            if "t" in permissions:
                bits |= 0o1000
        if operator == "=":
            mode &= ~(7 << shift)
        mode = mode & ~bits if operator == "-" else mode | bits
    return mode
