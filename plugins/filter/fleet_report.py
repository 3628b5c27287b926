# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_report
short_description: Compare the packs of several hosts
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Creates a report from the results of info modules on several hosts. It contains the groups of hosts with equal
    packs, the differences of other hosts from the largest group, and what needs attention on any of them.
  - The playbook C(stackstorm.st2.report) uses this filter.
positional: _input
options:
  _input:
    description:
      - A dictionary with the names of hosts as keys. Each value is a dictionary with the result of
        M(stackstorm.st2.st2_pack_info) as C(packs), of M(stackstorm.st2.st2_pack_config_info) as C(configs), and of
        M(stackstorm.st2.st2_override_info) as C(overrides). A result can be missing, or be that of a failed module or
        an unreachable host.
    type: dict
    required: true
  generated:
    description: The time at which the information was collected, as text.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show whether all hosts have the same packs
  ansible.builtin.debug:
    msg: "{{ (results | stackstorm.st2.fleet_report).summary }}"
"""

RETURN = r"""
_value:
  description: The report. The guide describes its format.
  type: dict
  sample:
    format: 1
    summary: "47 hosts equal; 1 differs: st2-4"
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._report.document import report_document


def fleet_report(results: t.Any, generated: str = "") -> dict[str, t.Any]:
    """Return the report on hosts, by what the info modules returned there."""
    if not isinstance(results, t.Mapping) or not all(isinstance(found, t.Mapping) for found in results.values()):
        raise AnsibleFilterError("fleet_report takes a dictionary with the results of each host.")
    return report_document(results, generated)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return its name and what it does."""
        return {"fleet_report": fleet_report}
