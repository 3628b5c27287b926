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
  - Restarts the services of a StackStorm host that go on with old settings, code or config, as other modules say in
    C(restart_needed). Services that do not run are left alone, as they read everything when they start.
  - A restart of C(st2actionrunner) abandons the executions that run on the host. This module waits for their end
    first.
  - What is not restarted is remembered until it is, by whomever, or the host starts anew. So nothing is lost when a
    play ends early, and a later task that finds everything as asked still restarts it.
  - Give the task C(throttle=1). Then one host after another does all of it, and the others of the cluster go on.
options:
  name:
    description:
      - The services to restart, beside those that earlier tasks have left.
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
      - V(drain) waits with C(st2actionrunner) until no execution runs on this host, for which it asks StackStorm's API.
        When some still run after O(timeout), or the API does not answer, C(st2actionrunner) is not restarted, and the
        task fails and names them. The other services are restarted all the same.
      - V(now) restarts whatever runs.
      - V(never) restarts nothing, and warns of what goes on with something old.
      - V(later) is the same without the warning, for a play that restarts at its end.
    type: str
    choices: [drain, now, never, later]
    default: drain
  timeout:
    description:
      - Seconds to wait for the end of executions.
    type: int
    default: 600
  register:
    description:
      - Has no meaning here. It is taken so that defaults for the action group are those of this module, too.
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
      - Predicts which services would be restarted. Whether executions would end in time is not asked.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - A service that is named is restarted. What is not named any more, because the modules that change something find
        everything as asked, is restarted only when that is still due.
notes:
  - Needs to be root, and systemd. Where that does not run, such as in an image, nothing has to be restarted.
  - StackStorm has no way to keep a runner from beginning with another execution. What begins between the last question
    and the restart is abandoned with V(drain), too.
  - The units C(st2actionrunner@N) that run are restarted one after the other. With a coordination backend, each waits
    for its own executions, as long as systemd lets it.
seealso:
  - module: stackstorm.st2.st2_conf
  - module: stackstorm.st2.st2_pack
"""

EXAMPLES = r"""
- name: Let StackStorm find packs in a second directory
  stackstorm.st2.st2_conf:
    section: content
    option: packs_base_paths
    values:
      - /srv/packs
    list: add
  register: __st2_conf

- name: Restart what goes on without it, one host after another
  stackstorm.st2.st2_restart:
    name: "{{ __st2_conf.restart_needed }}"
    api_key: "{{ vault_st2_api_key }}"
  throttle: 1

- name: Restart at night what was put off at day
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
  description: The services that were restarted, or would be in check mode.
  returned: success, and failure of a restart
  type: list
  elements: str
  sample: [st2api]
restart_needed:
  description: The services that go on with something old, and are remembered.
  returned: success, and failure of a restart
  type: list
  elements: str
  sample: []
running:
  description: The executions of this host that a restart of C(st2actionrunner) would have abandoned.
  returned: success, and failure of a restart
  type: list
  elements: dict
  sample: []
  contains:
    id:
      description: The execution.
      returned: always
      type: str
      sample: 6b0cea4a9983017d9424785d
    action:
      description: Its action.
      returned: when not null, or with C(-v)
      type: str
      sample: core.local
    status:
      description: Its status.
      returned: when not null, or with C(-v)
      type: str
      sample: running
    start_timestamp:
      description: When it began.
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
