# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directory pages for tests: indexes in memory, written as the module writes them."""

from __future__ import annotations

import json
import struct
import typing as t
import zlib
from base64 import b64encode
from pathlib import Path

from ansible_collections.stackstorm.st2.plugins.module_utils._index.build import Built
from ansible_collections.stackstorm.st2.plugins.module_utils._index.describe import Description
from ansible_collections.stackstorm.st2.plugins.module_utils._index.document import make_document
from ansible_collections.stackstorm.st2.plugins.module_utils._index.published_files import published_files
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.assets import NAMES
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.site import site_files
from ansible_collections.stackstorm.st2.plugins.plugin_utils.index_page import ASSETS

Pack = t.Tuple[t.Dict[str, t.Any], t.Optional[Description]]
DAY = 1770315167


def pack(ref: str, *, schema: t.Any = None, icon: bool = False, **more: t.Any) -> Pack:
    """A pack that was read from a repository; actions and sensors are metadata."""
    kinds = {kind: more.pop(kind) for kind in ("actions", "sensors", "aliases", "rules") if kind in more}
    files: t.Dict[str, str] = {}
    content = {}
    for kind, listed in kinds.items():
        key = "class_name" if kind == "sensors" else "name"
        content[kind] = {"count": len(listed), "resources": [one[key] for one in listed]}
        files.update({f"{kind}/{place}.json": json.dumps(one) for place, one in enumerate(listed)})
    if schema is not None:
        files["config.schema.json"] = json.dumps(schema)
    entry = {**listed_pack(ref, **more)[0], "content": content, "commit": "c" * 40}
    picture = b64encode(png()).decode() if icon else None
    return entry, Description(ref=ref, version=entry["version"], files=files, icon=picture, time=DAY)


def listed_pack(ref: str, **more: t.Any) -> Pack:
    """A pack that another index lists."""
    url = f"https://git.example.com/{ref}.git"
    return {"ref": ref, "name": ref, "version": "1.0.0", "versions": ["1.0.0"], "repo_url": url, **more}, None


def png() -> bytes:
    """A small picture."""

    def part(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    rows = b"".join(b"\0" + b"\x20\x60\xa0" * 8 for _row in range(8))
    header = struct.pack(">IIBBBBB", 8, 8, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + part(b"IHDR", header) + part(b"IDAT", zlib.compress(rows)) + part(b"IEND", b"")


FINDING = ("level", "file", "line", "rule", "message")
FOUND = (
    (
        "warning",
        "actions/lib/a_module_with_a_rather_long_name_for_its_place.py",
        120,
        "python-too-new",
        "needs Python 3.9",
    ),
    ("error", "sensors/lldp.yaml", None, "entry-point-missing", "the entry_point lldp_sensor.py does not exist"),
    ("info", ".", None, "icon", "there is no icon.png"),
)


def files_of(*packs: Pack, history: t.Optional[bytes] = None, before: t.Any = None) -> t.Dict[str, bytes]:
    """All that is published of an index."""
    built = Built()
    for entry, described in packs:
        built.entries[entry["ref"]] = entry
        built.sources[entry["ref"]] = "https://index.example.com/v1/index.json"
        if described:
            built.descriptions[entry["ref"]] = described
            built.findings[entry["ref"]] = [dict(zip(FINDING, one)) for one in FOUND]
    document = make_document(built.entries, newest=DAY, previous={})
    assets = {name: (ASSETS / name).read_bytes() for name in NAMES}
    files = published_files(built.entries, built.descriptions, document.content)
    files.update(site_files(built, document, before or {}, assets, history))
    return files


def write(place: Path, *packs: Pack) -> Path:
    """Publish an index in a directory, and return that."""
    for path, content in files_of(*packs).items():
        file = place / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    return place


def ordinary() -> t.List[Pack]:
    """A small index with something of each."""
    parameters = {
        "host": {"type": "string", "required": True, "position": 0, "description": "Name of the host"},
        "port": {"type": "integer", "default": 4567, "description": "Port of the API"},
        "level": {"enum": ["ok", "critical"], "type": "string"},
        "password": {"type": "string", "secret": True, "default": "hunter2"},
    }
    names = ("check_list", "check_request", "client_delete", "event_list", "event_resolve", "silence", "stash_create")
    actions = [
        {
            "name": name,
            "description": f"Does {name} with Sensu",
            "runner_type": "python-script",
            "parameters": parameters,
        }
        for name in (*names, "stash_delete", "stash_list")
    ]
    sensor = {"class_name": "SensuSensor", "description": "Polls events", "poll_interval": 30}
    alias = {"name": "sensu_silence", "formats": ["sensu silence {{ client }}"]}
    schema = {
        "host": {"type": "string", "required": True, "description": "Host of the Sensu API"},
        "port": {"type": "integer", "default": 4567},
        "token": {"type": "string", "secret": True},
        "proxy": {"type": "object", "properties": {"url": {"type": "string"}}},
    }
    return [
        pack(
            "sensu",
            icon=True,
            name="Sensu",
            description="Monitoring of servers, containers and cloud services by Sensu",
            keywords=["monitoring", "alerting"],
            actions=actions,
            sensors=[sensor],
            aliases=[alias],
            schema=schema,
            requires_config=True,
            versions=["1.0.2", "1.0.1", "1.0.0"],
            version="1.0.2",
            dependencies=["core_lib=1.0.0", "https://git.example.com/other.git"],
            python_versions=["3"],
            author="StackStorm",
            email="info@example.com",
        ),
        pack("core_lib", description="Shared by other packs", actions=[{"name": "run_local_command"}]),
        listed_pack(
            "kubernetes",
            description="Sensors and actions for clusters",
            keywords=["monitoring", "containers"],
            python_versions=["2"],
            content={
                "actions": {"count": 2, "resources": ["createPod", "deletePod"]},
                "tests": {"resources": ["test_a.py"]},
            },
        ),
    ]
