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

from .._content.published import published
from .._content.working_copy import WorkingCopy
from .._file_changes import remove_tree, write_atomically
from .git_program import Git
from .lfs import put_back

_FORMATS = {40: "[core]\n\trepositoryformatversion = 0\n"}
_FORMATS[64] = "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tobjectformat = sha256\n"
_EXCLUDED = "info/exclude"
# What a git that was killed leaves, and what keeps the next one from its work; no name of a ref ends so.
_LOCKS = "*.lock"
_LARGEST_EXCLUDED = 1 << 20


@contextlib.contextmanager
def object_store(git: Git, git_directory: str, commit: str) -> t.Iterator[t.Dict[str, str]]:
    """The environment in which git sees the objects of C(git_directory), and C(commit) as HEAD, but nothing else of it.

    What the repository says to ignore (C(info/exclude)) is taken along, and what it knows to be upstream.

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
        refs = sorted(published(WorkingCopy(os.path.dirname(git_directory))).items())
        with open(os.path.join(directory, "packed-refs"), "w", encoding="ascii") as stream:
            stream.writelines(f"{at} {name}\n" for name, at in refs)
        yield {
            "GIT_DIR": directory,
            "GIT_OBJECT_DIRECTORY": os.path.join(git_directory, "objects"),
            "GIT_INDEX_FILE": os.path.join(directory, "index"),
        }


def restore_working_copy(
    working_copy: str, commit: str, target: str, git: Git, *, branch: t.Optional[str] = None
) -> None:
    """A pristine copy of a working copy, from its own repository.

    :arg target: Does not exist yet.
    :arg branch: The branch that is put on C(commit) and checked out, where HEAD is another commit now.
    :raises ProgramError: when the repository has not all of it.
    """
    os.makedirs(target, mode=0o755)
    repository = os.path.join(target, ".git")
    shutil.copytree(
        os.path.join(working_copy, ".git"), repository, symlinks=True, ignore=shutil.ignore_patterns(_LOCKS)
    )
    index = os.path.join(repository, "index")
    remove_tree(index)
    with object_store(git, repository, commit) as environment:
        environment.update(GIT_WORK_TREE=target, GIT_INDEX_FILE=index)
        git("reset", "--quiet", "--hard", "HEAD", environment=environment, cwd=target)
    head = WorkingCopy(target).head()
    if head is None or head.commit != commit:
        if branch:
            place = os.path.join(repository, "refs", "heads", branch)
            os.makedirs(os.path.dirname(place), exist_ok=True)
            write_atomically(place, f"{commit}\n".encode())
        name = f"ref: refs/heads/{branch}" if branch else commit
        write_atomically(os.path.join(repository, "HEAD"), f"{name}\n".encode())
    put_back(target)
