#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_action_run
short_description: Run a StackStorm action and compare its result
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Runs an action with StackStorm's API, waits until it has ended, and returns its result. The task fails if the action
    does not end as expected.
  - Use it as a test after packs were installed or upgraded, to find out whether StackStorm can run their actions.
options:
  action:
    description:
      - The action, in the form C(PACK.ACTION).
    type: str
    required: true
  parameters:
    description:
      - The parameters of the action.
    type: dict
  secrets:
    description:
      - Parameters with secret values. They are not shown by Ansible and not logged, and are masked in the result.
      - StackStorm stores them with the execution. It masks them only if the metadata of the action declares these
        parameters as C(secret).
    type: dict
  expect:
    description:
      - The expected end of the action.
    type: dict
    suboptions:
      status:
        description:
          - The expected status of the execution.
        type: str
        choices: [succeeded, failed, timeout, canceled, abandoned]
        default: succeeded
      result:
        description:
          - The expected result, in the form of RV(execution.result). A dictionary only needs to contain the keys to
            compare, also at deeper levels. All other values, including lists, need to be equal. V(1) and V(true) are
            different.
        type: raw
  timeout:
    description:
      - Number of seconds after which the task fails. The execution is canceled then.
    type: int
    default: 600
  register:
    description:
      - Has no effect. The option is accepted so that C(module_defaults) of the action group can set it.
    type: str
    choices: [auto, api, local, none]
    default: auto
  st2_conf:
    description:
      - Has no effect. The option is accepted so that C(module_defaults) of the action group can set it.
    type: path
    default: /etc/st2/st2.conf
extends_documentation_fragment:
  - stackstorm.st2._registration
  - stackstorm.st2._connection
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.actiongroup_st2
attributes:
  check_mode:
    support: full
    details:
      - Runs nothing. Verifies that the action exists and is enabled, and that its parameters fit, as far as their names
        and types in StackStorm's database tell.
  diff_mode:
    support: N/A
    details:
      - Runs an action, and does not know what it changes.
  idempotent:
    support: none
    details:
      - The action is run each time, so the task is always changed. Use C(changed_when) for actions that change nothing.
requirements:
  - Python 3.8 or newer
notes:
  - Only needs access to StackStorm's API, so it can run on any machine that can reach it, such as the controller. The
    account must be allowed to view and run the action.
seealso:
  - module: stackstorm.st2.st2_entry_point_info
    description: Verifies that StackStorm could start the Python actions and sensors of packs.
  - module: stackstorm.st2.st2_register
"""

EXAMPLES = r"""
- name: Verify that StackStorm runs actions
  stackstorm.st2.st2_action_run:
    action: core.noop
    api_url: https://st2.example.com/api/v1
    api_key: "{{ st2_api_key }}"
    timeout: 60
  changed_when: false

- name: Verify that an action of a pack returns the expected result
  stackstorm.st2.st2_action_run:
    action: acme_dns.lookup
    parameters:
      name: www.example.com
    secrets:
      token: "{{ vault_dns_token }}"
    expect:
      result:
        exit_code: 0
        result:
          name: www.example.com
    api_key: "{{ st2_api_key }}"
  register: lookup

- name: Show how long it took
  ansible.builtin.debug:
    msg: "{{ lookup.execution.elapsed }} s"
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: acme_dns.lookup ended with status succeeded in 1.2 s
execution:
  description: The execution of the action.
  returned: when the action was started, and in check mode
  type: dict
  contains:
    action:
      description: The action.
      returned: always
      type: str
      sample: acme_dns.lookup
    id:
      description: The ID of the execution, for C(st2 execution get).
      returned: when the action was started
      type: str
      sample: 6b0cea4a9983017d9424785d
    status:
      description: The last known status of the execution.
      returned: when it is known
      type: str
      sample: succeeded
    result:
      description:
        - The result of the action. Its keys depend on the runner. For Python actions, they are C(result), C(stdout),
          C(stderr) and C(exit_code).
        - A result of more than 64 KiB is shortened. Long texts are cut first.
      returned: when the action has ended
      type: dict
      sample: {result: {name: www.example.com}, exit_code: 0, stdout: "", stderr: ""}
    elapsed:
      description: Number of seconds that the action took, as measured by StackStorm.
      returned: when the action has ended
      type: float
      sample: 1.2
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: run
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._action_run.argspec import action_run_options
from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import connection_options, registration_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.action_run import run_action_of_task


def main() -> None:
    """Run the module."""
    spec = action_run_options().merge(registration_options()).merge(connection_options())
    run_module(spec, run_action_of_task)


if __name__ == "__main__":
    main()
