#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_index_info
short_description: Search StackStorm's pack indexes, show packs of them, and check them
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Searches pack indexes by the rule of StackStorm's API, or shows packs by name. Without both, and without O(checks)
    and O(max_age), all packs are told.
  - Always says how each index is, in the terms of StackStorm's own C(/packs/index/health), and which index serves
    which pack. O(checks) looks for what that does not see.
  - Changes nothing. It runs on a StackStorm host, whose indexes and proxy it uses, and as well on the controller or any
    other host, without a C(st2.conf).
options:
  query:
    description:
      - A text to look for.
      - Without O(fields) by StackStorm's rule. Of each pack the first field that has it, in the order in which the
        index is written, decides. A text has what it contains, and a list has only its whole items; the names of
        actions are not looked at, nor are C(repo_url) and C(email). Packs that have it in C(name) come first, then
        those that have it in C(keywords).
      - Mutually exclusive with O(name).
    type: str
  fields:
    description:
      - Look only there for O(query). A part of an item, such as of a keyword or of the name of an action, is enough.
      - Packs that have it in the first of these fields come first, each in the order of their refs.
    type: list
    elements: str
    choices:
      - name
      - ref
      - description
      - keywords
      - author
      - contributors
      - version
      - dependencies
      - actions
      - sensors
      - rules
      - aliases
      - triggers
      - policies
      - tests
  case_sensitive:
    description:
      - Whether C(A) and C(a) are different in O(query). They are not for StackStorm's API.
    type: bool
    default: false
  name:
    description:
      - Refs of packs to show, with all that the index has of them.
      - Mutually exclusive with O(query).
    aliases: [pack]
    type: list
    elements: str
  limit:
    description:
      - The most packs to tell. RV(found) says how many there are. V(0) tells all.
    type: int
    default: 100
  checks:
    description:
      - What else to look for, in the packs that O(query) or O(name) find, else in all. It is told in RV(problems).
      - V(repositories) asks each repository for its tags and branches, six at a time, each for at most 30 seconds. It
        finds those that are not reached, versions that have no tag or branch, and tags that are another commit than the
        index says.
      - V(installable) finds packs that nobody can install, as they want Python 2, another StackStorm than the host
        has, or have no version or repository that can be used.
      - V(shadowed) finds names that a lower index has for another repository. StackStorm takes that one while it cannot
        read the higher index, and that is how somebody else's pack gets a name of yours (dependency confusion).
      - V(outdated) tells in RV(outdated) the packs of the host of which an index has a newer version.
    type: list
    elements: str
    choices: [repositories, installable, shadowed, outdated]
    default: []
  max_age:
    description:
      - Seconds after which it is a problem that an index has not been made anew, by its C(metadata.generated_ts).
    type: int
  backend:
    description:
      - V(local) reads the indexes from where the module runs.
      - V(api) lets StackStorm's own processes do it, by C(/packs/index/search) and C(/packs/index/health), and so tells
        what they see, with their settings, proxy and certificates. O(fields), O(case_sensitive), O(checks), O(max_age)
        and the options about access to indexes and repositories cannot be used with it.
    type: str
    choices: [local, api]
    default: local
  register:
    description:
      - Means nothing here, as nothing is registered. It is taken so that the defaults of the action group may have it.
    type: str
    choices: [auto, api, local, none]
    default: auto
  st2_conf:
    description:
      - StackStorm's configuration on the target, for its indexes, proxy, version and packs. When there is none in the
        usual place, the host is not a StackStorm, and the public Exchange is read where O(index_url) does not say
        otherwise.
    type: path
    default: /etc/st2/st2.conf
extends_documentation_fragment:
  - stackstorm.st2._access
  - stackstorm.st2._connection
  - stackstorm.st2._registration
  - stackstorm.st2._attributes
  - stackstorm.st2._attributes.info_module
  - stackstorm.st2._attributes.actiongroup_st2
requirements:
  - Python 3.8 or newer
  - requests, but for indexes that are files
  - semver, for O(checks=installable) and O(checks=outdated)
  - git on the target, for O(checks=repositories)
seealso:
  - module: stackstorm.st2.st2_pack
  - module: stackstorm.st2.st2_pack_info
"""

EXAMPLES = r"""
- name: Search the public Exchange from the controller
  stackstorm.st2.st2_index_info:
    query: monitoring
  delegate_to: localhost
  register: found

- name: Find the packs with an action that restarts something
  stackstorm.st2.st2_index_info:
    query: restart
    fields: [actions]

- name: Show what the host's indexes have of two packs
  stackstorm.st2.st2_index_info:
    name: [sensu, jira]

- name: Look whether the indexes are as they should be
  stackstorm.st2.st2_index_info:
    index_url:
      - https://exchange.example.com/v1/index.json
      - https://index.stackstorm.org/v1/index.json
    checks: [repositories, installable, shadowed]
    max_age: 86400
  register: index
  failed_when: not index.healthy

- name: Name the packs of the host that have a newer version
  stackstorm.st2.st2_index_info:
    checks: [outdated]
  register: index

- name: Ask StackStorm itself what it sees of its indexes
  stackstorm.st2.st2_index_info:
    backend: api
    api_key: "{{ st2_api_key }}"
"""

RETURN = r"""
msg:
  description: What was found, and what is wrong, in one line.
  returned: always
  type: str
  sample: 16 packs found for "monitoring"
