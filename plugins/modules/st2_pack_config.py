#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_config
short_description: Manage the configs of StackStorm packs
version_added: 0.2.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Manages the config of a pack, C(/opt/stackstorm/configs/PACK.yaml), and registers it in StackStorm's database. A
    config on disk has no effect until it is registered.
  - The values are validated against the C(config.schema.yaml) of the pack by the rules of StackStorm 3.9.0 before
    anything is written. If StackStorm would refuse the config, or crash because of it, the task fails and changes
    nothing. Messages contain the key, the rule and the line, but never a value.
  - If the config in the database differs from the file, this counts as a change as well, and the config is registered.
options:
  pack:
    description:
      - Ref of the pack, which is the name of its directory. If the pack is not installed yet, the module warns that
        StackStorm ignores the config until it is.
    aliases: [name]
    type: str
    required: true
  config:
    description:
      - The values. Types matter to StackStorm, so V(true), V("true") and V(1) are three different values.
      - References to StackStorm's datastore, such as C({{ st2kv.system.token }}), are written unchanged. Mark them
        C(!unsafe) in YAML, otherwise Ansible renders them.
      - The values can contain secrets. A value that is secret according to the schema or the name of its key is not
        shown in diffs and results, and no value of this option is logged.
      - One of O(config) and O(secrets) is required with O(state=present).
      - With O(state=absent), these keys are removed, whatever their values, and all others are kept.
    type: dict
  secrets:
    description:
      - More values, all of them secret. They are merged recursively into those of O(config). Lists are replaced.
      - No value of this option is ever shown. The option is not declared C(no_log), since Ansible would then mask the
        same text everywhere in the result, which damages the result if a secret is an ordinary word.
    type: dict
  backend:
    description:
      - V(local) manages the files on the target, which must be a StackStorm host.
      - V(api) only uses StackStorm's API (C(PUT /configs/PACK)), for a StackStorm that can only be reached remotely.
        The target is then any machine that can reach the API, usually the controller (with C(delegate_to)). The pack
        must be registered in StackStorm and have a config schema, which is used to validate the values. The module
        compares with the config in StackStorm's database. StackStorm writes the file itself, without comments, and with
        mode C(0644) if it is new.
      - With V(api), O(state=absent) leaves an empty config, which is equivalent to none, and fails if the schema does
        not allow an empty config.
      - With V(api), secrets require an account that is allowed to see them, which is one with the role V(admin) if RBAC
        is enabled. Other accounts cannot compare them.
      - With V(api), O(schema), O(backup), O(owner), O(group), O(mode), and O(register) other than V(auto) and V(api)
        are refused.
    type: str
    choices: [local, api]
    default: local
    version_added: 0.3.0
  state:
    description:
      - V(absent) removes the keys in O(config) and O(secrets) from the config. A non-empty dictionary lists keys inside
        of a key. The remaining config must be valid. If nothing remains, the file is removed.
      - V(absent) without O(config) and O(secrets) removes the file, and the config from StackStorm's database.
        StackStorm has no API for that, so the module registers an empty config before it removes the file, which is
        equivalent to none. If the schema does not allow an empty config, one that does is registered with it
        temporarily.
      - A pack that is not on this host is unloaded with the API, unless it is one of StackStorm's own or contains
        manually created resources. In that case, the module warns, and RV(database_state) is V(stale).
    type: str
    choices: [present, absent]
    default: present
  merge:
    description:
      - With V(replace), the config contains only the values of the task. The file is replaced if its values differ, or
        if it is not a valid config. A symbolic link is read like a file, and replaced by a file if something has to be
        written.
      - With V(merge), the values of the task are merged recursively into those of the file. Only dictionaries are
        merged, everything else, including lists, is replaced. Comments and unaffected lines are kept. The task fails if
        the file is not a valid config.
    type: str
    choices: [replace, merge]
    default: replace
  unknown_keys:
    description:
      - What to do about keys that are not in the schema. StackStorm accepts them, but no action reads them.
    type: str
    choices: [warn, fail, ignore]
    default: warn
  schema:
    description:
      - Path on the target to a C(config.schema.yaml), or a directory that contains one, to use instead of the schema of
        the installed pack. Use this to validate a config against a version that is about to be installed.
    type: path
  backup:
    description:
      - Create a backup file next to the file, readable only by its owner, when the content changes or the file is
        removed.
    type: bool
    default: false
  owner:
    description:
      - Owner of the file. StackStorm's API must be able to read the file. Defaults to V(st2) if that account exists and
        the module runs as root. Otherwise, the owner is not changed.
    type: str
  group:
    description:
      - Group of the file. By default, it is not changed.
    type: str
  mode:
    description:
      - Mode of the file, as a quoted octal number.
    type: raw
    default: "0640"
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
      - Secrets are masked on both sides. If a secret differs, the diff only says so.
  idempotent:
    support: full
    details:
      - Values are compared, not their text. Owner, group, mode and the database are compared too.
seealso:
  - module: stackstorm.st2.st2_pack_config_info
  - module: stackstorm.st2.st2_pack
notes:
  - Sensors read the config when they start. Restart C(st2sensorcontainer) to apply it to running sensors.
