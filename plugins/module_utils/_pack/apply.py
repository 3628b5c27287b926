# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Apply: the only writer. Everything is prepared aside, written into the journal, moved by rename, and "
"undone as one."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .._change import journal as transaction
from .._change.staging import Staging
from .._content.installed import Installation, InstalledPack
from .._content.receipt import contents_document, receipt_document
from .._errors import ApplyError, St2Error
from .._files import remove_tree, sync_trees, write_atomically
from .._layout import PacksDirectory, VirtualenvsDirectory
from .._own_directory import make_own_directory, root_of
from .._source.git_program import Git
from .._source.object_store import object_store
from . import releases
from .ownership import Ownership
from .plan import PackPlan, Plan
from .virtualenv_build import VirtualenvBuilder

_PARALLEL = 4
# What leaves the pack directory and what is remembered of it alone.
_WITHOUT_FILES = ("none", "virtualenv", "purge", "prune", "unload")


@dataclass(frozen=True)
class Tools:
    """What applying needs beside the plan.

    :arg builder: Makes the virtualenv builder, when one has to be built.
    :arg git: Gives the git program, when a working copy has to be repaired.
    :arg keep_releases: How many earlier versions of a pack stay.
    """

    staging: Staging
    journal: transaction.Journal
    builder: t.Callable[[], VirtualenvBuilder]
    git: t.Callable[[], Git]
    ownership: Ownership
    keep_releases: int


def apply(plan: Plan, installation: Installation, virtualenvs: VirtualenvsDirectory, tools: Tools) -> Applied:
    """Prepare everything, then move it into place.

    :returns: The moves that were made; the caller verifies, and then commits them or undoes them.
    :raises St2Error: when something cannot be prepared or moved; what was moved has been undone then.
    """
    changing = [pack for pack in plan.packs if pack.action != "none"]
    trees = {pack.ref: _stage_tree(pack, installation, tools) for pack in changing if pack.replaces_files}
    built = _build_virtualenvs([pack for pack in changing if pack.builds_virtualenv], trees, virtualenvs, tools)
    for path in (*trees.values(), *built.values()):
        tools.ownership.apply(path)
    moves: t.List[transaction.Move] = []
    for pack in plan.packs:
        directory = installation.directory(pack.base_path)
        with _about(pack.ref):
            moves += _moves(pack, directory, virtualenvs, trees.get(pack.ref), built.get(pack.ref), tools)
            if any(move.what == "pack" and move.ref == pack.ref for move in moves):
                taken = {move.live for move in moves}
                moves += [move for move in _outdated_releases(pack, installation, tools) if move.live not in taken]
    applied = Applied(tuple(map(transaction.prepared, moves)), tools)
    applied.carry_out()
    return applied


class Applied:
    """Moves that are in the journal.

    :arg moves: In the order in which they are made.
    """

    def __init__(self, moves: t.Tuple[transaction.Move, ...], tools: Tools) -> None:
        self.moves = moves
        self._tools = tools

    def carry_out(self) -> None:
        """Make the moves, all or none.

        :raises ApplyError: when one is refused; all have been undone then.
        """
        if not self.moves:
            return
        try:
            self._settle()
            self._tools.journal.begin(self.moves, self._tools.staging.name)
            for number in range(len(self.moves)):
                self._make(number)
        except BaseException:
            self.undo()
            raise

    def _settle(self) -> None:
        """See that the moves can be undone and stand: whatever happens, a receipt speaks of files that are there."""
        for root in sorted({root_of(move.kept) for move in self.moves}):
            self._tools.staging.root(Staging.beside(os.path.join(root, "any")))
        sync_trees(move.staged for move in self.moves if move.staged)

    def _make(self, number: int) -> None:
        move = self.moves[number]
        try:
            try:
                transaction.carry_out(move)
            except OSError as error:
                if error.errno != errno.EXDEV or not os.path.isdir(move.live) or os.path.islink(move.live):
                    raise
                self._make_by_copy(number)
        except OSError as error:
            raise ApplyError(
                f"The {move.what} of {move.ref} cannot be {'put at' if move.staged else 'taken from'} {move.live}: "
                f"{error.strerror}. Everything this task had changed was put back.",
                ref=move.ref,
            ) from error

    def _make_by_copy(self, number: int) -> None:
        move = transaction.copied(self.moves[number])
        self.moves = (*self.moves[:number], move, *self.moves[number + 1 :])
        self._tools.journal.begin(self.moves, self._tools.staging.name)
        transaction.carry_out_copied(move)

    def undo(self) -> None:
        """Put everything back as it was before.

        :raises ApplyError: when that cannot be done; the journal stays, and the next run tries again.
        """
        if not self.moves:
            return
        try:
            transaction.undo_all(self.moves)
            transaction.drop_releases(self.moves)
            self._tools.journal.end()
        except OSError as error:
            raise ApplyError(
                f"What this task had changed cannot be put back: {error}. The old files are still there, and the next "
                "run puts them back."
            ) from error

    def commit(self) -> None:
        """Let the new state stand. What is no longer needed lies in staging by now.

        :raises OSError: when the journal cannot be removed; the moves can and have to be undone then.
        """
        if self.moves:
            self._tools.journal.end()


@contextlib.contextmanager
def _about(ref: str) -> t.Iterator[None]:
    """Say which pack an error is about, and turn the system's refusals into sentences."""
    try:
        yield
    except St2Error as error:
        error.ref = error.ref or ref
        error.step = error.step or ApplyError.default_step
        raise
    except OSError as error:
        raise ApplyError(f"{ref} cannot be prepared: {error}. The running pack was not touched.", ref=ref) from error


