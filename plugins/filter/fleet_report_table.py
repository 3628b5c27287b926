# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_report_table
short_description: Show a report on a fleet in a terminal
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Formats a report that P(stackstorm.st2.fleet_report#filter) returned as lines of text. The first line is a summary.
positional: _input
options:
  _input:
    description: The report.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the report
  ansible.builtin.debug:
    msg: "{{ results | stackstorm.st2.fleet_report | stackstorm.st2.fleet_report_table }}"
"""

RETURN = r"""
_value:
  description: The lines.
  type: list
  elements: str
  sample: ["47 hosts equal; 1 differs: st2-4"]
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._report.table import report_table


def fleet_report_table(document: t.Any) -> t.Any:
    """Return a report as table."""
    if not isinstance(document, t.Mapping) or document.get("format") != 1:
        raise AnsibleFilterError("fleet_report_table takes what the filter stackstorm.st2.fleet_report returns.")
    return report_table(document)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[[t.Any], t.Any]]:
        """Return its name and what it does."""
        return {"fleet_report_table": fleet_report_table}
