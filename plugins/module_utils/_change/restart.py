# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which packs have sensors that go on with old code or config after a change.

Sensors are the only part of packs that does. Their processes read code and config when they start
(st2reactor/container/sensor_wrapper.py), and the sensor container starts one anew whenever that sensor is registered
(st2reactor/container/manager.py _handle_update_sensor), not when its config is, and ends it when it is unloaded. Python
actions start anew each time; rules and triggers follow the database; ChatOps reads aliases again every two minutes
(hubot-stackstorm, ST2_COMMANDS_RELOAD_INTERVAL).
"""

from __future__ import annotations

import typing as t

from .telling import Telling


def left_with_old(renewed: t.Iterable[str], telling: Telling) -> t.List[str]:
    """The packs whose sensors, if StackStorm runs any, go on with what they had.

    :arg renewed: The packs that get other files, another virtualenv or config, or go.
    :arg telling: All that StackStorm is told by the change.
    """
    started = {one.pack.ref for one in (*telling.register, *telling.closing) if not one.types or "sensor" in one.types}
    return [ref for ref in dict.fromkeys(renewed) if ref not in started and ref not in telling.unload]
