#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_proxy_info
short_description: Tell how a StackStorm host reaches the outside, and try it
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Tells which proxy StackStorm's own actions use when they install packs. Of each value, that is what the environment
    of the service C(st2actionrunner) says, else what C(configs/packs.yaml) says.
  - Tells which hosts StackStorm itself talks to, which no proxy must stand before.
  - Tries, if asked to, whether indexes, repositories and Python packages are reached, each by itself, as these actions
    do it, with the environment of the service and StackStorm's own Python.
options:
  probe:
    description:
      - What to try.
      - V(index) reads each index that C([content] index_url) names.
      - V(git) asks the repository O(git_url) for its branch. A server that wants credentials is one that is reached.
      - V(packages) downloads O(package) by C(pip), and throws it away.
    type: list
    elements: str
    choices: [index, git, packages]
    default: []
  git_url:
    description:
      - The repository to ask, without user name and password. By default that of the first pack in the index, which
        then has to be tried, too; else one of StackStorm's public packs.
    type: str
  package:
    description:
      - The Python package to download. StackStorm puts V(six) into the virtualenv of every pack.
    type: str
    default: six
  timeout:
    description:
      - Seconds for each of the tries.
    type: int
    default: 60
extends_documentation_fragment:
  - stackstorm.st2._host
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.info_module
notes:
  - The service has the environment of its files when it was started since. This module reads the files.
  - C(pip) is given the proxy by its environment, as M(stackstorm.st2.st2_pack) does it. StackStorm's own action gives
    it on the command line, so that C(pip) then does not look at C(no_proxy).
seealso:
  - module: stackstorm.st2.st2_environment
"""

EXAMPLES = r"""
- name: See what the host reaches
  stackstorm.st2.st2_proxy_info:
    probe: [index, git, packages]
  register: outside

- name: Name what it does not reach
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
  description: The proxy of StackStorm's actions. User names and passwords are not shown.
  returned: success
  type: dict
  contains:
    http_proxy:
      description: For HTTP, V(null) for none.
      returned: always
      type: str
      sample: http://proxy.example.com:3128
    https_proxy:
      description: For HTTPS, V(null) for none.
      returned: always
      type: str
      sample: http://proxy.example.com:3128
    no_proxy:
      description: The hosts to reach directly, separated by commas.
      returned: always
      type: str
      sample: localhost,127.0.0.1,::1,mongodb.example.com
    ca_bundle:
      description: File with the certificates to trust behind the proxy.
      returned: always
      type: str
      sample: /etc/ssl/certs/ca-certificates.crt
    trust:
      description: The variables by which the service says whom to trust otherwise, such as C(REQUESTS_CA_BUNDLE).
      returned: always
      type: dict
      sample: {}
stackstorm_hosts:
  description: The hosts of StackStorm's API, database, message queue and coordination, but for this machine itself.
  returned: success
  type: list
  elements: str
  sample: [mongodb.example.com]
probes:
  description: What came of each try.
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
      description: What was tried to reach.
      returned: always
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    reached:
      description: Whether it was.
      returned: always
      type: bool
      sample: true
    message:
      description: Why not; of an index, how many packs are in it.
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
