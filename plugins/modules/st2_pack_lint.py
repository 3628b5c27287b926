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
  - Checks directories with packs against the requirements of StackStorm and of the StackStorm Exchange, and for
    problems that otherwise only show at run time, such as missing entry points and duplicate names.
  - M(stackstorm.st2.st2_pack) uses the same code to validate a pack before it installs it.
  - The module does not run any code of a pack. Python files are compiled, but not imported. Neither StackStorm nor git
    is required.
  - R(The guide to checking packs,ansible_collections.stackstorm.st2.docsite.guide_lint) lists all rules.
options:
  path:
    description:
      - Directories of packs. A directory without C(pack.yaml) is treated as a directory of packs.
    type: list
    elements: path
    required: true
  chdir:
    description:
      - The base directory for relative paths in all options. Defaults to the current directory for ad hoc commands, and
        else to the directory of the playbook.
    type: path
  rules:
    description:
      - Apply only these rules.
    type: list
    elements: str
    default: []
  skip:
    description:
      - Do not apply these rules.
    type: list
    elements: str
    default: []
  fail_on:
    description:
      - The lowest level of a finding that fails the task. With V(warning), errors fail it, too.
    type: str
    choices: [error, warning, never]
    default: error
  ignore_file:
    description:
      - The file in each pack that lists findings to ignore, with reasons.
    type: str
    default: .st2-lint.yml
  site_rules:
    description:
      - A directory with custom rules, which are executable files and Python files with a function C(check).
      - They run as the account that runs the module, with no limit except O(timeout). Other files are ignored, and so
        are files whose names begin with C(.) or C(_).
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
          - V(text) is lines of C(file:line:column), V(json) the content of RV(findings), V(junit) JUnit XML with a
            suite for each pack, V(sarif) SARIF 2.1.0, V(github) annotations for GitHub Actions, and V(gitlab) GitLab
            Code Quality.
        type: str
        choices: [text, json, junit, sarif, github, gitlab]
        required: true
      path:
        description:
          - Path to the file. Its directory must exist.
        type: path
        required: true
  stackstorm_version:
    description:
      - The StackStorm version to check C(stackstorm_version) in C(pack.yaml) against.
    type: str
    default: 3.9.0
  python:
    description:
      - Python interpreters, 3.7 or later, to compile the Python files with. Defaults to the one that runs the module.
    type: list
    elements: path
    default: []
  python_version:
    description:
      - The oldest Python version that the files must support.
    type: str
    default: "3.8"
  timeout:
    description:
      - Number of seconds for each pack, and for each rule of O(site_rules) in each pack.
    type: int
    default: 300
extends_documentation_fragment:
  - stackstorm.st2._attributes
attributes:
  check_mode:
    support: full
    details:
      - Packs are checked, but O(output) is not written.
  diff_mode:
    support: none
  idempotent:
    support: full
    details:
      - The module only returns a change if the content of a file in O(output) changed.
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

- name: Check all packs in a directory, and write reports for GitHub code scanning and JUnit
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
  description: The number of findings and the first one of the highest level, in one line.
  returned: always
  type: str
  sample: "libcloud: 1 error, 2 warnings, 1 hint, the first: actions/import_public_ssh_key.yaml:6: entry-point-missing:
    the entry point actions/import_ssh_key.py is not in the pack"
findings:
  description: The findings, by pack, file and line, without those that the packs ignore.
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
        - V(warning) for what the checks of the StackStorm Exchange or users would complain about.
        - V(info) for a hint.
      returned: always
      type: str
      sample: error
    file:
      description: The file in the pack. V(.) for the pack as a whole.
      returned: always
      type: str
      sample: actions/import_public_ssh_key.yaml
    line:
      description: The line number. Null for the file as a whole.
      returned: when not null, or with C(-v)
      type: int
      sample: 6
    column:
      description: The column number. Null if it is not known.
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
      description: The ref of the pack. Null if it cannot be determined.
      returned: when not null, or with C(-v)
      type: str
      sample: libcloud
    counts:
      description: How many findings there are of each level.
      returned: always
      type: dict
      sample: {error: 1, warning: 2, info: 1}
    ignored:
      description: The number of findings that the pack ignores.
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
