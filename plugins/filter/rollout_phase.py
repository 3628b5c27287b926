# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_phase
short_description: Continue a rollout with the results of a phase
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Adds the results of a phase to the document of a rollout, and decides which hosts do what next. A host on which a
    task did not run, failed or was unreachable never counts as done.
  - The playbook C(stackstorm.st2.rollout) uses this filter.
positional: _input, phase
options:
  _input:
    description: The document, as created by P(stackstorm.st2.rollout_plan#filter).
    type: dict
    required: true
  phase:
    description: The phase. C(start) starts a wave.
    type: str
    required: true
    choices:
      - start
      - preflight
      - share
      - stage
      - ready
      - swap
      - register
      - restart
      - smoke
      - prove
      - inspect
      - back
      - restore
      - restart_back
  wave:
    description: The number of the wave to start, with O(phase=start).
    type: int
    default: 1
  variables:
    description: The variables of all hosts, usually C(hostvars), with the results of the phase.
    type: dict
    default: {}
  results:
    description: The names of the variables with the results, by the names that the phase has for them.
    type: dict
    default: {}
  check:
    description: Whether this is check mode, in which a wave ends after staging.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Add the results of the swap
  ansible.builtin.set_fact:
    rollout: "{{ rollout | stackstorm.st2.rollout_phase('swap', variables=hostvars, results={'packs': 'swapped'}) }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The document. The guide describes its format.
  type: dict
  sample:
    wave: 1
    next: {register: [st2-1]}
    summary: "2 hosts in 1 cluster rolled out: sensu 1.0.1 -> 1.0.2 108d52b"
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._rollout.outcome import describe
from ..plugin_utils._rollout.phases import PHASES, next_phase, start_wave


def rollout_phase(
    rollout: t.Any,
    phase: str,
    wave: int = 1,
    variables: t.Any = None,
    results: t.Any = None,
    check: bool = False,
) -> dict[str, t.Any]:
    """Return the document after a phase."""
    if not isinstance(rollout, t.Mapping) or not isinstance(rollout.get("hosts"), t.Mapping):
        raise AnsibleFilterError("rollout_phase takes a document that rollout_plan created.")
    if phase == "start":
        document = start_wave(dict(rollout), wave)
    elif phase in PHASES:
        found = {
            host: {short: variables[host][name] for short, name in (results or {}).items() if name in variables[host]}
            for host in rollout["waves"][rollout["wave"] - 1]["hosts"]
        }
        document = next_phase(dict(rollout), phase, found, check)
    else:
        raise AnsibleFilterError(f"There is no phase {phase}. Use one of: start, {', '.join(PHASES)}.")
    return {**document, **describe(document, check)}


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return it by name."""
        return {"rollout_phase": rollout_phase}
