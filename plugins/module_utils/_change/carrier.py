# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Carriers: directories by which StackStorm is given a config or a schema that has no place in the pack itself.

See C(_st2/stale_config.py) for why that is needed and what it does.
"""

from __future__ import annotations

import os
import typing as t

from .._file_changes import write_atomically
from .._layout import PacksDirectory
from .._st2.host import Host
from .._st2.registration import PackFiles
from .._st2.stale_config import FileStep, RegisterStep, Step, carrying, clearing, opening
from .staging import Staging
from .telling import Registration

_SEARCHABLE = 0o711
_ONLY = ("config",)


def stage_clearing(host: Host, staging: Staging, pack: PackFiles, location: str) -> Registration:
    """Make the carrier that lets the database take an empty config, though the pack's schema refuses one.

    :arg location: Where the pack's files are.
    :returns: Its registration, which comes while the config file is empty.
    :raises OSError: when it cannot be written.
    """
    carriers = _carriers(host, staging)
    return _stage(clearing(pack, _metadata(location), host.configs_path, carriers, True), carriers)


def stage_opening(
    host: Host,
    staging: Staging,
    ref: str,
    location: str,
    schema: t.Optional[t.Mapping[str, t.Any]],
    values: t.Mapping[t.Any, t.Any],
) -> Registration:
    """Make the carrier that opens the schema which the database has of a pack that has none any more.

    :arg location: Where the pack's files are, or were staged.
    :arg schema: The attributes that the database has.
    :arg values: Of the config, as it is to be.
    :returns: Its registration, which comes before that of the pack.
    :raises OSError: when it cannot be written.
    """
    carriers = _carriers(host, staging)
    return _stage(opening(ref, _metadata(location), carriers, schema, values), carriers)


def stage_schema(host: Host, staging: Staging, ref: str, location: str, schema: t.Mapping[str, t.Any]) -> Registration:
    """Make the carrier that gives the database a schema that the pack has not.

    :arg schema: Its attributes.
    :returns: Its registration, which comes before that of the pack.
    :raises OSError: when it cannot be written.
    """
    carriers = _carriers(host, staging)
    return _stage(carrying(ref, _metadata(location), carriers, schema), carriers)


def _carriers(host: Host, staging: Staging) -> str:
    """A directory of this run that StackStorm's account can look into, below the packs path, where it looks for packs
    that it registers by name."""
    place = PacksDirectory(host.system_packs_path).staging
    path = staging.path(place, "carriers", "any")
    os.chmod(staging.root(place), _SEARCHABLE)
    return os.path.dirname(path)


def _metadata(location: str) -> bytes:
    with open(os.path.join(location, "pack.yaml"), "rb") as stream:
        return stream.read()


def _stage(steps: t.Sequence[Step], carriers: str) -> Registration:
    for step in steps:
        if isinstance(step, FileStep) and step.content is not None and step.path.startswith(carriers):
            os.makedirs(os.path.dirname(step.path), mode=0o755, exist_ok=True)
            write_atomically(step.path, step.content)
    (pack,) = (step.pack for step in steps if isinstance(step, RegisterStep) and step.pack.path.startswith(carriers))
    return Registration(pack, _ONLY)
