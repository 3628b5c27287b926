# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a git working copy knows to be upstream, read from its files as L(working_copy) does."""

from __future__ import annotations

import os
import re
import typing as t

from .working_copy import WorkingCopy

_REF = re.compile(r"refs/(remotes/origin|tags)/[\w./@+-]+\Z", re.ASCII)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?\Z")


def published(working_copy: WorkingCopy) -> t.Dict[str, str]:
    """Tags and branches of C(origin), with what they point at."""
    found = {name: at for name, at in working_copy.packed_refs().items() if _REF.match(name)}
    for top in ("refs/remotes/origin", "refs/tags"):
        for directory, _names, files in os.walk(os.path.join(working_copy.git_directory, top)):
            for name in files:
                ref = os.path.relpath(os.path.join(directory, name), working_copy.git_directory)
                if _REF.match(ref):
                    found[ref] = working_copy.read(ref).strip()
    return {name: at for name, at in found.items() if _COMMIT.match(at)}
