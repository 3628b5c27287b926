# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Config schemas that StackStorm's database has of packs that have none any more, see C(_st2/stale_config.py)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._change.carrier import stage_opening
from .._change.session import View
from .._change.telling import Registration, Telling
from .._errors import ApplyError
from .._st2.stale_config import is_open_for
from .document import config_path, read_config


@dataclass(frozen=True)
class Opening:
    """A config schema in the database that the pack has no more, and that is opened.

    :arg location: Where the pack's files are, or were staged.
    :arg schema: The attributes that the database has.
    :arg values: Of the config that is on the host.
    """

    ref: str
    location: str
    schema: t.Mapping[str, t.Any] = field(repr=False)
    values: t.Mapping[str, t.Any] = field(repr=False)


def opening_of(view: View, ref: str, location: str, schema: t.Mapping[str, t.Any]) -> t.Optional[Opening]:
    """What is to be opened of a pack without a config schema; C(None) where nothing is.

    :arg schema: The attributes that the database has.
    :raises InvalidPackError: for a config that cannot be read.
    """
    path = config_path(view.host.configs_path, ref)
    values = read_config(path, view.now(path)).values
    return None if is_open_for(schema, values) else Opening(ref, location, schema, values)


def stage(view: View, openings: t.Sequence[Opening]) -> Telling:
    """Prepare what opens schemas, which comes before the registration of the packs.

    :raises ApplyError: when it cannot be written.
    """
    return Telling(first=tuple(_stage(view, opening) for opening in openings))


def _stage(view: View, opening: Opening) -> Registration:
    try:
        return stage_opening(view.host, view.staging, opening.ref, opening.location, opening.schema, opening.values)
    except OSError as error:
        raise ApplyError(f"The schema of {opening.ref} cannot be prepared: {error}.", ref=opening.ref) from error
