# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The index and the page of an Exchange, made of what is served here."""

from __future__ import annotations

import os
import time
import typing as t

from .._content.origin import is_repository
from .._content.request import PackRequest
from .._deadline import Deadline
from .._errors import VerifyError
from .._index.build import Builder, Built
from .._index.document import Document
from .._index.options import IndexOptions
from .._index.publication import Packs, Publication, make_publication
from .._index.published_files import HISTORY
from .._index.release import Place
from .._index.signing import Signer
from .._index_page.assets import own_assets
from .._index_page.site import place_with_page, site_files
from .._lint.inspection import lint_inspection
from .._source.index import Indexes
from .hosted import has_commits, link_hosted
from .keeping import hosted_directory, read_mirrored
from .listing import Listing
from .package_resolver import PackageFile
from .problem import Problem
from .requirement_sets import PackRequirements
from .run import Run
from .settings import Settings
from .status import Report, write_status
from .wheels import Wheels, provide_wheels

_SECONDS = 4 * 3600.0


def build(
    run: Run,
    listing: Listing,
    *,
    command: str,
    started: int,
    bundled: t.Optional[t.Sequence[PackageFile]] = None,
) -> Report:
    """Describe what is served, get the packages that it requires, and publish the index.

    :arg command: What is run, for the report.
    :arg bundled: As for L(provide_wheels).
    :raises St2Error: when nothing can be published; then what is published is what it was.
    """
    settings, deadline = run.settings, Deadline(_SECONDS)
    place = Place(settings.www)
    place.check()
    place = place_with_page(place, asked=settings.page)
    with place.alone(deadline):
        problems = list(_linked(settings))
        built = _built(run, listing, place, deadline)
        wheels = _wheels(run, built, bundled, retry=command == "update")
        made = _publication(run, place, built, deadline)
        changes = place.changes(made.files)
        if changes:
            place.publish(made.files)
            if place.changes(made.files):
                raise VerifyError(f"{settings.www} is not what was published: something else changed it.")
        problems += [*listing.problems, *_lost(settings, listing), *_problems(built, settings.hosted), *wheels.problems]
        report = Report(
            command,
            started,
            int(time.time()),
            made.document.serial,
            len(built.entries),
            bool(changes),
            wheels.files,
            tuple(dict.fromkeys(problems)),
        )
        write_status(settings, report, built)
    return report


def _linked(settings: Settings) -> t.Iterator[Problem]:
    """Let what is hosted be served."""
    for ref in settings.hosted:
        for sentence in link_hosted(settings.root, [ref]):
            # A repository that is not there was there when the role had run.
            is_there = os.path.isdir(hosted_directory(settings.root, ref))
            yield Problem(ref, "notice" if is_there else "left_out", sentence)


def _built(run: Run, listing: Listing, place: Place, deadline: Deadline) -> Built:
    settings = run.settings
    served = set(settings.hosted)
    options = IndexOptions(
        path=settings.www,
        requests=tuple(_requests(run, listing)),
        entries={ref: entry for ref, (_origin, entry) in listing.passed_on.items() if ref not in served},
        repo_url=settings.served_url("{ref}"),
        revision=settings.revision,
        on_invalid="skip",
        skip_refused=True,
        in_place=True,
    )
    hosted = frozenset(settings.hosted)
    builder = Builder(
        options,
        git=lambda: run.git(deadline),
        trust=lambda _url, _own: None,
        cache=place.cache,
        scratch=run.scratch,
        keep=True,
        deadline=deadline,
        inspection=lint_inspection(
            run.scratch, deadline, run.environment, judged=lambda request: request.ref in hosted
        ),
    )
    built = _as_served(settings, builder.build(Indexes({}, ())))
    mirrored = read_mirrored(settings.root)
    for ref, entry in built.entries.items():
        if ref in listing.passed_on and ref not in built.descriptions:
            built.sources[ref] = listing.passed_on[ref][0]
        elif ref in mirrored and ref not in hosted:
            upstream = mirrored[ref].upstream()
            entry.update({"upstream": upstream} if upstream else {})
    return built