"""

EXAMPLES = r"""
- name: Configure the sensu pack
  stackstorm.st2.st2_pack_config:
    pack: sensu
    config:
      host: sensu.example.com
      port: 4567
      ssl: true
    secrets:
      user: "{{ vault_sensu_user }}"
      pass: "{{ vault_sensu_password }}"

- name: Change one value, and keep other values and comments
  stackstorm.st2.st2_pack_config:
    pack: sensu
    merge: merge
    config:
      port: 4568

- name: Refer to a secret in StackStorm's datastore
  stackstorm.st2.st2_pack_config:
    pack: sensu
    merge: merge
    config:
      pass: !unsafe "{{ st2kv.system.sensu_password }}"

- name: Validate a config against the version that will be installed, without writing it
  stackstorm.st2.st2_pack_config:
    pack: sensu
    merge: merge
    config: {}
    schema: /srv/packs/sensu-2.0.0
    unknown_keys: fail
  check_mode: true

- name: Write a config in an image where StackStorm is not running
  stackstorm.st2.st2_pack_config:
    pack: sensu
    config:
      host: localhost
    register: none

- name: Remove a key from a config, and keep other keys and comments
  stackstorm.st2.st2_pack_config:
    pack: sensu
    state: absent
    config:
      ssl:

- name: Configure a pack of a StackStorm in Kubernetes
  stackstorm.st2.st2_pack_config:
    pack: sensu
    config:
      host: sensu.example.com
      user: st2
    secrets:
      pass: "{{ vault_sensu_password }}"
    backend: api
    api_url: https://st2.example.com/api/v1
    api_key: "{{ vault_st2_api_key }}"
  delegate_to: localhost
  run_once: true

- name: Remove a config from disk and from StackStorm's database
  stackstorm.st2.st2_pack_config:
    pack: sensu
    state: absent
    backup: true
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: "sensu config: host, pass changed; registered"
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
changes:
  description: The keys that changed. The diff shows values, with secrets masked.
  returned: success
  type: dict
  contains:
    added:
      description: Keys that were added.
      returned: success, when not empty, or with C(-v)
      type: list
      elements: str
      sample: [ssl]
    removed:
      description: Keys that were removed.
      returned: success, when not empty, or with C(-v)
      type: list
      elements: str
      sample: []
    changed:
      description: Keys whose value changed.
      returned: success, when not empty, or with C(-v)
      type: list
      elements: str
      sample: ["host", "vcenters.prod.password"]
change:
  description:
    - The number of the change set that this task recorded on the host. With it, M(stackstorm.st2.st2_rollback) undoes
      exactly this change.
  returned: when files were changed, with O(backend=local)
  type: str
  sample: "0007"
restart_needed:
  description:
    - Services of this host that keep using old code or config after the change, as predicted in check mode. Sensors
      read both only when they start. StackStorm restarts a sensor when the sensor is registered, but not when its
      config is registered, and not when new files are not registered.
    - Contains C(st2sensorcontainer) if the host has that service and StackStorm runs sensors of the pack.
  returned: always
  type: list
  elements: str
  sample: [st2sensorcontainer]
database_state:
  description:
    - State of the config in StackStorm's database, as predicted in check mode. V(current) means that the database
      matches the file, V(stale) that it differs, and V(absent) that it has no config, or an empty one if there is no
      file.
    - V(unknown) means that the state could not be determined, because nothing is registered (O(register=none)), or
      something else registered the config and the database cannot be queried.
  returned: always
  type: str
  sample: current
registration:
  description: StackStorm's counts, if something was registered.
  returned: success
  type: dict
  contains:
    counts:
      description: The number of resources by type.
      returned: success, when not empty, or with C(-v)
      type: dict
      sample: {configs: 1}
    overridden:
      description: The number of these for which an override changed C(enabled).
      returned: success, when not empty, or with C(-v)
      type: dict
      sample: {}
backup_file:
  description: Path to the backup file. Null if none was created.
  returned: success, when not null, or with C(-v)
  type: str
  sample: /opt/stackstorm/configs/sensu.yaml.4711.2026-01-31T12:00:00~
problems:
  description: Everything in the config that StackStorm would refuse.
  returned: failure
  type: list
  elements: dict
  contains:
    key:
      description: The key.
      returned: failure
      type: str
      sample: vcenters.prod.port
    rule:
      description:
        - The violated keyword of the schema, V(crash) or V(decrypt_kv) for rules of StackStorm that are not in the
          schema, or V(unknown) with O(unknown_keys=fail).
      returned: failure
      type: str
      sample: type
    msg:
      description: What the schema requires.
      returned: failure
      type: str
      sample: vcenters.prod.port must be integer, and is string (schema line 12)
    schema_line:
      description: The line number in C(config.schema.yaml).
      returned: failure, when not null, or with C(-v)
      type: int
      sample: 12
    config_line:
      description: The line number in the config, for a value from the file.
      returned: failure, when not null, or with C(-v)
      type: int
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: validate
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    connection_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._config.argspec import config_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.config import converge_config


def main() -> None:
    """Run the module."""
    spec = config_options().merge(registration_options()).merge(connection_options()).merge(host_options())
    run_module(spec, converge_config)


if __name__ == "__main__":
    main()
