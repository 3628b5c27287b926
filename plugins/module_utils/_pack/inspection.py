# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What else there is to observe about one pack: edits, contents, its virtualenv, what a purge would take."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError
from ansible_collections.stackstorm.st2.plugins.module_utils._files import list_tree
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.directory import changed_files
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.git_program import Git
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.installed import InstalledPack
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.places import PacksDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.receipt import Contents, read_contents
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.repository import Repository
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import Host


def edited_files(pack: InstalledPack, directory: PacksDirectory, git: t.Callable[[], Git]) -> t.Tuple[str, ...]:
    """How the files of a pack differ from those it was installed with: C("edited actions/x.py"), C("missing ..."),
    C("extra ...").

    A working copy is held against its commit, any other pack against the list of files in its contents file. For a pack
    that StackStorm itself installed, executable bits do not count, since StackStorm sets them all.

    :returns: Empty also for a pack of which nobody knows how it was.
    """
    if pack.link:
        return ()
    if pack.head:
        repository = Repository(git(), pack.origin or "")
        modes = pack.receipt is not None
        git_directory = os.path.join(pack.location, ".git")
        return tuple(repository.differences(git_directory, pack.location, pack.head.commit, modes=modes))
    contents = read_contents(directory, pack.ref) if pack.receipt else None
    return tuple(changed_files(contents.files, list_tree(pack.location))) if contents else ()


def contents_of(pack: InstalledPack, directory: PacksDirectory) -> Contents:
    """What an installed pack holds: as remembered, or else as its files say."""
    remembered = read_contents(directory, pack.ref) if pack.receipt else None
    if remembered:
        return remembered
    from ansible_collections.stackstorm.st2.plugins.module_utils._pack.content import read_content

    try:
        content = read_content(pack.location, pack.ref, strict=False)
    except InvalidPackError:
        return Contents()
    return Contents(content.by_type(), content.requirements)


def leftovers(ref: str, host: Host, virtualenv: str) -> t.Tuple[t.Tuple[str, str], ...]:
    """What belongs to a pack outside of its directory and is there: kind and path.

    :arg virtualenv: Path of its virtualenv.
    """
    candidates = (
        ("virtualenv", virtualenv),
        ("config", os.path.join(host.configs_path, f"{ref}.yaml")),
        ("overrides", os.path.join(host.overrides_path, f"{ref}.yaml")),
    )
    return tuple((kind, path) for kind, path in candidates if os.path.lexists(path))
