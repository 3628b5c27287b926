# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The services of this host that a task leaves with old code or config."""

from __future__ import annotations

import typing as t

from .._change.database import Database
from .._change.restart import left_with_old
from .._change.session import View
from .._change.telling import Telling
from .._content.installed import Installation, InstalledPack
from .._st2.services import SENSOR_CONTAINER, has_service


def restart_needed(
    view: View, installation: Installation, database: Database, renewed: t.Iterable[str], telling: Telling
) -> t.Tuple[str, ...]:
    """The names of the services that are to be restarted for the change to be in effect.

    :arg installation: The packs as they are before it.
    :arg renewed: As L(left_with_old), like C(telling).
    :raises RegistrationError: when the database does not answer.
    """
    refs = left_with_old(renewed, telling)
    if not refs or not has_service(view.host.root, SENSOR_CONTAINER):
        return ()
    if database.registrar.reads:
        runs = any(one.enabled for one in database.registrar.resources_of(refs, ("sensors",)))
    else:
        runs = any(_enables_sensors(view, pack) for pack in map(installation.get, refs) if pack)
    return (SENSOR_CONTAINER,) if runs else ()


def _enables_sensors(view: View, pack: InstalledPack) -> bool:
    """Whether a pack has a sensor that is switched on, as its files and the overrides say."""
    from .._override.document import GLOBAL
    from .._override.override_file import read_override_file
    from .._override.pack_resources import read_pack_resources
    from .._override.precedence import effect

    sensors = read_pack_resources(pack.ref, pack.location, ("sensors",)).by_name().values()
    layers = [read_override_file(view.host.overrides_path, name, view.now).layer for name in (GLOBAL, pack.ref)]
    # What cannot be registered for an override that is not right stays as it is, which is not known here.
    return any(effect(sensor, *layers).enabled is not False for sensor in sensors)
