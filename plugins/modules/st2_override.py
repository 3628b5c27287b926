#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_override
short_description: Enable and disable the resources of StackStorm packs
version_added: 0.2.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Manages override files, with which StackStorm enables and disables sensors, actions, rules and aliases of packs
    without changes to the packs themselves.
  - Overrides are validated against the metadata of the installed pack, and the module never writes a file that
    StackStorm cannot read. With an invalid override file, StackStorm refuses whole packs, and it silently ignores names
    that do not exist.
  - The module returns which resources are enabled or disabled, registers the packs concerned, and verifies the state in
    StackStorm's database. If StackStorm refuses the registration, the file and the registration are restored.
options:
  pack:
    description:
      - The ref of the pack, or V(_global) for the defaults of all packs.
    aliases: [name]
    type: str
    required: true
  sensors:
    description: &section
      - Which resources of this kind to enable and disable.
      - Sensors are identified by their class name, all other resources by the C(name) in their metadata. The name of
        the metadata file, and a name with the ref of the pack as prefix, are accepted with a warning.
      - With O(state=absent), the entries listed here are removed from the file. An empty dictionary stands for the
        whole section.
    type: dict
    suboptions: &suboptions
      defaults:
        description:
          - Whether all resources of this kind are enabled, as a dictionary with the key C(enabled).
        type: dict
      exceptions:
        description:
          - The same for single resources, as a dictionary with their names as keys. Not supported for O(pack=_global),
            where StackStorm ignores it.
        type: dict
      enabled:
        description:
          - Short form of exceptions, a list of the names to enable. V(true) and V(false) are a short form of defaults.
        type: raw
      disabled:
        description:
          - Short form of exceptions, a list of the names to disable.
        type: raw
  actions:
    description: *section
    type: dict
    suboptions: *suboptions
  rules:
    description: *section
    type: dict
    suboptions: *suboptions
  aliases:
    description: *section
    type: dict
    suboptions: *suboptions
  state:
    description:
      - V(present) ensures that the overrides are in the file.
      - V(absent) removes the listed overrides, or the whole file if none are listed. Removing the last override removes
        the file, too, since StackStorm cannot read an empty file.
    type: str
    choices: [present, absent]
    default: present
  merge:
    description:
      - With V(replace), the file contains only the overrides of the task. A file that is invalid, or a symbolic link,
        is replaced.
      - With V(merge), other overrides in the file are kept. The task fails if the file is invalid.
      - Both keep comments where possible.
      - The default is V(replace). Up to 0.2.0 it was V(merge), so the module warns when it removes something from the
        file because of the new default. The option has no effect with O(state=absent), which removes the listed
        overrides.
    type: str
    choices: [replace, merge]
  allow_missing:
    description:
      - Accept names that the pack does not have, and a pack that is not installed. In check mode, a pack that is not
        installed is always accepted with a warning, since an earlier task might install it.
    type: bool
    default: false
  backend:
    description:
      - V(local) manages the files on the target, which must be a StackStorm host.
      - V(api) is not supported, since StackStorm's API can neither read nor write override files. The option exists for
        tasks that share C(module_defaults).
    type: str
    choices: [local, api]
    default: local
    version_added: 0.3.0
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
      - Reads StackStorm's database if possible, and changes nothing.
  diff_mode:
    support: full
    details:
      - Shows the file, and one line for each resource that is enabled or disabled.
  idempotent:
    support: full
notes:
  - If StackStorm's database can be read (O(register=api)), a difference in the database counts as a change, for
    resources that an override applies to or that the task lists. Other resources can be enabled and disabled manually,
    and keep their state until their kind is registered again.
  - StackStorm reads override files on the host that runs the registration. If there are several hosts, all of them need
    the same files.
seealso:
  - module: stackstorm.st2.st2_override_info
  - module: stackstorm.st2.st2_pack
