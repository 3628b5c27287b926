#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_rollback_info
short_description: List the changes of a host that can be undone
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Lists what tasks changed on this host, and whether M(stackstorm.st2.st2_rollback) can undo it, or what prevents
    that.
  - Only reads files of the host. StackStorm is not asked.
extends_documentation_fragment:
  - stackstorm.st2._host
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.info_module
notes:
  - Change sets can only be read by the account that writes them, usually root.
seealso:
  - module: stackstorm.st2.st2_rollback
"""

EXAMPLES = r"""
- name: List the changes of this host
  stackstorm.st2.st2_rollback_info:
  register: history

- name: Show the changes that can be undone
  ansible.builtin.debug:
    msg: "{{ history.changes | selectattr('restorable') | map(attribute='change') | list }}"
"""

RETURN = r"""
msg:
  description: How many changes there are, in one line.
  returned: always
  type: str
  sample: 3 changes, 1 can be gone back on
changes:
  description: The change sets of this host, newest first.
  returned: success
  type: list
  elements: dict
  contains:
    change:
      description: The number, for O(stackstorm.st2.st2_rollback#module:change).
      returned: always
      type: str
      sample: "0007"
    time:
      description: When the change was made, in UTC.
      returned: always
      type: str
      sample: "2026-03-01T12:00:00Z"
    registered:
      description: How StackStorm was notified, V(api), V(local), or V(none).
      returned: always
      type: str
      sample: api
    undoes:
      description: The number of the change that this one undid.
      returned: always
      type: str
      sample: "0006"
    undone_by:
      description: The number of the change that undid this one.
      returned: always
      type: str
      sample: "0008"
    restorable:
      description: Whether it can be undone now.
      returned: always
      type: bool
      sample: true
    problems:
      description: What prevents that.
      returned: always
      type: list
      elements: str
      sample: []
    packs:
      description: The packs whose files were changed, with version and commit or digest before and after.
      returned: always
      type: list
      elements: dict
      sample: [{ref: sensu, before: {version: 1.0.1}, after: {version: 1.0.2}}]
    virtualenvs:
      description: The packs whose virtualenv was replaced, created or removed.
      returned: always
      type: list
      elements: str
      sample: [sensu]
    configs:
      description: The packs whose config was changed.
      returned: always
      type: list
      elements: str
      sample: []
    overrides:
      description: The packs whose overrides were changed. V(_global) stands for the overrides of all packs.
      returned: always
      type: list
      elements: str
      sample: []
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import host_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.rollback_info import describe_changes


def main() -> None:
    """Run the module."""
    run_module(host_options(), describe_changes)


if __name__ == "__main__":
    main()
