#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_override_info
short_description: Tell which resources of StackStorm packs are enabled, and why
version_added: 0.2.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Says of every sensor, action, rule and alias of the installed packs whether it is enabled once it is registered,
    what decides that, and whether StackStorm's database agrees.
  - Tells what the override files say, and what in them StackStorm refuses or ignores, by file and line, such as names
    that no resource of the pack has.
  - Reads the host's files, and StackStorm's database where O(register) finds a way to read it. Nothing is registered.
options:
  pack:
    description:
      - Refs of packs, and V(_global) for nothing but the defaults of all packs. All packs where none is given.
    aliases: [name]
    type: list
    elements: str
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
  - stackstorm.st2._attributes.info_module
  - stackstorm.st2._attributes.actiongroup_st2
seealso:
  - module: stackstorm.st2.st2_override
"""

EXAMPLES = r"""
- name: Read the overrides of all packs
  stackstorm.st2.st2_override_info:
  register: overrides

- name: Fail when an override file is not right
  ansible.builtin.assert:
    that: not overrides.problems
    fail_msg: "{{ overrides.problems | join('\n') }}"

- name: Name what is disabled in the sensu pack, and why
  ansible.builtin.debug:
    msg: "{{ item.kind }} {{ item.name }} ({{ item.from }})"
  loop: "{{ (overrides.packs | selectattr('ref', 'eq', 'sensu') | first).resources | rejectattr('enabled') }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
packs:
  description: The installed packs, sorted by ref, or in the order of O(pack).
  returned: always
  type: list
  elements: dict
  contains:
    ref:
      description: The pack's ref.
      returned: always
      type: str
      sample: sensu
    path:
      description: Its directory.
      returned: always
      type: str
      sample: /opt/stackstorm/packs/sensu
    file:
      description: Its override file. Null when it has none.
      returned: always
      type: str
      sample: /opt/stackstorm/overrides/sensu.yaml
    resources:
      description: Its sensors, actions, rules and aliases.
      returned: always
      type: list
      elements: dict
      contains:
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
        file:
          description: Its metadata file, in the pack.
          returned: always
          type: str
          sample: actions/event_delete.yaml
        enabled:
          description: Whether it is enabled by the files. Null when StackStorm cannot register it with them.
          returned: always
          type: bool
          sample: false
        from:
          description: What decides that, V(metadata), V(global), V(defaults) or V(exception).
          returned: always
          type: str
          sample: exception
        metadata:
          description: What its metadata says. Null when that does not say.
          returned: always
          type: bool
          sample: true
        database:
          description: What StackStorm's database has. Null when that has none, or cannot be read.
          returned: always
          type: bool
          sample: false
        database_state:
          description:
            - What the database has, V(current) for what the files say, V(stale) for something else, V(absent) for
              nothing. V(unknown) when it cannot be read, or StackStorm cannot register the resource.
          returned: always
          type: str
          sample: current
    overridden:
      description: How many resources StackStorm says are overridden, by kind.
      returned: always
      type: dict
      sample: {sensors: 0, actions: 1, rules: 0, aliases: 0}
    database_state:
      description:
        - The same of all resources together. V(current) when all are, V(stale) when one is not or is lacking, else
          V(unknown). Where the database cannot be read, a record of what was last registered can only tell that it is
          V(stale).
      returned: always
      type: str
      sample: current
files:
  description: The override files, C(_global.yaml) first.
  returned: always
  type: list
  elements: dict
  contains:
    pack:
      description: The ref of the pack that it is for, or V(_global).
      returned: always
      type: str
      sample: sensu
    path:
      description: Where it is.
      returned: always
      type: str
      sample: /opt/stackstorm/overrides/sensu.yaml
    link:
      description: Where it leads to, when it is a symbolic link.
      returned: always
      type: str
      sample: null
    installed:
      description: Whether that pack is installed.
      returned: always
      type: bool
      sample: true
    overrides:
      description: What it says, without what is not right.
      returned: always
      type: dict
      sample: {actions: {exceptions: {event_delete: {enabled: false}}}}
    problems:
      description:
        - What is not right in it, each with C(line), C(text), and the kinds that cannot be registered (C(breaks)).
      returned: always
      type: list
      elements: dict
      sample: [{line: 3, text: actions.defaults is empty (null) and no mapping, breaks: [actions]}]
problems:
  description: All problems, as sentences with file and line.
  returned: always
  type: list
  elements: str
  sample: []
missing:
  description: The refs of O(pack) that are not installed.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: What was found, in one line.
  returned: always
  type: str
  sample: 1 of 12 resources of 1 pack decided by overrides
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._override.argspec import override_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.override_info import describe_overrides


def main() -> None:
    """Run the module."""
    spec = override_info_options().merge(registration_options()).merge(connection_options()).merge(host_options())
    run_module(spec, describe_overrides)


if __name__ == "__main__":
    main()