"""

EXAMPLES = r"""
- name: Disable an action, and a sensor by its class name
  stackstorm.st2.st2_override:
    pack: napalm
    actions:
      disabled:
        - cli
    sensors:
      disabled:
        - NapalmLLDPSensor

- name: Disable all aliases of the pack except one
  stackstorm.st2.st2_override:
    pack: napalm
    aliases:
      defaults:
        enabled: false
      exceptions:
        check_consistency:
          enabled: true

- name: Disable all sensors of all packs
  stackstorm.st2.st2_override:
    pack: _global
    sensors:
      enabled: false

- name: Remove the override of an action
  stackstorm.st2.st2_override:
    pack: napalm
    actions:
      exceptions:
        cli: {}
    state: absent

- name: Remove all overrides of the pack
  stackstorm.st2.st2_override:
    pack: sensu
    state: absent

- name: Write the overrides of a pack that is not installed yet
  stackstorm.st2.st2_override:
    pack: sensu
    rules:
      enabled: true
    allow_missing: true
    register: none
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: "sensu: 2 actions disabled, 1 sensor enabled; registered"
path:
  description: The override file.
  returned: success, and failure of the change itself
  type: str
  sample: /opt/stackstorm/overrides/sensu.yaml
resources:
  description:
    - Resources that the overrides apply to, before or after the task, and all others that are enabled or disabled.
  returned: success
  type: list
  elements: dict
  contains:
    pack:
      description: The ref of the pack.
      returned: always
      type: str
      sample: sensu
    kind:
      description: V(sensors), V(actions), V(rules) or V(aliases).
      returned: always
      type: str
      sample: actions
    name:
      description: The name of the resource. For a sensor, its class name.
      returned: always
      type: str
      sample: event_delete
    before:
      description:
        - Whether the resource was enabled, in StackStorm's database if that can be read, or else by the files. Null if
          it is not known.
      returned: when not null, and not as RV(resources[].after), or with C(-v)
      type: bool
      sample: true
    after:
      description: Whether the resource is enabled now, as predicted in check mode. Null if it is not known.
      returned: when not null, or with C(-v)
      type: bool
      sample: false
    from:
      description:
        - Where this is set, V(metadata) of the pack, V(global) (the defaults for all packs), V(defaults) of the
          overrides of the pack, or an V(exception) there.
      returned: always
      type: str
      sample: exception
    changed:
      description: Whether the resource was enabled or disabled.
      returned: always
      type: bool
      sample: true
counts:
  description:
    - For each kind, the number of resources that were C(enabled) and C(disabled), and that StackStorm counts as
      C(overridden). StackStorm's count treats a rule without C(enabled) as an enabled one.
  returned: success
  type: dict
  sample:
    sensors: {enabled: 1, disabled: 0, overridden: 1}
    actions: {enabled: 0, disabled: 2, overridden: 2}
    rules: {enabled: 0, disabled: 0, overridden: 0}
    aliases: {enabled: 0, disabled: 0, overridden: 0}
change:
  description:
    - The number of the change set that this task recorded on the host. With it, M(stackstorm.st2.st2_rollback) undoes
      exactly this change.
  returned: when files were changed
  type: str
  sample: "0007"
restart_needed:
  description:
    - Always empty, since StackStorm starts and stops sensors as soon as the change is registered. Returned for
      consistency with other modules.
  returned: always
  type: list
  elements: str
  sample: []
database_state:
  description:
    - State of the resources of the task in StackStorm's database, as predicted in check mode. V(current) means that the
      database matches the files, V(stale) that it differs or lacks some of the resources.
    - V(unknown) means that the state could not be determined, because nothing is registered (O(register=none)), or the
      pack is not installed.
  returned: success, and failure of the change itself
  type: str
  sample: current
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
from ansible_collections.stackstorm.st2.plugins.module_utils._override.argspec import override_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override import converge_override


def main() -> None:
    """Run the module."""
    spec = override_options().merge(registration_options()).merge(connection_options()).merge(host_options())
    run_module(spec, converge_override)


if __name__ == "__main__":
    main()
