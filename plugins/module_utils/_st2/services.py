# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The services of a StackStorm host, by systemd's unit files; nothing is started or asked."""

from __future__ import annotations

import os

# packaging/*/systemd of StackStorm: this one runs the sensors of packs.
SENSOR_CONTAINER = "st2sensorcontainer"
# In systemd's order (systemd.unit(5)): the first that has a unit wins.
_DIRECTORIES = ("/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system")


def has_service(root: str, name: str) -> bool:
    """Whether a host has a service that may run; one that is masked (a link to C(/dev/null)) may not.

    :arg root: As L(Host.root).
    """
    for directory in _DIRECTORIES:
        path = f"{root}{directory}/{name}.service"
        if os.path.lexists(path):
            return not (os.path.islink(path) and os.readlink(path) == os.devnull)
    return False
