# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: proxy_url
short_description: Encode the URL of a proxy for use in environment variables
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Percent-encodes all characters of the user name and password of a proxy except letters, digits and C(-._~), as
    programs expect it in variables such as C(https_proxy), and prepends C(http://) to an address without a scheme.
  - Characters that are already encoded are kept. A password that contains a C(%) followed by two hexadecimal digits
    must therefore be passed encoded.
positional: _input, variable
options:
  _input:
    description:
      - The address of the proxy, such as V(http://user:password@proxy.example.com:3128). Everything up to the last C(@)
        is the user name and password. An empty string stays empty.
    type: str
    required: true
  variable:
    description:
      - The name of the variable that has this address, for the message if it cannot be used.
    type: str
    default: A proxy
"""

EXAMPLES = r"""
- name: Set the proxy for the services
  stackstorm.st2.st2_environment:
    name: [st2api, st2actionrunner]
    variables:
      https_proxy: "{{ vault_proxy | stackstorm.st2.proxy_url }}"
"""

RETURN = r"""
_value:
  description: The encoded URL.
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


def proxy_url(value: t.Any, variable: str = "A proxy") -> str:
    """Return the address of a proxy with user name and password encoded.

    :arg variable: What has this address.
    :raises AnsibleFilterError: when it is none.
    """
    if not value:
        return ""
    text = str(value).strip()
    match = _FORM.fullmatch(text)
    if not match or (not match.group("scheme") and _SCHEME.match(text)):
        # The value may have a password in it.
        raise AnsibleFilterError(f"{variable} must be of the form http://HOST:PORT or http://USER:PASSWORD@HOST:PORT.")
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
