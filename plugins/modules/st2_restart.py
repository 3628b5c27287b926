#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_restart
short_description: Restart StackStorm's services without losing executions
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Restarts the services of a StackStorm host that still use old settings, code or config, as returned by other modules
    in C(restart_needed). Services that are not running are skipped, since they read everything when they start.
  - Restarting C(st2actionrunner) abandons the executions that are running on the host. This module waits for them to
    finish first.
  - Services that are not restarted are remembered until anybody restarts them or the host reboots. So no restart is
    lost when a play ends early, and a later task restarts them even if nothing has changed since.
  - Set C(throttle=1) for the task to restart one host at a time while the other hosts of the cluster keep working.
options:
  name:
    description:
      - The services to restart, in addition to those that earlier tasks did not restart.
    type: list
    elements: str
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
    default: []
  restart:
    description:
      - V(drain) restarts C(st2actionrunner) only when no execution is running on this host, which it checks with
        StackStorm's API. If some are still running after O(timeout), or the API does not respond, C(st2actionrunner) is
        not restarted, and the task fails and lists them. The other services are restarted nevertheless.
      - V(now) restarts without waiting for executions.
      - V(never) restarts nothing, and warns about services that still use something old.
      - V(later) is the same without the warning, for plays that restart services at the end.
      - V(wait) only waits until no execution is running on this host, like V(drain), and restarts nothing. If some are
        still running after O(timeout), the task fails and lists them.
    type: str
    choices: [drain, now, never, later, wait]
    default: drain
  timeout:
    description:
      - Number of seconds to wait for executions to finish.
    type: int
    default: 600
  register:
    description:
      - Has no effect. The option is accepted so that C(module_defaults) of the action group can set it.
    type: str
    choices: [auto, api, local, none]
    default: auto
extends_documentation_fragment:
  - stackstorm.st2._registration
  - stackstorm.st2._connection
  - stackstorm.st2._host
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.actiongroup_st2
attributes:
  check_mode:
    support: full
    details:
      - Predicts which services would be restarted, but not whether executions would finish in time.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A service in O(name) is always restarted. Other services are restarted only if a restart is still pending. On a
        second run, the modules that change something usually do not list a service in C(restart_needed) any more.
notes:
  - Requires root and systemd. If systemd is not running, such as in an image, nothing needs to be restarted.
  - StackStorm cannot prevent a runner from starting another execution. An execution that starts between the last check
    and the restart is abandoned with O(restart=drain), too.
  - The running C(st2actionrunner@N) units are restarted one after another. With a coordination backend, each of them
    waits for its own executions, within the stop timeout of systemd.
seealso:
  - module: stackstorm.st2.st2_conf
  - module: stackstorm.st2.st2_pack
"""

EXAMPLES = r"""
- name: Add a second directory to the packs base paths
  stackstorm.st2.st2_conf:
    section: content
    option: packs_base_paths
    values:
      - /srv/packs
    list: add
  register: __st2_conf

- name: Restart the services that do not use it yet, one host at a time
  stackstorm.st2.st2_restart:
    name: "{{ __st2_conf.restart_needed }}"
    api_key: "{{ vault_st2_api_key }}"
  throttle: 1

- name: Restart the remaining services at night
  stackstorm.st2.st2_restart:
    timeout: 7200
  throttle: 1
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: "restarted: st2actionrunner, st2api"
restarted:
  description: Services that were restarted, as predicted in check mode.
  returned: success, and failure of a restart
  type: list
  elements: str
  sample: [st2api]
restart_needed:
  description: Services that still use something old. They are remembered for the next run.
  returned: success, and failure of a restart
  type: list
  elements: str
  sample: []
running:
  description: Executions on this host that a restart of C(st2actionrunner) would have abandoned.
  returned: success, and failure of a restart
  type: list
  elements: dict
  sample: []
  contains:
    id:
      description: ID of the execution.
      returned: always
      type: str
      sample: 6b0cea4a9983017d9424785d
    action:
      description: The action of the execution.
      returned: when not null, or with C(-v)
      type: str
      sample: core.local
    status:
      description: The status of the execution.
      returned: when not null, or with C(-v)
      type: str
      sample: running
    start_timestamp:
      description: When the execution started.
      returned: when not null, or with C(-v)
      type: str
      sample: "2026-01-31T12:00:00.000000Z"
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: restart
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import connection_options, registration_options
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.argspec import restart_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.services import SERVICES
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.restart_services import restart_services


def main() -> None:
    """Run the module."""
    spec = restart_options(SERVICES).merge(registration_options()).merge(connection_options())
    run_module(spec, restart_services)


if __name__ == "__main__":
    main()
