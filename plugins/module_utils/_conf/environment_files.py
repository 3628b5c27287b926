# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The environment files of StackStorm's services on a host: which they are, read, written in one step."""

from __future__ import annotations

import contextlib
import os
import stat
import typing as t
from dataclasses import dataclass

from .._errors import ApplyError, HostError, VerifyError
from .._file_changes import write_atomically
from .._files import UnfitFileError, read_regular_file
from .._st2.service_start import ENVIRONMENT_FILES, environment_files
from .._st2.services import find_unit
from .environment_block import EnvironmentFile

_MOST_BYTES = 1 << 20


@dataclass(frozen=True)
class Place:
    """An environment file of one service.

    :arg later: The files that the service reads after it.
    """

    service: str
    path: str
    later: t.Tuple[str, ...] = ()


def find_place(root: str, service: str) -> t.Optional[Place]:
    """Where variables of a service belong; C(None) for a service that the host does not have.

    :arg root: As L(Host.root).
    :raises HostError: when its unit reads no such file.
    """
    usual = [f"{root}{folder}/{service}" for folder in ENVIRONMENT_FILES]
    found = environment_files(root, service)
    has_unit = find_unit(root, f"{service}.service") or find_unit(root, f"{service}@.service")
    if found is None or not has_unit:
        there = [path for path in usual if os.path.exists(path)]
        return Place(service, there[-1]) if there else None
    candidates = [path for path in found if path in usual] or [path for path in found if not set(path) & set("*?[")]
    if not candidates:
        raise HostError(
            f"The unit of {service} reads no environment file, so {service} cannot be given variables. Add a line "
            f"EnvironmentFile=-{ENVIRONMENT_FILES[0]}/{service} to it."
        )
    return Place(service, candidates[-1], tuple(found[found.index(candidates[-1]) + 1 :]))


def read_file(path: str) -> EnvironmentFile:
    """Read a file; none is an empty one.

    :raises HostError: when it cannot be read.
    """
    try:
        content = read_regular_file(path, _MOST_BYTES)
        mode = stat.S_IMODE(os.stat(path).st_mode)
    except FileNotFoundError:
        return EnvironmentFile()
    except UnfitFileError as error:
        raise HostError(f"{path} cannot be an environment file. {error.strerror}. Remove or correct it.") from error
    except OSError as error:
        raise HostError(f"{path} cannot be read: {error.strerror}. Run the task with become.") from error
    return EnvironmentFile(content.decode("utf-8", "surrogateescape"), mode)


def write_file(path: str, wanted: EnvironmentFile) -> None:
    """Put a file into its place, or take it away. Its owner and its group stay.

    :raises ApplyError: when that cannot be done; then it is what it was.
    :raises VerifyError: when it is read back as something else.
    """
    place = os.path.realpath(path)
    try:
        if wanted.text is None:
            os.unlink(place)
        else:
            uid, gid = -1, -1
            with contextlib.suppress(FileNotFoundError):
                status = os.stat(place)
                uid, gid = status.st_uid, status.st_gid
            content = wanted.text.encode("utf-8", "surrogateescape")
            write_atomically(place, content, mode=wanted.mode, uid=uid, gid=gid)
    except PermissionError as error:
        raise ApplyError(f"This account may not change {path}: {error.strerror}. Run with become.") from error
    except OSError as error:
        raise ApplyError(f"{path} cannot be changed: {error.strerror}.") from error
    if wanted.text is not None and read_file(path) != wanted:
        raise VerifyError(f"{path} was written, and is not what was written. Does something else change it as well?")
