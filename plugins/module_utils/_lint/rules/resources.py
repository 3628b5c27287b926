# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules about the metadata of resources, each file by itself."""

from __future__ import annotations

import typing as t

from ..._content.action_rules import action_refusals, odd_parameters
from ..._content.config_schema import schema_problems
from ..._content.resource_rules import RUNNERS, dropped_keys, further_refusals, refusals
from ..._content.resources import RESOURCE_TYPES
from ..._content.yaml_lines import shown_path
from ..._printable import printable
from ..finding import Finding
from ..pack import Pack, YamlFile
from ..rule import Rule

UNREADABLE = Rule(
    "resource-yaml",
    "error",
    "The metadata of every resource is one YAML document, a mapping.",
    "st2common/content/loader.py MetaLoader",
)
INVALID = Rule(
    "resource-invalid",
    "error",
    "Metadata has the keys and types that StackStorm requires, and no others.",
    "st2common/models/api/action.py, rule.py, policy.py, trigger.py; bootstrap/*registrar.py",
)
OTHER_PACK = Rule(
    "resource-pack", "error", "A resource belongs to the pack that contains it.", "st2common/bootstrap/*registrar.py"
)
PARAMETERS = Rule(
    "action-parameters",
    "error",
    "The parameters of an action are schemas that StackStorm accepts, and match its runner.",
    "st2common/util/schema/action_params.json, validators/api/action.py",
)
RUNNER = Rule(
    "action-runner", "error", "The runner of an action exists in StackStorm.", "contrib/runners of StackStorm 3.9"
)
LATER = Rule(
    "stricter-schema",
    "warning",
    "Schemas are also valid after StackStorm 3.9: no unknown keywords inside of others, no $ref.",
    "st2common/util/schema/__init__.py on the branch master",
)
DROPPED = Rule(
    "resource-key",
    "warning",
    "Sensors and triggers have no keys that StackStorm drops.",
    "st2common/services/triggers.py _add_trigger_models, models/api/sensor.py",
)
RULES = (UNREADABLE, INVALID, OTHER_PACK, PARAMETERS, RUNNER, LATER, DROPPED)


def check(pack: Pack) -> t.Iterator[Finding]:
    """Check the metadata of all resources."""
    for kind in RESOURCE_TYPES:
        for file in pack.resources(kind):
            if file.error:
                problem, line, column = file.problem
                yield UNREADABLE.at(file.shown, problem, line, column)
            elif not isinstance(file.document, dict):
                yield UNREADABLE.at(file.shown, "is empty" if file.document is None else "is not a mapping", 1)
            else:
                yield from _resource(pack, kind, file)


def _resource(pack: Pack, kind: str, file: YamlFile) -> t.Iterator[Finding]:
    document = file.document
    refused = refusals(kind, document, pack.ref or str(document.get("pack")))
    for path, clause in refused:
        yield (OTHER_PACK if path == ("pack",) else INVALID).of(file, path, clause)
    told = {path for path, _clause in refused}
    for path, clause in further_refusals(kind, document):
        if path not in told and path != ("policy_type",):  # That has a rule of its own.
            yield INVALID.of(file, path, clause)
    for path in dropped_keys(kind, document):
        yield DROPPED.of(file, path, f"StackStorm drops the key {printable(shown_path(path)[:100])}")
    if kind == "actions":
        yield from _action(file)


def _action(file: YamlFile) -> t.Iterator[Finding]:
    document = file.document
    runner = document.get("runner_type")
    if isinstance(runner, str) and runner and runner not in RUNNERS:
        yield RUNNER.of(file, ("runner_type",), f"StackStorm 3.9 has no runner {printable(runner[:60])}")
    parameters = document.get("parameters")
    if not isinstance(parameters, dict):
        return
    for path, clause in action_refusals(document):
        yield PARAMETERS.of(file, path, clause)
    odd = odd_parameters(parameters)
    if odd and not schema_problems(odd):
        for problem in schema_problems(odd, later=True):
            later = ("parameters", *problem.path)
            yield LATER.of(file, later, f"the parameter {printable(problem.key)} {problem.message}, after 3.9")
