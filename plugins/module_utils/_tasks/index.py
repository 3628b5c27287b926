# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""M(stackstorm.st2.st2_index): from a task to its result."""

from __future__ import annotations

import contextlib
import tempfile
import typing as t

from .._deadline import Deadline
from .._errors import VerifyError
from .._index.build import Builder, Built
from .._index.document import Document
from .._index.options import IndexOptions, options_from
from .._index.publication import Packs, make_publication
from .._index.published_files import HISTORY
from .._index.release import Place
from .._index.report import Report
from .._index.signing import Signer
from .._secrets import split_userinfo
from .._source.credentials import CredentialBook
from .._source.git_program import Git, GitAccess
from .._source.index import Indexes, fetch_indexes
from .._source.index_trust import IndexTrust
from .._st2.proxy import resolve_proxy
from .._task import Result, Task

if t.TYPE_CHECKING:
    from .._index.inspection import Inspection


def converge_index(task: Task) -> Result:
    """Bring a published index to what a task asks for.

    :raises St2Error: when it cannot be built or published; then what is published is what it was.
    """
    options = options_from(task.params)
    for secret in options.secrets():
        task.redactor.add(secret)
    place = Place(options.path)
    place.check()
    if options.page or place.read(HISTORY):
        from .._index_page.site import place_with_page

        place = place_with_page(place, asked=options.page)
    deadline = Deadline(options.timeout)
    with contextlib.ExitStack() as stack:
        if not task.check:
            stack.enter_context(place.alone(deadline))
        scratch = stack.enter_context(tempfile.TemporaryDirectory(prefix="st2-index-", dir=task.scratch))
        built = _build(task, options, place, scratch, deadline)
        files, report = _files(task, options, place, built, scratch, deadline)
        changes = place.changes(files)
        told = report(changes)
        result = Result(bool(changes), told.line(), told.returned(), told.diff(), told.warnings())
        if changes and not task.check:
            deadline.check("the index was about to be published")
            place.publish(files)
            if place.changes(files):
                raise VerifyError(
                    f"The content of {options.path} is not what was published: something else changed it."
                )
    return result


def _build(task: Task, options: IndexOptions, place: Place, scratch: str, deadline: Deadline) -> Built:
    proxy = resolve_proxy(options.proxy, {}, task.environment)
    for secret in proxy.secrets():
        task.redactor.add(secret)
    book = CredentialBook(options.credentials)
    for url in options.index_url:
        book.trust(*split_userinfo(url))
    access = GitAccess(scratch, proxy, book.find, options.ssh_key_file, options.known_hosts_file)

    def git() -> Git:
        return Git(access, deadline=deadline, redactor=task.redactor, base_environment=task.environment)

    indexes = Indexes({}, ())
    if options.index_url:
        indexes = fetch_indexes(
            options.index_url,
            proxy=proxy,
            ca_bundle=options.proxy.get("ca_bundle"),
            deadline=deadline,
            credentials_for=book.find,
            trust=_trust(task, options.index_allowed_signers, scratch),
        )
    builder = Builder(
        options,
        git=git,
        trust=book.trust,
        cache=place.cache,
        scratch=scratch,
        keep=not task.check,
        deadline=deadline,
        inspection=_inspection(task, scratch, deadline) if options.page else None,
    )
    return builder.build(indexes)


def _inspection(task: Task, scratch: str, deadline: Deadline) -> Inspection:
    """What finds what the page says of each pack."""
    from .._lint.inspection import lint_inspection

    return lint_inspection(scratch, deadline, task.environment)


def _trust(task: Task, signers: t.Optional[t.Sequence[str]], scratch: str) -> t.Optional[IndexTrust]:
    """What the indexes that are merged have to prove; this host keeps in mind nothing of them."""
    return None if signers is None else IndexTrust(signers, scratch=scratch, environment=task.environment)


def _files(
    task: Task, options: IndexOptions, place: Place, built: Built, scratch: str, deadline: Deadline
) -> t.Tuple[t.Dict[str, bytes], t.Callable[[t.Sequence[str]], Report]]:
    """All files that are to be published, and what makes the report of how they change."""
    page = signer = None
    if options.page:
        from .._index_page.assets import read_assets
        from .._index_page.site import site_files

        assets, history = read_assets(options.page_assets), place.read(HISTORY)

        def page(document: Document, before: Packs) -> t.Dict[str, bytes]:
            return site_files(built, document, before, assets, history)

    if options.sign_key:
        signer = Signer(
            options.sign_key,
            scratch=scratch,
            deadline=deadline,
            environment=task.environment,
            redactor=task.redactor,
        )
    epoch = task.environment.get("SOURCE_DATE_EPOCH")
    made = make_publication(place, built, epoch=epoch, page=page, signer=signer, check=task.check)

    def report(changes: t.Sequence[str]) -> Report:
        return Report(options.path, made.before, built, made.document, changes)

    return made.files, report
