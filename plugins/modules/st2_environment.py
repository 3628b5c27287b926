#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_environment
short_description: Set environment variables of StackStorm's services
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Sets variables in the environment files of StackStorm's services, C(/etc/default/st2api) and its like, or
    C(/etc/sysconfig/st2api) on Red Hat systems. Which file a service reads is found in its unit.
  - The variables stand in a block of lines of their own at the end of the file. What others have written, such as
    C(WORKERS) or C(DAEMON_ARGS), stays as it is, also where it sets the same variable. Of those, the last one in the
    file counts, which is that of the block. With the block taken out, the file is what it was, byte for byte.
  - As the values may be secret, the file is made readable by its owner and its group only, at most C(0640), while it
    has a block.
  - Nothing is restarted. RV(restart_needed) says what has to be.
options:
  name:
    description:
      - The services. Those that the host does not have are left out.
      - C(st2actionrunner) is for all of its instances.
    type: list
    elements: str
    required: true
    choices:
      - st2actionrunner
      - st2api
      - st2auth
      - st2garbagecollector
      - st2notifier
      - st2rulesengine
      - st2scheduler
      - st2sensorcontainer
      - st2stream
      - st2timersengine
      - st2workflowengine
  variables:
    description:
      - The variables with their values, which are taken as they are; systemd replaces nothing in them. They are quoted
        as needed.
      - A variable without a value (V(null)) is taken out of the block. An empty text sets it to that.
      - Variables of the block that are not named stay, so several tasks can set some each.
    type: dict
    required: true
  state:
    description:
      - V(absent) takes the variables out of the block, whatever values are given. With the last of them the block goes,
        and the file, if this module has made it and nothing else is in it.
    type: str
    choices: [present, absent]
    default: present
extends_documentation_fragment:
  - stackstorm.st2._host
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the variables that change, and not what is around them, which may be secret. Users and passwords in URLs
        are masked, and values of variables whose names end with C(PASSWORD), C(SECRET) and the like.
  idempotent:
    support: full
notes:
  - Actions and sensors of packs inherit the environment of C(st2actionrunner) and C(st2sensorcontainer).
seealso:
  - module: stackstorm.st2.st2_conf
  - module: stackstorm.st2.st2_restart
"""

EXAMPLES = r"""
- name: Let StackStorm trust the authorities of the operating system
  stackstorm.st2.st2_environment:
    name: [st2api, st2actionrunner]
    variables:
      REQUESTS_CA_BUNDLE: /etc/ssl/certs/ca-certificates.crt
  register: __st2_environment

- name: Restart what goes on without it, one host after another
  stackstorm.st2.st2_restart:
    name: "{{ __st2_environment.restart_needed }}"
  throttle: 1

- name: Take it back
  stackstorm.st2.st2_environment:
    name: [st2api, st2actionrunner]
    variables:
      REQUESTS_CA_BUNDLE:
    state: absent
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: "/etc/default/st2api: REQUESTS_CA_BUNDLE"
files:
  description: The environment files that the task is about.
  returned: success, and failure to write one
  type: list
  elements: dict
  contains:
    path:
      description: The file.
      returned: always
      type: str
      sample: /etc/default/st2api
    services:
      description: The services of the task that it is for.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [st2api]
    changed:
      description: Whether it was changed.
      returned: always
      type: bool
      sample: true
restart_needed:
  description: The services that go on with other values of these variables until they are restarted.
  returned: success, and failure to write a file
  type: list
  elements: str
  sample: [st2api]
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.argspec import environment_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.services import SERVICES
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.environment import converge_environment


def main() -> None:
    """Run the module."""
    run_module(environment_options(SERVICES), converge_environment)


if __name__ == "__main__":
    main()
