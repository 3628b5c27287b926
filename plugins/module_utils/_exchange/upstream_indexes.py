# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Upstream indexes, of which what was read last counts while they cannot be read."""

from __future__ import annotations

import hashlib
import json
import os
import typing as t
from dataclasses import replace

from .._deadline import Deadline
from .._file_changes import write_atomically
from .._files import read_regular_file
from .._secrets import strip_urls
from .._source.index import Indexes, IndexStatus, as_one, fetch_indexes
from .._source.index_serials import IndexSerials
from .._source.index_trust import IndexTrust
from .problem import Problem
from .run import Run

_LARGEST = 64 << 20
_SESSION_SECONDS = 60.0
# The public one lists 169. Each is a repository to be asked, and perhaps a problem to be told.
_MOST_PACKS = 20_000


class Read(t.NamedTuple):
    """What was read.

    :arg is_all: Whether something is known of each index, by now or from before.
    """

    indexes: Indexes
    problems: t.List[Problem]
    is_all: bool = True


def read_indexes(run: Run) -> Read:
    """All indexes of the settings as one.

    One that cannot be read is what it was last: its packs stay listed, and none to the right of it takes their names.

    :raises St2Error: when nothing can be asked for at all.
    """
    settings = run.settings
    if not settings.index_url:
        return Read(Indexes({}, ()), [])
    trust = _trust(run)
    fetched = fetch_indexes(
        settings.index_url,
        proxy=run.proxy,
        ca_bundle=settings.ca_bundle,
        deadline=Deadline(settings.timeout + 1),
        credentials_for=run.credentials.find,
        session_timeout=min(_SESSION_SECONDS, settings.timeout),
        trust=trust,
    )
    problems = [Problem("", "notice", warning) for warning in (trust.remember() if trust else ())]
    is_all = True
    outcomes: t.List[t.Tuple[t.Mapping[str, t.Any], IndexStatus]] = []
    for url, packs, status in zip(settings.index_url, fetched.listed, fetched.statuses):
        if len(packs) > _MOST_PACKS:
            said = f"It lists {len(packs)} packs, and more than {_MOST_PACKS} are not taken."
            status = replace(status, packs=0, error="malformed", message=said)
        if not status.error:
            _keep(run, url, packs)
            outcomes.append((packs, status))
            continue
        kept = _kept(run, url)
        is_all = is_all and kept is not None
        outcomes.append((kept or {}, status))
        what = "What it listed last is used" if kept is not None else "Nothing of it is known"
        message = f"The index {strip_urls(url)} cannot be read ({status.error}: {(status.message or '').rstrip('.')}). "
        problems.append(Problem("", "index", f"{message}{what}."))
    return Read(as_one(outcomes), problems, is_all)


def _trust(run: Run) -> t.Optional[IndexTrust]:
    signers = run.settings.index_allowed_signers
    if signers is None:
        return None
    serials = IndexSerials(os.path.join(run.settings.state_dir, "serials"))
    return IndexTrust(signers, scratch=run.scratch, environment=run.environment, serials=serials)


def _keep(run: Run, url: str, packs: t.Mapping[str, t.Any]) -> None:
    path = _path(run, url)
    content = json.dumps(packs, sort_keys=True).encode()
    if _content(path) != content:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        write_atomically(path, content, mode=0o600)


def _kept(run: Run, url: str) -> t.Optional[t.Dict[str, t.Any]]:
    try:
        found = json.loads(_content(_path(run, url)) or b"null")
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _content(path: str) -> t.Optional[bytes]:
    try:
        return read_regular_file(path, _LARGEST, follow=False)
    except OSError:
        return None


def _path(run: Run, url: str) -> str:
    name = hashlib.sha256(url.encode()).hexdigest()[:32]
    return os.path.join(run.settings.state_dir, "indexes", f"{name}.json")
