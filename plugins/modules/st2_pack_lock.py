#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_lock
short_description: Lock StackStorm packs to exact commits, contents and Python packages
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Resolves the requests of M(stackstorm.st2.st2_pack) once, on the controller, and writes the result to a lock file,
    so that all hosts install the same. Commit the lock to the repository of the playbook, next to the list of packs.
  - The lock contains every pack, including dependencies, with its source, version, commit, the subject of the commit
    message, a digest of its files and of its requirements, and the number of its resources. With O(platforms), it also
    contains the Python packages of each pack, with digests.
  - The lock does not contain times, host names or absolute paths. If nothing changes upstream, it is identical byte by
    byte.
  - Each repository is contacted once, and commit, files and requirements come from the same response. If somebody
    pushes while the lock is created, it contains the state before or after the push.
  - The diff is meant for reviewers of the new state. RV(markdown) contains the same for a pull request.
options:
  path:
    description:
      - The lock file to write, such as V(packs.lock.yml). A relative path is relative to the directory of the playbook.
        The directory of the file must exist.
      - An existing file must be a lock. Comments in it are not kept.
    type: path
    required: true
  name:
    description:
      - The packs, in the same form as in O(stackstorm.st2.st2_pack#module:name). V(*) is refused.
      - At least one of O(name) and O(packs) is required.
    type: list
    elements: str
    aliases: [pack]
  packs:
    description:
      - The packs as dictionaries, in the same form as in O(stackstorm.st2.st2_pack#module:packs), for example the
        variable C(st2_packs) of the role P(stackstorm.st2.packs#role).
      - Items with C(state=absent) are skipped. Configs, secrets, overrides and other keys that do not affect which
        version is installed are ignored.
      - At least one of O(name) and O(packs) is required.
    type: list
    elements: raw
  remote_src:
    description:
      - Same as O(stackstorm.st2.st2_pack#module:remote_src) for the same requests. With V(true), a directory is on the
        targets, and is refused, since its content is not known on the controller. With V(false), it is on the
        controller.
      - A directory on the controller is found in the same way as with O(stackstorm.st2.st2_pack#module:remote_src). It
        is locked by its content, and by its path relative to the lock.
    type: bool
    default: true
  update:
    description:
      - Refs of the packs to update. The entries of all other packs are kept byte by byte, and their sources are not
        contacted. Packs that are new, or requested differently than before, are always locked again. Packs that are
        no longer requested, and that no pack depends on, are removed.
      - An empty list updates none. Without this option, all packs are updated.
      - If a kept pack requires another version of an updated one, or the other way round, the task fails and names
        both.
    type: list
    elements: str
  platforms:
    description:
      - The Pythons for which the packages of packs are locked, in the form of
        RV(stackstorm.st2.st2_pack_info#module:python). The list can contain duplicates, such as one item for each host.
      - Defaults to the platforms in the existing lock, so this is only required once. An empty list locks no Python
        packages.
      - uv resolves the packages in the same way as the virtualenv of each pack is built, including C(six). Only wheels
        are used, so no code of a package is executed on the controller. Requirements that are not available as a wheel
        in a package index, such as C(git+https://...), have no digest and cannot be locked. RV(unlocked) and a warning
        list the packs with such requirements.
      - Linux with glibc on C(x86_64) and C(aarch64) is supported.
    type: list
    elements: dict
    suboptions:
      version:
        description:
          - The version of Python, such as V("3.11"). Write it in quotes.
        type: raw
        required: true
      abi:
        description:
          - The ABI of this Python, such as V(cp311).
        type: str
        required: true
      platform:
        description:
          - The newest platform tag of wheels that it supports, such as V(manylinux_2_36_x86_64).
        type: str
        required: true
  pip_index_url:
    description:
      - Package index for O(platforms). Defaults to the one in pip's configuration on the controller.
    type: str
  index_url:
    description:
      - Pack indexes in which names are looked up. The first one that lists a pack wins. Required for names, since the
        settings of StackStorm hosts are not read. The public index is V(https://index.stackstorm.org/v1/index.json).
      - C(file:///) URLs are accepted, too. If an index lists a path on this host as a source, it is refused.
    type: list
    elements: str
  index_strict:
    description:
      - Do not resolve a short name from an index of lower priority if one of higher priority cannot be read.
    type: bool
    default: true
  index_allowed_signers:
    description:
      - Who may sign the indexes in O(index_url), as lines of an OpenSSH C(allowed_signers) file. An index that none of
        them signed is treated as an index that cannot be read.
    type: list
    elements: str
extends_documentation_fragment:
  - stackstorm.st2._repository
  - stackstorm.st2._signature
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Fetches and resolves everything, and writes nothing.
  diff_mode:
    support: full
    details:
      - Shows changed versions and commits, added and removed actions, sensors, rules and aliases, config keys that
        become required, and changed lines of requirements. Changes that need special attention are marked with C(!),
        such as new sensors, which start automatically, and another commit of the same version.
  idempotent:
    support: full
    details:
      - If nothing changes upstream, the lock is identical byte by byte.
requirements:
  - Python 3.8 or newer, or 3.11 or newer for O(platforms)
  - git
  - PyYAML, jsonschema (3.2 or newer), requests and semver (2.10 or newer)
  - uv, for O(platforms)
notes:
  - Run the module on the host with the lock, usually the controller, in a play on C(localhost) or with
    C(delegate_to=localhost) and C(become=false). StackStorm is not required there, and its settings are not read. The
    required libraries are listed in C(requirements.txt) of this collection.
  - A repository on this host (C(/srv/git/x.git), C(file:///)) is refused, since other hosts cannot install from it.
seealso:
  - module: stackstorm.st2.st2_pack
  - module: stackstorm.st2.st2_pack_info
    description: Returns the Python for which a host needs packages.
"""

EXAMPLES = r"""
- name: Lock all packs of a site
  stackstorm.st2.st2_pack_lock:
    path: packs.lock.yml
    name:
      - sensu=1.0.2
      - jira
      - https://git.example.com/acme/stackstorm-acme_dns.git
    index_url:
      - https://index.stackstorm.org/v1/index.json
    token: "{{ acme_git_token }}"

- name: Lock the packs that the role installs, including a directory next to the playbook
  stackstorm.st2.st2_pack_lock:
    path: packs.lock.yml
    packs:
      - name: sensu
        version: 1.0.2
        config: {host: sensu.example.com}
      - source: ./packs/acme_mail
    remote_src: false
    index_url:
      - https://index.stackstorm.org/v1/index.json

- name: Show what updating one pack would change
  stackstorm.st2.st2_pack_lock:
    path: packs.lock.yml
    name: [sensu, jira]
    update: [jira]
    index_url:
      - https://index.stackstorm.org/v1/index.json
  check_mode: true
  diff: true
"""

RETURN = r"""
msg:
  description: What happened, in one line.
  returned: always
  type: str
  sample: "/home/me/site/packs.lock.yml: sensu 1.0.1 -> 1.0.2 (12 packs)"
path:
  description: Path to the lock file.
  returned: success
  type: str
  sample: /home/me/site/packs.lock.yml
refs:
  description: The refs of all packs in the lock.
  returned: success
  type: list
  elements: str
  sample: [jira, sensu]
packs:
  description: The packs that are added, removed or changed.
  returned: success
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack.
      returned: always
      type: str
      sample: sensu
    before:
      description: The version that was locked before. Null for a new pack.
      returned: always
      type: str
      sample: 1.0.1
    after:
      description: The version that is locked now. Null for a removed pack.
      returned: always
      type: str
      sample: 1.0.2
    commit_before:
      description: The commit that was locked before. Null if there was none.
      returned: always
      type: str
      sample: 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
    commit:
      description: The commit that is locked now. Null for a directory, and for a removed pack.
      returned: always
      type: str
      sample: 108d52b3c9f3e56a5cf1a9b8eb1e0f4b9f2d6c10
    commits:
      description: Number of commits in RV(packs[].commit) that are not in RV(packs[].commit_before). Null if it is
        not known.
      returned: always
      type: int
      sample: 7
    changes:
      description:
        - The differences. Each starts with C(+) for an addition, C(-) for a removal, C(!) for a change that needs
          special attention, or C(~) for other changes.
      returned: always
      type: list
      elements: str
      sample: ["+ action event_delete", "! sensor PulseSensor: it starts by itself"]
unlocked:
  description: Packs with Python packages that cannot be locked for a platform. The module warns about them.
  returned: success
  type: list
  elements: dict
  contains:
    ref:
      description: The ref of the pack.
      returned: always
      type: str
      sample: icinga2
    platform:
      description: The platform, as named in the lock.
      returned: always
      type: str
      sample: cp311-manylinux_2_36_x86_64
    reason:
      description: The reason, as a part of a sentence.
      returned: always
      type: str
      sample: docopt==0.6.2 has no wheel for it
markdown:
  description: The changes, for a pull request. Empty if no pack changes.
  returned: success
  type: str
  sample: "## `packs.lock.yml`\n\n### sensu 1.0.1 → 1.0.2\n..."
step:
  description: The step that failed.
  returned: failure
  type: str
  sample: fetch
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock.argspec import lock_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_lock import lock_packs


def main() -> None:
    """Run the module."""
    run_module(lock_options(), lock_packs)


if __name__ == "__main__":
    main()
