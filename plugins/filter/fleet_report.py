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
  - Makes one document of what the info modules returned on several hosts. It says which hosts have equal packs, in what
    the others differ from the largest group of equal hosts, and what needs attention on any of them.
  - The playbook C(stackstorm.st2.report) does all of it.
positional: _input
options:
  _input:
    description:
      - By host, a dictionary with the results of M(stackstorm.st2.st2_pack_info) as C(packs), of
        M(stackstorm.st2.st2_pack_config_info) as C(configs), and of M(stackstorm.st2.st2_override_info) as
        C(overrides). A result may be missing, and may be that of a module that failed or of a host that could not be
        reached.
    type: dict
    required: true
  generated:
    description: When the hosts were asked, as text.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Say whether all hosts have the same packs
  ansible.builtin.debug:
    msg: "{{ (results | stackstorm.st2.fleet_report).summary }}"
"""

RETURN = r"""
_value:
  description: The document. The guide describes its form.
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
