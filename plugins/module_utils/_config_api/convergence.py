# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A config of a StackStorm that only its API reaches: planned as one in a file is, put by one request, read back.

C(PUT /configs/PACK) asks neither whether there is such a pack nor whether it has a schema. Without one it answers 404,
has saved the config all the same, and shows the list of configs to nobody any more who may not see secrets
(st2api/controllers/v1/pack_configs.py; tried with 3.9.0). There is no request that takes a config away.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._change.known import ABSENT, CURRENT, STALE, UNKNOWN, KnownConfig
from .._config.observe import Observed
from .._config.options import ConfigOptions
from .._config.plan import ConfigPlan, is_to_go, plan_absent, plan_present
from .._config.redaction import Redaction
from .._config.values import agrees, differences
from .._content.yaml_lines import Path
from .._errors import ConfigError, St2Error, VerifyError
from .._secrets import Redactor
from .._st2.api_client import ApiClient, path_of
from .._st2.registration import PackFiles
from .stored import StoredConfig, observe_config, ordered, sees_secrets

_ON_THE_HOST = "or write it on the host with backend=local"


class ConfigConvergence:
    """What a task asks of one config.

    :arg redactor: Is told every secret, of the task and the database.
    :ivar redaction: Masks the secrets of this config.
    """

    def __init__(self, client: ApiClient, options: ConfigOptions, redactor: Redactor) -> None:
        self.redaction = Redaction(None, options.secrets)
        self._client = client
        self._options = options
        self._redactor = redactor
        for secret in self.redaction.secret_texts(options.given):
            redactor.add(secret)

    @property
    def ref(self) -> str:
        """The pack."""
        return self._options.pack

    @property
    def address(self) -> str:
        """Of the config in the API."""
        return f"{self._client.url}{path_of('configs', self.ref)}"

    def plan(self) -> ConfigPlan:
        """What has to happen.

        :raises RefusedConfig: for a config that StackStorm would refuse.
        :raises ConfigError: for one that its API cannot take, take away, or tell the secrets of.
        :raises RegistrationError: when StackStorm cannot be asked.
        """
        return self._plan(observe_config(self._client, self.ref))

    def foresee(self) -> ConfigPlan:
        """The plan for a pack that comes, or is replaced, by the same task. Its schema is not known yet."""
        stored = observe_config(self._client, self.ref)
        plan = self._plan(replace(stored, installed=True, schema=None), foreseen=True)
        return replace(plan, warnings=())

    def _plan(self, stored: StoredConfig, *, foreseen: bool = False) -> ConfigPlan:
        options = self._options
        self.redaction = Redaction(stored.schema, options.secrets)
        for secret in self.redaction.secret_texts(options.given, stored.values):
            self._redactor.add(secret)
        file = stored.as_file()
        absent = is_to_go(file, options)
        if not absent:
            file = replace(file, exists=stored.values is not None)
            self._require_pack(stored)
            wanted = options.wanted(file.values)
            if agrees(stored.values or {}, wanted) and not stored.masked:
                # As JSON has it, where dates and whole numbers may look otherwise.
                file = replace(file, values=ordered(wanted))
            elif not foreseen:
                self._require_schema(stored)
            self._require_sight(stored)
        known = KnownConfig("api", True, stored.values)
        if foreseen and not absent and not wanted:
            action = "change" if file.values else "none" if file.exists else "create"
            changes = differences(file.values, {}, self.redaction.hides)
            return ConfigPlan(self.ref, action, file, {}, changes=changes, state=CURRENT)
        observed = Observed(file, PackFiles(self.ref, ""), stored.schema, known)
        plan = (plan_absent if absent else plan_present)(observed, options, self.redaction)
        if absent and plan.clear:
            self._require_clearable(stored, plan)
        # It is the database itself that is changed, and there is nothing to register.
        values, state = ordered(plan.values), ABSENT if absent else CURRENT
        return replace(plan, values=values, register=False, clear="", state=state)

    def _require_pack(self, stored: StoredConfig) -> None:
        if not stored.installed:
            raise ConfigError(
                f"StackStorm at {self._client.url} does not have the pack {self.ref}, and would store a config for it "
                f"without showing it. Install the pack first, {_ON_THE_HOST}.",
                ref=self.ref,
            )

    def _require_schema(self, stored: StoredConfig) -> None:
        if stored.schema is None:
            raise ConfigError(
                f"The pack {self.ref} has no config schema. StackStorm's API would return that it is not found, but "
                "store the config, and then refuse to list configs for accounts that are not allowed to see secrets. "
                f"Nothing was changed. Add a config.schema.yaml to the pack, {_ON_THE_HOST}.",
                ref=self.ref,
            )

    def _require_sight(self, stored: StoredConfig) -> None:
        """Without it a secret is neither told to be as wanted, nor kept where the rest is merged."""
        by_schema = Redaction(stored.schema)
        shown = _has_secret(by_schema, stored.values)
        if not stored.masked and (shown or not _has_secret(by_schema, self._options.given)):
            return
        if not sees_secrets(self._client):
            raise ConfigError(
                "StackStorm only shows the secrets of a config to administrators, and this account is not one. It "
                f"cannot be determined whether those of {self.ref} match. Nothing was changed. Use the API key of an "
                f"account with the role admin, {_ON_THE_HOST}.",
                ref=self.ref,
            )

    def _require_clearable(self, stored: StoredConfig, plan: ConfigPlan) -> None:
        if stored.schema is not None and plan.clear == "empty":
            return
        why = (
            "its schema does not allow an empty one"
            if stored.schema is not None
            else "the pack has no config schema, so an empty config would cause problems, too"
        )
        raise ConfigError(
            f"StackStorm's API cannot remove the config of {self.ref}, and {why}. Nothing was changed. Remove it on "
            "the host with backend=local, or remove the pack.",
            ref=self.ref,
        )

    def carry_out(self, plan: ConfigPlan) -> None:
        """Put what was planned, and read it back.

        :raises RegistrationError: when StackStorm refuses it.
        :raises VerifyError: when it has something else afterwards.
        """
        values = plan.values or {}
        self._client.put(path_of("configs", self.ref), values)
        stored = observe_config(self._client, self.ref)
        if not agrees(stored.values or {}, values):
            raise VerifyError(
                f"StackStorm took the config of {self.ref} and has another one now: something else writes it.",
                ref=self.ref,
            )

    def state(self, client: ApiClient) -> str:
        """What the database has of the wanted config after a failure, one of L(known.WORDS).

        :arg client: With time left.
        """
        try:
            stored = observe_config(client, self.ref)
        except St2Error:
            return UNKNOWN
        if not stored.values:
            return ABSENT
        return CURRENT if agrees(stored.values, self._options.wanted(stored.values)) else STALE


def _has_secret(by_schema: Redaction, value: t.Any, path: Path = ()) -> bool:
    """Whether a config has a value that is secret by the schema, which are those that StackStorm masks."""
    if value is None:
        return False
    if by_schema.hides(path):
        return True
    if isinstance(value, dict):
        return any(_has_secret(by_schema, item, (*path, key)) for key, item in value.items())
    return isinstance(value, list) and any(
        _has_secret(by_schema, item, (*path, number)) for number, item in enumerate(value)
    )
