#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_index_info
short_description: Search and check StackStorm pack indexes
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Searches pack indexes in the same way as StackStorm's API, or shows packs by name. Without O(query), O(name),
    O(checks) and O(max_age), all packs are returned.
  - Always returns the health of each index, in the terms of StackStorm's own C(/packs/index/health), and which index
    serves which pack. O(checks) finds problems that the health endpoint does not detect.
  - The module runs on a StackStorm host, and uses the indexes and proxy of that host. It also runs on the controller or
    any other host without a C(st2.conf).
options:
  query:
    description:
      - The text to search for.
      - Without O(fields), the search works as in StackStorm. The first field of a pack that matches counts, in the
        order of the index. Strings match if they contain the text, lists only if an item is equal to it. The names of
        actions, C(repo_url) and C(email) are not searched. Matches in C(name) come first, then those in C(keywords).
      - Mutually exclusive with O(name).
    type: str
  fields:
    description:
      - Search only these fields for O(query). A part of an item matches, such as a part of a keyword or of the name of
        an action.
      - Matches in the first of these fields come first, each sorted by ref.
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
      - Whether O(query) is case-sensitive. It is not in StackStorm's API.
    type: bool
    default: false
  name:
    description:
      - Refs of packs to show, with their whole entries.
      - Mutually exclusive with O(query).
    aliases: [pack]
    type: list
    elements: str
  limit:
    description:
      - Maximum number of packs to return. RV(found) is the total number. V(0) returns all.
    type: int
    default: 100
  checks:
    description:
      - Additional checks of the packs that O(query) or O(name) find, or of all packs. Problems are returned in
        RV(problems).
      - V(repositories) queries the tags and branches of each repository, six at a time and for at most 30 seconds each.
        It finds unreachable repositories, versions without a tag or branch, and tags whose commit differs from the one
        in the index.
      - V(installable) finds packs that cannot be installed, because they require Python 2 or another version of
        StackStorm than the host has, or because they have no usable version or repository.
      - V(shadowed) finds names that an index of lower priority lists with another repository. StackStorm uses that
        repository while it cannot read the index of higher priority, so somebody else's pack can take the name of your
        pack (dependency confusion).
      - V(outdated) returns the installed packs with a newer version in an index in RV(outdated).
    type: list
    elements: str
    choices: [repositories, installable, shadowed, outdated]
    default: []
  max_age:
    description:
      - Report a problem if an index is older than this number of seconds, by its C(metadata.generated_ts).
    type: int
  backend:
    description:
      - V(local) reads the indexes from the target.
      - V(api) lets StackStorm read them, with C(/packs/index/search) and C(/packs/index/health). The result is what
        StackStorm's own processes see, with their settings, proxy and certificates. O(fields), O(case_sensitive),
        O(checks), O(max_age) and the options for access to indexes and repositories cannot be used with it.
    type: str
    choices: [local, api]
    default: local
  register:
    description:
      - Has no effect, since nothing is registered. The option is accepted so that C(module_defaults) of the action
        group can set it.
    type: str
    choices: [auto, api, local, none]
    default: auto
  st2_conf:
    description:
      - Path to StackStorm's configuration file on the target, for its indexes, proxy, version and packs. If the default
        file does not exist, the target is not considered a StackStorm host, and the public Exchange is the default for
        O(index_url).
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
  - requests, except for indexes that are files
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

- name: Find packs with an action for restarting something
  stackstorm.st2.st2_index_info:
    query: restart
    fields: [actions]

- name: Show two packs in the indexes of the host
  stackstorm.st2.st2_index_info:
    name: [sensu, jira]

- name: Check the indexes
  stackstorm.st2.st2_index_info:
    index_url:
      - https://exchange.example.com/v1/index.json
      - https://index.stackstorm.org/v1/index.json
    checks: [repositories, installable, shadowed]
    max_age: 86400
  register: index
  failed_when: not index.healthy

- name: List installed packs with a newer version
  stackstorm.st2.st2_index_info:
    checks: [outdated]
  register: index

- name: Check the indexes as StackStorm itself sees them
  stackstorm.st2.st2_index_info:
    backend: api
    api_key: "{{ st2_api_key }}"
"""

RETURN = r"""
msg:
  description: What was found, and which problems there are, in one line.
  returned: always
  type: str
  sample: 16 packs found for "monitoring"
