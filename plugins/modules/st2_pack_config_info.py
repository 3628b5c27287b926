#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_config_info
short_description: Get information about the configs of StackStorm packs
version_added: 0.2.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Returns the values in the configs of packs, which defaults apply, what is missing or invalid by the schema of the
    pack, and whether StackStorm's database matches. Secrets are masked.
  - Returns a config template generated from the schema.
options:
  pack:
    description:
      - Refs of packs. By default, all packs with a config or a schema are returned.
    aliases: [name]
    type: list
    elements: str
  schema:
    description:
      - Path on the target to a C(config.schema.yaml), or a directory that contains one, to use instead of the schema of
        the installed pack. Requires exactly one O(pack).
    type: path
  backend:
    description:
      - V(local) reads the files on the target, which must be a StackStorm host.
      - V(api) only uses StackStorm's API, from any machine that can reach it. Configs and schemas are those in
        StackStorm's database, so RV(configs[].database_state) is V(current) for every existing config. O(schema) is
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
- name: Get information about all configs
  stackstorm.st2.st2_pack_config_info:
  register: found

- name: Fail if a config is invalid, or differs from StackStorm's database
  ansible.builtin.assert:
    that:
      - item.problems == []
      - item.database_state in ["current", "absent"]
  loop: "{{ found.configs }}"
  loop_control:
    label: "{{ item.pack }}"

- name: Generate a config template
  stackstorm.st2.st2_pack_config_info:
    pack: sensu
  register: sensu

- name: Write the template to a file on the controller
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
      description: The ref of the pack.
      returned: always
      type: str
      sample: sensu
    path:
      description: Path to the file. With O(backend=api), the URL of the config in the API.
      returned: always
      type: str
      sample: /opt/stackstorm/configs/sensu.yaml
    exists:
      description: Whether the file exists.
      returned: always
      type: bool
      sample: true
    installed:
      description:
        - Whether the pack is installed on this host. With O(backend=api), whether it is registered in StackStorm.
      returned: always
      type: bool
      sample: true
    schema:
      description: Path to the schema. With O(backend=api), its URL in the API. Null if there is none.
      returned: always
      type: str
      sample: /opt/stackstorm/packs/sensu/config.schema.yaml
    config:
      description: The values in the file, with secrets masked. Null if the file does not exist or is not a config.
      returned: always
      type: dict
      sample: {host: sensu.example.com, pass: "********"}
    defaults:
      description: Defaults in the schema for keys without a value.
      returned: always
      type: dict
      sample: {port: 4567}
    missing:
      description: Required keys without a value.
      returned: always
      type: list
      elements: str
      sample: []
    problem:
      description: Why the file is not a config. Null if it is one.
      returned: always
      type: str
      sample: null
    problems:
      description:
        - Everything that StackStorm would refuse, see RV(stackstorm.st2.st2_pack_config#module:problems). If the file
          does not exist, an empty config is validated.
      returned: always
      type: list
      elements: dict
      sample: []
    unknown_keys:
      description: Keys that are not in the schema.
      returned: always
      type: list
      elements: str
      sample: []
    database_state:
      description:
        - State of the config in StackStorm's database. V(current) means that the database matches the file, V(stale)
          that it differs, and V(absent) that it has no config, or an empty one if there is no file. V(unknown) if the
          state could not be determined.
      returned: always
      type: str
      sample: current
    attributes:
      description:
        - The keys in the schema, each with C(key), C(description), C(type), C(required), C(secret), C(holds_secrets)
          (it is a secret or can contain one), C(default), C(enum), C(summary), C(is_set) and C(value). Secrets are
          masked.
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
        - A config template with the description of every key. Required keys are null, everything else is a comment.
          Null if there is no schema.
      returned: always
      type: str
      sample: |
        # Host of the API
        # (string, required)
        host: null
msg:
  description: The number of configs, and which of them StackStorm would refuse.
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
