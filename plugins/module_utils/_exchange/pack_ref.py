# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The ref of the pack in a bare repository, as its pack.yaml says."""

from __future__ import annotations

import os
import tempfile
import typing as t

from .._content.metadata import MANIFEST, derive_ref
from .._content.versions import sort_versions
from .._errors import InvalidPackError
from .._secrets import strip_urls
from .._source.git_program import Git
from .._source.remote_refs import HEADS, TAGS
from .._yaml_file import load_yaml

_MOST_BYTES = 1 << 20


def pack_ref(git: Git, directory: str, refs: t.Mapping[str, str], head: str, url: str) -> str:
    """The ref by the highest version that is tagged, else by the default branch.

    :arg refs: Branches and tags by full name.
    :arg head: Full name of the default branch.
    :raises InvalidPackError: when none of them says one.
    """
    tags = [name[len(TAGS) :] for name in refs if name.startswith(TAGS)]
    newest = [f"{TAGS}{name}" for name in sort_versions(tags)[:1]]
    places = [name for name in (*newest, head, *sorted(one for one in refs if one.startswith(HEADS))) if name in refs]
    problem = f"it has no {MANIFEST} at its top"
    for name in dict.fromkeys(places):
        with tempfile.TemporaryDirectory(prefix="manifest-", dir=git.scratch) as scratch:
            path = os.path.join(scratch, MANIFEST)
            with open(path, "wb") as stream:
                command = ("cat-file", "blob", f"{name}:{MANIFEST}")
                done = git(*command, cwd=directory, check=False, answer=stream, most_written=_MOST_BYTES)
            if done.returncode:
                continue
            try:
                document = load_yaml(path, shown=MANIFEST, most_bytes=_MOST_BYTES)
                return derive_ref(document if isinstance(document, dict) else {}, None)
            except InvalidPackError as error:
                problem = error.message.rstrip(".")
    raise InvalidPackError(
        f"The name of the pack in {strip_urls(url)} cannot be found out: {problem}. Give the name beside the source."
    )
