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
  - Sets variables in the environment files of StackStorm's services, such as C(/etc/default/st2api), or
    C(/etc/sysconfig/st2api) on Red Hat systems. The systemd unit of a service determines which file it reads.
  - The variables are written to a marked block at the end of the file. Lines outside of the block, such as C(WORKERS)
    or C(DAEMON_ARGS), are not changed, even if they set the same variable. The last definition in a file wins, which is
    the one in the block. Removing the block restores the original file byte for byte.
  - Since the values may be secret, the file is readable only by its owner and group (at most C(0640)) while it contains
    a block.
  - The module does not restart services. RV(restart_needed) lists those that need a restart.
options:
  name:
    description:
      - Names of the services. Services that are not on the host are skipped.
      - C(st2actionrunner) stands for all of its instances.
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
      - The variables with their values. Values are taken literally, systemd does not expand anything in them. They are
        quoted as needed.
      - A variable without a value (V(null)) is removed from the block. An empty string sets it to an empty value.
      - Other variables in the block are kept, so several tasks can set different variables.
    type: dict
    required: true
  state:
    description:
      - V(absent) removes the variables from the block, whatever their values. Removing the last variable removes the
        block as well, and also the file if this module created it and it is otherwise empty.
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
      - Shows the variables that change, but not the surrounding lines, which may contain secrets. User names and
        passwords in URLs are masked, and so are values of variables whose names end with C(PASSWORD), C(SECRET) and
        similar.
  idempotent:
    support: full
notes:
  - Actions and sensors of packs inherit the environment of C(st2actionrunner) and C(st2sensorcontainer).
seealso:
  - module: stackstorm.st2.st2_conf
  - module: stackstorm.st2.st2_restart
"""

EXAMPLES = r"""
- name: Trust the certificate authorities of the operating system
  stackstorm.st2.st2_environment:
    name: [st2api, st2actionrunner]
    variables:
      REQUESTS_CA_BUNDLE: /etc/ssl/certs/ca-certificates.crt
  register: __st2_environment

- name: Restart the services that do not use it yet, one host at a time
  stackstorm.st2.st2_restart:
    name: "{{ __st2_environment.restart_needed }}"
  throttle: 1

- name: Remove the variable
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
  description: The environment files of the services.
  returned: success, and failure to write one
  type: list
  elements: dict
  contains:
    path:
      description: Path to the file.
      returned: always
      type: str
      sample: /etc/default/st2api
    services:
      description: The services of the task that read the file.
      returned: when not empty, or with C(-v)
      type: list
      elements: str
      sample: [st2api]
    changed:
      description: Whether the file was changed.
      returned: always
      type: bool
      sample: true
restart_needed:
  description: Services that keep using other values of these variables until they are restarted.
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
