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
      - User name for repositories over HTTP(S).
    type: str
  password:
    description:
      - Password of O(username). It is only sent to servers that the task names, and only when they ask for it.
      - Mutually exclusive with O(token).
    type: str
  token:
    description:
      - Access token for repositories over HTTP(S). Set O(username) as well for servers that expect a certain user name
        with it.
      - Mutually exclusive with O(password).
    type: str
  ssh_key_file:
    description:
      - Private key for repositories over SSH, on the target. By default, the keys of the account that runs the module
        are used.
    type: path
  known_hosts_file:
    description:
      - File on the target with the host keys of SSH servers. Servers that are not in it are refused. By default, the
        files of the account that runs the module are used.
    type: path
  http_proxy:
    description:
      - Proxy for HTTP. By default, the environment of the task is used. An empty string disables the proxy.
    type: str
  https_proxy:
    description:
      - Proxy for HTTPS. The default is found in the same way as for O(http_proxy).
    type: str
  no_proxy:
    description:
      - Comma-separated list of hosts to reach without a proxy. The default is found in the same way as for
        O(http_proxy).
    type: str
  ca_bundle:
    description:
      - File on the target with the CA certificates to trust. By default, those of the system are used.
    type: path
  timeout:
    description:
      - Number of seconds after which the task fails, whatever it is waiting for.
    type: int
    default: 600
"""
