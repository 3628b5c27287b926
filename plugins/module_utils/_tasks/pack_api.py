# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack) with C(backend=api): packs, and the configs that go along with them."""

from __future__ import annotations

import typing as t

from .._change.known import overall
from .._deadline import Deadline
from .._errors import OptionError, St2Error
from .._pack_api.options import ApiOptions, options_from
from .._pack_api.plan import Step
from .._pack_api.task import Along, Convergence
from .._st2.api_client import ApiClient
from .._st2.task_client import client_for
from .._task import Result, Task

if t.TYPE_CHECKING:
    from .._config.options import ConfigOptions
    from .._config.plan import ConfigPlan
    from .._config_api.convergence import ConfigConvergence

_NOTHING_CHANGED = " Nothing was changed."


def converge_packs_by_api(task: Task) -> Result:
    """Bring the packs of a StackStorm to the state that a task asks for, by its API alone.

    :raises St2Error: for options that cannot be used, and a StackStorm that does not let one in; any later failure is
        in the result.
    """
    options = options_from(task.params)
    configs = _configs_of(task.params, options)
    client = client_for(task, Deadline(options.timeout))
    try:
        along = _Configs(client, task, configs) if configs else Along()
        return Convergence(client, options, task, along).run()
    finally:
        client.close()


def _configs_of(params: t.Mapping[str, t.Any], options: ApiOptions) -> t.Dict[str, ConfigOptions]:
    """The configs that go along, by pack.

    :raises OptionError: for one of a pack that is to be absent.
    """
    found: t.Dict[str, ConfigOptions] = {}
    items = params["packs"] or ()
    for asked, item in zip(options.requests[len(options.requests) - len(items) :], items):
        config, secrets = item.get("config"), item.get("secrets")
        if config is None and secrets is None:
            continue
        if options.state == "absent":
            raise OptionError(
                f"{asked.requested} should be absent, so config and secrets cannot be set for it.", ref=asked.ref
            )
        from .._config_api.options import api_options_of_item

        found[asked.ref] = api_options_of_item(asked.ref, config or {}, secrets or {}, item.get("merge") or "replace")
    return found


class _Configs(Along):
    """The configs of the packs of a task."""

    def __init__(self, client: ApiClient, task: Task, options: t.Mapping[str, ConfigOptions]) -> None:
        from .._config_api.convergence import ConfigConvergence

        self._configs = {ref: ConfigConvergence(client, one, task.redactor) for ref, one in options.items()}
        self._plans: t.Dict[str, ConfigPlan] = {}
        self._done: t.Set[str] = set()
        self._warnings: t.List[str] = []

    def look_ahead(self, steps: t.Sequence[Step], check: bool) -> None:
        """As L(Along.look_ahead). Of a pack that comes, or changes, the schema is not known before."""
        for step in steps:
            config = self._configs.get(step.ref)
            if config is None or step.ref in self._plans:
                continue
            if not step.spec:
                self._plans[step.ref] = self._planned(config)
            elif check:
                self._plans[step.ref] = config.foresee()
                self._warnings.append(
                    f"The config of {step.ref} is checked when the pack is there, as StackStorm's API does not tell "
                    "the schema before."
                )

    def follow(self, step: Step) -> None:
        """As L(Along.follow): put the config, when its pack is there."""
        config = self._configs.get(step.ref)
        if config is None or step.ref in self._done:
            return
        try:
            plan = self._plans.get(step.ref) or self._planned(config)
            if plan.changed:
                config.carry_out(plan)
        except St2Error as error:
            error.ref = step.ref
            if step.spec:
                as_it_is = f" The config was not changed, and {step.ref} is installed."
                error.message = error.message.replace(_NOTHING_CHANGED, "") + as_it_is
            raise
        self._plans[step.ref] = plan
        self._done.add(step.ref)

    def _planned(self, config: ConfigConvergence) -> ConfigPlan:
        plan = config.plan()
        self._warnings += plan.warnings
        return plan

    def complete(self, result: Result) -> Result:
        """As L(Along.complete). What was planned of a config counts where all went well, else what was done."""
        from .._config import report

        shown = {ref: plan for ref, plan in self._plans.items() if result.failure is None or ref in self._done}
        lines = [report.line(plan) for plan in shown.values() if plan.changed]
        if result.failure is None and lines:
            result.msg = "; ".join([result.msg, *lines] if result.changed else lines)
        rows = result.returned["packs"]
        for row in rows:
            plan = shown.get(row["ref"])
            if plan is not None:
                changes = plan.changes.as_dict()
                row["config"] = {"changed": plan.changed, "changes": changes, "database_state": plan.state}
                row["changed"] = row["changed"] or plan.changed
                row["database_state"] = overall([row["database_state"], plan.state])
        for ref, plan in shown.items():
            result.diff += report.diff(plan, self._configs[ref].redaction)
        result.returned["database_state"] = overall(row["database_state"] for row in rows)
        result.changed = result.changed or any(plan.changed for plan in shown.values())
        result.warnings += self._warnings
        return result
