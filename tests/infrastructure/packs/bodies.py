# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bodies of a pack's files: small, valid, and where they are code, code that runs."""

from __future__ import annotations

import typing as t

ACTION_SCRIPT = """\
import pack_facts

from st2common.runners.base_action import Action


class ReportAction(Action):
    def run(self, message="ready"):
        return dict(pack_facts.facts(), message=message)
"""
"""A python-script action that needs StackStorm's own code and its pack's ``actions/lib``."""

SHELL_SCRIPT = '#!/bin/sh\necho "hello ${1:-world}"\n'

SENSOR_SCRIPT = """\
from st2reactor.sensor.base import PollingSensor


class PulseSensor(PollingSensor):
    def setup(self):
        pass

    def poll(self):
        pass

    def cleanup(self):
        pass

    def add_trigger(self, trigger):
        pass

    def update_trigger(self, trigger):
        pass

    def remove_trigger(self, trigger):
        pass
"""


def facts(ref: str, version: str, imports: t.Sequence[str]) -> str:
    """Return the library of a pack whose actions say what they are and by which interpreter they run."""
    return f"""\
import importlib
import sys

PACK = {ref!r}
VERSION = {version!r}
IMPORTS = {list(imports)!r}


def facts():
    return {{
        "pack": PACK,
        "version": VERSION,
        "executable": sys.executable,
        "prefix": sys.prefix,
        "python": "%d.%d" % sys.version_info[:2],
        "imports": {{name: importlib.import_module(name).__version__ for name in IMPORTS}},
    }}
"""


def python_action(name: str, entry_point: t.Optional[str] = None) -> t.Dict[str, t.Any]:
    """Metadata of a python-script action; its entry point is ``<name>.py`` unless told."""
    return {
        "name": name,
        "runner_type": "python-script",
        "description": f"The action {name}",
        "enabled": True,
        "entry_point": entry_point or f"{name}.py",
        "parameters": {"message": {"type": "string", "description": "What to say", "default": "ready"}},
    }


def shell_action(name: str, entry_point: str) -> t.Dict[str, t.Any]:
    """Metadata of a local-shell-script action."""
    return {
        "name": name,
        "runner_type": "local-shell-script",
        "description": f"The action {name}",
        "enabled": True,
        "entry_point": entry_point,
        "parameters": {"who": {"type": "string", "position": 0}},
    }


def command_action(name: str) -> t.Dict[str, t.Any]:
    """Metadata of an action without an entry point."""
    return {
        "name": name,
        "runner_type": "local-shell-cmd",
        "description": f"The action {name}",
        "enabled": True,
        "entry_point": "",
        "parameters": {"cmd": {"immutable": True, "default": "true"}},
    }


def workflow_action(name: str, runner: str = "orquesta", entry_point: t.Optional[str] = None) -> t.Dict[str, t.Any]:
    """Metadata of a workflow; its entry point is ``workflows/<name>.yaml`` unless told."""
    return {
        "name": name,
        "runner_type": runner,
        "description": f"The workflow {name}",
        "enabled": True,
        "entry_point": entry_point or f"workflows/{name}.yaml",
        "parameters": {},
    }


def workflow(action: str) -> t.Dict[str, t.Any]:
    """An orquesta workflow of one task."""
    return {"version": 1.0, "description": "One step", "tasks": {"only": {"action": action}}}


def sensor(ref: str, name: str, class_name: str = "PulseSensor") -> t.Dict[str, t.Any]:
    """Metadata of a polling sensor that announces one trigger type."""
    return {
        "class_name": class_name,
        "entry_point": f"{name}.py",
        "description": f"The sensor {name}",
        "poll_interval": 60,
        "trigger_types": [
            {"name": f"{name}_seen", "pack": ref, "payload_schema": {"type": "object", "properties": {}}},
        ],
    }


def rule(
    ref: str, name: str, trigger_ref: str, parameters: t.Optional[t.Mapping[str, t.Any]] = None
) -> t.Dict[str, t.Any]:
    """A rule, switched off.

    :arg parameters: of its trigger; a webhook has the name of the rule by default.
    """
    if parameters is None:
        parameters = {"url": name} if trigger_ref == "core.st2.webhook" else {}
    return {
        "name": name,
        "pack": ref,
        "description": f"The rule {name}",
        "enabled": False,
        "trigger": {"type": trigger_ref, "parameters": dict(parameters)},
        "criteria": {},
        "action": {"ref": "core.noop", "parameters": {}},
    }


def alias(name: str, action_ref: str) -> t.Dict[str, t.Any]:
    """A ChatOps alias."""
    return {
        "name": name,
        "action_ref": action_ref,
        "description": f"The alias {name}",
        "formats": [f"{name} {{{{ message }}}}"],
    }


def policy(name: str, action_ref: str) -> t.Dict[str, t.Any]:
    """A retry policy."""
    return {
        "name": name,
        "description": f"The policy {name}",
        "enabled": True,
        "resource_ref": action_ref,
        "policy_type": "action.retry",
        "parameters": {"retry_on": "timeout", "max_retry_count": 2},
    }


def trigger(ref: str, name: str) -> t.Dict[str, t.Any]:
    """A trigger type."""
    return {
        "name": name,
        "pack": ref,
        "description": f"The trigger {name}",
        "payload_schema": {"type": "object", "properties": {"at": {"type": "string"}}},
    }
