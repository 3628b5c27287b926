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
  - Resolves the requests of M(stackstorm.st2.st2_pack) once, on the controller, and writes down what they came to, so
    that all hosts get the same. The file belongs into the repository of the playbook, beside the list of packs.
  - The lock has every pack, and every pack that one depends on, with its source, version, commit, the first line of the
    commit's message, a digest of its files and of its requirements, and how many resources it has. With O(platforms),
    it also has the Python packages of each pack, with digests.
  - There is no time, host or absolute path in it. While nothing changes upstream, no byte of it changes.
  - Each repository is asked once, and commit, files and requirements are of that one answer. A lock that is made while
    somebody pushes has the state before or after that.
  - The diff is for whoever has to agree with the new state. RV(markdown) is the same for a pull request.
options:
  path:
    description:
      - The file to write, such as V(packs.lock.yml). A relative path begins at the directory of the playbook. The
        directory in which the file lies has to be there.
      - A file that is there has to be a lock. Comments in it are not kept.
    type: path
    required: true
  name:
    description:
      - The packs, as O(stackstorm.st2.st2_pack#module:name) takes them. V(*) is refused.
      - At least one of O(name) and O(packs) is required.
    type: list
    elements: str
    aliases: [pack]
  packs:
    description:
      - The packs as dictionaries, as O(stackstorm.st2.st2_pack#module:packs) takes them, such as the variable
        C(st2_packs) of the role P(stackstorm.st2.packs#role).
      - Items with C(state=absent) are left out. What an item says of configs, secrets, overrides and the like means
        nothing here.
      - At least one of O(name) and O(packs) is required.
    type: list
    elements: raw
  remote_src:
    description:
      - As O(stackstorm.st2.st2_pack#module:remote_src) for the same requests. With V(true), a directory is one of the
        targets, and refused, as nobody knows here what it holds. With V(false), it is one of the controller.
      - A directory of the controller is found as O(stackstorm.st2.st2_pack#module:remote_src) finds it. It is locked by
        its content, and by its path relative to the lock.
    type: bool
    default: true
  update:
    description:
      - The refs of packs to renew. All others stay byte by byte as they are locked, and nobody is asked for them.
        Packs that are asked for otherwise than before, or newly, are locked anew in any case, and those that nobody
        asks for or depends on any more go.
      - An empty list renews none. Without this option, all are renewed.
      - A pack that stays may need another version of one that is renewed, or the other way round. That is an error,
        which names both.
    type: list
    elements: str
  platforms:
    description:
      - The Pythons for which the packages of packs are locked, as RV(stackstorm.st2.st2_pack_info#module:python) says
        of a host. The same one may be there many times, once for each host.
      - By default those that the lock has, so that this is needed once. An empty list locks no Python packages.
      - They are resolved by uv as a virtualenv of each pack is filled, C(six) included, and only from wheels, so that
        no code of a package runs here. Requirements that are no wheels in a package index, such as
        C(git+https://...), have no digest to be installed by. RV(unlocked) and a warning name the packs that have such.
      - Linux with glibc on C(x86_64) and C(aarch64).
    type: list
    elements: dict
    suboptions:
      version:
        description:
          - The version of Python, such as V("3.11"). Quote it.
        type: raw
        required: true
      abi:
        description:
          - Its ABI, such as V(cp311).
        type: str
        required: true
      platform:
        description:
          - The newest platform that it takes wheels of, such as V(manylinux_2_36_x86_64).
        type: str
        required: true
  pip_index_url:
    description:
      - Package index for O(platforms), by default the one of pip's configuration on the controller.
    type: str
  index_url:
    description:
      - Pack indexes in which names are looked up. The leftmost one that lists a pack wins. A name needs one, as the
        settings of StackStorm hosts are not read here. The public one is
        V(https://index.stackstorm.org/v1/index.json).
      - Also takes C(file:///) URLs. What an index says is a place on this host is refused.
    type: list
    elements: str
  index_strict:
    description:
      - While an index of higher priority cannot be read, do not resolve a short name from a lower one.
    type: bool
    default: true
  index_allowed_signers:
    description:
      - Who may sign the indexes of O(index_url), as lines of an OpenSSH C(allowed_signers) file. An index without a
        signature of one of them counts as one that cannot be read.
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
      - All is fetched and resolved, and nothing is written.
  diff_mode:
    support: full
    details:
      - Shows versions, commits, actions, sensors, rules and aliases that come and go, keys of configs that are
        required now, and lines of requirements. What needs a second look begins with C(!), such as new sensors, which
        start by themselves, and another commit of the same version.
  idempotent:
    support: full
    details:
      - While nothing changes upstream, no byte of the lock changes.
requirements:
  - Python 3.8 or newer; for O(platforms) 3.11 or newer
  - git
  - PyYAML, jsonschema (3.2 or newer), requests and semver (2.10 or newer)
  - uv, for O(platforms)
notes:
  - The module runs where the lock lies, which is the controller, by a play on C(localhost) or with
    C(delegate_to=localhost) and C(become=false). No StackStorm has to be there, and its settings are not read. What it
    needs is in C(requirements.txt) of this collection.
  - A repository of this host (C(/srv/git/x.git), C(file:///)) is refused, as no other host installs from there.
seealso:
  - module: stackstorm.st2.st2_pack
  - module: stackstorm.st2.st2_pack_info
    description: Says for which Python a host needs packages.
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

- name: Lock the same packs as the role installs, a directory beside the playbook among them
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

- name: See what renewing one pack would change
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
  description: The file.
  returned: success
  type: str
  sample: /home/me/site/packs.lock.yml
refs:
  description: The refs of all packs that the lock has.
  returned: success
  type: list
  elements: str
  sample: [jira, sensu]
packs:
  description: The packs that come, go or change.
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
      description: The version that was locked. Null for a new pack.
      returned: always
      type: str
      sample: 1.0.1
    after:
      description: The version that is locked. Null for a pack that goes.
      returned: always
      type: str
      sample: 1.0.2
    commit_before:
      description: The commit that was locked. Null where there was none.
      returned: always
      type: str
      sample: 2fd4e1c67a2d28fced849ee1bb76e7391b93eb12
    commit:
      description: The commit that is locked. Null for a directory, and for a pack that goes.
      returned: always
      type: str
      sample: 108d52b3c9f3e56a5cf1a9b8eb1e0f4b9f2d6c10
    commits:
      description: How many commits RV(packs[].commit) has that RV(packs[].commit_before) has not. Null where that is
        not known.
      returned: always
      type: int
      sample: 7
    changes:
      description:
        - What is different. Each begins with C(+) for what comes, C(-) for what goes, C(!) for what needs a second
          look, or C(~).
      returned: always
      type: list
      elements: str
      sample: ["+ action event_delete", "! sensor PulseSensor: it starts by itself"]
unlocked:
  description: Packs that have Python packages which cannot be locked for a platform. The module warns of them.
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
      description: The platform, as the lock calls it.
      returned: always
      type: str
      sample: cp311-manylinux_2_36_x86_64
    reason:
      description: Why, as a clause.
      returned: always
      type: str
      sample: docopt==0.6.2 has no wheel for it
markdown:
  description: What changes, for a pull request. Empty when no pack changes.
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
