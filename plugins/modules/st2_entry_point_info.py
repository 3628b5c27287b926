#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_entry_point_info
short_description: Check whether StackStorm can run the Python entry points of packs
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Compiles the entry point of every Python action and sensor of installed packs, with the Python of the virtualenv
    that StackStorm runs it with. The task fails if any of them is missing or does not compile.
  - StackStorm itself registers such packs without an error. The problem only shows when an action is run.
  - With O(import=true), the entry points are also imported, which finds missing Python packages.
options:
  pack:
    description:
      - Refs of packs. By default, all installed packs are checked.
    aliases: [name]
    type: list
    elements: str
  import:
    description:
      - Also import each entry point as StackStorm does, in a process of its own with the same paths, which is stopped
        after 60 seconds.
      - This executes code of the packs. It runs as the account of the service that does so in StackStorm, which is the
        C(User) in the unit files of C(st2actionrunner) (usually root) and C(st2sensorcontainer) (usually C(st2)). If
        the host has no such unit file, it runs as the account that runs the module.
    type: bool
    default: false
  fail_on_error:
    description:
      - Whether the task fails if an entry point cannot be run or a pack is not installed. With V(false), check
        RV(entry_points) and RV(missing).
    type: bool
    default: true
  timeout:
    description:
      - Number of seconds after which the task fails.
    type: int
    default: 600
extends_documentation_fragment:
  - stackstorm.st2._host
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.info_module
notes:
  - No file is written, not even bytecode. With O(import=true), this does not hold for what the packs themselves do when
    they are imported.
  - StackStorm does not run Python actions and sensors of a pack without a virtualenv, except for those of its own
    packs. So they are returned as errors, even if they would compile.
seealso:
  - module: stackstorm.st2.st2_action_run
    description: Runs an action and compares its result.
  - module: stackstorm.st2.st2_pack_lint
    description: Checks packs before they are installed.
"""

EXAMPLES = r"""
- name: Verify that StackStorm can run the Python entry points of all packs
  stackstorm.st2.st2_entry_point_info:

- name: Verify that two packs can be imported with what is in their virtualenvs
  stackstorm.st2.st2_entry_point_info:
    pack: [sensu, napalm]
    import: true

- name: Get all entry points that StackStorm cannot run
  stackstorm.st2.st2_entry_point_info:
    fail_on_error: false
  register: found

- name: Show them
  ansible.builtin.debug:
    msg: "{{ item.pack }}: {{ item.path }}: {{ item.error }}"
  loop: "{{ found.entry_points | rejectattr('ok') }}"
  loop_control:
    label: "{{ item.pack }}.{{ item.name }}"
"""

RETURN = r"""
msg:
  description: A summary, in one line. Names the entry points that StackStorm cannot run.
  returned: always
  type: str
  sample: 41 Python entry points of 6 packs compile
entry_points:
  description: The Python entry points, by pack. Those of actions come before those of sensors.
  returned: success, and with failures of entry points
  type: list
  elements: dict
  contains:
    pack:
      description: The ref of the pack.
      returned: always
      type: str
      sample: sensu
    kind:
      description: Whether it is an V(action) or a V(sensor).
      returned: always
      type: str
      sample: action
    name:
      description:
        - The name of the action, or the class of the sensor. The name of the metadata file, if that cannot be read.
      returned: always
      type: str
      sample: check_list
    path:
      description: The path of the Python file in the pack. The metadata file, if that cannot be read.
      returned: always
      type: str
      sample: actions/check_list.py
    ok:
      description: Whether it compiles, and can be imported with O(import=true).
      returned: always
      type: bool
      sample: true
    error:
      description: What is wrong with it. Null if nothing is.
      returned: always
      type: str
      sample: null
missing:
  description: Refs in O(pack) that are not installed.
  returned: success, and with failures of entry points
  type: list
  elements: str
  sample: []
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: entry_points
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._entry_points.argspec import entry_point_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.entry_point_info import check_entry_points


def main() -> None:
    """Run the module."""
    run_module(entry_point_info_options(), check_entry_points)


if __name__ == "__main__":
    main()
