#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_proxy_info
short_description: Show which proxy a StackStorm host uses, and test the connections
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Returns the proxy that StackStorm's own actions use to install packs. Each value is taken from the environment of
    the C(st2actionrunner) service, or else from C(configs/packs.yaml).
  - Returns the hosts that StackStorm itself connects to, which must be reached without a proxy.
  - With O(probe), tests whether indexes, repositories and Python packages can be reached, each separately, in the same
    way as these actions, with the environment of the service and StackStorm's own Python.
options:
  probe:
    description:
      - The connections to test.
      - V(index) reads each index that C([content] index_url) names.
      - V(git) queries the branch of the repository O(git_url). A server that requires credentials counts as reached.
      - V(packages) downloads O(package) with C(pip), and discards it.
    type: list
    elements: str
    choices: [index, git, packages]
    default: []
  git_url:
    description:
      - The repository to query, without user name and password. Defaults to the repository of the first pack in the
        index if V(index) is tested, too, and else to one of StackStorm's public packs.
    type: str
  package:
    description:
      - The Python package to download. StackStorm installs V(six) in the virtualenv of every pack.
    type: str
    default: six
  timeout:
    description:
      - Number of seconds for each test.
    type: int
    default: 60
extends_documentation_fragment:
  - stackstorm.st2._host
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.info_module
notes:
  - The module reads the environment files of the service. A service that was not restarted since they changed still
    uses its old environment.
  - The proxy for C(pip) is set in its environment, as by M(stackstorm.st2.st2_pack). StackStorm's own action sets it on
    the command line, where C(pip) ignores C(no_proxy).
seealso:
  - module: stackstorm.st2.st2_environment
"""

EXAMPLES = r"""
- name: Test the connections of the host
  stackstorm.st2.st2_proxy_info:
    probe: [index, git, packages]
  register: outside

- name: Show what the host cannot reach
  ansible.builtin.debug:
    msg: "{{ item.target }}: {{ item.message }}"
  loop: "{{ outside.probes | rejectattr('reached') }}"
"""

RETURN = r"""
msg:
  description: What was reached, or what was not and why, in one line.
  returned: always
  type: str
  sample: "reached: index (https://index.stackstorm.org/v1/index.json)"
proxy:
  description: The proxy of StackStorm's actions, without user names and passwords.
  returned: success
  type: dict
  contains:
    http_proxy:
      description: Proxy for HTTP. Null if there is none.
      returned: always
      type: str
      sample: http://proxy.example.com:3128
    https_proxy:
      description: Proxy for HTTPS. Null if there is none.
      returned: always
      type: str
      sample: http://proxy.example.com:3128
    no_proxy:
      description: Comma-separated list of hosts to reach without a proxy.
      returned: always
      type: str
      sample: localhost,127.0.0.1,::1,mongodb.example.com
    ca_bundle:
      description: File with the CA certificates to trust behind the proxy.
      returned: always
      type: str
      sample: /etc/ssl/certs/ca-certificates.crt
    trust:
      description: Other variables of the service that set trusted CA certificates, such as C(REQUESTS_CA_BUNDLE).
      returned: always
      type: dict
      sample: {}
stackstorm_hosts:
  description: The hosts of StackStorm's API, database, message queue and coordination backend, except for this host.
  returned: success
  type: list
  elements: str
  sample: [mongodb.example.com]
probes:
  description: The result of each test.
  returned: success
  type: list
  elements: dict
  contains:
    kind:
      description: V(index), V(git) or V(packages).
      returned: always
      type: str
      sample: index
    target:
      description: The URL or package that was tested.
      returned: always
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    reached:
      description: Whether the target was reached.
      returned: always
      type: bool
      sample: true
    message:
      description: Why the target was not reached. For an index that was reached, the number of packs in it.
      returned: always
      type: str
      sample: 169 packs
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.argspec import proxy_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.proxy_info import describe_proxy


def main() -> None:
    """Run the module."""
    run_module(proxy_info_options(), describe_proxy)


if __name__ == "__main__":
    main()
