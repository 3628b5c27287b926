# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_report_page
short_description: Show a report on a fleet as an HTML page
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Creates a self-contained HTML page from a report that P(stackstorm.st2.fleet_report#filter) returned. The page does
    not need a server or a network.
positional: _input
options:
  _input:
    description: The report.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write a report as an HTML page
  ansible.builtin.copy:
    content: "{{ results | stackstorm.st2.fleet_report | stackstorm.st2.fleet_report_page }}"
    dest: report.html
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The page.
  type: str
  sample: "<!DOCTYPE html>..."
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._report.page import report_page


def fleet_report_page(document: t.Any) -> t.Any:
    """Return a report as page."""
    if not isinstance(document, t.Mapping) or document.get("format") != 1:
        raise AnsibleFilterError("fleet_report_page takes what the filter stackstorm.st2.fleet_report returns.")
    return report_page(document)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[[t.Any], t.Any]]:
        """Return its name and what it does."""
        return {"fleet_report_page": fleet_report_page}