packs:
  description: The packs, at most as many as O(limit) says.
  returned: success, when packs are searched, shown or told
  type: list
  elements: dict
  contains:
    ref:
      description: Its name in the index. With O(backend=api) what its entry says, V(null) where that does not.
      returned: always
      type: str
      sample: sensu
    name:
      description: Its display name.
      returned: always
      type: str
      sample: sensu
    version:
      description: The version that the index offers.
      returned: always
      type: raw
      sample: 1.0.2
    description:
      description: As the index has it.
      returned: always
      type: raw
      sample: StackStorm integration with Sensu
    author:
      description: As the index has it.
      returned: always
      type: raw
      sample: StackStorm, Inc.
    keywords:
      description: As the index has them.
      returned: always
      type: raw
      sample: [monitoring, alerting]
    repo_url:
      description: The repository, without credentials.
      returned: always
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-sensu
    index_url:
      description: The index that serves it, the leftmost one that lists it.
      returned: with O(backend=local)
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    also_in:
      description: The other indexes that list it.
      returned: with O(backend=local)
      type: list
      elements: str
      sample: []
    problem:
      description: Why M(stackstorm.st2.st2_pack) could not install it by its name. V(null) when nothing is known.
      returned: with O(backend=local)
      type: str
      sample: null
    matched:
      description: The field that O(query) was found in.
      returned: with O(query) and O(backend=local)
      type: str
      sample: keywords
    installed_version:
      description: The version that is on the host, V(null) for none.
      returned: on a StackStorm host, with O(backend=local)
      type: str
      sample: 1.0.1
    versions:
      description: All versions that the index knows.
      returned: with O(name) and O(backend=local)
      type: list
      elements: str
      sample: [1.0.2, 1.0.1]
    commit:
      description: The commit that the version is, V(null) where the index does not tell.
      returned: with O(name) and O(backend=local)
      type: str
      sample: 108d52b2a1d0c1a0a5c7b9f0d1e2f3a4b5c6d7e8
    digest:
      description: The digest of its files, V(null) where the index does not tell.
      returned: with O(name) and O(backend=local)
      type: str
      sample: null
    entry:
      description: The whole entry as it is written.
      returned: with O(name)
      type: dict
      sample: {name: sensu, version: 1.0.2}
found:
  description: How many packs there are, also those beyond O(limit).
  returned: success, when packs are searched, shown or told
  type: int
  sample: 16
missing:
  description: Those of O(name) that no index lists.
  returned: success, when packs are searched, shown or told
  type: list
  elements: str
  sample: []
indexes:
  description: How each index is, the leftmost first.
  returned: with O(backend=local), and with O(backend=api) when neither O(query) nor O(name) is given
  type: list
  elements: dict
  contains:
    url:
      description: The index, without credentials.
      returned: always
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    packs:
      description: How many packs are in it.
      returned: always
      type: int
      sample: 169
    message:
      description: C(Success.), or what is wrong.
      returned: always
      type: str
      sample: Success.
    error:
      description:
        - V(null), or in StackStorm's terms V(unresponsive), V(malformed), V(empty) or V(other errors).
        - V(untrusted) for an index that is not signed as O(index_allowed_signers) asks, or is older than the one
          before.
      returned: always
      type: str
      sample: null
    serves:
      description: How many packs it is the leftmost index of.
      returned: with O(backend=local)
      type: int
      sample: 169
    generated_ts:
      description: When it was made, in seconds since 1970. V(null) where it does not say.
      returned: with O(backend=local)
      type: int
      sample: 1770315167
    age:
      description: Seconds since then.
      returned: with O(backend=local)
      type: int
      sample: 3600
    serial:
      description: Its serial, V(null) where it has none.
      returned: with O(backend=local)
      type: int
      sample: 41
    signer:
      description: Who signed it. V(null) without O(index_allowed_signers), as that is not looked at then.
      returned: with O(backend=local)
      type: str
      sample: ci@example.com
health:
  description: What StackStorm's own C(/packs/index/health) counts. A pack in two indexes counts twice there.
  returned: when RV(indexes) is
  type: dict
  sample: {indexes: {count: 2, valid: 1, invalid: 1, errors: {unresponsive: 1}}, packs: {count: 169}}
problems:
  description:
    - What is wrong with indexes, and with packs as far as O(checks) looks at them, at most 1000. RV(problem_count) says
      how many there are.
  returned: when RV(indexes) is
  type: list
  elements: dict
  contains:
    kind:
      description:
        - Of an index what RV(indexes[].error) has, V(no_packs), or V(old).
        - Of a pack V(unreachable), V(not_asked) when there was no time left, V(no_such_version), V(moved),
          V(not_installable) or V(shadowed).
      returned: always
      type: str
      sample: shadowed
    ref:
      description: The pack, V(null) for an index as a whole.
      returned: always
      type: str
      sample: acme_dns
    index_url:
      description: The index that it is about.
      returned: always
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    message:
      description: What is wrong, in a sentence.
      returned: always
      type: str
      sample: There is no pack in it. StackStorm calls that valid.
problem_count:
  description: How many problems there are.
  returned: when RV(indexes) is
  type: int
  sample: 0
healthy:
  description: Whether there is no problem.
  returned: when RV(indexes) is
  type: bool
  sample: true
outdated:
  description: The installed packs of which an index has a newer version.
  returned: with O(checks=outdated)
  type: list
  elements: dict
  contains:
    ref:
      description: The pack.
      returned: always
      type: str
      sample: sensu
    installed_version:
      description: The version on the host.
      returned: always
      type: str
      sample: 1.0.1
    version:
      description: That of the index.
      returned: always
      type: str
      sample: 1.0.2
    index_url:
      description: The index.
      returned: always
      type: str
      sample: https://index.stackstorm.org/v1/index.json
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._index_info.argspec import index_info_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.index_info import describe_indexes


def main() -> None:
    """Run the module."""
    run_module(index_info_options(), describe_indexes)


if __name__ == "__main__":
    main()
