#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_info
short_description: Describe the installed StackStorm packs
version_added: 0.1.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Says of the packs on a StackStorm host what they are, where they came from, whether somebody edited them, and how
    their virtualenvs are.
  - Reads the host's files. The network is used only with O(check_latest=true), and to ask StackStorm where the task
    has access to its API.
options:
  name:
    description:
      - Refs of packs. All packs where none is given.
    aliases: [pack]
    type: list
    elements: str
  check_latest:
    description:
      - Also tell what the index has.
    type: bool
    default: false
  check_edits:
    description:
      - Compare every file of the packs with what was installed. With V(false), RV(packs[].edits) is not returned.
    type: bool
    default: true
  sizes:
    description:
      - Also tell what packs, virtualenvs and kept releases take of the disk, for which every directory has to be walked
        through.
    type: bool
    default: false
    version_added: 0.3.0
  backend:
    description:
      - V(local) works on the target, which is a StackStorm host.
      - V(api) asks StackStorm's API alone, from any machine that reaches it, for the packs that StackStorm's database
        has. What only files tell is left out of the results, such as commits, edits and virtualenvs. With
        O(check_latest=true) the index is the one that StackStorm reads. O(sizes), O(index_url) and the options for
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
- name: Read all packs
  stackstorm.st2.st2_pack_info:
  register: installed

- name: Name the packs that somebody edited
  ansible.builtin.debug:
    msg: "{{ item.ref }}: {{ item.edits | join(', ') }}"
  loop: "{{ installed.packs | selectattr('edits') }}"
  loop_control:
    label: "{{ item.ref }}"

- name: See what earlier versions of packs take of the disk
  stackstorm.st2.st2_pack_info:
    sizes: true
    check_edits: false
  register: installed

