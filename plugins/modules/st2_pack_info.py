#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_info
short_description: Get information about installed StackStorm packs
version_added: 0.1.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Returns information about the packs on a StackStorm host, including their source, local edits, and the state of
    their virtualenvs.
  - Reads the files of the host. The network is only used with O(check_latest=true), and to query StackStorm if the task
    has access to its API.
options:
  name:
    description:
      - Refs of packs. By default, all packs are returned.
    aliases: [pack]
    type: list
    elements: str
  check_latest:
    description:
      - Also return the version in the index.
    type: bool
    default: false
  check_edits:
    description:
      - Compare every file of the packs with what was installed. With V(false), RV(packs[].edits) is not returned.
    type: bool
    default: true
  sizes:
    description:
      - Also return the disk usage of packs, virtualenvs and kept releases. This reads every directory.
    type: bool
    default: false
    version_added: 0.3.0
  backend:
    description:
      - V(local) reads the files on the target, which must be a StackStorm host.
      - V(api) only uses StackStorm's API, from any machine that can reach it, and returns the packs in StackStorm's
        database. Information that is only in files, such as commits, edits and virtualenvs, is not returned. With
        O(check_latest=true), the index is the one that StackStorm reads. O(sizes), O(index_url) and the options for
        access to indexes and repositories are refused.
    type: str
    choices: [local, api]
    default: local
    version_added: 0.3.0
extends_documentation_fragment:
  - stackstorm.st2._access
  - stackstorm.st2._connection
  - stackstorm.st2._registration
  - stackstorm.st2._host
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.info_module
  - stackstorm.st2._attributes.actiongroup_st2
seealso:
  - module: stackstorm.st2.st2_pack
"""

EXAMPLES = r"""
- name: Get information about all packs
  stackstorm.st2.st2_pack_info:
  register: installed

- name: Show packs with local edits
  ansible.builtin.debug:
    msg: "{{ item.ref }}: {{ item.edits | join(', ') }}"
  loop: "{{ installed.packs | selectattr('edits') }}"
  loop_control:
    label: "{{ item.ref }}"

- name: Get the disk usage of earlier versions of packs
  stackstorm.st2.st2_pack_info:
    sizes: true
    check_edits: false
  register: installed

- name: Check whether the index has a newer version of sensu
  stackstorm.st2.st2_pack_info:
    name: sensu
    check_latest: true
