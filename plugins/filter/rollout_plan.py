# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: rollout_plan
short_description: Plan the waves of a rollout
version_added: 0.3.0
author:
  - Contributors to the stackstorm.st2 project (@stackstorm)
description:
  - Creates the document of a rollout, with its waves, and with the reasons why it cannot start. The filter
    P(stackstorm.st2.rollout_phase#filter) continues it.
  - The playbook C(stackstorm.st2.rollout) uses this filter.
positional: _input
options:
  _input:
    description:
      - The names of the hosts in the play.
    type: list
    elements: str
    required: true
  variables:
    description:
      - The variables of all hosts of the inventory, usually C(hostvars). The variables C(st2_cluster) and
        C(st2_cluster_size) are used, or facts of the same names that begin with two underscores.
    type: dict
    required: true
  waves:
    description:
      - The names of the clusters in each wave, as a list of lists. By default, each cluster is a wave of its own, in
        the order of the hosts.
    type: list
    elements: list
    default: []
  limit:
    description: The value of C(--limit), which a rollout refuses.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Show the waves
  ansible.builtin.debug:
    msg: "{{ (ansible_play_hosts_all | stackstorm.st2.rollout_plan(hostvars)).waves }}"
"""

RETURN = r"""
_value:
  description: The document. The guide describes its format.
  type: dict
  sample:
    waves:
      - {clusters: [staging], hosts: [st2-1, st2-2]}
    problems: []
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ..plugin_utils._rollout.outcome import describe
from ..plugin_utils._rollout.waves import Node, plan_waves


def rollout_plan(hosts: t.Any, variables: t.Any, waves: t.Any = (), limit: str = "") -> dict[str, t.Any]:
    """Return the document of a rollout to these hosts."""
    if not isinstance(variables, t.Mapping) or not _is_lists(waves):
        raise AnsibleFilterError("rollout_plan takes the variables of hosts, and waves as a list of lists of names.")
    inside = [_node(name, variables) for name in hosts]
    outside = [_node(name, variables) for name in variables if name not in set(hosts)]
    document = plan_waves(inside, [list(map(str, wave)) for wave in waves], outside, str(limit))
    return {**document, **describe(document)}


def _node(name: str, variables: t.Mapping[str, t.Any]) -> Node:
    found = variables[name]
    # The facts are what the variables are in the play.
    cluster, size = (found.get(f"__{key}", found.get(key)) for key in ("st2_cluster", "st2_cluster_size"))
    try:
        return Node(str(name), str(cluster or ""), int(size or 0))
    except ValueError as error:
        raise AnsibleFilterError(f"st2_cluster_size of {name} is not a number: {error}") from error


def _is_lists(waves: t.Any) -> bool:
    lists = (list, tuple)
    return isinstance(waves, lists) and all(isinstance(wave, lists) for wave in waves)


class FilterModule:
    """The filter."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        """Return it by name."""
        return {"rollout_plan": rollout_plan}
