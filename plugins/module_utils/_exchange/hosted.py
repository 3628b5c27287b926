# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Repositories that are pushed to an exchange host.

They belong to the account that pushes come in by, and nobody else writes there. What is served has a link to each.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import typing as t

from .._content.names import check_ref
from .._errors import ApplyError
from .._file_changes import remove_tree, write_atomically
from .._files import UnfitFileError, read_regular_file
from .._secrets import strip_urls
from .._source.git_program import Git
from .hooks import UPDATE, post_receive
from .keeping import (
    Kept,
    alone,
    hosted_directory,
    new_directory,
    old_directory,
    read_kept,
    served_directory,
    swap_in,
    write_kept,
)
from .served_packs import make_one_pack, remove_superseded, write_pack_list

# What git is told for each of these, beside what it needs itself.
_SETTINGS = {
    # Whoever pushes may have any umask, and nginx reads what git writes.
    "core.sharedRepository": "0644",
    # Clones over plain HTTP read lists of refs and packs.
    "receive.updateServerInfo": "true",
    # Housekeeping would take packs away from clones that are reading them.
    "receive.autogc": "false",
    "gc.auto": "0",
    # One file for each push, and not one for each object.
    "receive.unpackLimit": "1",
    # Objects that mean harm to other versions of git.
    "receive.fsckObjects": "true",
    "uploadpack.allowAnySHA1InWant": "true",
    "http.receivepack": "false",
}
# Beside git's own files in a repository.
_SUPERSEDED = "st2-superseded.json"
_LARGEST = 1 << 20


def create_hosted(git: Git, root: str, ref: str, url: str) -> bool:
    """Make a repository that is pushed to this host, or bring its settings and hooks up to date.

    Branches may be forced and deleted, as people expect of their own; tags are neither changed nor deleted, which only
    a hook can refuse. Many packs become one (L(tidy_hosted)). Run by the account that pushes come in by.

    :arg url: The base of what is published.
    :returns: Whether settings or hooks changed, or it is new.
    :raises OptionError: for what is no ref.
    :raises ApplyError: when it cannot be written, or something else is there.
    """
    check_ref("ref", ref)
    directory = hosted_directory(root, ref)
    try:
        changed = False
        if not os.path.lexists(directory):
            _make(git, directory)
            changed = True
        elif not os.path.isfile(os.path.join(directory, "HEAD")):
            raise ApplyError(f"{directory} is there and is no git repository: move it away.", ref=ref)
        changed = _set(git, directory) or changed
        for name, content in (("update", UPDATE), ("post-receive", post_receive(ref, url))):
            changed = _write_hook(os.path.join(directory, "hooks", name), content.encode()) or changed
        if not os.path.exists(os.path.join(directory, "info", "refs")):
            git("update-server-info", cwd=directory)
        tidy_hosted(git, root, ref)
    except OSError as error:
        raise ApplyError(
            f"The repository {directory} cannot be written: {error.strerror or error}.", ref=ref
        ) from error
    return changed


def tidy_hosted(git: Git, root: str, ref: str, *, now: t.Callable[[], float] = time.time) -> bool:
    """Make one pack of a repository's many, and remove those that were replaced an hour ago.

    Run by the account that pushes come in by; pushes and clones go on meanwhile.

    :returns: Whether anything changed.
    """
    directory = hosted_directory(root, ref)
    path = os.path.join(directory, _SUPERSEDED)
    known = _read_superseded(path)
    made = make_one_pack(git, directory, known)
    superseded = {**known, **dict.fromkeys(made, now())}
    left = remove_superseded(directory, superseded, now()) if superseded else {}
    # A push lists them all again; one that came meanwhile must not miss in the list.
    while left and write_pack_list(directory, left):
        pass
    if left != known:
        write_atomically(path, json.dumps(left, sort_keys=True).encode(), mode=0o644)
    return bool(made) or set(left) != set(known)


def link_hosted(root: str, refs: t.Iterable[str]) -> t.List[str]:
    """Serve the repositories that are pushed to this host. Run by the account that owns what is served.

    Where a repository of the same name was mirrored so far, it is served until something is pushed.

    :returns: What somebody should look at, as sentences.
    :raises ApplyError: when a link cannot be written.
    """
    problems: t.List[str] = []
    for ref in refs:
        try:
            problems += _link(root, ref)
        except OSError as error:
            raise ApplyError(
                f"The link {served_directory(root, ref)} cannot be written: {error.strerror or error}.", ref=ref
            ) from error
    return problems


def has_commits(directory: str) -> bool:
    """Whether a repository has a branch or a tag, as clones over plain HTTP see it."""
    try:
        return os.path.getsize(os.path.join(directory, "info", "refs")) > 0
    except FileNotFoundError:
        return False


def _link(root: str, ref: str) -> t.Iterator[str]:
    hosted, served = hosted_directory(root, ref), served_directory(root, ref)
    target = os.path.join("..", "hosted", f"{ref}.git")
    if os.path.islink(served) and os.readlink(served) == target:
        if not os.path.isdir(hosted):
            yield _missing(ref, hosted)
        return
    with alone(root, ref):
        if not os.path.isdir(hosted):
            yield _missing(ref, hosted)
            return
        mirrored = os.path.isdir(served) and not os.path.islink(served)
        if mirrored and not has_commits(hosted):
            before = read_kept(root, ref).mirrored
            origin = f" from {strip_urls(before.url)}" if before and before.url else ""
            yield (
                f"{ref} is hosted here now, and nothing was pushed yet: what was brought here{origin} is served until "
                f"then."
            )
            return
        os.makedirs(os.path.dirname(served), mode=0o755, exist_ok=True)
        new = new_directory(root, ref)
        os.symlink(target, new)
        swap_in(new, served, old_directory(root, ref))
        # Nothing of what was mirrored is true of this one.
        write_kept(root, ref, Kept())


def _missing(ref: str, hosted: str) -> str:
    return f"{ref} is to be hosted here, and {hosted} does not exist: run the program with: create {ref}"


def _make(git: Git, directory: str) -> None:
    os.makedirs(os.path.dirname(directory), mode=0o755, exist_ok=True)
    new = f"{directory}.new"
    remove_tree(new)
    shared = f"--shared={_SETTINGS['core.sharedRepository']}"
    git("init", "--quiet", "--bare", "--template=", shared, "--initial-branch=main", "--", new)
    # Which it has set with that.
    git("config", "--file", "config", "--unset-all", "receive.denyNonFastforwards", cwd=new, check=False)
    os.rename(new, directory)


def _set(git: Git, directory: str) -> bool:
    """Bring the settings up to date; others stay."""
    listing = git("config", "--file", "config", "--null", "--list", cwd=directory).stdout
    found = dict(item.partition("\n")[::2] for item in listing.split("\0") if item)
    changed = False
    for name, value in _SETTINGS.items():
        if found.get(name.lower()) != value:
            git("config", "--file", "config", "--replace-all", name, value, cwd=directory)
            changed = True
    return changed


def _write_hook(path: str, content: bytes) -> bool:
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as stream:
        if stream.read() == content and os.access(path, os.X_OK):
            return False
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    write_atomically(path, content, mode=0o755)
    return True


def _read_superseded(path: str) -> t.Dict[str, float]:
    try:
        found = json.loads(read_regular_file(path, _LARGEST, follow=False))
        return {str(name): float(since) for name, since in found.items()}
    except (OSError, UnfitFileError, ValueError, TypeError, AttributeError):
        return {}