def _as_served(settings: Settings, built: Built) -> Built:
    """With repositories called by the addresses that others know."""

    def known(text: str) -> str:
        return text.replace(f"file://{settings.git_dir}/", f"{settings.url}/git/")

    built.refused = [one._replace(reason=known(one.reason)) for one in built.refused]
    built.skipped = [one._replace(reason=known(one.reason)) for one in built.skipped]
    built.warnings = [known(one) for one in built.warnings]
    built.sources = {ref: known(source) for ref, source in built.sources.items()}
    return built


def _requests(run: Run, listing: Listing) -> t.Iterator[PackRequest]:
    settings = run.settings
    served: t.Dict[str, t.Optional[str]] = {**listing.refs, **dict.fromkeys(settings.hosted)}
    for ref, version in sorted(served.items()):
        # Of what is hosted, one to which nothing was pushed yet says nothing.
        if is_repository(settings.repository(ref)) and has_commits(settings.repository(ref)):
            yield PackRequest(ref, source=settings.repository(ref), ref=ref, version=version)


def _lost(settings: Settings, listing: Listing) -> t.Iterator[Problem]:
    """What should be listed, and is no repository: it is not even read, so nothing else says so."""
    for ref in sorted({*listing.refs, *settings.hosted}):
        place = settings.repository(ref)
        # One that is hosted here may be empty, and L(_linked) says it where it does not exist.
        is_hosted = ref in settings.hosted
        is_sound = is_repository(place) and (is_hosted or has_commits(place))
        if not is_sound and (os.path.isdir(place) or not is_hosted):
            yield Problem(ref, "left_out", f"{ref} is left out: {place} is no git repository that can be served.")


def _problems(built: Built, hosted: t.Collection[str]) -> t.Iterator[Problem]:
    for one in built.refused:
        told = f"{one.ref} {one.version} ({one.commit[:7]}) is not listed: {one.reason.rstrip('.')}."
        # Who pushes can release a better one. What upstream has released stays what it is, and nobody here can help it.
        yield Problem(one.ref, "notice" if one.ref and one.ref not in hosted else "refused", told)
    # That no version of a pack is listed is told in any case.
    said = {one.reason for one in built.refused if not one.ref or one.ref in hosted}
    for skipped in built.skipped:
        if skipped.reason not in said:
            yield Problem(skipped.ref or "", "left_out", f"{skipped.ref or skipped.name} is left out: {skipped.reason}")
    for warning in built.warnings:
        yield Problem("", "notice", warning)


def _wheels(run: Run, built: Built, bundled: t.Optional[t.Sequence[PackageFile]], *, retry: bool) -> Wheels:
    settings = run.settings
    requirements = [
        PackRequirements(ref, described.requirements.encode("utf-8", "surrogateescape"))
        for ref, described in sorted(built.descriptions.items())
        if described.requirements is not None
    ]
    return provide_wheels(
        requirements,
        root=settings.root,
        pythons=settings.pythons,
        platforms=settings.platforms,
        package_index=settings.package_index,
        bundled=bundled,
        offline=settings.package_index is None and settings.bundle is not None,
        credentials=run.credentials.find,
        proxy=run.proxy,
        environment=run.environment,
        timeout=settings.timeout,
        retry=retry,
        redactor=run.redactor,
        now=time.time(),
    )


def _publication(run: Run, place: Place, built: Built, deadline: Deadline) -> Publication:
    settings = run.settings

    def page(document: Document, before: Packs) -> t.Dict[str, bytes]:
        return site_files(built, document, before, own_assets(), place.read(HISTORY))

    signer = None
    if run.sign_key:
        signer = Signer(
            run.sign_key, scratch=run.scratch, deadline=deadline, environment=run.environment, redactor=run.redactor
        )
    epoch = run.environment.get("SOURCE_DATE_EPOCH")
    return make_publication(place, built, epoch=epoch, page=page if settings.page else None, signer=signer)
