# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What is listed beside what is hosted here, as the last update left it: for the builds until the next one."""

from __future__ import annotations

import json
import os
import typing as t

from .._errors import ApplyError
from .._file_changes import low_space, write_atomically
from .._files import read_regular_file
from .._index.entry import Entry
from .problem import Problem
from .settings import Settings

_FORMAT = 1
_LARGEST = 64 << 20


class Listing(t.NamedTuple):
    """What is listed.

    :arg refs: The repositories that are served, each with the version that is to be listed; C(None) for the one that
        the revision of the settings chooses.
    :arg passed_on: Entries of indexes that are taken over as they are, each with the index that it is from.
    :arg problems: What was found when they were brought here.
    """

    refs: t.Dict[str, t.Optional[str]]
    passed_on: t.Dict[str, t.Tuple[str, Entry]]
    problems: t.Tuple[Problem, ...]


def read_listing(settings: Settings) -> Listing:
    """What the last update left; nothing before the first.

    :raises ApplyError: when it cannot be read, or is lost. A build would else take all of it out of the index.
    """
    if not os.path.lexists(_path(settings)):
        if os.path.lexists(settings.www) and (settings.packs or settings.index_url or settings.bundle):
            raise ApplyError(
                f"{_path(settings)}, which the last update left, is lost. Run update, which writes it anew."
            )
        return Listing({}, {}, ())
    try:
        kept = json.loads(read_regular_file(_path(settings), _LARGEST, follow=False))
        if kept["format"] != _FORMAT:
            raise ValueError(f"it has the format {kept['format']}, and not {_FORMAT}")
        passed_on = {ref: (origin, entry) for ref, (origin, entry) in kept["passed_on"].items()}
        return Listing(dict(kept["refs"]), passed_on, tuple(Problem(*one) for one in kept["problems"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ApplyError(
            f"What the last update left in {_path(settings)} cannot be read ({error!r}). Run update, which writes it "
            "anew."
        ) from error


def write_listing(settings: Settings, listing: Listing) -> None:
    """Keep it.

    :raises ApplyError: when it cannot be written.
    """
    content = json.dumps({"format": _FORMAT, **listing._asdict()}, sort_keys=True).encode()
    try:
        if os.path.lexists(_path(settings)) and read_regular_file(_path(settings), _LARGEST, follow=False) == content:
            return
        write_atomically(_path(settings), content, mode=0o600)
    except OSError as error:
        raise ApplyError(f"{_path(settings)} cannot be written: {error.strerror}.{low_space(settings.root)}") from error


def _path(settings: Settings) -> str:
    return os.path.join(settings.state_dir, "listing.json")