"""

RETURN = r"""
packs:
  description: The packs, sorted by ref, or in the order of O(name).
  returned: always
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack, which is the name of its directory.
      returned: always
      type: str
      sample: sensu
    name:
      description: The display name of the pack.
      returned: always
      type: str
      sample: sensu
    version:
      description: The version in C(pack.yaml). Null if there is none.
      returned: always
      type: str
      sample: 1.0.2
    description:
      description: The description of the pack. Null if there is none.
      returned: always
      type: str
      sample: StackStorm pack integration with Sensu
    author:
      description: The author of the pack.
      returned: always
      type: str
      sample: StackStorm, Inc.
    email:
      description: The email address of the author.
      returned: always
      type: str
      sample: info@stackstorm.com
    keywords:
      description: Keywords of the pack.
      returned: always
      type: list
      elements: str
      sample: [sensu, monitoring]
    contributors:
      description: Other contributors to the pack.
      returned: always
      type: list
      elements: str
      sample: ["Jane Doe <jane@example.com>"]
    stackstorm_version:
      description: Versions of StackStorm that the pack supports. Null if it does not declare any.
      returned: always
      type: str
      sample: ">=3.0.0"
    python_versions:
      description: Versions of Python that the pack supports.
      returned: always
      type: list
      elements: str
      sample: ["3"]
    path:
      description: The directory of the pack.
      returned: always
      type: str
      sample: /opt/stackstorm/packs/sensu
    base_path:
      description: The packs base path of the pack.
      returned: always
      type: str
      sample: /opt/stackstorm/packs
    shadowed:
      description: Copies in later packs base paths. StackStorm only uses the first one.
      returned: always
      type: list
      elements: str
      sample: []
    system:
      description: Whether this is one of StackStorm's own packs.
      returned: always
      type: bool
      sample: false
    link:
      description: The target of the pack directory, if it is a symbolic link.
      returned: always
      type: str
      sample: null
    problem:
      description: Why StackStorm cannot read C(pack.yaml), such as a duplicate key. Null if it can.
      returned: always
      type: str
      sample: null
    commit:
      description: The full ID of the installed commit.
      returned: always
      type: str
      sample: 108d52bf6694c1a681d871124901ab0925f49bd0
    digest:
      description:
        - Digest of the files that were installed, in the form of O(stackstorm.st2.st2_pack#module:packs[].digest). Null
          for a pack that something else installed.
      returned: always
      type: str
      sample: null
    signers:
      description:
        - Who signed the pack, as verified by tasks with O(stackstorm.st2.st2_pack#module:verify_signature). Contains
          the signers of all such tasks, which may have accepted different signers.
      returned: always
      type: list
      elements: str
      sample: [release@example.com]
      version_added: 0.3.0
    branch:
      description: The checked out branch. Null for tags and commits.
      returned: always
      type: str
      sample: null
    tags:
      description: Tags of that commit, newest first.
      returned: always
      type: list
      elements: str
      sample: [v1.0.2]
    requested:
      description:
        - The version that was requested when the pack was installed. Null if there was none, or if something else
          installed the pack.
      returned: always
      type: str
      sample: 1.0.2
    source:
      description: The source that the pack was installed from.
      returned: always
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-sensu
    subdir:
      description: The directory inside the source.
      returned: always
      type: str
      sample: null
    managed:
      description:
        - Whether M(stackstorm.st2.st2_pack) installed or adopted the pack, and nothing else has changed it since.
      returned: always
      type: bool
      sample: true
    dependencies:
      description: The dependencies that the pack declares.
      returned: always
      type: list
      elements: str
      sample: [core]
    releases:
      description: Kept earlier versions, oldest first.
      returned: always
      type: list
      elements: str
      sample: [0001-1.0.1-3f8a4b0]
    contents:
      description: The resources of the pack, by type, each with C(count) and C(names).
      returned: always
      type: dict
      sample: {actions: {count: 1, names: [check_list]}}
    requirements:
      description: The Python packages that the pack requires.
      returned: always
      type: list
      elements: str
      sample: [requests]
    virtualenv:
      description:
        - The virtualenv of the pack. C(health) is V(ok), V(outdated) (created for another Python or other
          requirements), V(foreign) (created by something else), V(broken) or V(absent). C(needed) is whether the pack
          requires a virtualenv.
      returned: always
      type: dict
      sample: {path: /opt/stackstorm/virtualenvs/sensu, health: ok, python_version: "3.11", needed: true}
    database_state:
      description:
        - State of the pack in StackStorm's database. V(current) means that the database matches the files, V(stale)
          that it differs or is incomplete, V(absent) that it does not contain the pack, and V(unknown) that the state
          could not be determined. Null for StackStorm's own packs.
      returned: always
      type: str
      sample: current
    edits:
      description: Local commits, and edited, missing and extra files.
      returned: with O(check_edits=true)
      type: list
      elements: str
      sample: [edited actions/check.py]
    latest_version:
      description: The version in the index. Null if no index lists the pack.
      returned: with O(check_latest=true)
      type: str
      sample: 1.0.2
    index_url:
      description: The index that lists the pack.
      returned: with O(check_latest=true)
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    outdated:
      description: Whether the index has a newer version. Null if the versions cannot be compared.
      returned: with O(check_latest=true)
      type: bool
      sample: false
    disk:
      description:
        - Disk usage in bytes, as C(du) counts it, of the pack, its virtualenv, and each kept release. Files that
          virtualenvs share are counted once, as C(bases) in RV(disk).
      returned: with O(sizes=true)
      type: dict
      sample:
        pack: 184320
        virtualenv: 11272192
        releases:
          - name: 0001-1.0.1-3f8a4b0
            version: 1.0.1
            commit: 3f8a4b0c5d6e7f8091a2b3c4d5e6f708192a3b4c
            path: /opt/stackstorm/packs/.stackstorm.st2/releases/sensu/0001-1.0.1-3f8a4b0
            bytes: 180224
        total: 11636736
disk:
  description:
    - Disk usage in bytes of all packs of the host, whatever O(name) is. C(bases) is the files that virtualenvs are
      created from, C(staging) is what is being prepared or was left behind, and C(changes) is what
      M(stackstorm.st2.st2_rollback) needs in addition to the releases, such as former virtualenvs.
    - C(absent) lists the releases of packs that are not installed, by C(ref). O(stackstorm.st2.st2_pack#module:purge)
      removes them.
  returned: with O(sizes=true)
  type: dict
  sample:
    packs: 9437184
    virtualenvs: 94371840
    releases: 1048576
    bases: 12582912
    staging: 0
    changes: 11272192
    total: 128712704
    absent: []
python:
  description:
    - The Python of pack virtualenvs, which determines the Python packages that they can use, in the form of
      O(stackstorm.st2.st2_pack_lock#module:platforms). This is the Python of StackStorm (C([actionrunner]
      python_binary)). Null if it cannot be executed.
  returned: with O(backend=local)
  type: dict
  version_added: 0.3.0
  contains:
    version:
      description: The version of Python.
      returned: always
      type: str
      sample: "3.11"
    abi:
      description: The ABI of this Python.
      returned: always
      type: str
      sample: cp311
    platform:
      description: The newest platform tag of wheels that it supports.
      returned: always
      type: str
      sample: manylinux_2_36_x86_64
missing:
  description: Refs in O(name) that are not installed.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: The number of packs found.
  returned: always
  type: str
  sample: 5 packs installed
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import (
    access_options,
    host_options,
    registration_options,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.argspec import pack_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_info import describe_packs


def main() -> None:
    """Run the module."""
    spec = pack_info_options().merge(access_options()).merge(registration_options()).merge(host_options())
    run_module(spec, describe_packs)


if __name__ == "__main__":
    main()
