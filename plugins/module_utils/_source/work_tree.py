# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A work tree held against a commit of its repository: edited files, and commits that upstream does not have."""

from __future__ import annotations

import os
import stat
import typing as t

from .._file_tree import is_bytecode
from .._lfs import MOST_POINTER_BYTES, parse_pointer
from .committed_files import path_on_disk
from .git_program import Git
from .lfs import is_content, may_keep_elsewhere
from .object_store import object_store

_LONGEST_SUBJECT = 60
_CHANGES = {"?": "extra", "D": "missing"}


def differences(git: Git, git_directory: str, work_tree: str, commit: str, *, modes: bool) -> t.List[str]:
    """Files of a work tree that are not as a commit has them: C(edited), C(missing) and C(extra) with their path.

    Every file is read; neither the index of the work tree nor its time stamps are trusted, and nothing is written
    there. Ignored files and bytecode do not count.

    :arg git_directory: A C(.git) directory that has the commit.
    :arg modes: Whether an executable bit counts that the commit has not; one that is gone always does.
    :returns: Sorted C("edited actions/x.py") and the like.
    """
    settings = ("-c", f"core.fileMode={'true' if modes else 'false'}", "-c", "core.quotePath=false")
    with object_store(git, git_directory, commit) as environment:
        programs = [] if modes else _programs(git, environment)
        environment["GIT_WORK_TREE"] = work_tree
        git("read-tree", commit, environment=environment)
        status = git(
            *settings,
            "status",
            "--porcelain",
            "-z",
            "--untracked-files=all",
            "--no-renames",
            "--ignore-submodules=all",
            environment=environment,
            cwd=work_tree,
        ).stdout
        found = list(_parse_status(status))
        if found and may_keep_elsewhere(work_tree):
            found = [edit for edit in found if not _is_elsewhere(git, edit, work_tree, environment)]
    return sorted({*found, *(f"edited {path}" for path in programs if _is_locked(work_tree, path))})


def _is_elsewhere(git: Git, edit: str, work_tree: str, environment: t.Mapping[str, str]) -> bool:
    """Whether a file differs only as it has the content that git keeps elsewhere."""
    kind, _blank, path = edit.partition(" ")
    if kind != "edited":
        return False
    name = os.fsencode(path).decode("utf-8", "surrogateescape")
    size = git("cat-file", "-s", f"HEAD:{name}", environment=environment, check=False).stdout.strip()
    if not size.isdigit() or int(size) > MOST_POINTER_BYTES:
        return False
    text = git("cat-file", "blob", f"HEAD:{name}", environment=environment).stdout
    pointer = parse_pointer(text.encode("utf-8", "surrogateescape"))
    return pointer is not None and is_content(os.path.join(work_tree, path), pointer)


def _programs(git: Git, environment: t.Mapping[str, str]) -> t.List[str]:
    """The files that a commit says can be run."""
    listing = git("ls-tree", "-r", "-z", "--full-tree", "HEAD", environment=environment).stdout
    records = listing.split("\0")
    return [path_on_disk(record.partition("\t")[2]) for record in records if record.startswith("100755 ")]


def local_commits(git: Git, git_directory: str, head: str, *, since: str = "") -> t.Tuple[t.List[str], str]:
    """The commits that lead to C(head) and that nothing known of upstream has.

    :arg git_directory: A C(.git) directory.
    :arg since: A commit that was upstream's, whatever is known.
    :returns: Short ids with subjects, newest first, and the commit that they were made on, empty for none.
    """
    with object_store(git, git_directory, head) as environment:
        published = ["--remotes", "--tags", *([since] if since else [])]
        for known in (published, published[:2]):  # The repository may have C(since) no more.
            answer = git(
                *("log", "--boundary", "--format=%m%H %h %s", "HEAD", "--not", *known),
                environment=environment,
                check=False,
            )
            if answer.returncode == 0:
                break
    lines = answer.stdout.splitlines()
    found = [line[1:].partition(" ")[2][:_LONGEST_SUBJECT] for line in lines if not line.startswith("-")]
    made_on = next((line[1:].partition(" ")[0] for line in lines if line.startswith("-")), "")
    return found, made_on


def _is_locked(work_tree: str, path: str) -> bool:
    """Whether a file is there and cannot be run."""
    try:
        status = os.lstat(os.path.join(work_tree, path))
    except OSError:
        return False
    return stat.S_ISREG(status.st_mode) and not status.st_mode & 0o100


def _parse_status(status: str) -> t.Iterator[str]:
    for record in status.split("\0"):
        # The first letter compares the commit with HEAD, which is not asked; the second the work tree with the commit.
        change, path = record[1:2], path_on_disk(record[3:])
        if not path or change == " " or is_bytecode(path):
            continue
        yield f"{_CHANGES.get(change, 'edited')} {path}"
