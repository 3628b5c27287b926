#!/usr/bin/python
# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: st2_pack_lint
short_description: Check StackStorm packs before they are published or installed
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Checks directories with packs by what StackStorm demands, by what the checks of the StackStorm Exchange demand, and
    for what nobody checks until it fails, such as entry points that are missing and names that are there twice.
  - It is the code by which M(stackstorm.st2.st2_pack) judges a pack before it installs one.
  - Nothing of a pack is run. Its Python files are compiled and not imported. No StackStorm is needed, and no git.
  - R(The guide to checking packs,ansible_collections.stackstorm.st2.docsite.guide_lint) lists all rules.
options:
  path:
    description:
      - Directories of packs. One without C(pack.yaml) is one with packs directly in it.
    type: list
    elements: path
    required: true
  chdir:
    description:
      - The directory that relative paths of all options begin at. By default, that is where an ad hoc command is given,
        or else the directory of the playbook.
    type: path
  rules:
    description:
      - Go by these rules only.
    type: list
    elements: str
    default: []
  skip:
    description:
      - Do not go by these rules.
    type: list
    elements: str
    default: []
  fail_on:
    description:
      - The level from which on a finding makes the task fail. With V(warning), errors do so, too.
    type: str
    choices: [error, warning, never]
    default: error
  ignore_file:
    description:
      - The file in each pack that says what is to be ignored, and why.
    type: str
    default: .st2-lint.yml
  site_rules:
    description:
      - A directory with rules of your own, files that can be executed and Python files with a function C(check).
      - They run as this account, outside of any limit but O(timeout). Other files there are not looked at, nor those
        whose names begin with C(.) or C(_).
    type: path
  output:
    description:
      - Files to write the findings to.
    type: list
    elements: dict
    default: []
    suboptions:
      format:
        description:
          - V(text) has lines of C(file:line:column), V(json) what the module returns as RV(findings), V(junit) a suite
            for each pack, V(sarif) is SARIF 2.1.0, V(github) commands that GitHub Actions shows at the lines, and
            V(gitlab) GitLab's Code Quality.
        type: str
        choices: [text, json, junit, sarif, github, gitlab]
        required: true
      path:
        description:
          - The file. Its directory has to be there.
        type: path
        required: true
  stackstorm_version:
    description:
      - The StackStorm that the packs are to run on, for what they say of it in C(pack.yaml).
    type: str
    default: 3.9.0
  python:
    description:
      - Interpreters, Python 3.7 or later, that compile the Python files. By default, the one that runs this module.
    type: list
    elements: path
    default: []
  python_version:
    description:
      - The oldest Python that the files are to be written for.
    type: str
    default: "3.8"
  timeout:
    description:
      - Seconds for each pack, and for each of O(site_rules) in each pack.
    type: int
    default: 300
extends_documentation_fragment:
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Packs are checked, and O(output) is not written.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - The module only changes something when it writes a file of O(output) that had another content.
requirements:
  - PyYAML
  - jsonschema
  - semver
seealso:
  - module: stackstorm.st2.st2_pack
"""

EXAMPLES = r"""
# From the directory of a pack, without a playbook:
#   ansible localhost -m stackstorm.st2.st2_pack_lint -a path=.

- name: Check a pack
  stackstorm.st2.st2_pack_lint:
    path: "{{ playbook_dir }}/.."

- name: Check all packs of a directory, and tell GitHub's code scanning
  stackstorm.st2.st2_pack_lint:
    path: packs
    skip: [license-apache]
    site_rules: lint_rules
    output:
      - format: sarif
        path: lint.sarif
      - format: junit
        path: lint.xml
"""

RETURN = r"""
msg:
  description: How much was found, and the first of the worst, in one line.
  returned: always
  type: str
  sample: "libcloud: 1 error, 2 warnings, 1 hint, the first: actions/import_public_ssh_key.yaml:6: entry-point-missing:
    the entry point actions/import_ssh_key.py is not in the pack"
findings:
  description: What was found, by pack, file and line. What packs say is to be ignored is not there.
  returned: when the packs were checked
  type: list
  elements: dict
  contains:
    rule:
      description: The rule.
      returned: always
      type: str
      sample: entry-point-missing
    level:
      description:
        - V(error) for what StackStorm or M(stackstorm.st2.st2_pack) refuses, or what cannot run.
        - V(warning) for what the checks of the StackStorm Exchange or users would complain of.
        - V(info) for a hint.
      returned: always
      type: str
      sample: error
    file:
      description: The file inside of the pack; V(.) for the pack as a whole.
      returned: always
      type: str
      sample: actions/import_public_ssh_key.yaml
    line:
      description: The line, V(null) for the file as a whole.
      returned: when not null, or with C(-v)
      type: int
      sample: 6
    column:
      description: The column, V(null) where it is not known.
      returned: when not null, or with C(-v)
      type: int
      sample: 1
    message:
      description: What is wrong.
      returned: always
      type: str
      sample: the entry point actions/import_ssh_key.py is not in the pack
    pack:
      description: The directory of the pack.
      returned: always
      type: str
      sample: /home/dev/stackstorm-libcloud
counts:
  description: How many findings there are of each level.
  returned: when the packs were checked
  type: dict
  sample: {error: 1, warning: 2, info: 1}
packs:
  description: The packs that were checked.
  returned: when the packs were checked
  type: list
  elements: dict
  contains:
    path:
      description: The directory.
      returned: always
      type: str
      sample: /home/dev/stackstorm-libcloud
    ref:
      description: The ref, V(null) where none can be derived.
      returned: when not null, or with C(-v)
      type: str
      sample: libcloud
    counts:
      description: How many findings there are of each level.
      returned: always
      type: dict
      sample: {error: 1, warning: 2, info: 1}
    ignored:
      description: How many findings the pack says are to be ignored.
      returned: always
      type: int
      sample: 0
written:
  description: The files of O(output) that were written.
  returned: when the packs were checked
  type: list
  elements: str
  sample: [/home/dev/stackstorm-libcloud/lint.sarif]
"""

from ansible_collections.stackstorm.st2.plugins.module_utils._lint.argspec import lint_options
from ansible_collections.stackstorm.st2.plugins.module_utils._runner import run_module
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_lint import check_packs


def main() -> None:
    """Run the module."""
    run_module(lint_options(), check_packs)


if __name__ == "__main__":
    main()
