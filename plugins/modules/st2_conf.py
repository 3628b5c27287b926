#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_conf
short_description: Set options in StackStorm's configuration file
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Sets options in C(/etc/st2/st2.conf), either whole values or items of lists that others add to as well. Everything
    else in the file, including comments, order and blank lines, is kept byte for byte.
  - The file is read by the rules of oslo.config, which StackStorm uses. They differ from those of other INI files.
    Section names are case-insensitive, a section can occur several times, the last definition of an option wins, an
    indented line continues a value, C(:) is a separator like C(=), and there are no comments after values. C($name) is
    replaced by the value of another option. C(community.general.ini_file) does not follow these rules.
  - The module never writes a file that StackStorm cannot read. It checks the file against both parsers, oslo.config for
    the services, and Python's configparser, which the systemd generators for the sockets of C(st2api), C(st2auth) and
    C(st2stream) use. If the file is already invalid, the task fails with the line number.
  - The module does not restart services. RV(restart_needed) lists those that need a restart.
options:
  section:
    description:
      - The section of O(option), such as V(content). Required together with O(option).
      - Mutually exclusive with O(options).
    type: str
  option:
    description:
      - The option, such as V(index_url). Required together with O(section).
      - Mutually exclusive with O(options).
    type: str
  value:
    description:
      - The value that StackStorm should read. It is quoted if necessary. A value with several lines is written with
        indented lines.
      - A C($) starts a reference to another option. For a dollar sign, write V($$).
      - One of O(value) and O(values) is required with O(state=present).
    type: str
  values:
    description:
      - The items of an option that is a list. O(list) defines how they are applied.
    type: list
    elements: str
  list:
    description:
      - V(set) makes O(values) the whole list.
      - V(add) appends those items that are not in the list yet.
      - V(remove) removes them from the list. If the remaining list equals StackStorm's default, or is empty and there
        is no default, the option is removed from the file.
      - If the file does not contain the option, V(add) and V(remove) start with StackStorm's default for C([content]
        index_url) and C([actionrunner] virtualenv_opts), and with an empty list for all other options.
      - The order of the other items is kept. Of several indexes, the leftmost one that lists a pack wins.
    type: str
    choices: [set, add, remove]
    default: set
  separator:
    description:
      - The separator between O(values). Defaults to V(:) for C(packs_base_paths) and C(runners_base_paths), and to V(,)
        for all other options, as for lists in oslo.config.
    type: str
  secret:
    description:
      - Whether to hide the value, including the old value in the file, in the diff and the result.
      - This is not necessary for options whose name ends with C(password), C(passphrase), C(passwd), C(secret) or
        C(_kwargs). User names and passwords in URLs are always masked, too.
    type: bool
    default: false
  options:
    description:
      - Several options to set by reading and writing the file only once.
      - Mutually exclusive with O(option). Mutually exclusive with O(section).
    type: list
    elements: dict
    suboptions:
      section:
        description:
          - Same as O(section).
        type: str
        required: true
      option:
        description:
          - Same as O(option).
        type: str
        required: true
      value:
        description:
          - Same as O(value).
        type: str
      values:
        description:
          - Same as O(values).
        type: list
        elements: str
      list:
        description:
          - Same as O(list).
        type: str
        choices: [set, add, remove]
        default: set
      separator:
        description:
          - Same as O(separator).
        type: str
      secret:
        description:
          - Same as O(secret).
        type: bool
        default: false
      state:
        description:
          - Same as O(state), for this option only. Defaults to the value of O(state).
        type: str
        choices: [present, absent]
  state:
    description:
      - V(present) writes the value at the last definition of the option, which is the effective one. If there is none,
        it is added after the last option of its section, or in a new section at the end, with a comment that names this
        module.
      - V(absent) removes every definition of the option from the file. The section is removed as well if this module
        added it and it is otherwise empty.
    type: str
    choices: [present, absent]
    default: present
  backup:
    description:
      - Create a backup file next to the file, readable only by its owner, when the content changes.
    type: bool
    default: false
  owner:
    description:
      - Owner of the file, by name or number. By default, it is not changed.
    type: str
  group:
    description:
      - Group of the file, by name or number. By default, it is not changed.
    type: str
  mode:
    description:
      - Mode of the file, a quoted octal number, or symbolic such as V(u=rw,g=r,o=). By default, it is not changed.
    type: raw
  st2_conf:
    description:
      - Path to the file, which must exist. If it is a symbolic link, the file that it points to is changed.
    type: path
    default: /etc/st2/st2.conf
