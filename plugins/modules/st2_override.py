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
  - Manages override files, by which StackStorm enables and disables sensors, actions, rules and aliases of packs
    without an edit of the packs themselves.
  - Everything is checked against the metadata of the installed pack, and nothing is written that StackStorm cannot
    read. A wrong override file makes it refuse whole packs, and a wrong name in one has no effect, without a word.
  - Tells which resources are switched, has StackStorm register the packs that are concerned, and reads back whether
    its database agrees. When StackStorm refuses, the file and the registration are put back as they were.
options:
  pack:
    description:
      - The ref of the pack, or V(_global) for the defaults of all packs.
    aliases: [name]
    type: str
    required: true
  sensors:
    description: &section
      - What is to be enabled and disabled of this kind.
      - Sensors go by their class name, all others by the C(name) in their metadata. The name of the metadata file,
        and a name with the pack's ref before it, are translated, with a warning.
      - With O(state=absent), what is named here is removed from the file; an empty mapping names the whole section.
    type: dict
    suboptions: &suboptions
      defaults:
        description:
          - Whether all resources of this kind are enabled, as a mapping with the key C(enabled).
        type: dict
      exceptions:
        description:
          - The same for single ones, as a mapping from their names. Not for O(pack=_global), where StackStorm ignores
            it.
        type: dict
      enabled:
        description:
          - Short form of exceptions, a list of the names to enable. Also V(true) or V(false), as short form of
            defaults.
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
      - V(present) has the overrides in the file.
      - V(absent) removes those that are named, or the whole file where none is. Removing the last one removes the
        file, too, since StackStorm cannot read an empty one.
    type: str
    choices: [present, absent]
    default: present
  merge:
    description:
      - With V(replace), the file says what the task says, and nothing else. It is written anew also when it was not
        right, or a symbolic link.
      - With V(merge), what else the file says stays. A file that is not right is reported, and left as it is.
      - Comments stay with both, where that is possible.
      - V(replace) holds where nothing is given. Up to 0.2.0 that was V(merge), so the module warns when something goes
        from the file because of it, and names that. Not for O(state=absent), which takes away what is named.
    type: str
    choices: [replace, merge]
  allow_missing:
    description:
      - Accept names that the pack does not have, and a pack that is not installed. In check mode, the latter is
        accepted anyhow, with a warning, as an earlier task may be about to install it.
    type: bool
    default: false
  backend:
    description:
      - V(local) works on the target, which is a StackStorm host.
      - V(api) is refused. Override files are on the StackStorm host, and StackStorm's API neither writes nor shows
        them. The option is there for tasks that share their access (C(module_defaults)).
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
      - Reads StackStorm's database where that can be read, and writes nothing.
  diff_mode:
    support: full
    details:
      - Shows the file, and a line for each resource that is switched.
  idempotent:
    support: full
notes:
  - Where StackStorm's database can be read (O(register=api)), a resource that an override decides about, or that the
    task names, and that is otherwise there, is a change. Resources that no override concerns may be switched by hand,
    and keep that until their kind is registered.
  - StackStorm reads override files where the registration runs. With several hosts, all of them need the same files.
seealso:
  - module: stackstorm.st2.st2_override_info
  - module: stackstorm.st2.st2_pack
"""

EXAMPLES = r"""
- name: Switch off one action, and a sensor by its class name
  stackstorm.st2.st2_override:
    pack: napalm
    actions:
      disabled:
        - cli
    sensors:
      disabled:
        - NapalmLLDPSensor

- name: Disable all aliases of the pack but one
  stackstorm.st2.st2_override:
    pack: napalm
    aliases:
      defaults:
        enabled: false
      exceptions:
        check_consistency:
          enabled: true

- name: Disable all sensors of this host, whatever the packs say
  stackstorm.st2.st2_override:
    pack: _global
    sensors:
      enabled: false

- name: Leave the action to its metadata again
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

- name: Write the file of a pack that an image will get later
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
    - The resources that the overrides decide about, before or after, and all others that are switched.
  returned: success
  type: list
  elements: dict
  contains:
    pack:
      description: The ref of its pack.
      returned: always
      type: str
      sample: sensu
    kind:
      description: V(sensors), V(actions), V(rules) or V(aliases).
      returned: always
      type: str
      sample: actions
    name:
      description: Its name; of a sensor, its class name.
      returned: always
      type: str
      sample: event_delete
    before:
      description:
        - Whether it was enabled, in StackStorm's database where that can be read, and by the files otherwise. Null
          when that cannot be told.
      returned: when not null, and not as RV(resources[].after), or with C(-v)
      type: bool
      sample: true
    after:
      description: Whether it is enabled now, or would be in check mode. Null when that cannot be told.
      returned: when not null, or with C(-v)
      type: bool
      sample: false
    from:
      description:
        - What decides that, V(metadata) of the pack, V(global) (the defaults for all packs), V(defaults) of the
          pack's overrides, or an V(exception) there.
      returned: always
      type: str
      sample: exception
    changed:
      description: Whether it was switched.
      returned: always
      type: bool
      sample: true
counts:
  description:
    - For each kind, how many resources were switched to C(enabled) and C(disabled), and how many StackStorm says are
      C(overridden). StackStorm takes a rule that does not say whether it is enabled for an enabled one in that count.
  returned: success
  type: dict
  sample:
    sensors: {enabled: 1, disabled: 0, overridden: 1}
    actions: {enabled: 0, disabled: 2, overridden: 2}
    rules: {enabled: 0, disabled: 0, overridden: 0}
    aliases: {enabled: 0, disabled: 0, overridden: 0}
restart_needed:
  description:
    - Always empty, for plays that look at it whatever module they ran. StackStorm starts and ends sensors as soon as it
      is told that they are switched.
  returned: always
  type: list
  elements: str
  sample: []
database_state:
  description:
    - What StackStorm's database has of the resources that the task is about, or would have in check mode. V(current)
      is what the files say, V(stale) something else, or that it lacks some of them.
    - V(unknown) is when it is not known, because nothing is registered (O(register=none)), or the pack is not
      installed.
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