- name: See whether the index has a newer sensu
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
      description: The pack's ref, which is the name of its directory.
      returned: always
      type: str
      sample: sensu
    name:
      description: Its display name.
      returned: always
      type: str
      sample: sensu
    version:
      description: The version in C(pack.yaml). Null when it says none.
      returned: always
      type: str
      sample: 1.0.2
    description:
      description: What it is for. Null when it does not say.
      returned: always
      type: str
      sample: StackStorm pack integration with Sensu
    author:
      description: Who wrote it.
      returned: always
      type: str
      sample: StackStorm, Inc.
    email:
      description: The address of the author.
      returned: always
      type: str
      sample: info@stackstorm.com
    keywords:
      description: What it can be found by.
      returned: always
      type: list
      elements: str
      sample: [sensu, monitoring]
    contributors:
      description: Who else worked on it.
      returned: always
      type: list
      elements: str
      sample: ["Jane Doe <jane@example.com>"]
    stackstorm_version:
      description: The versions of StackStorm that it works with. Null when it does not say.
      returned: always
      type: str
      sample: ">=3.0.0"
    python_versions:
      description: The versions of Python that it works with.
      returned: always
      type: list
      elements: str
      sample: ["3"]
    path:
      description: Its directory.
      returned: always
      type: str
      sample: /opt/stackstorm/packs/sensu
    base_path:
      description: The packs base path it is in.
      returned: always
      type: str
      sample: /opt/stackstorm/packs
    shadowed:
      description: Copies in later packs base paths. StackStorm takes the content of the first one only.
      returned: always
      type: list
      elements: str
      sample: []
    system:
      description: Whether it is one of StackStorm's own.
      returned: always
      type: bool
      sample: false
    link:
      description: Where the pack directory leads when it is a symbolic link.
      returned: always
      type: str
      sample: null
    problem:
      description: Why StackStorm cannot read C(pack.yaml), such as a key that stands twice. Null when it can.
      returned: always
      type: str
      sample: null
    commit:
      description: The full commit it was made from.
      returned: always
      type: str
      sample: 108d52bf6694c1a681d871124901ab0925f49bd0
    digest:
      description: Digest of the content, for a pack that came from a directory.
      returned: always
      type: str
      sample: null
    branch:
      description: The branch that is checked out. Null for tags and commits.
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
        - The version that was asked for when it was installed. Null when none was, or when something else installed it.
      returned: always
      type: str
      sample: 1.0.2
    source:
      description: Where it came from.
      returned: always
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-sensu
    subdir:
      description: The directory inside the source.
      returned: always
      type: str
      sample: null
    managed:
      description: Whether M(stackstorm.st2.st2_pack) installed or adopted it, and nothing changed it since.
      returned: always
      type: bool
      sample: true
    dependencies:
      description: The dependencies it declares.
      returned: always
      type: list
      elements: str
      sample: [core]
    releases:
      description: Earlier versions that are kept, oldest first.
      returned: always
      type: list
      elements: str
      sample: [0001-1.0.1-3f8a4b0]
    contents:
      description: Its resources, by type, each with C(count) and C(names).
      returned: always
      type: dict
      sample: {actions: {count: 1, names: [check_list]}}
    requirements:
      description: The Python packages it requires.
      returned: always
      type: list
      elements: str
      sample: [requests]
    virtualenv:
      description:
        - Its virtualenv. C(health) is V(ok), V(outdated) (made for another Python or other requirements), V(foreign)
          (made by something else), V(broken) or V(absent); C(needed) tells whether the pack has to have one.
      returned: always
      type: dict
      sample: {path: /opt/stackstorm/virtualenvs/sensu, health: ok, python_version: "3.11", needed: true}
    database_state:
      description:
        - What StackStorm's database has of the pack. V(current) is what is on disk, V(stale) something else or only a
          part of it, V(absent) nothing, and V(unknown) is when nobody can tell. Null for StackStorm's own packs.
      returned: always
      type: str
      sample: current
    edits:
      description: Commits that somebody made in the pack, and edited, missing and extra files.
      returned: with O(check_edits=true)
      type: list
      elements: str
      sample: [edited actions/check.py]
    latest_version:
      description: The version in the index. Null when no index lists the pack.
      returned: with O(check_latest=true)
      type: str
      sample: 1.0.2
    index_url:
      description: The index that lists it.
      returned: with O(check_latest=true)
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    outdated:
      description: Whether the index has a newer version. Null when that cannot be said.
      returned: with O(check_latest=true)
      type: bool
      sample: false
    disk:
      description:
        - Bytes of the disk, as C(du) counts them, for the pack itself, its virtualenv, and each release that is kept of
          it. Files that virtualenvs share are counted once, for C(bases) in RV(disk).
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
    - Bytes of the disk for all packs of the host, whatever O(name) says. C(bases) is what virtualenvs are made from,
      C(staging) what is being prepared or was left behind.
    - C(absent) are the releases of packs that are not installed, by C(ref); O(stackstorm.st2.st2_pack#module:purge)
      removes them.
  returned: with O(sizes=true)
  type: dict
  sample:
    packs: 9437184
    virtualenvs: 94371840
    releases: 1048576
    bases: 12582912
    staging: 0
    total: 117440512
    absent: []
python:
  description:
    - Which Python packages the virtualenvs of packs take, as O(stackstorm.st2.st2_pack_lock#module:platforms) wants it.
      It is what the Python of StackStorm (C([actionrunner] python_binary)) says. Null where that does not run.
  returned: with O(backend=local)
  type: dict
  version_added: 0.3.0
  contains:
    version:
      description: Its version.
      returned: always
      type: str
      sample: "3.11"
    abi:
      description: Its ABI.
      returned: always
      type: str
      sample: cp311
    platform:
      description: The newest platform that it takes packages of.
      returned: always
      type: str
      sample: manylinux_2_36_x86_64
missing:
  description: The refs of O(name) that are not installed.
  returned: always
  type: list
  elements: str
  sample: []
msg:
  description: How many packs were found.
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
