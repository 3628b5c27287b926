#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_exchange_program
short_description: Install the program that keeps an own Exchange of StackStorm packs
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Creates a single file from this collection, and copies it to the target. Python runs it there without Ansible, so
    timers and Git hooks can update an own Exchange at any time. It contains the same code as
    M(stackstorm.st2.st2_index), the files of the directory page, and what mirrors repositories and Python packages.
  - The role P(stackstorm.st2.exchange#role) uses this module, and creates the settings, accounts, units and web server
    that the program requires. It is rarely used on its own.
  - The same version of the collection creates the same bytes on every controller, so the file only changes if the
    collection does.
options:
  dest:
    description:
      - Path of the file on the target. Its directory must exist.
    type: path
    default: /usr/local/lib/st2-exchange/st2-exchange.pyz
  mode:
    description:
      - Permissions of the file, as in M(ansible.builtin.copy).
    type: raw
    default: "0644"
  owner:
    description:
      - Owner of the file. Defaults to the current owner, or the account that creates it.
    type: str
  group:
    description:
      - Group of the file. Defaults to the current group, or the group of the account that creates it.
    type: str
extends_documentation_fragment:
  - stackstorm.st2._attributes
attributes:
  async:
    support: none
    details:
      - The controller creates the file and copies it.
  check_mode:
    support: full
  diff_mode:
    support: partial
    details:
      - Only shows that the file differs, since it is an archive.
  idempotent:
    support: full
requirements:
  - Python 3.8 or newer on the target, to run the program
  - PyYAML, jsonschema (3.2 or newer), requests and semver (2.10 or newer) for that Python, to run the program. On
    Debian 12, they are the packages python3-yaml, python3-jsonschema, python3-requests and python3-semver.
notes:
  - C(python3 FILE --help) shows the commands of the program.
  - Exit status V(0) means that everything is all right. V(1) means that everything was published, but something has a
    problem, such as a tag that was moved upstream, or a pushed pack with errors. V(2) means that nothing could be done.
    Messages are written to standard error, one per line.
seealso:
  - module: stackstorm.st2.st2_index
    description: Builds an index with Ansible.
  - module: stackstorm.st2.st2_index_info
    description: Reports what the program found, such as tags that were moved upstream.
"""

EXAMPLES = r"""
- name: Create the directory of the program
  ansible.builtin.file:
    path: /usr/local/lib/st2-exchange
    state: directory
    mode: "0755"

- name: Install the program
  stackstorm.st2.st2_exchange_program:
    dest: /usr/local/lib/st2-exchange/st2-exchange.pyz
    mode: "0644"
"""

RETURN = r"""
msg:
  description: The file and the version of the program, in one line.
  returned: success
  type: str
  sample: "/usr/local/lib/st2-exchange/st2-exchange.pyz: 0.3.0 (5c1b6a3f0d7e9a24)"
dest:
  description: The file on the target.
  returned: success
  type: str
  sample: /usr/local/lib/st2-exchange/st2-exchange.pyz
version:
  description: Version of the collection that the program was created from, and a digest of the program's content.
  returned: success
  type: str
  sample: 0.3.0 (5c1b6a3f0d7e9a24)
checksum:
  description: SHA-1 of the file, as M(ansible.builtin.copy) returns it.
  returned: success
  type: str
  sample: 6e642bb8dd5c2e027bf21dd923337cbb4214f827
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.exchange_program import (
    copy_program,
    program_options,
)


def main() -> None:
    """Run the module."""
    run_module(program_options(), copy_program)


if __name__ == "__main__":
    main()
