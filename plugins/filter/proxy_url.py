# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: proxy_url
short_description: The address of a proxy as environment variables carry it
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Encodes what user name and password of a proxy have besides letters, digits and C(-._~) by C(%), as programs expect
    it in variables such as C(https_proxy), and puts C(http://) before an address that has no scheme.
  - What is encoded already stays. So a password that has a C(%) before two hexadecimal digits has to be given encoded.
positional: _input
options:
  _input:
    description:
      - The address, such as V(http://user:password@proxy.example.com:3128). Everything up to the last C(@) is user name
        and password. An empty one stays empty.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Give the proxy to the services
  stackstorm.st2.st2_environment:
    name: [st2api, st2actionrunner]
    variables:
      https_proxy: "{{ vault_proxy | stackstorm.st2.proxy_url }}"
"""

RETURN = r"""
_value:
  description: The address.
  type: str
  sample: http://user:p%40ss@proxy.example.com:3128
"""

import re
import typing as t
from urllib.parse import quote

from ansible.errors import AnsibleFilterError

_FORM = re.compile(
    r"(?P<scheme>(?:https?|socks4a?|socks5h?)://)?(?:(?P<userinfo>.*)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[\w.-]+)(?P<port>:\d{1,5})?/?",
    re.DOTALL,
)
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def proxy_url(value: t.Any) -> str:
    """Return the address of a proxy with user name and password encoded."""
    if not value:
        return ""
    text = str(value).strip()
    match = _FORM.fullmatch(text)
    if not match or (not match.group("scheme") and _SCHEME.match(text)):
        # The value may have a password in it.
        raise AnsibleFilterError("A proxy must be of the form http://HOST:PORT or http://USER:PASSWORD@HOST:PORT.")
    userinfo = match.group("userinfo")
    login = "" if userinfo is None else ":".join(map(_encoded, userinfo.split(":", 1))) + "@"
    return (match.group("scheme") or "http://") + login + match.group("host") + (match.group("port") or "")


def _encoded(text: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe="%-._~")


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[[t.Any], str]]:
        """Return its name and what it does."""
        return {"proxy_url": proxy_url}