packs:
  description: The packs, up to O(limit).
  returned: success, when packs are searched or shown
  type: list
  elements: dict
  contains:
    ref:
      description:
        - The name of the pack in the index. With O(backend=api), the ref in its entry, or null if there is none.
      returned: always
      type: str
      sample: sensu
    name:
      description: The display name of the pack.
      returned: always
      type: str
      sample: sensu
    version:
      description: The version in the index.
      returned: always
      type: raw
      sample: 1.0.2
    description:
      description: The description in the index.
      returned: always
      type: raw
      sample: StackStorm integration with Sensu
    author:
      description: The author in the index.
      returned: always
      type: raw
      sample: StackStorm, Inc.
    keywords:
      description: The keywords in the index.
      returned: always
      type: raw
      sample: [monitoring, alerting]
    repo_url:
      description: The repository, without credentials.
      returned: always
      type: str
      sample: https://github.com/StackStorm-Exchange/stackstorm-sensu
    index_url:
      description: The index that serves the pack, which is the leftmost one that lists it.
      returned: with O(backend=local)
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    also_in:
      description: Other indexes that list the pack.
      returned: with O(backend=local)
      type: list
      elements: str
      sample: []
    problem:
      description: Why M(stackstorm.st2.st2_pack) cannot install the pack by name. Null if no reason is known.
      returned: with O(backend=local)
      type: str
      sample: null
    matched:
      description: The field that matches O(query).
      returned: with O(query) and O(backend=local)
      type: str
      sample: keywords
    installed_version:
      description: The installed version. Null if the pack is not installed.
      returned: on a StackStorm host, with O(backend=local)
      type: str
      sample: 1.0.1
    versions:
      description: All versions in the index.
      returned: with O(name) and O(backend=local)
      type: list
      elements: str
      sample: [1.0.2, 1.0.1]
    commit:
      description: The commit of the version. Null if it is not in the index.
      returned: with O(name) and O(backend=local)
      type: str
      sample: 108d52b2a1d0c1a0a5c7b9f0d1e2f3a4b5c6d7e8
    digest:
      description: The digest of the files. Null if it is not in the index.
      returned: with O(name) and O(backend=local)
      type: str
      sample: null
    entry:
      description: The whole entry in the index.
      returned: with O(name)
      type: dict
      sample: {name: sensu, version: 1.0.2}
found:
  description: Number of packs found, including those beyond O(limit).
  returned: success, when packs are searched or shown
  type: int
  sample: 16
missing:
  description: Refs in O(name) that no index lists.
  returned: success, when packs are searched or shown
  type: list
  elements: str
  sample: []
indexes:
  description: The indexes and their health, the leftmost first.
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
      description: Number of packs in the index.
      returned: always
      type: int
      sample: 169
    message:
      description: C(Success.), or what is wrong with the index.
      returned: always
      type: str
      sample: Success.
    error:
      description:
        - Null, or in StackStorm's terms V(unresponsive), V(malformed), V(empty) or V(other errors).
        - V(untrusted) for an index that is not signed as required by O(index_allowed_signers), or is older than the
          last one.
      returned: always
      type: str
      sample: null
    serves:
      description: Number of packs for which this is the leftmost index.
      returned: with O(backend=local)
      type: int
      sample: 169
    generated_ts:
      description: When the index was generated, in seconds since 1970. Null if it does not say.
      returned: with O(backend=local)
      type: int
      sample: 1770315167
    age:
      description: Age of the index in seconds.
      returned: with O(backend=local)
      type: int
      sample: 3600
    serial:
      description: Serial number of the index. Null if it has none.
      returned: with O(backend=local)
      type: int
      sample: 41
    signer:
      description: Who signed the index. Null without O(index_allowed_signers), since signatures are not checked then.
      returned: with O(backend=local)
      type: str
      sample: ci@example.com
health:
  description: The counts of StackStorm's own C(/packs/index/health). A pack in two indexes counts twice.
  returned: when RV(indexes) is returned
  type: dict
  sample: {indexes: {count: 2, valid: 1, invalid: 1, errors: {unresponsive: 1}}, packs: {count: 169}}
problems:
  description:
    - Problems of indexes, and of packs as far as O(checks) covers them, at most 1000. RV(problem_count) is the total
      number.
  returned: when RV(indexes) is returned
  type: list
  elements: dict
  contains:
    kind:
      description:
        - For an index, the value of RV(indexes[].error), V(no_packs), or V(old).
        - For a pack, V(unreachable), V(not_asked) if there was no time left, V(no_such_version), V(moved),
          V(not_installable) or V(shadowed).
        - For a pack that the index of a mirror lists, V(upstream_moved_tag), V(upstream_deleted_tag) or
          V(upstream_unreachable), by what the index itself says in C(upstream) of its entries, as the index of an own
          Exchange does. The mirror serves what it had. These are returned without O(checks).
      returned: always
      type: str
      sample: shadowed
    ref:
      description: The pack. Null for an index as a whole.
      returned: always
      type: str
      sample: acme_dns
    index_url:
      description: The index with the problem.
      returned: always
      type: str
      sample: https://index.stackstorm.org/v1/index.json
    message:
      description: The problem, in a sentence.
      returned: always
      type: str
      sample: It contains no packs. StackStorm considers this valid.
problem_count:
  description: Number of problems.
  returned: when RV(indexes) is returned
  type: int
  sample: 0
healthy:
  description: Whether there are no problems.
  returned: when RV(indexes) is returned
  type: bool
  sample: true
outdated:
  description: Installed packs with a newer version in an index.
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
      description: The installed version.
      returned: always
      type: str
      sample: 1.0.1
    version:
      description: The version in the index.
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
