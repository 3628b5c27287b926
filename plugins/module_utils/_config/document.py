# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The file of a pack's config, C(<configs>/<ref>.yaml), as it is."""

from __future__ import annotations

import os
import stat
import typing as t
from dataclasses import dataclass, field

from .._content.yaml_lines import Lines, lines_of
from .._errors import ConfigError, InvalidPackError
from .._yaml_file import MOST_BYTES, load_composed
from .validation import type_name
from .values import Values


@dataclass(frozen=True)
class ConfigFile:
    """A config's file.

    :arg path: Its absolute path.
    :arg exists: Whether there is anything.
    :arg values: What it says; empty when it does not exist, or has a problem.
    :arg text: The whole text, line ends as they are.
    :arg lines: Where its keys stand.
    :arg problem: Why it cannot be taken for a config, as a sentence without any of its values; empty when it can.
    :arg content: Its bytes.
    :arg mode: Permission bits, with C(uid) and C(gid) of the file; of a link, those of the link.
    :arg link: Where it leads when it is a symbolic link. What it says is what is there; it is never written through.
    """

    path: str
    exists: bool = False
    values: Values = field(default_factory=dict, repr=False)
    text: str = field(default="", repr=False)
    lines: Lines = field(default_factory=Lines, repr=False)
    problem: str = ""
    content: bytes = field(default=b"", repr=False)
    mode: int = 0
    uid: int = -1
    gid: int = -1
    link: t.Optional[str] = None


def config_path(configs_path: str, ref: str) -> str:
    """Where StackStorm looks for the config of a pack (st2common/bootstrap/configsregistrar.py)."""
    return os.path.join(configs_path, f"{ref}.yaml")


def read_config(path: str, location: t.Optional[str] = None) -> ConfigFile:
    """Read a config's file. What is wrong with it is in the result.

    StackStorm reads what a link leads to (st2common/bootstrap/configsregistrar.py, isfile). Others than root may put
    links there, so that one is followed only where its owner may read what it leads to.

    :arg location: Where it lies just now, when that is elsewhere.
    :raises ConfigError: when something else than a file is there, or it cannot be read.
    """
    location = location or path
    try:
        status = os.lstat(location)
    except (FileNotFoundError, NotADirectoryError):
        return ConfigFile(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Run as an account that may (become).") from error
    known: t.Dict[str, t.Any] = {
        "path": path,
        "exists": True,
        "mode": stat.S_IMODE(status.st_mode),
        "uid": status.st_uid,
        "gid": status.st_gid,
    }
    if stat.S_ISLNK(status.st_mode):
        return _read_link(path, location, status.st_uid, known)
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"{path} is not a file. Remove what is there.")
    return _read(path, location, known)


def _read_link(path: str, location: str, owner: int, known: t.Dict[str, t.Any]) -> ConfigFile:
    known["link"] = target = os.readlink(location)
    try:
        # As the error is only for what cannot be opened, it is closed below.
        stream = open(location, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    else:
        with stream:
            status = os.fstat(stream.fileno())
            if not stat.S_ISREG(status.st_mode):
                reason = "is not a file"
            elif owner not in (0, status.st_uid) and not status.st_mode & stat.S_IROTH:
                reason = "may not be readable for the owner of the link"
            else:
                return _parse(path, stream.read(MOST_BYTES + 1), known)
    return ConfigFile(problem=f"{path} is a symbolic link, to {target}, which {reason}.", **known)


def _read(path: str, location: str, known: t.Dict[str, t.Any]) -> ConfigFile:
    try:
        # What has become a link meanwhile is not followed.
        with open(
            location, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK)
        ) as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}. Run as an account that may (become).") from error
    return _parse(path, content, known)


def _parse(path: str, content: bytes, known: t.Dict[str, t.Any]) -> ConfigFile:
    known["content"] = content
    if len(content) > MOST_BYTES:
        raise ConfigError(f"{path} has more than {MOST_BYTES} bytes, which is no config. Remove it.")
    try:
        values, node, text = load_composed(path, content=content, registered=True)
    except InvalidPackError as error:
        return ConfigFile(problem=error.message, **known)
    if values is None:
        return ConfigFile(text=text, **known)
    if not isinstance(values, dict):
        return ConfigFile(problem=f"{path} is not a mapping of keys and values: it is a {type_name(values)}.", **known)
    return ConfigFile(values=values, text=text, lines=lines_of(node), **known)
