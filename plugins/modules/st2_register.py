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
  - Registers the packs that are on the target in StackStorm's database, with their configs and overrides, as
    C(st2ctl reload) does.
  - Compares the database with the files first, and registers only the packs of which it lacks something or has
    something else. Where nothing differs, nothing is registered and the task is not changed.
  - A cluster has several hosts and one database. Put the files on all hosts with
    O(stackstorm.st2.st2_pack#module:register=none), then register them once with this module, on one of the hosts.
  - Reads the database again after the registration. When StackStorm refuses a pack, the task fails, and the result says
    for each pack what the database has now. No file is changed, so StackStorm keeps what it accepts.
options:
  packs:
    description:
      - The refs of the packs. By default all packs in the packs directories of the target, StackStorm's own among them.
    type: list
    elements: str
    aliases: [name, pack]
  types:
    description:
      - Compare and register only these kinds of content. By default all.
    type: list
    elements: str
    choices: [trigger, sensor, action, rule, alias, policy, config]
  fail_on_failure:
    description:
      - Whether one action, rule or other resource that StackStorm refuses fails the task. With V(false), StackStorm
        leaves out what it refuses, and the task warns about it.
    type: bool
    default: true
  prune:
    description:
      - Remove from the database the resources of these packs whose metadata file is gone, such as actions that a new
        version dropped. Resources of other packs, and those that somebody made by hand, stay.
      - StackStorm lets nobody delete a sensor, so such a sensor is disabled. Needs access to the API.
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
      - Reads StackStorm's database where that can be read, and registers nothing.
  diff_mode:
    support: full
    details:
      - Shows for each pack what the database has, and what it lacks.
  idempotent:
    support: full
    details:
      - With O(register=local) the database cannot be read. The collection then goes by its own record of what was
        registered from which files. Packs that nobody registered by this collection are registered once.
notes:
  - O(register=none) is refused, as this module does nothing else.
  - No file of the target is changed, except for the record of what was registered.
seealso:
  - module: stackstorm.st2.st2_pack
  - module: stackstorm.st2.st2_pack_info
  - module: stackstorm.st2.st2_restart
"""

EXAMPLES = r"""
- name: Register all packs of the host, as st2ctl reload does
  stackstorm.st2.st2_register:

- name: Register two packs, and remove from the database what they no longer have
  stackstorm.st2.st2_register:
    packs: [sensu, napalm]
    prune: true

- name: Register only the configs
  stackstorm.st2.st2_register:
    types: [config]

- name: Register once for all hosts of a cluster
  stackstorm.st2.st2_register:
    api_url: https://st2.example.com/api/v1
    api_key: "{{ st2_api_key }}"
  run_once: true
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: sensu registered; 12 packs are registered already
packs:
  description: One entry for each pack, sorted by ref or in the order of O(packs). Empty when nothing could be planned.
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
      description: The version in its C(pack.yaml).
      returned: always
      type: str
      sample: 1.0.2
    changed:
      description: Whether the database has something else of the pack now, or would have in check mode.
      returned: always
      type: bool
      sample: true
    differences:
      description: What the database did not have as the files say. Empty when only the version or the commit differed.
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
      description: What StackStorm refuses of the pack, with O(fail_on_failure=false).
      returned: always
      type: list
      elements: str
      sample: []
    database_state:
      description:
        - What the database has of the pack now, or would have in check mode. V(current) is what the files say, V(stale)
          something else, V(absent) nothing, V(unknown) when it is not known.
      returned: always
      type: str
      sample: current
database_state:
  description: The same for all packs together. The worst of them counts.
  returned: always
  type: str
  sample: current
restart_needed:
  description:
    - Services of this host that go on with an old config, because O(types) names V(config) and not V(sensor).
  returned: always
  type: list
  elements: str
  sample: []
registration:
  description: What registered the packs, and how many resources of each kind StackStorm says it registered.
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
