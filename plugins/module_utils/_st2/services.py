# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The services of a StackStorm host, by systemd's unit files; nothing is started or asked."""

from __future__ import annotations

import os
import typing as t

# packaging/*/systemd of StackStorm: these run the actions and the sensors of packs.
ACTION_RUNNER = "st2actionrunner"
SENSOR_CONTAINER = "st2sensorcontainer"
# All that read st2.conf.
SERVICES = (
    ACTION_RUNNER,
    "st2api",
    "st2auth",
    "st2garbagecollector",
    "st2notifier",
    "st2rulesengine",
    "st2scheduler",
    SENSOR_CONTAINER,
    "st2stream",
    "st2timersengine",
    "st2workflowengine",
)
# In systemd's order (systemd.unit(5)): the first that has a unit wins.
UNIT_DIRECTORIES = (
    "/etc/systemd/system.control",
    "/run/systemd/system.control",
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/usr/lib/systemd/system",
    "/lib/systemd/system",
)


def find_unit(root: str, unit: str) -> t.Optional[str]:
    """The file of a unit, such as C(st2api.service); C(None) where there is none.

    :arg root: As L(Host.root).
    """
    for directory in UNIT_DIRECTORIES:
        path = f"{root}{directory}/{unit}"
        if os.path.lexists(path):
            return path
    return None


def is_masked(path: str) -> bool:
    """Whether a unit's file, or an addition to one, is a link to C(/dev/null), so that it counts for nothing."""
    return os.path.islink(path) and os.readlink(path) == os.devnull


def has_service(root: str, name: str) -> bool:
    """Whether a host has a service that may run; one that is masked may not.

    :arg root: As L(Host.root).
    """
    path = find_unit(root, f"{name}.service")
    return path is not None and not is_masked(path)
