# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_config_info): the configs of packs, and what is to be said of them."""

from __future__ import annotations

import os
import re
import typing as t

from .._change.database import Database, open_database
from .._change.session import undisturbed
from .._config.defaults import StackStormCrash, effective_schema, with_defaults
from .._config.document import ConfigFile
from .._config.observe import PackPlace, observe
from .._config.plan import state_of
from .._config.redaction import Redaction
from .._config.template import config_template, describe
from .._config.validation import check_values, unknown_keys
from .._config.values import Values
from .._content.config_schema import SCHEMA_FILE, ConfigSchema
from .._content.names import check_ref
from .._content.yaml_lines import shown_path
from .._deadline import Deadline
from .._errors import OptionError
from .._layout import entries
from .._secrets import Redactor
from .._task import Result, Task

_CONFIG_FILE = re.compile(r"([a-z0-9_]+)\.yaml")


def describe_configs(task: Task) -> Result:
    """Describe the configs of the packs that a task names; of all packs that have a config or a schema by default.

    :raises St2Error: for options and hosts that cannot be used, and a database that is to be asked and does not answer.
    """
    if task.params.get("backend") == "api":
        from .config_info_api import describe_configs_by_api

        return describe_configs_by_api(task)
    refs = [check_ref("pack", name) for name in task.params["pack"] or ()]
    if task.params["schema"] and len(refs) != 1:
        raise OptionError("schema requires exactly one name in pack.")
    deadline = Deadline(task.params["timeout"])
    database = open_database(task, deadline)
    try:
        describer = _Describer(task, database)
        configs = [describer.describe(ref) for ref in dict.fromkeys(refs or describer.refs())]
        # Nothing is to be registered here, so that nothing is lost without a database.
        warnings = database.warnings if database.tells else []
    finally:
        database.close()
    return result_of(configs, [*warnings, *describer.warnings])


def result_of(configs: t.List[t.Dict[str, t.Any]], warnings: t.List[str]) -> Result:
    """The result about configs that are described."""
    noun = "config" if len(configs) == 1 else "configs"
    wrong = [config["pack"] for config in configs if config["exists"] and (config["problems"] or config["problem"])]
    msg = f"{len(configs)} {noun}" + (f"; refused by StackStorm: {', '.join(wrong)}" if wrong else "")
    return Result(msg=msg, returned={"configs": configs}, warnings=warnings)


class _Describer:
    def __init__(self, task: Task, database: Database) -> None:
        self.warnings: t.List[str] = []
        self._task = task
        self._database = database
        self._view = undisturbed(task.host, task.scratch)
        self._installation = self._view.installation

    def refs(self) -> t.List[str]:
        """The packs that have a config or a schema, sorted."""
        found = {
            match.group(1) for match in map(_CONFIG_FILE.fullmatch, entries(self._task.host.configs_path)) if match
        }
        for ref in self._installation.refs():
            location = self._location(ref)
            if location and os.path.isfile(os.path.join(location, SCHEMA_FILE)):
                found.add(ref)
        return sorted(found)

    def describe(self, ref: str) -> t.Dict[str, t.Any]:
        """What is to be said of one config. Secrets are masked."""
        pack = self._installation.get(ref)
        place = PackPlace(pack.path, pack.location) if pack else None
        observed = observe(self._view, self._database, ref, place, schema=self._task.params["schema"], lenient=True)
        self.warnings += observed.warnings
        file, schema = observed.file, observed.schema
        described = describe_config(ref, file, schema, self._task.redactor, observed.database.values)
        described["installed"] = observed.pack is not None
        described["database_state"] = state_of(observed.database, file.values if file.exists else None)
        return described

    def _location(self, ref: str) -> t.Optional[str]:
        pack = self._installation.get(ref)
        return pack.location if pack else None


def describe_config(
    ref: str,
    file: ConfigFile,
    schema: t.Optional[ConfigSchema],
    redactor: Redactor,
    more: t.Optional[t.Mapping[str, t.Any]] = None,
) -> t.Dict[str, t.Any]:
    """What is to be said of one config by itself. Secrets are masked.

    :arg redactor: Is told every secret.
    :arg more: Other values of it that may be secret.
    """
    redaction = Redaction(schema)
    for secret in redaction.secret_texts(file.values, more):
        redactor.add(secret)
    problems = check_values(schema, file.values, file.lines)
    return {
        "pack": ref,
        "path": file.path,
        "exists": file.exists,
        "schema": schema.path if schema else None,
        "config": redaction.mask(file.values) if file.exists and not file.problem else None,
        "defaults": redaction.mask(_defaults(schema, file.values)),
        "missing": [problem.key for problem in problems if problem.rule == "required"],
        "problem": file.problem or None,
        "problems": [problem.as_dict() for problem in problems],
        "unknown_keys": [shown_path(path) for path in unknown_keys(schema, file.values)],
        "attributes": _attributes(schema, file.values, redaction),
        "template": config_template(schema) if schema else None,
    }


def _defaults(schema: t.Optional[ConfigSchema], values: Values) -> Values:
    """The defaults of keys that have no value."""
    if schema is None:
        return {}
    try:
        filled = with_defaults(values, effective_schema(schema.attributes))
    except StackStormCrash:
        return {}
    return _added(filled, values)


def _added(filled: t.Mapping[str, t.Any], values: t.Mapping[str, t.Any]) -> Values:
    found: Values = {}
    for key, value in filled.items():
        before = values.get(key)
        if before is None and value is not None:
            found[key] = value
        elif isinstance(before, dict) and isinstance(value, dict) and _added(value, before):
            found[key] = _added(value, before)
    return found


def _attributes(schema: t.Optional[ConfigSchema], values: Values, redaction: Redaction) -> t.List[t.Dict[str, t.Any]]:
    """The keys of a schema, for whoever asks a person for them."""
    if schema is None:
        return []
    return [
        {
            "key": key,
            "description": str(attribute.get("description") or ""),
            "type": attribute.get("type"),
            "required": bool(attribute.get("required", False)),
            "secret": redaction.is_secret((key,)),
            "holds_secrets": redaction.holds_secrets((key,)),
            "default": redaction.mask({key: attribute.get("default")})[key],
            "enum": attribute.get("enum"),
            "summary": describe(attribute, secret=redaction.is_secret((key,))),
            "is_set": values.get(key) is not None,
            "value": redaction.mask({key: values.get(key)})[key],
        }
        for key, attribute in schema.attributes.items()
        if key not in schema.pseudo_keys
    ]
