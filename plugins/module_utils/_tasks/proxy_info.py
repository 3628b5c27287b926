# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_proxy_info): how a StackStorm host reaches the outside, and whether it does."""

from __future__ import annotations

import typing as t

from .._secrets import strip_urls
from .._source.reach import Probe, Reached
from .._st2.conf import read_settings
from .._st2.own_hosts import own_hosts
from .._st2.pack_proxy import proxy_of, service_variables
from .._task import Result, Task


def describe_proxy(task: Task) -> Result:
    """Describe the proxy of a host, and try what a task asks for.

    :raises St2Error: for options and hosts that cannot be used. What cannot be reached is in the result.
    """
    params, host = task.params, task.host
    variables = service_variables(host)
    # Nobody's but StackStorm's: the environment of this task is not that of its actions.
    proxy, warnings = proxy_of(host, {}, {}, task.redactor)
    probe = Probe(
        host,
        proxy,
        variables,
        task.environment,
        scratch=task.scratch,
        timeout=params["timeout"],
        redactor=task.redactor,
    )
    probes = list(_probes(probe, params))
    return Result(
        msg=_line(probes),
        returned={
            "proxy": {
                "http_proxy": proxy.http and strip_urls(proxy.http),
                "https_proxy": proxy.https and strip_urls(proxy.https),
                "no_proxy": proxy.no_proxy,
                "ca_bundle": proxy.ca_bundle,
                "trust": dict(proxy.trust),
            },
            "stackstorm_hosts": own_hosts(read_settings(host.st2_conf, task.environment, variables)),
            "probes": [one.as_dict() for one in probes],
        },
        warnings=warnings,
    )


def _probes(probe: Probe, params: t.Mapping[str, t.Any]) -> t.Iterator[Reached]:
    wanted = params["probe"]
    if "index" in wanted:
        yield from probe.index()
    if "git" in wanted:
        yield probe.git(params["git_url"])
    if "packages" in wanted:
        yield probe.packages(params["package"])


def _line(probes: t.Sequence[Reached]) -> str:
    if not probes:
        return "nothing was tested"
    missed = [one for one in probes if not one.reached]
    if not missed:
        return f"reached: {', '.join(f'{one.kind} ({one.target})' for one in probes)}"
    return "; ".join(f"{one.kind}: {one.target} cannot be reached: {one.message}" for one in missed)
