# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The Python files of a pack, compiled aside and never imported."""

from __future__ import annotations

import os
import typing as t

from .compiling import Compiled, compile_files
from .pack import Pack

_MOST_BYTES = 1 << 20


def compilable(pack: Pack) -> t.List[str]:
    """The Python files of a pack, but for those that are too large for code that somebody wrote."""
    return [path for path in pack.below("", ".py") if _is_small(os.path.join(pack.directory, path))]


def _is_small(path: str) -> bool:
    try:
        return os.path.getsize(path) <= _MOST_BYTES
    except OSError:
        return False


def names_of(pack: Pack, path: str) -> t.Optional[t.FrozenSet[str]]:
    """What the top level of a file may have; C(None) when that is not known."""
    for results in compiled(pack).values():
        if path in results:
            return results[path].names
    return None


def compiled(pack: Pack) -> t.Mapping[str, t.Mapping[str, Compiled]]:
    """What came of all files, by path, for each interpreter.

    :raises St2Error: when an interpreter cannot be started, or does not know what to do.
    """
    if "compiled" not in pack.kept:
        files = compilable(pack)
        pack.kept["compiled"] = {python: _compile(pack, python, files) for python in pack.against.pythons}
    found: t.Mapping[str, t.Mapping[str, Compiled]] = pack.kept["compiled"]
    return found


def _compile(pack: Pack, python: str, files: t.Sequence[str]) -> t.Dict[str, Compiled]:
    paths = [os.path.join(pack.directory, path) for path in files]
    results = compile_files(python, paths, scratch=pack.scratch, floor=pack.against.floor)
    return dict(zip(files, results))
