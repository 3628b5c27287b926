#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_override_info
short_description: Show which resources of StackStorm packs are enabled, and why
version_added: 0.2.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Returns for every sensor, action, rule and alias of the installed packs whether it is enabled once it is registered,
    where that is set, and whether StackStorm's database matches.
  - Returns the content of the override files, and what StackStorm refuses or ignores in them, with file and line, such
    as names that no resource of the pack has.
  - Reads the files of the host, and StackStorm's database if O(register) provides access to it. Nothing is registered.
options:
  pack:
    description:
      - Refs of packs, or V(_global) for the defaults of all packs. By default, all packs are returned.
    aliases: [name]
    type: list
    elements: str
  backend:
    description:
      - V(local) reads the files on the target, which must be a StackStorm host.
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
  - stackstorm.st2._attributes.info_module
  - stackstorm.st2._attributes.actiongroup_st2
seealso:
  - module: stackstorm.st2.st2_override
"""

EXAMPLES = r"""
- name: Read the overrides of all packs
  stackstorm.st2.st2_override_info:
  register: overrides

- name: Fail if an override file is invalid
  ansible.builtin.assert:
    that: not overrides.problems
    fail_msg: "{{ overrides.problems | join('\n') }}"

- name: Show what is disabled in the sensu pack, and why
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
      description: The ref of the pack.
      returned: always
      type: str
      sample: sensu
    path:
      description: The directory of the pack.
      returned: always
      type: str
      sample: /opt/stackstorm/packs/sensu
    file:
      description: The override file of the pack. Null if it has none.
      returned: always
      type: str
      sample: /opt/stackstorm/overrides/sensu.yaml
    resources:
      description: The sensors, actions, rules and aliases of the pack.
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
          description: The name of the resource. For a sensor, its class name.
          returned: always
          type: str
          sample: event_delete
        file:
          description: The metadata file in the pack.
          returned: always
          type: str
          sample: actions/event_delete.yaml
        enabled:
          description:
            - Whether the files enable the resource. Null if StackStorm cannot register the resource with these files.
          returned: always
          type: bool
          sample: false
        from:
          description: Where this is set, V(metadata), V(global), V(defaults) or V(exception).
          returned: always
          type: str
          sample: exception
        metadata:
          description: The value in the metadata. Null if it is not set there.
          returned: always
          type: bool
          sample: true
        database:
          description:
            - The value in StackStorm's database. Null if the resource is not in the database, or the database cannot be
              read.
          returned: always
          type: bool
          sample: false
        database_state:
          description:
            - State in the database, V(current) if it matches the files, V(stale) if it differs, V(absent) if the
              resource is not there, and V(unknown) if the database cannot be read or StackStorm cannot register the
              resource.
          returned: always
          type: str
          sample: current
    overridden:
      description: Number of resources that StackStorm counts as overridden, by kind.
      returned: always
      type: dict
      sample: {sensors: 0, actions: 1, rules: 0, aliases: 0}
    database_state:
      description:
        - State of all resources together. V(current) if all are current, V(stale) if one is stale or absent, else
          V(unknown). If the database cannot be read, only V(stale) can be detected, with the record of the last
          registration.
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
      description: The ref of the pack, or V(_global).
      returned: always
      type: str
      sample: sensu
    path:
      description: Path to the file.
      returned: always
      type: str
      sample: /opt/stackstorm/overrides/sensu.yaml
    link:
      description: The target of the file, if it is a symbolic link.
      returned: always
      type: str
      sample: null
    installed:
      description: Whether the pack is installed.
      returned: always
      type: bool
      sample: true
    overrides:
      description: The overrides in the file, without invalid parts.
      returned: always
      type: dict
      sample: {actions: {exceptions: {event_delete: {enabled: false}}}}
    problems:
      description:
        - Problems of the file, each with C(line), C(text), and the kinds that cannot be registered (C(breaks)).
      returned: always
      type: list
      elements: dict
      sample: [{line: 3, text: actions.defaults is empty (null) but must be a mapping, breaks: [actions]}]
problems:
  description: All problems, as sentences with file and line.
  returned: always
  type: list
  elements: str
  sample: []
missing:
  description: Refs in O(pack) that are not installed.
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
