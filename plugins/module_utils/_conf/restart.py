# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Which services have to be restarted for an option of C(st2.conf) to have effect: those that read it, as they start.

By the uses of C(cfg.CONF) in StackStorm 3.9.0. Python actions are processes of their own that read the file anew
(python_runner/python_action_wrapper.py), those of the pack C(packs) among them. So what only installing packs looks at
needs no restart of C(st2actionrunner), which would abandon the executions that are running.
"""

from __future__ import annotations

import typing as t

from .._st2.services import ACTION_RUNNER, SENSOR_CONTAINER, SERVICES
from .document import Key

_API = "st2api"
_BY_OPTION: t.Mapping[Key, t.Tuple[str, ...]] = {
    ("content", "index_url"): (_API,),
    ("content", "pack_group"): (),
    ("content", "packs_base_paths"): (ACTION_RUNNER, _API, SENSOR_CONTAINER),
    ("content", "system_packs_base_path"): (ACTION_RUNNER, _API, SENSOR_CONTAINER),
    ("actionrunner", "pip_opts"): (),
    ("actionrunner", "python_binary"): (),
    ("actionrunner", "virtualenv_binary"): (),
    ("actionrunner", "virtualenv_opts"): (),
}
# Sections that no other service looks at.
_BY_SECTION: t.Mapping[str, t.Tuple[str, ...]] = {
    "garbagecollector": ("st2garbagecollector",),
    "notifier": ("st2notifier",),
    "packs": (ACTION_RUNNER, SENSOR_CONTAINER),
    "rulesengine": ("st2rulesengine",),
    "scheduler": ("st2scheduler",),
    "sensorcontainer": (SENSOR_CONTAINER,),
    "ssh_runner": (ACTION_RUNNER,),
    "timer": ("st2timersengine",),
    "timersengine": ("st2timersengine",),
}


def readers_of(key: Key) -> t.Tuple[str, ...]:
    """The services that go on with the old value of an option until they are restarted."""
    found = _BY_OPTION.get(key)
    return _BY_SECTION.get(key[0], SERVICES) if found is None else found
