# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The commits of an installed pack without the settings of its repository, which others than root may write.

A work tree elsewhere, filters and programs for this and that: all of it stands in C(.git/config), and git obeys it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import typing as t

from .._file_changes import remove_tree
from .git_program import Git

_FORMATS = {40: "[core]\n\trepositoryformatversion = 0\n"}
_FORMATS[64] = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
_EXCLUDED = "info/exclude"
_LARGEST_EXCLUDED = 1 << 20


@contextlib.contextmanager
def object_store(git: Git, git_directory: str, commit: str) -> t.Iterator[t.Dict[str, str]]:
    """The environment in which git sees the objects of C(git_directory), and C(commit) as HEAD, but nothing else of it.

    What the repository says to ignore (C(info/exclude)) is taken along.

    :arg commit: The full commit.
    """
    with tempfile.TemporaryDirectory(prefix="objects-", dir=git.scratch) as directory:
        for name in ("objects", "refs", "info"):
            os.mkdir(os.path.join(directory, name))
        for name, text in (("HEAD", f"{commit}\n"), ("config", _FORMATS[len(commit)])):
            with open(os.path.join(directory, name), "w", encoding="ascii") as stream:
                stream.write(text)
        excluded = os.path.join(git_directory, _EXCLUDED)
        if os.path.isfile(excluded) and os.path.getsize(excluded) <= _LARGEST_EXCLUDED:
            shutil.copyfile(excluded, os.path.join(directory, _EXCLUDED))
        yield {
            "GIT_DIR": directory,
            "GIT_OBJECT_DIRECTORY": os.path.join(git_directory, "objects"),
            "GIT_INDEX_FILE": os.path.join(directory, "index"),
        }


def restore_working_copy(working_copy: str, commit: str, target: str, git: Git) -> None:
    """A pristine copy of a working copy, from its own repository.

    :arg target: Does not exist yet.
    :raises ProgramError: when the repository has not all of it.
    """
    os.makedirs(target, mode=0o755)
    repository = os.path.join(target, ".git")
    shutil.copytree(os.path.join(working_copy, ".git"), repository, symlinks=True)
    index = os.path.join(repository, "index")
    remove_tree(index)
    with object_store(git, repository, commit) as environment:
        environment.update(GIT_WORK_TREE=target, GIT_INDEX_FILE=index)
        git("reset", "--quiet", "--hard", "HEAD", environment=environment, cwd=target)
