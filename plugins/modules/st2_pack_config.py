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
  - Brings the config of a pack, C(/opt/stackstorm/configs/PACK.yaml), to the wanted values, and lets StackStorm's
    database know of it. A config on disk does nothing until it is registered.
  - The values are held against the pack's C(config.schema.yaml) by the rules of StackStorm 3.9.0 before anything is
    written. A config that StackStorm would refuse, or crash over, fails the task and changes nothing. Messages name
    the key, the rule and the line, and never a value.
  - A database that has another config than the file is a change as well, and is mended.
options:
  pack:
    description:
      - Ref of the pack, which is the name of its directory. It need not be on the host yet; then StackStorm takes no
        notice of the config until it is, and the module warns of that.
    aliases: [name]
    type: str
    required: true
  config:
    description:
      - The values. Types are StackStorm's types, so that V(true), V("true") and V(1) are three different values.
      - Values that StackStorm is to read from its key-value store, C({{ st2kv.system.token }}), go through as they
        are. Mark them C(!unsafe) in YAML, or Ansible renders them.
      - Secrets may stand here too. What the schema, or the name of a key, says is secret is not shown in diffs and
        results, and none of the values of this option goes to logs.
      - One of O(config) and O(secrets) is needed with O(state=present).
      - With O(state=absent) these keys are taken away, whatever their values, and the others stay.
    type: dict
  secrets:
    description:
      - More values, all of them secret, put over those of O(config) key by key at every depth. Lists are replaced.
      - No value of this option is shown anywhere, though Ansible knows nothing of that. It would look for the values in
        all that the module returns, and a secret that is an ordinary word would damage it.
    type: dict
  backend:
    description:
      - V(local) works on the target, which is a StackStorm host.
      - V(api) works by StackStorm's API alone (C(PUT /configs/PACK)), for a StackStorm that can only be reached
        remotely. The target is then any machine that reaches the API, usually the controller (by C(delegate_to)).
        StackStorm must have the pack, and the pack a config schema, by which the values are checked. The config is what
        StackStorm's database has; StackStorm writes the file itself, with mode C(0644) where there was none, and
        without comments.
      - With V(api), O(state=absent) leaves an empty config, which is as good as none, and fails where the schema does
        not allow one.
      - With V(api), secrets take an account that StackStorm shows them to, which is one with the role V(admin) where
        there is RBAC. Nobody else could tell whether they are as wanted.
      - With V(api), O(schema), O(backup), O(owner), O(group), O(mode), and O(register) other than V(auto) and V(api)
        are refused.
    type: str
    choices: [local, api]
    default: local
    version_added: 0.3.0
  state:
    description:
      - V(absent) takes the keys of O(config) and O(secrets) out of the config; a mapping with something in it names
        keys inside of a key. What is left must be a valid config. When nothing is left, the file goes.
      - V(absent) without both removes the file, and makes StackStorm's database forget the config. StackStorm has no
        call for that, so an empty config is registered before the file goes, which is as good as none. Where the schema
        does not allow that, one that does is registered with it, and the pack's own again afterwards.
      - A pack that is not on this host is unloaded by the API; that is not done when it is one of StackStorm's own, or
        has something that was made by hand. Then the module warns, and RV(database_state) is V(stale).
    type: str
    choices: [present, absent]
    default: present
  merge:
    description:
      - With V(replace), the config is what the task says, and nothing else. The file is written anew when its values
        differ, also when it was no valid config. A symbolic link is replaced then, and read like a file before.
      - With V(merge), the task's values are put into those of the file, mappings key by key at every depth; anything
        else, lists too, is replaced. Comments and all lines that need not change are kept as they are. A file that is
        no valid config fails the task.
    type: str
    choices: [replace, merge]
    default: replace
  unknown_keys:
    description:
      - What to do about keys that the schema does not know. StackStorm takes them, and no action looks at them.
    type: str
    choices: [warn, fail, ignore]
    default: warn
  schema:
    description:
      - A C(config.schema.yaml), or a directory with one, on the target, to check by instead of the installed pack's.
        So a config can be checked against a version that is about to be installed.
    type: path
  backup:
    description:
      - Keep a copy of the old file beside it, readable by its owner only, when its content changes or it is removed.
    type: bool
    default: false
  owner:
    description:
      - Owner of the file, which must be able to read it as StackStorm's API. By default V(st2) where there is such an
        account and the module runs as root; else it is left as it is.
    type: str
  group:
    description:
      - Group of the file. By default it is left as it is.
    type: str
  mode:
    description:
      - Mode of the file, octal and in quotes.
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
      - Reads StackStorm's database where it can, and writes nothing.
  diff_mode:
    support: full
    details:
      - Secrets are masked on both sides. Of one that differs, the diff says that it does.
  idempotent:
    support: full
    details:
      - The values are compared, not the text. Owner, group, mode and the database are compared too.
