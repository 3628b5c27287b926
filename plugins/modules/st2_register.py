#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_register
short_description: Register installed packs in StackStorm's database
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Registers the packs that are installed on the target in StackStorm's database, with their configs and overrides,
    like C(st2ctl reload).
  - Compares the database with the files first, and only registers packs that are incomplete or different in the
    database. If nothing differs, nothing is registered and the task is not changed.
  - A cluster has several hosts and one database. Put the files on all hosts with
    O(stackstorm.st2.st2_pack#module:register=none), then register them once with this module, on one of the hosts.
  - Reads the database again after the registration. If StackStorm refuses a pack, the task fails, and the result
    contains the current state of each pack in the database. No file is changed, so StackStorm keeps what it accepted.
options:
  packs:
    description:
      - The refs of the packs. Defaults to all packs in the packs directories of the target, including StackStorm's own.
    type: list
    elements: str
    aliases: [name, pack]
  types:
    description:
      - Compare and register only these kinds of content. By default, all kinds are included.
    type: list
    elements: str
    choices: [trigger, sensor, action, rule, alias, policy, config]
  fail_on_failure:
    description:
      - Whether the task fails if StackStorm refuses a resource, such as an action or rule. With V(false), StackStorm
        leaves out what it refuses, and the task warns about it.
      - A config that the schema of its pack does not accept always fails the task.
    type: bool
    default: true
  prune:
    description:
      - Remove resources of these packs from the database if their metadata file no longer exists, such as actions that
        a new version dropped. Resources of other packs and manually created resources are not touched.
      - StackStorm does not allow deleting a sensor, so such a sensor is disabled instead. Requires access to the API.
    type: bool
    default: false
  registered_elsewhere:
    description:
      - The packs were registered by another host of the same cluster, from the same files. Nothing is registered.
      - The database is compared with the files of this host. If they match, this is remembered on the host, so that
        later tasks find the packs registered. Otherwise, the task fails and lists the differences.
      - With O(register=local), the database cannot be read, and is assumed to match.
    type: bool
    default: false
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
      - Reads StackStorm's database if possible, and registers nothing.
  diff_mode:
    support: full
    details:
      - Shows for each pack what is in the database, and what is missing.
  idempotent:
    support: full
    details:
      - With O(register=local), the database cannot be read. The module then uses the collection's own record of what
        was registered from which files. Packs that were not registered with this collection are registered once.
notes:
  - O(register=none) is refused, since registering is all that this module does.
  - No file of the target is changed, except for the record of what was registered.
seealso:
  - module: stackstorm.st2.st2_pack
  - module: stackstorm.st2.st2_pack_info
  - module: stackstorm.st2.st2_restart
"""

EXAMPLES = r"""
- name: Register all packs of the host, like st2ctl reload
  stackstorm.st2.st2_register:

- name: Register two packs, and remove resources that they no longer contain from the database
  stackstorm.st2.st2_register:
    packs: [sensu, napalm]
    prune: true

- name: Register only the configs
  stackstorm.st2.st2_register:
    types: [config]

- name: Register packs once for all hosts of a cluster
  stackstorm.st2.st2_register:
    api_url: https://st2.example.com/api/v1
    api_key: "{{ st2_api_key }}"
  run_once: true

- name: Verify on all hosts of the cluster that the database matches their files
  stackstorm.st2.st2_register:
    api_url: https://st2.example.com/api/v1
    api_key: "{{ st2_api_key }}"
    registered_elsewhere: true
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: sensu registered; 12 packs are registered already
packs:
  description: One entry for each pack, sorted by ref or in the order of O(packs). Empty if no plan could be made.
  returned: always
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack.
      returned: always
      type: str
      sample: sensu
    version:
      description: The version in C(pack.yaml).
      returned: always
      type: str
      sample: 1.0.2
    changed:
      description: Whether the pack was changed in the database, or would be in check mode.
      returned: always
      type: bool
      sample: true
    differences:
      description: Differences between the database and the files. Empty if only the version or the commit differed.
      returned: always
      type: list
      elements: str
      sample: [rule on_check (missing), action check (disabled), config (other values)]
    pruned:
      description: The resources that were removed from the database.
      returned: always
      type: list
      elements: str
      sample: []
    left_out:
      description: Resources of the pack that StackStorm refuses, with O(fail_on_failure=false).
      returned: always
      type: list
      elements: str
      sample: []
    database_state:
      description:
        - State of the pack in StackStorm's database, as predicted in check mode. V(current) means that the database
          matches the files, V(stale) that it differs or is incomplete, V(absent) that it does not contain the pack, and
          V(unknown) that the state could not be determined.
      returned: always
      type: str
      sample: current
database_state:
  description: The same for all packs together. This is the worst state of the packs.
  returned: always
  type: str
  sample: current
restart_needed:
  description:
    - Services of this host that keep using an old config, because O(types) contains V(config) but not V(sensor).
  returned: always
  type: list
  elements: str
  sample: []
registration:
  description: How the packs were registered, and the number of resources of each kind that StackStorm has registered.
  returned: always
  type: dict
  sample:
    by: api
    counts: {actions: 12, rules: 1}
    overridden: {actions: 0}
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: register
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._register.argspec import register_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.register import register_packs


def main() -> None:
    """Run the module."""
    spec = register_options().merge(registration_options()).merge(connection_options()).merge(host_options())
    run_module(spec, register_packs)


if __name__ == "__main__":
    main()
