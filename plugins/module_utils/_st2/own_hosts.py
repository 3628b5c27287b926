# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The hosts that a StackStorm itself talks to: its API, database, message queue and coordination."""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .conf import Settings

# st2common/config.py, st2api/config.py and their like.
_OPTIONS = (
    ("auth", "api_url"),
    ("auth", "host"),
    ("api", "host"),
    ("stream", "host"),
    ("webui", "webui_base_url"),
    ("messaging", "url"),
    ("messaging", "cluster_urls"),
    ("database", "host"),
    ("coordination", "url"),
)
# Up to the last @ before the next URL: passwords with a /, a comma or a blank in them are written, too.
_USERINFO = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*://)(?:(?!://).)*@", re.DOTALL)
_ADDRESS = re.compile(
    r"(?!file:|ipc:)(?:[A-Za-z][A-Za-z0-9+.-]*://)?(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[\w.-]+))(?::|/|\?|\Z)"
)


def own_hosts(settings: Settings) -> t.List[str]:
    """The names and addresses in the settings, but for those of this machine itself, each once."""
    found: t.Dict[str, None] = {}
    for section, option in _OPTIONS:
        setting = settings.get(section, option)
        value = _USERINFO.sub(r"\1", setting.value) if setting else ""
        for piece in re.split(r"[,\s]+", value):
            match = _ADDRESS.match(piece)
            if match:
                found[(match.group("six") or match.group("name")).lower()] = None
    return [host for host in found if _is_elsewhere(host)]


def _is_elsewhere(host: str) -> bool:
    if host in ("localhost", "none"):
        return False
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return True
    return not (address.is_loopback or address.is_unspecified)
