# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules about resources of a pack together: their names, and what they say of each other."""

from __future__ import annotations

import collections
import re
import typing as t

from ..._content.policy_rules import POLICY_TYPES
from ..._content.resources import RESOURCE_TYPES, name_key
from ..._content.runners import parameters_of
from ..._printable import printable
from ..finding import Finding
from ..pack import Pack, YamlFile
from ..rule import Rule
from .entry_points import action_exists, own_actions

DUPLICATE = Rule(
    "duplicate-name",
    "error",
    "No two files of a kind have the same name: StackStorm only keeps the last one.",
    "st2common/bootstrap/*registrar.py, add_or_update by reference",
)
ALIAS_ACTION = Rule(
    "alias-action",
    "error",
    "The action of an alias exists, if it belongs to the pack.",
    "only logged by st2common/bootstrap/aliasesregistrar.py; the alias cannot run",
)
ALIAS_PARAMETER = Rule(
    "alias-parameter",
    "warning",
    "The parameters in the formats of an alias are parameters of its action.",
    "st2api/controllers/v1/aliasexecution.py",
)
RULE_ACTION = Rule(
    "rule-action",
    "error",
    "The action of a rule exists, if it belongs to the pack.",
    "st2reactor/rules/enforcer.py: the rule cannot run",
)
RULE_TRIGGER = Rule(
    "rule-trigger",
    "warning",
    "The trigger of a rule is declared by a sensor or a trigger file, if it belongs to the pack.",
    "st2common/services/triggers.py create_trigger_db_from_rule; a sensor may make one when it runs",
)
POLICY_ACTION = Rule(
    "policy-action", "error", "The action of a policy exists.", "st2common/policies: it is never applied"
)
POLICY_TYPE = Rule(
    "policy-type",
    "error",
    "The type of a policy exists in StackStorm.",
    "st2common/models/api/policy.py PolicyAPI, policies/meta",
)
RULES = (DUPLICATE, ALIAS_ACTION, ALIAS_PARAMETER, RULE_ACTION, RULE_TRIGGER, POLICY_ACTION, POLICY_TYPE)
# st2common/models/utils/action_alias_utils.py: a parameter, with or without a default.
_PARAMETER = re.compile(r"\{\{\s*([A-Za-z0-9_]+)\s*(?:=[^{}]*)?\}\}")
_LONGEST_FORMAT = 10_000
_MOST_FORMATS = 200


def check(pack: Pack) -> t.Iterator[Finding]:
    """Check names and references."""
    for kind in RESOURCE_TYPES:
        yield from _duplicates(pack, kind)
    if pack.ref is None:
        return
    for file in _documents(pack, "aliases"):
        yield from _alias(pack, file)
    for file in _documents(pack, "rules"):
        yield from _rule(pack, file)
    for file in _documents(pack, "policies"):
        yield from _policy(pack, file)


def _documents(pack: Pack, kind: str) -> t.Iterator[YamlFile]:
    return (file for file in pack.resources(kind) if isinstance(file.document, dict))


def _duplicates(pack: Pack, kind: str) -> t.Iterator[Finding]:
    key = name_key(kind)
    by_name: t.Dict[str, t.List[YamlFile]] = collections.defaultdict(list)
    for file in _documents(pack, kind):
        name = file.document.get(key)
        if isinstance(name, str) and name:
            by_name[name].append(file)
    for name, files in sorted(by_name.items()):
        for file in files[:-1]:
            text = f"the {key} {printable(name[:60])} is that of {files[-1].shown}, too, which StackStorm keeps"
            yield DUPLICATE.of(file, (key,), text)


def _alias(pack: Pack, file: YamlFile) -> t.Iterator[Finding]:
    reference = file.document.get("action_ref")
    if not isinstance(reference, str):
        return
    if not action_exists(pack, reference):
        yield ALIAS_ACTION.of(file, ("action_ref",), f"the pack has no action {printable(reference[:120])}")
        return
    action = own_actions(pack).get(reference)
    if action is None:
        return
    parameters, runner = action.document.get("parameters"), action.document.get("runner_type")
    known = {*(parameters if isinstance(parameters, dict) else ()), *parameters_of(str(runner))}
    formats = file.document.get("formats")
    for number, one in enumerate(formats[:_MOST_FORMATS] if isinstance(formats, list) else ()):
        for name in sorted(set(_asked_for(one)) - known):
            text = f"the action {printable(reference[:120])} has no parameter {name}"
            yield ALIAS_PARAMETER.of(file, ("formats", number), text)


def _asked_for(one: t.Any) -> t.Iterator[str]:
    texts = one.get("representation") if isinstance(one, dict) else [one]
    for text in texts if isinstance(texts, list) else ():
        if isinstance(text, str):
            yield from _PARAMETER.findall(text[:_LONGEST_FORMAT])


def _rule(pack: Pack, file: YamlFile) -> t.Iterator[Finding]:
    action = file.document.get("action")
    reference = action.get("ref") if isinstance(action, dict) else None
    if isinstance(reference, str) and not action_exists(pack, reference):
        yield RULE_ACTION.of(file, ("action", "ref"), f"the pack has no action {printable(reference[:120])}")
    trigger = file.document.get("trigger")
    wanted = trigger.get("type") if isinstance(trigger, dict) else None
    if isinstance(wanted, str) and wanted.startswith(f"{pack.ref}.") and wanted not in _triggers(pack):
        text = f"nothing in the pack declares the trigger {printable(wanted[:120])}"
        yield RULE_TRIGGER.of(file, ("trigger", "type"), text)


def _triggers(pack: Pack) -> t.Set[str]:
    if "triggers" not in pack.kept:
        names = {str(file.document.get("name")) for file in _documents(pack, "triggers")}
        for file in _documents(pack, "sensors"):
            types = file.document.get("trigger_types")
            names.update(
                str(one.get("name")) for one in (types if isinstance(types, list) else ()) if isinstance(one, dict)
            )
        pack.kept["triggers"] = {f"{pack.ref}.{name}" for name in names}
    found: t.Set[str] = pack.kept["triggers"]
    return found


def _policy(pack: Pack, file: YamlFile) -> t.Iterator[Finding]:
    kind = file.document.get("policy_type")
    if isinstance(kind, str) and kind and kind not in POLICY_TYPES:
        yield POLICY_TYPE.of(file, ("policy_type",), f"StackStorm has no type {printable(kind[:60])} of policies")
    reference = file.document.get("resource_ref")
    if isinstance(reference, str) and not action_exists(pack, reference):
        yield POLICY_ACTION.of(file, ("resource_ref",), f"the pack has no action {printable(reference[:120])}")
