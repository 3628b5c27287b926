#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_rollback
short_description: Undo a change of StackStorm packs, configs and overrides
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Undoes what one task of M(stackstorm.st2.st2_pack), M(stackstorm.st2.st2_pack_config) or
    M(stackstorm.st2.st2_override) changed on this host. Packs that it upgraded are put back in their former version,
    with their former virtualenv, packs that it removed are put back, and packs that it installed are removed. Configs
    and overrides get their former content.
  - Needs no network, git or Python packages. Everything is kept on the host and moved back with renames.
  - Each task that changes files of packs, configs or overrides records a change set, and returns its number as
    RV(stackstorm.st2.st2_pack#module:change). The last ten of a host are kept.
  - Checks first whether everything can be restored. If something was changed since, or is not kept any more, the task
    fails, names all of it, and changes nothing.
  - Is itself a change, and can be undone.
options:
  change:
    description:
      - The number of the change set, as returned by the module that made the change, or by
        M(stackstorm.st2.st2_rollback_info).
      - By default, the newest change on this host is undone. If it was undone before, nothing happens.
    type: str
  prune:
    description:
      - Remove resources of these packs from the database if their metadata file no longer exists, such as actions that
        only the newer version had. Requires access to the API.
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
      - Reports everything that cannot be restored, like the real run.
  diff_mode:
    support: full
    details:
      - Values of configs are masked.
  idempotent:
    support: full
    details:
      - A change that was undone is not undone again, unless it was made again since.
notes:
  - Only the number of earlier versions in O(stackstorm.st2.st2_pack#module:keep_releases) is kept of each pack,
    together with its virtualenv. When a later upgrade removes a version, the change that replaced it cannot be undone
    any more. With V(0), it cannot be undone from the start. What O(stackstorm.st2.st2_pack#module:purge) removes is
    not kept either.
  - A virtualenv is never built again. If the former one was deleted, install the former version with
    M(stackstorm.st2.st2_pack) instead.
  - In a cluster, undo the change on each node with O(register=none), then register the packs once with
    M(stackstorm.st2.st2_register).
seealso:
  - module: stackstorm.st2.st2_rollback_info
  - module: stackstorm.st2.st2_pack
  - module: stackstorm.st2.st2_register
"""

EXAMPLES = r"""
- name: Upgrade sensu
  stackstorm.st2.st2_pack:
    name: sensu=1.0.2
  register: upgraded

- name: Undo exactly this upgrade
  stackstorm.st2.st2_rollback:
    change: "{{ upgraded.change }}"
  when: upgraded is changed

- name: Undo the newest change of packs, configs and overrides on this host
  stackstorm.st2.st2_rollback:

- name: Undo the upgrade on a node of a cluster, and register later
  stackstorm.st2.st2_rollback:
    change: "{{ upgraded.change }}"
    register: none
  when: upgraded is changed
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: "change 0007 undone: sensu 1.0.2 -> 1.0.1 3a1f0c2"
undone:
  description: The number of the change set that was undone, or is undone already.
  returned: always
  type: str
  sample: "0007"
change:
  description: The number of the change set that this module recorded. With it, the rollback can be undone.
  returned: when files were changed
  type: str
  sample: "0008"
packs:
  description: One entry for each pack that the change concerns. Empty if no plan could be made.
  returned: always
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack.
      returned: always
      type: str
      sample: sensu
    before:
      description: Version and commit or digest before this task. None if the pack was not installed.
      returned: always
      type: dict
      sample: {version: 1.0.2, commit: 108d52b3c5c7e1d0b1f8c1e0a5b7c9d2e4f6a8b0}
    after:
      description: The same after this task.
      returned: always
      type: dict
      sample: {version: 1.0.1, commit: 3a1f0c2d4e5f60718293a4b5c6d7e8f901234567}
    action:
      description: V(upgrade), V(downgrade), V(replace), V(install), V(remove), V(virtualenv), V(register), V(unload)
        or V(none).
      returned: always
      type: str
      sample: downgrade
    changed:
      description: Whether the pack, its config or its overrides were changed.
      returned: always
      type: bool
      sample: true
    virtualenv:
      description: V(restored), V(removed), V(kept) or V(none).
      returned: always
      type: str
      sample: restored
    config:
      description: Keys of the config that were changed, and its state in the database.
      returned: if the change concerns the config
      type: dict
      sample: {changed: true, changes: {added: [], changed: [host], removed: []}, database_state: current}
    overrides:
      description: Resources that were switched, and the state of the overrides in the database.
      returned: if the change concerns the overrides of this pack
      type: dict
      sample: {changed: true, switched: [actions check], database_state: current}
    database_state:
      description: State of the pack in StackStorm's database, as for M(stackstorm.st2.st2_pack).
      returned: always
      type: str
      sample: current
    msg:
      description: What happened to the pack.
      returned: always
      type: str
      sample: sensu 1.0.2 -> 1.0.1 3a1f0c2
database_state:
  description: The same for all packs together. This is the worst state of the packs.
  returned: always
  type: str
  sample: current
restart_needed:
  description: Services of this host that keep using the old code or config.
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
  sample: observe
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._rollback.argspec import rollback_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.rollback import roll_back


def main() -> None:
    """Run the module."""
    spec = rollback_options().merge(registration_options()).merge(connection_options()).merge(host_options())
    run_module(spec, roll_back)


if __name__ == "__main__":
    main()
