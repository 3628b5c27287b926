# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This doc fragment is private to the stackstorm.st2 collection: do not use it elsewhere.

from __future__ import annotations


class ModuleDocFragment:
    """How repositories are reached from a host that is no StackStorm.

    The options are those of _source.repository_options.
    """

    DOCUMENTATION = r"""
options:
  username:
    description:
      - Account for repositories over HTTP(S).
    type: str
  password:
    description:
      - Password of O(username). Only sent to servers that the task names, and only when they ask.
      - Mutually exclusive with O(token).
    type: str
  token:
    description:
      - Access token for repositories over HTTP(S). Hosts that want a certain account name beside it get O(username).
      - Mutually exclusive with O(password).
    type: str
  ssh_key_file:
    description:
      - Private key for repositories over SSH, on the host where the module runs. By default, the keys of the account
        that runs it.
    type: path
  known_hosts_file:
    description:
      - File with the keys of SSH servers; servers that are not in it are refused. By default, the files of the account
        that runs the module.
    type: path
  http_proxy:
    description:
      - Proxy for HTTP, by default that of the environment of the task. An empty string means none.
    type: str
  https_proxy:
    description:
      - Proxy for HTTPS, found as O(http_proxy) is.
    type: str
  no_proxy:
    description:
      - Hosts to reach without a proxy, separated by commas, found as O(http_proxy) is.
    type: str
  ca_bundle:
    description:
      - File with the certificates to trust, on the host where the module runs. By default the system's.
    type: path
  timeout:
    description:
      - Seconds after which the task gives up, whatever it waits for.
    type: int
    default: 600
"""
