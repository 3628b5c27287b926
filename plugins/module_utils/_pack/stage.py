# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Stage: trees, virtualenvs and receipts of packs are prepared aside, and the moves named that put them in place."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from .._change.journal import Move
from .._change.staging import Staging
from .._content.installed import Installation
from .._content.receipt import contents_document, receipt_document
from .._errors import ApplyError, Collected, St2Error
from .._file_changes import write_atomically
from .._layout import PacksDirectory, VirtualenvsDirectory
from .._own_directory import is_own, make_own_directory, root_of
from .._progress import begin, finished
from .._source.git_program import Git
from .._source.object_store import restore_working_copy
from . import releases
from .ownership import Ownership
from .plan import PackPlan, Plan
from .virtualenv_build import VirtualenvBuilder

_PARALLEL = 4
# What leaves the pack directory and what is remembered of it alone.
_WITHOUT_FILES = ("none", "virtualenv", "purge", "prune", "unload", "register")


@dataclass(frozen=True)
class Tools:
    """What staging needs beside the plan.

    :arg builder: Makes the virtualenv builder, when one has to be built.
    :arg git: Gives the git program, when a working copy has to be repaired.
    :arg keep_releases: How many earlier versions of a pack stay.
    """

    staging: Staging
    builder: t.Callable[[], VirtualenvBuilder]
    git: t.Callable[[], Git]
    ownership: Ownership
    keep_releases: int


def stage(plan: Plan, installation: Installation, virtualenvs: VirtualenvsDirectory, tools: Tools) -> t.List[Move]:
    """Prepare everything aside.

    :returns: The moves that put it in place.
    :raises St2Error: when something cannot be prepared; the running packs were not touched.
    """
    changing = [pack for pack in plan.packs if pack.action != "none"]
    trees = {pack.ref: _stage_tree(pack, installation, tools) for pack in changing if pack.replaces_files}
    built = _build_virtualenvs([pack for pack in changing if pack.builds_virtualenv], trees, virtualenvs, tools)
    for path in (*trees.values(), *built.values()):
        tools.ownership.apply(path)
    moves: t.List[Move] = []
    for pack in plan.packs:
        directory = installation.directory(pack.base_path)
        with _about(pack.ref):
            moves += _moves(pack, directory, virtualenvs, trees.get(pack.ref), built.get(pack.ref), tools)
            if not pack.purges and any(move.what == "pack" and move.ref == pack.ref for move in moves):
                taken = {move.live for move in moves}
                moves += [move for move in _outdated_releases(pack, installation, tools) if move.live not in taken]
    return moves


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
        raise ApplyError(f"{ref} cannot be prepared: {error}. The installed pack was not changed.", ref=ref) from error


def _stage_tree(pack: PackPlan, installation: Installation, tools: Tools) -> str:
    """The new tree of a pack, on the file system it will live on."""
    target = tools.staging.path(installation.directory(pack.base_path).staging, "packs", pack.ref)
    with _about(pack.ref):
        if pack.candidate:
            shutil.move(pack.candidate.staged, target)
        elif pack.installed:
            branch = pack.installed.head.branch if pack.installed.head else None
            restore_working_copy(
                pack.installed.location, pack.installed.commit or "", target, tools.git(), branch=branch
            )
    return target


