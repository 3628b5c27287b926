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
  - Edits single options of C(/etc/st2/st2.conf), in whole or as lists that others add to as well. Every byte that is
    not about these options stays as it is, comments, order and blanks among them.
  - The file is read by the rules of oslo.config, which StackStorm uses. These are not those of other INI files.
    Section names are compared without regard to case, a section may be there several times, the last definition of an
    option counts, an indented line continues a value, C(:) separates as C(=) does, and there are no comments behind
    values. C($name) is replaced by the value of another option. C(community.general.ini_file) knows none of that.
  - A file that StackStorm could not read is never written. That is held against both of its parsers, oslo.config's
    rules for the services, and Python's configparser, by which systemd's generators make the sockets of C(st2api),
    C(st2auth) and C(st2stream). A file that is broken already fails the task, with the number of the line.
  - Nothing is restarted. RV(restart_needed) says what has to be.
options:
  section:
    description:
      - The section of O(option), such as V(content). Required together with it.
      - Mutually exclusive with O(options).
    type: str
  option:
    description:
      - The option, such as V(index_url). Required together with O(section).
      - Mutually exclusive with O(options).
    type: str
  value:
    description:
      - The value, as StackStorm is to read it. Quotes are put around it where it would not be read as it is without
        them; a text of several lines is written with indented lines.
      - A C($) begins a reference to another option. For a dollar sign, write V($$).
      - One of O(value) and O(values) is needed with O(state=present).
    type: str
  values:
    description:
      - The items of an option that is a list. O(list) says what is done with them.
    type: list
    elements: str
  list:
    description:
      - V(set) makes O(values) the whole list.
      - V(add) puts those behind the others that are not in the list yet.
      - V(remove) takes them out of the list. When StackStorm's own default is what is left, or nothing where there is
        none, the option is taken out of the file.
      - Where the file does not have the option, V(add) and V(remove) start from StackStorm's default for
        C([content] index_url) and C([actionrunner] virtualenv_opts), and from an empty list for all others.
      - The order of items that stay is kept. Of several indexes, the leftmost one that has a pack wins.
    type: str
    choices: [set, add, remove]
    default: set
  separator:
    description:
      - What stands between O(values). By default V(:) for C(packs_base_paths) and C(runners_base_paths), and V(,) for
        all others, as oslo.config's lists have it.
    type: str
  secret:
    description:
      - Whether the value is not to be shown in the diff and in the result, also where the file has it before.
      - That need not be said of options whose name ends with C(password), C(passphrase), C(passwd), C(secret) or
        C(_kwargs). User names and passwords in URLs are masked everywhere, too.
    type: bool
    default: false
  options:
    description:
      - Several options, for which the file is read and written once.
      - Mutually exclusive with O(option). Mutually exclusive with O(section).
    type: list
    elements: dict
    suboptions:
      section:
        description:
          - As O(section).
        type: str
        required: true
      option:
        description:
          - As O(option).
        type: str
        required: true
      value:
        description:
          - As O(value).
        type: str
      values:
        description:
          - As O(values).
        type: list
        elements: str
      list:
        description:
          - As O(list).
        type: str
        choices: [set, add, remove]
        default: set
      separator:
        description:
          - As O(separator).
        type: str
      secret:
        description:
          - As O(secret).
        type: bool
        default: false
      state:
        description:
          - As O(state), by default what that says.
        type: str
        choices: [present, absent]
  state:
    description:
      - V(present) writes the value where the option is defined last, which is the place that counts; else behind the
        last option of its section; else in a section of its own at the end, with a comment that says who made it.
      - V(absent) takes every definition of the option out of the file, and the section, if this module had added it and
        nothing else is in it.
    type: str
    choices: [present, absent]
    default: present
  backup:
    description:
      - Keep a copy of the old file beside it, readable by its owner only, when its content changes.
    type: bool
    default: false
  owner:
    description:
      - Owner of the file, by name or number. By default it stays as it is.
    type: str
  group:
    description:
      - Group of the file, by name or number. By default it stays as it is.
    type: str
  mode:
    description:
      - Mode of the file, octal and in quotes, or symbolic such as V(u=rw,g=r,o=). By default it stays as it is.
    type: raw
  st2_conf:
    description:
      - The file. It has to be there. When it is a symbolic link, the file that it leads to is changed.
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
      - Shows the options that change, and not what is around them, which may be secret. Of a secret that differs, the
        diff says that it does.
  idempotent:
    support: full
    details:
      - Values are compared as StackStorm reads them, not as they are written.
requirements:
  - Python 3.8 or newer
notes:
  - Whether a service takes an option from this file is found in the unit files of systemd and the environment files
    that they name, so it holds for the next start of the service. Where a service has no unit, its environment file in
    C(/etc/default) or C(/etc/sysconfig) is looked at.
seealso:
  - module: stackstorm.st2.st2_pack_config
    description: For the configs of packs.
"""

EXAMPLES = r"""
- name: Let StackStorm find packs in a second directory, and leave those that others have added
  stackstorm.st2.st2_conf:
    section: content
    option: packs_base_paths
    values:
      - /srv/packs
    list: add

- name: Ask the private index first, then the public one
  stackstorm.st2.st2_conf:
    section: content
    option: index_url
    values:
      - https://index.example.com/v1/index.json
      - https://index.stackstorm.org/v1/index.json

- name: Set several options by one write, and keep the old file
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

- name: Restart what goes on with the old values
  ansible.builtin.systemd_service:
    name: "{{ item }}"
    state: restarted
  loop: "{{ st2_settings.restart_needed }}"

- name: Go back to StackStorm's own index
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
  description: The file.
  returned: success, and failure of the change itself
  type: str
  sample: /etc/st2/st2.conf
options:
  description: The options that the task is about, in its order.
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
      description: Whether it has another value than before.
      returned: always
      type: bool
      sample: true
    before:
      description:
        - The value that StackStorm read of the file, secrets masked. Null when the file did not have the option.
        - When only what is masked differs, it ends with C((old)), and RV(options[].after) with C((new)).
      returned: when not null, and not as RV(options[].after), or with C(-v)
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    after:
      description: The value that it reads now, or would in check mode. Null when the file does not have the option.
      returned: when not null, or with C(-v)
      type: str
      sample: https://index.example.com/v1/index.json,https://index.stackstorm.org/v1/index.json
shadowed_by:
  description:
    - What keeps services of this host from taking the options from this file. The module warns of it, too.
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
        - V(environment) is a variable of the service, V(config_file) a file that it reads after this one and that has
          the option, too. V(other_file) is when the service does not read this file.
      returned: always
      type: str
      sample: environment
    source:
      description: The file with the variable, or that is read instead; of a later one with the line.
      returned: always
      type: str
      sample: /etc/default/st2api
    variable:
      description: The variable. Null when it is none.
      returned: when not null, or with C(-v)
      type: str
      sample: ST2_CONTENT__INDEX_URL
restart_needed:
  description:
    - The services of this host that go on with the old values after the change, or would in check mode. Services that
      are not on the host, or do not take the option from this file, are not among them.
    - C(st2actionrunner) is not there for options that only the installation of packs reads, as that is an action of its
      own. A restart of it abandons the executions that are running.
  returned: success, and failure of the change itself
  type: list
  elements: str
  sample: [st2api]
backup_file:
  description: The copy of the old file. Null when none was made.
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
