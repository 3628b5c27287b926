# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Virtualenvs as trees of files: copied, made to name another place, and compiled."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import typing as t
from urllib.parse import quote

from .._errors import VirtualenvError
from .._file_changes import write_atomically
from .._layout import entries

# Of what may name a place; no installer writes one into anything larger.
_LARGEST = 32 << 20
# linux/fs.h: share the blocks of a file, until one of both is written to.
_FICLONE = 0x40049409


def site_packages(path: str) -> str:
    """The C(lib/pythonX.Y/site-packages) of a virtualenv.

    :raises VirtualenvError: when there is none.
    """
    library = os.path.join(path, "lib")
    for name in entries(library):
        if name.startswith("python"):
            return os.path.join(library, name, "site-packages")
    raise VirtualenvError(f"{path} is not a virtualenv: it has no lib/python directory.")


def clone_tree(source: str, target: str, old: str, new: str) -> None:
    """Copy a virtualenv. No file is shared, as people edit them; its blocks are, where the file system can do that.

    :arg old: The path that its files name now.
    :arg new: The path that they shall name.
    """
    clones = True

    def copy(one: str, other: str) -> str:
        nonlocal clones
        if os.path.islink(one) or not clones or not _clone_file(one, other):
            clones = clones and os.path.islink(one)
            shutil.copy2(one, other, follow_symlinks=False)
        return other

    shutil.copytree(source, target, symlinks=True, copy_function=copy)
    retarget(target, {old: new})


def _clone_file(one: str, other: str) -> bool:
    """Copy a file without copying what is in it; C(False) where that is not to be had."""
    with open(one, "rb") as reading, open(other, "wb") as writing:
        try:
            fcntl.ioctl(writing.fileno(), _FICLONE, reading.fileno())
        except OSError:
            return False
    shutil.copystat(one, other)
    return True


def retarget(path: str, moves: t.Mapping[str, str]) -> None:
    """Make all files and links of a virtualenv name the new places where they name old ones.

    Bytecode that names an old one goes: Python can make it again.

    :arg moves: New paths by old ones.
    """
    # A longer one may begin with another.
    pairs = sorted(((old, new) for old, new in moves.items() if old != new), reverse=True)
    if not pairs:
        return
    names = [(os.fsencode(old), os.fsencode(new)) for old, new in pairs]
    # Addresses of packages, as in direct_url.json, have some letters of a path in another form.
    names += [(quote(old).encode(), quote(new).encode()) for old, new in pairs if quote(old) != old]
    for directory, below, files in os.walk(path):
        for name in (*files, *below):
            found = os.path.join(directory, name)
            if os.path.islink(found):
                _lead_elsewhere(found, pairs)
            elif os.path.isfile(found):
                _replace_in(found, names)


def _lead_elsewhere(link: str, pairs: t.Sequence[t.Tuple[str, str]]) -> None:
    target = os.readlink(link)
    for old, new in pairs:
        if target == old or target.startswith(f"{old}{os.sep}"):
            os.unlink(link)
            os.symlink(new + target[len(old) :], link)
            return


def _replace_in(path: str, names: t.Sequence[t.Tuple[bytes, bytes]]) -> None:
    status = os.stat(path)
    if status.st_size > _LARGEST:
        return
    with open(path, "rb") as stream:
        content = stream.read()
    if not any(old in content for old, _new in names):
        return
    if path.endswith(".pyc"):
        os.unlink(path)
    elif b"\0" not in content:
        for old, new in names:
            content = content.replace(old, new)
        write_atomically(path, content, mode=status.st_mode & 0o777)
        with contextlib.suppress(OSError):
            os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def compile_command(path: str) -> t.List[str]:
    """The command that compiles what is installed in a virtualenv, so that the bytecode names no place.

    Python itself fills in the true one when it loads bytecode; what is compiled already is left alone.
    """
    packages = site_packages(path)
    inside = os.path.relpath(packages, path)
    return [os.path.join(path, "bin", "python"), "-m", "compileall", "-q", "-d", inside, packages]
