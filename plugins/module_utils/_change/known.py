# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What StackStorm's database is known to have."""

from __future__ import annotations

import typing as t

if t.TYPE_CHECKING:
    from .._st2.registration import Resource

CURRENT, STALE, ABSENT, UNKNOWN = WORDS = ("current", "stale", "absent", "unknown")


def overall(states: t.Iterable[str]) -> str:
    """One word for several: what is wrong counts before what is not known, and that before what is right."""
    found = set(states)
    return next((word for word in (STALE, UNKNOWN, CURRENT, ABSENT) if word in found), UNKNOWN)


class KnownPack(t.NamedTuple):
    """What StackStorm's database has of a pack, held against its files.

    :arg tells: Whether changes are registered in the database at all.
    :arg state: One of L(WORDS).
    :arg settled: Whether these files are registered already, as much of them as this task would register.
    :arg becomes: What it has once this task has registered the pack.
    :arg unloads: Whether a pack can be taken out of it.
    :arg version: The version that it has; empty when it has none or nobody can tell.
    :arg surplus: What it has of the pack although the metadata file is gone, when the task asked to look.
    :arg differences: What it does not have as the files say, when the task asked to look.
    """

    tells: bool = False
    state: str = UNKNOWN
    settled: bool = False
    becomes: str = UNKNOWN
    unloads: bool = False
    version: str = ""
    surplus: t.Tuple[Resource, ...] = ()
    differences: t.Tuple[str, ...] = ()


class KnownConfig(t.NamedTuple):
    """What StackStorm's database has of a pack's config.

    :arg adapter: The registrar's name; with C(none) nothing is known and nothing will be told.
    :arg reads: Whether C(values) is what the database has.
    :arg values: The values that it has, C(None) for no config.
    :arg recorded: The digest of the file that was last registered there, or L(records.NO_CONFIG); empty when nobody
        knows.
    :arg digest: The digest of the file that is there now; empty for none.
    """

    adapter: str = "none"
    reads: bool = False
    values: t.Optional[t.Mapping[str, t.Any]] = None
    recorded: str = ""
    digest: str = ""

    def __repr__(self) -> str:
        return f"KnownConfig({self.adapter!r}, {self.reads!r}, ...)"  # Values may be secret.