extends_documentation_fragment:
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
    details:
      - Shows the options that change, but not the surrounding lines, which may contain secrets. If a secret differs,
        the diff only says so.
  idempotent:
    support: full
    details:
      - Values are compared as StackStorm reads them, not as they are written.
requirements:
  - Python 3.8 or newer
notes:
  - The module reads the systemd unit files and the environment files that they name to find out whether a service uses
    an option from this file, so the answer is about the next start of the service. If a service has no unit, its
    environment file in C(/etc/default) or C(/etc/sysconfig) is read.
seealso:
  - module: stackstorm.st2.st2_pack_config
    description: For the configs of packs.
"""

EXAMPLES = r"""
- name: Add a second directory to the packs base paths, and keep those added by others
  stackstorm.st2.st2_conf:
    section: content
    option: packs_base_paths
    values:
      - /srv/packs
    list: add

- name: Use the private index first, then the public one
  stackstorm.st2.st2_conf:
    section: content
    option: index_url
    values:
      - https://index.example.com/v1/index.json
      - https://index.stackstorm.org/v1/index.json

- name: Set several options at once, and create a backup
  stackstorm.st2.st2_conf:
    options:
      - section: messaging
        option: url
        value: "amqp://st2:{{ vault_rabbitmq_password | urlencode }}@rabbitmq.example.com:5672/"
      - section: database
        option: password
        value: "{{ vault_mongodb_password | replace('$', '$$') }}"
      - section: coordination
        option: url
        state: absent
    backup: true
  register: st2_settings

- name: Restart the services that still use the old values
  ansible.builtin.systemd_service:
    name: "{{ item }}"
    state: restarted
  loop: "{{ st2_settings.restart_needed }}"

- name: Restore the default index
  stackstorm.st2.st2_conf:
    section: content
    option: index_url
    state: absent
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: "st2.conf: [content] index_url changed"
path:
  description: Path to the file.
  returned: success, and failure of the change itself
  type: str
  sample: /etc/st2/st2.conf
options:
  description: The options of the task, in the same order.
  returned: success, and failure of the change itself
  type: list
  elements: dict
  contains:
    section:
      description: The section.
      returned: always
      type: str
      sample: content
    option:
      description: The option.
      returned: always
      type: str
      sample: index_url
    changed:
      description: Whether the value of the option changed.
      returned: always
      type: bool
      sample: true
    before:
      description:
        - The value that StackStorm read from the file, with secrets masked. Null if the file did not contain the
          option.
        - If only masked parts differ, it ends with C((old)), and RV(options[].after) with C((new)).
      returned: when not null, and not as RV(options[].after), or with C(-v)
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    after:
      description:
        - The value that StackStorm reads now, as predicted in check mode. Null if the file does not contain the option.
      returned: when not null, or with C(-v)
      type: str
      sample: https://index.example.com/v1/index.json,https://index.stackstorm.org/v1/index.json
shadowed_by:
  description:
    - Settings that keep services of this host from using the options in this file. The module warns about them, too.
  returned: success, and failure of the change itself
  type: list
  elements: dict
  contains:
    section:
      description: The section.
      returned: always
      type: str
      sample: content
    option:
      description: The option.
      returned: always
      type: str
      sample: index_url
    service:
      description: The service.
      returned: always
      type: str
      sample: st2api
    by:
      description:
        - V(environment) is an environment variable of the service, V(config_file) a file that the service reads later
          and that contains the option, too, and V(other_file) means that the service does not read this file.
      returned: always
      type: str
      sample: environment
    source:
      description: The file that sets the variable or that is read instead. For V(config_file), with the line number.
      returned: always
      type: str
      sample: /etc/default/st2api
    variable:
      description: The variable. Null if there is none.
      returned: when not null, or with C(-v)
      type: str
      sample: ST2_CONTENT__INDEX_URL
restart_needed:
  description:
    - Services of this host that keep using the old values after the change, as predicted in check mode. Services that
      are not on the host, or that do not use the option from this file, are not listed.
    - C(st2actionrunner) is not listed for options that are only used to install packs, since that is done by an action,
      which reads the file itself. Restarting C(st2actionrunner) abandons the executions that are running.
  returned: success, and failure of the change itself
  type: list
  elements: str
  sample: [st2api]
backup_file:
  description: Path to the backup file. Null if none was created.
  returned: success, and failure of the change itself, when not null, or with C(-v)
  type: str
  sample: /etc/st2/st2.conf.4711.2026-01-31T12:00:00~
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: observe
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.argspec import conf_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.conf import converge_conf


def main() -> None:
    """Run the module."""
    run_module(conf_options(), converge_conf)


if __name__ == "__main__":
    main()
