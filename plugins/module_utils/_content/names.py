# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Names of packs and of their versions, as StackStorm and git take them. Text only."""

from __future__ import annotations

import re
import typing as t

from .._errors import OptionError
from .._secrets import strip_urls

# st2common/constants/pack.py PACK_REF_WHITELIST_REGEX and RESERVED_PACK_LIST; for the length see metadata_schema.py.
_REF = re.compile(r"[a-z0-9_]{1,200}")
_RESERVED_REFS = ("_global",)
_LONGEST = 2048
_NOT_IN_REFS = re.compile(r"\.\.|@\{|//|[~^:?*\[\\]|(?:^|/)\.|\.lock(?:/|$)|[./]$|^[-/=@]$|^[-/=]")


def check_ref(option: str, value: str) -> str:
    """Check that a text can be a pack's ref.

    :raises OptionError: when it cannot, with the ref that was probably meant.
    """
    if not value:
        raise refusal(option, value, "there is no pack name in it")
    if value in _RESERVED_REFS:
        raise refusal(option, value, "StackStorm reserves this name")
    if _REF.fullmatch(value):
        return value
    why = "a pack's name (its ref) holds only a-z, 0-9 and _, at most 200 of them"
    if value[-1] in "<>!~":
        raise refusal(option, value, f"{why}; write a version as NAME=VERSION, as ranges are not supported")
    meant = re.sub(r"[^a-z0-9]+", "_", value.lower()).strip("_")
    raise refusal(option, value, f"{why}. Did you mean {meant}?" if meant and len(value) < 80 else why)


def check_version(version: str) -> t.Optional[str]:
    """Check a version by git's rules for names of branches and tags (git-check-ref-format); C(None) for none."""
    if not version:
        return None
    check_text("version", version)
    if _NOT_IN_REFS.search(version):
        hint = " A version is written after a single =." if version.startswith("=") else ""
        raise refusal("version", version, f"git has no version, tag, branch or commit of that form.{hint}")
    return version


def is_path(text: str) -> bool:
    """Whether a source is a directory of a host."""
    return text.startswith("/") or text[:7].lower() == "file://"


def check_text(option: str, text: str, *, blanks: bool = False) -> None:
    """:arg blanks: Whether it may hold blanks, as the path of a directory may."""
    if not isinstance(text, str):
        raise OptionError(f"{option} must be a string, not {type(text).__name__}: quote it.")
    if not text:
        raise OptionError(f"{option} is empty: name a pack or a source.")
    if text.startswith("-"):
        raise refusal(option, text, "it must not begin with -, which programs interpret as an option")
    if len(text) > _LONGEST:
        raise refusal(option, text, f"it is longer than {_LONGEST} characters")
    if not text.isprintable() or (not blanks and " " in text):
        raise refusal(option, text, "it contains spaces, newlines or control characters. Use a list for several packs")


def refusal(option: str, value: str, why: str) -> OptionError:
    return OptionError(f'The {option} "{_shown(value)}" cannot be used: {why}{"" if why.endswith(("?", ".")) else "."}')


def _shown(text: str) -> str:
    """A refused text for a message. What stands in front of an C(@) may be a password, in however wrong a URL."""
    head, at, tail = text.rpartition("@")
    if at:
        scheme, slashes, _rest = head.partition("://")
        text = f"{scheme + slashes if slashes else ''}********@{tail}"
    text = "".join(character if character.isprintable() else "?" for character in strip_urls(text))
    return text if len(text) <= 200 else f"{text[:200]}..."
