# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What upstream has now, brought here: indexes, repositories, a bundle; then the index is built of it."""

from __future__ import annotations

import contextlib
import os
import typing as t

from .._content.request import PackRequest
from .._errors import ApplyError, OptionError, SourceError
from .._index.merged import merge, takes
from .._secrets import strip_urls
from .build import build
from .findings import Mirrored
from .keeping import read_mirrored
from .listing import Listing, read_listing, write_listing
from .mirror import Mirror
from .package_resolver import PackageFile
from .problem import Problem
from .run import Run
from .sources import Choice, choose_sources, ref_of_source
from .status import Report
from .upstream_indexes import read_indexes

if t.TYPE_CHECKING:
    from .bundle import OpenBundle


def update(run: Run, started: int) -> Report:
    """Bring everything up to date, and publish it.

    :raises St2Error: when nothing can be published; then what is published is what it was.
    """
    settings = run.settings
    indexes, problems, is_all = read_indexes(run)
    merged = merge(indexes, settings.include, settings.exclude)
    problems += [Problem("", "notice", warning) for warning in merged.warnings]
    with contextlib.ExitStack() as stack:
        bundle = _open(run, stack, problems)
        choice = choose_sources(
            settings.root,
            hosted=settings.hosted,
            packs=settings.packs,
            bundled=bundle.refs if bundle else tuple(_bundled_before(run)),
            merged=merged,
            mirror=settings.mirror,
            trusts=run.credentials.trusts,
        )
        mirrored = _bring(run, choice, bundle)
        problems += [*_of_choice(choice), *_of_mirrored(mirrored)]
        passed_on = {ref: (merged.sources[ref], entry) for ref, entry in choice.passed_on.items()}
        refs = _versions(run, choice, mirrored, bundle)
        listing = Listing(refs, passed_on, tuple(problems))
        if not is_all:
            listing = _with_what_was(run, listing)
        write_listing(settings, listing)
        packages = _packages(run, bundle)
        return build(run, listing, command="update", started=started, bundled=packages)


def _with_what_was(run: Run, listing: Listing) -> Listing:
    """A listing with what indexes listed so far: of a new one that cannot be read, nobody knows what it lists."""
    settings = run.settings
    try:
        before = read_listing(settings)
    except ApplyError:
        return listing
    mirrored = read_mirrored(settings.root)
    taken = {*listing.refs, *listing.passed_on, *settings.hosted}

    def stays(ref: str) -> bool:
        return ref not in taken and takes(ref, settings.include, settings.exclude)

    of_indexes = {ref for ref, one in mirrored.items() if one.kind == "index" and one.served}
    refs = {ref: version for ref, version in before.refs.items() if ref in of_indexes and stays(ref)}
    passed_on = {ref: entry for ref, entry in before.passed_on.items() if stays(ref)}
    return listing._replace(refs={**listing.refs, **refs}, passed_on={**listing.passed_on, **passed_on})


def _open(run: Run, stack: contextlib.ExitStack, problems: t.List[Problem]) -> t.Optional[OpenBundle]:
    """The bundle. Without one that can be used, what is served of the one before stays."""
    if run.settings.bundle is None:
        return None
    from .bundle import open_bundle

    try:
        return stack.enter_context(open_bundle(run.settings.bundle))
    except (OptionError, SourceError) as error:
        problems.append(Problem("", "upstream", f"{error.message} What is served is what it was."))
    return None


def _bundled_before(run: Run) -> t.List[str]:
    """The packs of the last bundle, where there is one and it cannot be used."""
    if run.settings.bundle is None:
        return []
    return [ref for ref, one in read_mirrored(run.settings.root).items() if one.kind == "bundle" and one.served]


def _bring(run: Run, choice: Choice, bundle: t.Optional[OpenBundle]) -> t.List[Mirrored]:
    settings = run.settings
    mirror = Mirror(
        settings.root,
        git=run.git,
        anonymous_git=run.anonymous_git,
        timeout=settings.timeout,
        follow_moved_tags=settings.follow_moved_tags,
    )
    taken = [*settings.hosted, *choice.bundled]
    found = list(mirror.update(choice.mirrored, taken=taken))
    if bundle:
        from .bundle import serve_bundle

        found += serve_bundle(
            settings.root,
            bundle,
            choice.bundled,
            git=run.git,
            timeout=settings.timeout,
            scratch=run.scratch,
            follow_moved_tags=settings.follow_moved_tags,
        )
    else:
        kept = read_mirrored(settings.root)
        found += [kept[ref] for ref in choice.bundled]
    for one in found:
        if one.fetched:
            run.tell(f"{one.ref} was brought here from {strip_urls(one.url) or one.origin}.")
    return found


def _versions(
    run: Run, choice: Choice, mirrored: t.Sequence[Mirrored], bundle: t.Optional[OpenBundle]
) -> t.Dict[str, t.Optional[str]]:
    """The version that is to be listed of each repository that is served, where one is asked for."""
    asked = {_ref_of(run, request): request.version for request in run.settings.packs}
    if bundle:
        asked.update(bundle.versions(choice.bundled))
    elif choice.bundled:
        before: t.Mapping[str, t.Optional[str]] = {}
        with contextlib.suppress(ApplyError):  # This run writes it anew.
            before = read_listing(run.settings).refs
        asked.update({ref: before.get(ref) for ref in choice.bundled})
    return {one.ref: asked.get(one.ref) for one in mirrored if one.ref and one.served}


def _ref_of(run: Run, request: PackRequest) -> t.Optional[str]:
    return request.expected_ref or ref_of_source(run.settings.root, request.source or "")


def _of_choice(choice: Choice) -> t.Iterator[Problem]:
    for sentence in choice.problems:
        yield Problem("", "left_out", sentence)
    for one in choice.shadowed:
        where = f"{one.other_url} by {one.other}" if one.other_url else one.other
        yield Problem(one.ref, "shadowed", f"{one.ref} is served from {one.served_from}, and not from {where}.")


def _of_mirrored(mirrored: t.Sequence[Mirrored]) -> t.Iterator[Problem]:
    for one in mirrored:
        for sentence in one.problems():
            yield Problem(one.ref, "upstream", sentence)


def _packages(run: Run, bundle: t.Optional[OpenBundle]) -> t.Optional[t.Sequence[PackageFile]]:
    """As L(provide_wheels) takes them."""
    if bundle is None:
        return None if run.settings.bundle else ()
    from .bundle import bundled_packages

    directory = os.path.join(run.scratch, "packages")
    os.makedirs(directory, mode=0o700)
    return tuple(bundled_packages(bundle, directory))