seealso:
  - module: stackstorm.st2.st2_pack_config_info
  - module: stackstorm.st2.st2_pack
notes:
  - Sensors read the config when they start. Restart C(st2sensorcontainer) for those that are running.
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

- name: Change one value and keep the others, and the comments
  stackstorm.st2.st2_pack_config:
    pack: sensu
    merge: merge
    config:
      port: 4568

- name: Refer to a secret in the key-value store of StackStorm
  stackstorm.st2.st2_pack_config:
    pack: sensu
    merge: merge
    config:
      pass: !unsafe "{{ st2kv.system.sensu_password }}"

- name: Check a config against the version that will be installed, and write nothing
  stackstorm.st2.st2_pack_config:
    pack: sensu
    merge: merge
    config: {}
    schema: /srv/packs/sensu-2.0.0
    unknown_keys: fail
  check_mode: true

- name: Prepare a config in an image, where StackStorm does not run
  stackstorm.st2.st2_pack_config:
    pack: sensu
    config:
      host: localhost
    register: none

- name: Take single keys out of a config and keep the others, and the comments
  stackstorm.st2.st2_pack_config:
    pack: sensu
    state: absent
    config:
      ssl:

- name: Configure a pack of a StackStorm that runs in Kubernetes
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
  description: The pack's ref.
  returned: always
  type: str
  sample: sensu
path:
  description: The file. With O(backend=api), the address of the config in the API.
  returned: always
  type: str
  sample: /opt/stackstorm/configs/sensu.yaml
changes:
  description: The keys that differ from what was there. Values are in the diff, secrets masked.
  returned: success
  type: dict
  contains:
    added:
      description: Keys that were not there.
      returned: success, when not empty, or with C(-v)
      type: list
      elements: str
      sample: [ssl]
    removed:
      description: Keys that were there.
      returned: success, when not empty, or with C(-v)
      type: list
      elements: str
      sample: []
    changed:
      description: Keys with another value.
      returned: success, when not empty, or with C(-v)
      type: list
      elements: str
      sample: ["host", "vcenters.prod.password"]
restart_needed:
  description:
    - The services of this host that go on with old code or config after the change, or would in check mode. Sensors
      do so, as they read both when they start. StackStorm starts a sensor anew when that is registered, and not when
      its config is, or when new files are not registered.
    - C(st2sensorcontainer), where the host has that service and StackStorm runs sensors of the packs concerned.
  returned: always
  type: list
  elements: str
  sample: [st2sensorcontainer]
database_state:
  description:
    - What StackStorm's database has of the config, or would have in check mode. V(current) is what the file says,
      V(stale) something else, V(absent) nothing, which an empty one is without a file.
    - V(unknown) is when it is not known, because nothing is registered (O(register=none)), or something else
      registered it and the database cannot be asked.
  returned: always
  type: str
  sample: current
registration:
  description: What StackStorm counted, when something was registered.
  returned: success
  type: dict
  contains:
    counts:
      description: The number of resources by type.
      returned: success, when not empty, or with C(-v)
      type: dict
      sample: {configs: 1}
    overridden:
      description: How many of these had C(enabled) changed by an override.
      returned: success, when not empty, or with C(-v)
      type: dict
      sample: {}
backup_file:
  description: The copy of the old file. Null when none was made.
  returned: success, when not null, or with C(-v)
  type: str
  sample: /opt/stackstorm/configs/sensu.yaml.4711.2026-01-31T12:00:00~
problems:
  description: Everything that StackStorm would refuse of the config.
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
        - The keyword of the schema that is broken; V(crash) and V(decrypt_kv) for what only StackStorm knows, and
          V(unknown) with O(unknown_keys=fail).
      returned: failure
      type: str
      sample: type
    msg:
      description: What must be.
      returned: failure
      type: str
      sample: vcenters.prod.port must be integer, and is string (schema line 12)
    schema_line:
      description: The line in C(config.schema.yaml).
      returned: failure, when not null, or with C(-v)
      type: int
      sample: 12
    config_line:
      description: The line in the config, for a value that came from there.
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