def _build_virtualenvs(
    packs: t.Sequence[PackPlan], trees: t.Mapping[str, str], virtualenvs: VirtualenvsDirectory, tools: Tools
) -> t.Dict[str, str]:
    if not packs:
        return {}
    begin()
    with _about(packs[0].ref):
        builder = tools.builder()
        base = builder.ensure_base()
    numbers = itertools.count(1)

    def build(pack: PackPlan) -> str:
        staged = tools.staging.path(virtualenvs.staging, "virtualenvs", pack.ref)
        with _about(pack.ref):
            files = trees.get(pack.ref) or (pack.installed.location if pack.installed else "")
            version = pack.after.version if pack.after else ""
            builder.build(base, pack.ref, files, staged, version=version, place=pack.path, pins=pack.pins)
        count = f" ({next(numbers)} of {len(packs)})" if len(packs) > 1 else ""
        finished(f"{pack.ref} {version} has its virtualenv{count}")
        return staged

    with ThreadPoolExecutor(max_workers=min(_PARALLEL, len(packs))) as pool:
        futures = [pool.submit(build, pack) for pack in packs]
    collected = Collected()
    built: t.Dict[str, str] = {}
    for pack, future in zip(packs, futures):
        with collected.one(pack.ref):
            built[pack.ref] = future.result()
    collected.raise_them()
    return built


def _moves(
    pack: PackPlan,
    directory: PacksDirectory,
    virtualenvs: VirtualenvsDirectory,
    tree: t.Optional[str],
    virtualenv: t.Optional[str],
    tools: Tools,
) -> t.Iterator[Move]:
    if virtualenv:
        kept = tools.staging.path(virtualenvs.staging, "old", pack.ref)
        yield Move(pack.ref, "virtualenv", virtualenvs.virtualenv(pack.ref), virtualenv, kept)
    if pack.action in _WITHOUT_FILES and not _remembers_more(pack):
        yield from _leftovers(pack, tools)
        return
    release = ""
    keeps = tools.keep_releases or pack.kept_work
    if pack.before and (tree or pack.action == "remove") and keeps and not pack.purges:
        label = pack.before.short + (f" {releases.EDITED}" if pack.action == "repair" else "")
        release = pack.kept_work or releases.next_release(directory, pack.ref, label)
    if tree or pack.action == "remove":
        # A pack that is not kept goes with the staging directory.
        kept = os.path.join(release or tools.staging.path(directory.staging, "old", pack.ref, "any"), "pack")
        kept = pack.displaced.kept if pack.displaced else kept
        yield Move(pack.ref, "pack", directory.pack(pack.ref), tree, kept)
    yield from _receipts(pack, directory, tree, release, tools)
    yield from _leftovers(pack, tools)


def _remembers_more(pack: PackPlan) -> bool:
    """Whether a pack whose files stay gets a receipt that it has not yet."""
    return pack.remembered is not None and (pack.installed is None or pack.remembered != pack.installed.receipt)


def _receipts(
    pack: PackPlan, directory: PacksDirectory, tree: t.Optional[str], release: str, tools: Tools
) -> t.Iterator[Move]:
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
            yield Move(pack.ref, what, path, staged, kept)
        elif os.path.lexists(path):
            yield Move(pack.ref, what, path, None, kept)


def _outdated_releases(pack: PackPlan, installation: Installation, tools: Tools) -> t.Iterator[Move]:
    """Earlier versions that go, by rename like everything else: no half of one is ever there, nor one too many.

    What is edited takes no earlier version's place, and the version that is gone back to is no earlier one any more.
    """
    keep = tools.keep_releases
    kept = pack.before is not None and keep > 0
    for directory in installation.directories:
        here = directory.path == pack.base_path
        found = releases.outdated(
            directory,
            pack.ref,
            keep - (here and kept and pack.action != "repair" and not pack.kept_work),
            arrives=here and (kept or pack.displaced is not None or bool(pack.kept_work)),
            used=pack.candidate.release if pack.candidate else "",
        )
        for path in found:
            old = tools.staging.path(directory.staging, "old", "releases", pack.ref, os.path.basename(path))
            yield Move(pack.ref, "release", path, None, old)


def _leftovers(pack: PackPlan, tools: Tools) -> t.Iterator[Move]:
    for kind, path in pack.leftovers:
        place = os.path.join(root_of(path), "any") if is_own(path) else path
        kept = tools.staging.path(Staging.beside(place), "old", f"{pack.ref}.{kind}", os.path.basename(path))
        yield Move(pack.ref, kind, path, None, kept)
