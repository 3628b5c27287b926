# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The packs of the demo, release by release. They are small, and everything in them that is code runs."""

from __future__ import annotations

import ensurepip
import shutil
import typing as t
from pathlib import Path

from infrastructure.packs import Tree
from infrastructure.servers import build_wheel

COMPANY = {"author": "Acme Network Operations", "email": "netops@acme.example.com"}

CHAT_TOKEN = "xoxb-demo-4711-s3cr3t"

DEBIAN_WHEELS = Path("/usr/share/python-wheels")
ACTION = """\
import sys
{imports}
from st2common.runners.base_action import Action


class {class_name}(Action):
    def run(self, {parameter}):
        return {{
            "by": "{ref} {version}",
            "python": sys.executable,
            "{parameter}": {parameter},{more}
        }}
"""
SENSOR = """\
from st2reactor.sensor.base import PollingSensor


class {class_name}(PollingSensor):
    def setup(self):
        pass

    def poll(self):
        self.sensor_service.dispatch("{trigger}", {{}})

    def cleanup(self):
        pass
"""
NETPROBE = """\
import ipaddress


def network(address):
    return "private" if ipaddress.ip_address(address).is_private else "public"
"""
CHAT_SCHEMA = """\
channel:
  type: string
  description: Channel to post to
  required: true
token:
  type: string
  description: What the chat asks for
  secret: true
  required: true
"""
DOES_NOT_PARSE = """\
interval:
  type: integer
  description: Seconds between two looks: at least 30
"""


class Action(t.NamedTuple):
    """A python action of one parameter; ``imports`` and ``more`` are source code."""

    name: str
    description: str
    parameter: str
    imports: str = ""
    more: str = ""


CHECK_HOST = Action(
    "check_host",
    "Checks one host",
    "address",
    "\nimport netprobe\n",
    '\n            "network": netprobe.network(address),\n            "netprobe": netprobe.__version__,',
)
LIST_NEIGHBOURS = Action("list_neighbours", "Lists what a switch is connected to", "switch")
TRACE_ROUTE = Action("trace_route", "Shows the way to a host", "address")


class Pack(Tree):
    """One release of a pack.

    :arg sensors: class name of each sensor, with the trigger it dispatches.
    :arg rules: name of each rule, with the trigger and the action that it connects.
    """

    def __init__(
        self,
        ref: str,
        version: str,
        description: str,
        actions: t.Sequence[Action],
        sensors: t.Optional[t.Mapping[str, str]] = None,
        rules: t.Optional[t.Mapping[str, t.Tuple[str, str]]] = None,
        dependencies: t.Sequence[str] = (),
        requirements: str = "",
    ) -> None:
        super().__init__()
        self.ref, self.version = ref, version
        metadata = {"ref": ref, "name": ref, "description": description, "version": version, "python_versions": ["3"]}
        self.add_yaml("pack.yaml", {**metadata, **COMPANY, "dependencies": list(dependencies)})
        self.add("README.md", f"# {ref}\n\n{description}.\n")
        if requirements:
            self.add("requirements.txt", f"{requirements}\n")
        for action in actions:
            self._add_action(action)
        for class_name, trigger in (sensors or {}).items():
            self._add_sensor(class_name, trigger)
        for name, (trigger, action_ref) in (rules or {}).items():
            rule = {"name": name, "pack": ref, "description": f"Runs {action_ref}", "enabled": False}
            self.add_yaml(f"rules/{name}.yaml", {**rule, "trigger": {"type": trigger}, "action": {"ref": action_ref}})

    def _add_action(self, action: Action) -> None:
        self.add_yaml(
            f"actions/{action.name}.yaml",
            {
                "name": action.name,
                "runner_type": "python-script",
                "description": action.description,
                "enabled": True,
                "entry_point": f"{action.name}.py",
                "parameters": {action.parameter: {"type": "string", "required": True}},
            },
        )
        class_name = action.name.title().replace("_", "")
        code = ACTION.format(class_name=class_name, ref=self.ref, version=self.version, **action._asdict())
        self.add(f"actions/{action.name}.py", code)

    def _add_sensor(self, class_name: str, trigger: str) -> None:
        self.add_yaml(
            f"sensors/{trigger}.yaml",
            {
                "class_name": class_name,
                "entry_point": f"{trigger}.py",
                "description": f"Tells of {trigger}",
                "poll_interval": 30,
                "trigger_types": [{"name": trigger, "payload_schema": {"type": "object"}}],
            },
        )
        self.add(f"sensors/{trigger}.py", SENSOR.format(class_name=class_name, trigger=f"{self.ref}.{trigger}"))


def netwatch(version: str) -> Pack:
    """A release of netwatch: 1.3.0 and 1.4.0 work, 1.5.0 and 1.5.1 are broken, each in its way."""
    actions, sensors = [CHECK_HOST, LIST_NEIGHBOURS], {"LinkSensor": "link_down"}
    rules = {"on_link_down": ("netwatch.link_down", "netwatch.check_host")}
    library = "netprobe==0.4.0"
    if version != "1.3.0":
        actions, sensors = [CHECK_HOST, TRACE_ROUTE], {**sensors, "LatencySensor": "latency_high"}
        rules["on_latency_high"] = ("netwatch.latency_high", "netwatch.trace_route")
        library = "netprobe==0.5.0"
    if version == "1.5.1":
        library = "netprobe>=0.6.0"
    pack = Pack("netwatch", version, "Watches network devices", actions, sensors, rules, requirements=library)
    if version == "1.5.0":
        pack.add("config.schema.yaml", DOES_NOT_PARSE)
    return pack


def acme_common() -> Pack:
    """What the other packs of the company depend on."""
    actions = [Action("describe_site", "Says what is known of a site", "site")]
    return Pack("acme_common", "2.4.0", "What all packs of Acme share", actions)


def chat_notify() -> Pack:
    """Depends on any acme_common."""
    actions = [Action("post_message", "Posts a message to a channel", "message")]
    pack = Pack("chat_notify", "0.9.2", "Posts to the team's chat", actions, dependencies=["acme_common"])
    pack.add("config.schema.yaml", CHAT_SCHEMA)
    return pack


def ticketing(version: str) -> Pack:
    """Depends on one release of acme_common."""
    actions = [
        Action("create_ticket", "Opens a ticket", "title"),
        Action("close_ticket", "Closes a ticket", "number"),
    ]
    rules = {"ticket_for_link_down": ("netwatch.link_down", "ticketing.create_ticket")}
    depends = ["acme_common=2.4.0"]
    return Pack("ticketing", version, "Opens and closes tickets", actions, rules=rules, dependencies=depends)


def write_wheels(directory: Path) -> None:
    """Put the Python packages that virtualenvs are filled from into C(directory), in place of PyPI.

    ``six``, which StackStorm puts into each virtualenv, is a stand-in too: an empty module of that name. ``pip`` is the
    one that came with this Python; where that has none, virtualenvs get theirs by ensurepip, which takes longer.
    """
    build_wheel(directory, "six", "1.16.0")
    for version in ("0.4.0", "0.5.0"):
        build_wheel(directory, "netprobe", version, code=NETPROBE)
    for place in (Path(ensurepip.__file__).parent / "_bundled", DEBIAN_WHEELS):
        for wheel in place.glob("pip-*.whl"):
            shutil.copy(wheel, directory)
