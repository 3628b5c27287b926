# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What else there is to observe about one pack: edits, contents, its virtualenv, what a purge would take."""

from __future__ import annotations

import os
import tempfile
import typing as t

from .._content.installed import InstalledPack
from .._content.published import published
from .._content.receipt import Contents, Receipt, read_contents, read_receipt
from .._content.working_copy import Head
from .._errors import InvalidPackError
from .._file_tree import list_tree
from .._layout import PacksDirectory
from .._source.directory import changed_files
from .._source.git_program import Git
from .._source.object_store import object_store
from .._source.work_tree import differences, local_commits
from .._st2.host import Host
from .releases import outdated

# What an edit begins with that is a commit.
COMMITTED = "committed"


def edited_files(pack: InstalledPack, directory: PacksDirectory, git: t.Callable[[], Git]) -> t.Tuple[str, ...]:
    """How the files of a pack differ from those it was installed with: C("edited actions/x.py"), C("missing ..."),
    C("extra ...").

    A working copy is held against the commit that was installed, and C("committed 1f0e2d3 Subject") is what was
    committed since; any other pack against the list of files in its contents file. For a pack that something else
    installed, more executable bits do not count, since StackStorm sets them all
    (st2common/util/pack_management.py apply_pack_permissions).

    :arg pack: As L(as_installed) gives it.
    :returns: Empty also for a pack of which nobody knows how it was.
    """
    if pack.link:
        return ()
    if pack.head:
        modes = pack.receipt is not None and not pack.receipt.adopted
        git_directory = os.path.join(pack.location, ".git")
        found = differences(git(), git_directory, pack.location, pack.head.commit, modes=modes)
        now = pack.working_copy.head()
        if now and now.commit != pack.head.commit:
            commits, _made_on = local_commits(git(), git_directory, now.commit, since=pack.head.commit)
            found = [*(f"{COMMITTED} {commit}" for commit in commits), *found]
        return tuple(found)
    contents = read_contents(directory, pack.ref) if pack.receipt else None
    return tuple(changed_files(contents.files, list_tree(pack.location))) if contents else ()


def as_installed(pack: InstalledPack, directory: PacksDirectory, git: t.Callable[[], Git]) -> InstalledPack:
    """The pack as it was installed, with its receipt, and the commit of then as head.

    An edited C(pack.yaml), or a commit that somebody made in it, hides that it is the one.
    """
    if pack.receipt or pack.link:
        return pack
    known = read_receipt(directory, pack.ref)
    if known and known.matches(pack.head.commit if pack.head else ""):
        return _as_known(pack, known, pack.head)
    if not pack.head or pack.head.commit in published(pack.working_copy).values():
        return pack
    since = known.commit if known else ""
    commits, made_on = local_commits(git(), os.path.join(pack.location, ".git"), pack.head.commit, since=since)
    if not commits:
        return pack  # Something else put another version there.
    if known:
        branch = known.resolved.name if known.resolved.kind in ("default", "branch") else ""
        return _as_known(pack, known, Head(known.commit, branch or None) if known.commit else None)
    return pack._replace(head=Head(made_on, pack.head.branch)) if made_on else pack


def _as_known(pack: InstalledPack, known: Receipt, head: t.Optional[Head]) -> InstalledPack:
    return pack._replace(
        name=known.name, version=known.version, origin=known.source.url, receipt=known, head=head, problem=None
    )


def restored(pack: InstalledPack, edits: t.Sequence[str], git: t.Callable[[], Git]) -> InstalledPack:
    """The pack that undoing its edits makes of it: its name and version are those of its commit.

    :arg pack: As L(as_installed) gives it.
    """
    if pack.receipt or not pack.head or "edited pack.yaml" not in edits:
        return pack
    from .._content.metadata import read_identity

    program = git()
    with tempfile.TemporaryDirectory(dir=program.scratch) as scratch:
        with object_store(program, os.path.join(pack.location, ".git"), pack.head.commit) as environment:
            text = program("cat-file", "blob", "HEAD:pack.yaml", environment=environment).stdout
        with open(os.path.join(scratch, "pack.yaml"), "w", encoding="utf-8") as stream:
            stream.write(text)
        try:
            _ref, name, version = read_identity(scratch, pack.ref)
        except InvalidPackError:
            return pack
    return pack._replace(name=name, version=version, problem=None)


def contents_of(pack: InstalledPack, directory: PacksDirectory) -> Contents:
    """What an installed pack holds: as remembered, or else as its files say."""
    remembered = read_contents(directory, pack.ref) if pack.receipt else None
    if remembered:
        return remembered
    from .._content.resources import read_content

    try:
        content = read_content(pack.location, pack.ref, strict=False)
    except InvalidPackError:
        return Contents()
    return Contents(content.by_type(), content.requirements)


def leftovers(
    ref: str, host: Host, directories: t.Sequence[PacksDirectory], now: t.Callable[[str], str]
) -> t.Tuple[t.Tuple[str, str], ...]:
    """What belongs to a pack outside of its directory and is there: kind and path.

    :arg directories: Those that may have releases of it.
    :arg now: Where what belongs at a path is just now, as L(PacksDirectory.now).
    """
    candidates = (
        ("virtualenv", os.path.join(host.virtualenvs_path, ref)),
        ("config", os.path.join(host.configs_path, f"{ref}.yaml")),
        ("overrides", os.path.join(host.overrides_path, f"{ref}.yaml")),
    )
    kept = [("releases", path) for directory in directories for path in outdated(directory, ref, 0)]
    return (*((kind, path) for kind, path in candidates if os.path.lexists(now(path))), *kept)
