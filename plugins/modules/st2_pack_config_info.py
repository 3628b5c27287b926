#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_config_info
short_description: Describe the configs of StackStorm packs
version_added: 0.2.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Says what the configs of packs hold, which defaults apply, what is missing or wrong by the pack's schema,
    and whether StackStorm's database agrees. Secrets are masked.
  - Gives a config to fill in, made from the schema.
options:
  pack:
    description:
      - Refs of packs. All packs with a config or a schema where none is given.
    aliases: [name]
    type: list
    elements: str
  schema:
    description:
      - A C(config.schema.yaml), or a directory with one, on the target, to judge by instead of the installed pack's.
        Goes with one O(pack).
    type: path
  backend:
    description:
      - V(local) works on the target, which is a StackStorm host.
      - V(api) asks StackStorm's API alone, from any machine that reaches it. Configs and schemas are those of
        StackStorm's database, so that RV(configs[].database_state) is V(current) for each that is there. O(schema) is
        refused.
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
  - module: stackstorm.st2.st2_pack_config
"""

EXAMPLES = r"""
- name: Look at all configs
  stackstorm.st2.st2_pack_config_info:
  register: found

- name: Fail when StackStorm would refuse one, or has another in its database
  ansible.builtin.assert:
    that:
      - item.problems == []
      - item.database_state in ["current", "absent"]
  loop: "{{ found.configs }}"
  loop_control:
    label: "{{ item.pack }}"

- name: Make a config to fill in
  stackstorm.st2.st2_pack_config_info:
    pack: sensu
  register: sensu

- name: Write it down on the controller
  ansible.builtin.copy:
    content: "{{ sensu.configs[0].template }}"
    dest: ./sensu.yaml
    mode: "0600"
  delegate_to: localhost
"""

RETURN = r"""
configs:
  description: The configs, sorted by pack, or in the order of O(pack).
  returned: always
  type: list
  elements: dict
  contains:
    pack:
      description: The pack's ref.
      returned: always
      type: str
      sample: sensu
    path:
      description: The file. With O(backend=api), the address of the config in the API.
      returned: always
      type: str
      sample: /opt/stackstorm/configs/sensu.yaml
    exists:
      description: Whether the file is there.
      returned: always
      type: bool
      sample: true
    installed:
      description: Whether the pack is on this host. With O(backend=api), whether StackStorm has it.
      returned: always
      type: bool
      sample: true
    schema:
      description: The schema that was used. With O(backend=api), its address in the API. Null when there is none.
      returned: always
      type: str
      sample: /opt/stackstorm/packs/sensu/config.schema.yaml
    config:
      description: The values in the file, secrets masked. Null when there is no file, or it is no config.
      returned: always
      type: dict
      sample: {host: sensu.example.com, pass: "********"}
    defaults:
      description: Defaults of the schema for what has no value.
      returned: always
      type: dict
      sample: {port: 4567}
    missing:
      description: Keys that are required and have no value.
      returned: always
      type: list
      elements: str
      sample: []
    problem:
      description: Why the file is no config. Null when it is one.
      returned: always
      type: str
      sample: null
    problems:
      description:
        - Everything that StackStorm would refuse, as RV(stackstorm.st2.st2_pack_config#module:problems). Without a
          file, of an empty config.
      returned: always
      type: list
      elements: dict
      sample: []
    unknown_keys:
      description: Keys that the schema does not know.
      returned: always
      type: list
      elements: str
      sample: []
    database_state:
      description:
        - What StackStorm's database has of the config. V(current) is what the file says, V(stale) something else,
          V(absent) nothing, which an empty one is without a file. V(unknown) when that cannot be told.
      returned: always
      type: str
      sample: current
    attributes:
      description:
        - The keys that the schema has, each with C(key), C(description), C(type), C(required), C(secret),
          C(holds_secrets) (it is one, or may have one inside), C(default), C(enum), C(summary), C(is_set) and
          C(value). Secrets are masked.
      returned: always
      type: list
      elements: dict
      sample:
        - key: host
          description: Host of the API
          type: string
          required: true
          secret: false
          holds_secrets: false
          default: null
          enum: null
          summary: string, required
          is_set: true
          value: sensu.example.com
    template:
      description:
        - A config to fill in, with the description of every key. Required keys are null; everything else is a
          comment. Null without a schema.
      returned: always
      type: str
      sample: |
        # Host of the API
        # (string, required)
        host: null
msg:
  description: How many configs were found, and which of them StackStorm would refuse.
  returned: always
  type: str
  sample: 5 configs
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._config.argspec import config_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config_info import describe_configs


def main() -> None:
    """Run the module."""
    spec = config_info_options().merge(registration_options()).merge(connection_options()).merge(host_options())
    run_module(spec, describe_configs)


if __name__ == "__main__":
    main()