def _stage_tree(pack: PackPlan, installation: Installation, tools: Tools) -> str:
    """The new tree of a pack, on the file system it will live on."""
    target = tools.staging.path(installation.directory(pack.base_path).staging, "packs", pack.ref)
    with _about(pack.ref):
        if pack.candidate:
            shutil.move(pack.candidate.staged, target)
        elif pack.installed:
            _restore_tree(pack.installed, target, tools.git())
    return target


def _restore_tree(installed: InstalledPack, target: str, git: Git) -> None:
    """A pristine copy of a working copy, from its own repository."""
    os.makedirs(target, mode=0o755)
    repository = os.path.join(target, ".git")
    shutil.copytree(os.path.join(installed.location, ".git"), repository, symlinks=True)
    index = os.path.join(repository, "index")
    remove_tree(index)
    with object_store(git, repository, installed.commit or "") as environment:
        environment.update(GIT_WORK_TREE=target, GIT_INDEX_FILE=index)
        git("reset", "--quiet", "--hard", "HEAD", environment=environment, cwd=target)


def _build_virtualenvs(
    packs: t.Sequence[PackPlan], trees: t.Mapping[str, str], virtualenvs: VirtualenvsDirectory, tools: Tools
) -> t.Dict[str, str]:
    if not packs:
        return {}
    with _about(packs[0].ref):
        builder = tools.builder()
        base = builder.ensure_base()
        tools.ownership.apply(base)  # Once here, instead of for each copy of its files.

    def build(pack: PackPlan) -> str:
        staged = tools.staging.path(virtualenvs.staging, "virtualenvs", pack.ref)
        with _about(pack.ref):
            files = trees.get(pack.ref) or (pack.installed.location if pack.installed else "")
            builder.build(base, pack.ref, files, staged, version=pack.after.version if pack.after else "")
        return staged

    with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(packs))) as pool:
        futures = [pool.submit(build, pack) for pack in packs]
        return {pack.ref: future.result() for pack, future in zip(packs, futures)}


def _moves(
    pack: PackPlan,
    directory: PacksDirectory,
    virtualenvs: VirtualenvsDirectory,
    tree: t.Optional[str],
    virtualenv: t.Optional[str],
    tools: Tools,
) -> t.Iterator[transaction.Move]:
    if virtualenv:
        kept = tools.staging.path(virtualenvs.staging, "old", pack.ref)
        yield transaction.Move(pack.ref, "virtualenv", virtualenvs.virtualenv(pack.ref), virtualenv, kept)
    if pack.action in _WITHOUT_FILES or (pack.action == "register" and not _remembers_more(pack)):
        yield from _leftovers(pack, tools)
        return
    release = ""
    if pack.before and pack.action not in ("adopt", "register") and tools.keep_releases:
        release = releases.next_release(directory, pack.ref, pack.before)
    if tree or pack.action == "remove":
        # What is in the way without being a pack, and a pack that is not kept, goes with the staging directory.
        kept = os.path.join(release or tools.staging.path(directory.staging, "old", pack.ref, "any"), "pack")
        yield transaction.Move(pack.ref, "pack", directory.pack(pack.ref), tree, kept)
    yield from _receipts(pack, directory, tree, release, tools)
    yield from _leftovers(pack, tools)


def _remembers_more(pack: PackPlan) -> bool:
    """Whether a pack whose files stay gets a receipt that it has not yet."""
    return pack.remembered is not None and (pack.installed is None or pack.remembered != pack.installed.receipt)


def _receipts(
    pack: PackPlan, directory: PacksDirectory, tree: t.Optional[str], release: str, tools: Tools
) -> t.Iterator[transaction.Move]:
    """The moves of the two files that remember the pack."""
    live = {"contents": directory.contents(pack.ref), "receipt": directory.receipt(pack.ref)}
    documents: t.Dict[str, bytes] = {}
    if pack.after and pack.remembered:
        make_own_directory(directory.receipts).close()
        where = tree or (pack.installed.location if pack.installed else "")
        documents["contents"] = contents_document(pack.contents_after)
        documents["receipt"] = receipt_document(pack.remembered, where)
    for what, path in live.items():
        kept = os.path.join(release or tools.staging.path(directory.staging, "old", pack.ref), f"{what}.json")
        if what in documents:
            staged = tools.staging.path(directory.staging, "receipts", f"{pack.ref}.{what}.json")
            write_atomically(staged, documents[what])
            yield transaction.Move(pack.ref, what, path, staged, kept)
        elif os.path.lexists(path):
            yield transaction.Move(pack.ref, what, path, None, kept)


def _outdated_releases(pack: PackPlan, installation: Installation, tools: Tools) -> t.Iterator[transaction.Move]:
    """Earlier versions that go, by rename like everything else: no half of one is ever there, nor one too many."""
    for directory in installation.directories:
        coming = pack.before is not None and directory.path == pack.base_path
        for path in releases.outdated(directory, pack.ref, tools.keep_releases, coming=coming):
            kept = tools.staging.path(directory.staging, "old", "releases", pack.ref, os.path.basename(path))
            yield transaction.Move(pack.ref, "release", path, None, kept)


def _leftovers(pack: PackPlan, tools: Tools) -> t.Iterator[transaction.Move]:
    for kind, path in pack.leftovers:
        kept = tools.staging.path(Staging.beside(path), "old", f"{pack.ref}.{kind}")
        yield transaction.Move(pack.ref, kind, path, None, kept)
