# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which resources are enabled, and why: the observed behaviour of StackStorm 3.9.0, row by row."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._override.override_file import read_override_file
from ansible_collections.stackstorm.st2.plugins.module_utils._override.pack_resources import PackResource
from ansible_collections.stackstorm.st2.plugins.module_utils._override.precedence import (
    Effect,
    effect,
    overridden_counts,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override import st2_loader

A1 = PackResource("actions", "a1", "actions/a1.yaml")
A1_ON = PackResource("actions", "a1", "actions/a1.yaml", True)
A1_OFF = PackResource("actions", "a1", "actions/a1.yaml", False)
RULE = PackResource("rules", "r1", "rules/r1.yaml")
SENSOR = PackResource("sensors", "PulseSensor", "sensors/pulse.yaml")
ALIAS = PackResource("aliases", "ask", "aliases/ask.yaml")
OFF, ON = "actions: {defaults: {enabled: false}}", "actions: {defaults: {enabled: true}}"


def exception(name, enabled, kind="actions", default=""):
    return f"{kind}: {{{default}exceptions: {{{name}: {{enabled: {enabled}}}}}}}"


# The resource, _global.yaml, pk.yaml (None: no file); then whether it is enabled, why, and whether it is counted.
TABLE = {
    "no files": (A1, None, None, True, "metadata", False),
    "global false, unsaid": (A1, OFF, None, False, "global", True),
    "global true, unsaid": (A1, ON, None, True, "global", False),
    "global true, true": (A1_ON, ON, None, True, "global", False),
    "global true, false": (A1_OFF, ON, None, True, "global", True),
    "global false, pack true, unsaid": (A1, OFF, ON, True, "defaults", False),
    "global false, pack true, true": (A1_ON, OFF, ON, True, "defaults", False),
    "global false, pack true, false": (A1_OFF, OFF, ON, True, "defaults", True),
    "exceptions only": (A1, None, exception("a1", "false"), False, "exception", True),
    "keyed with the pack": (A1, None, exception("pk.a1", "false"), True, "metadata", False),
    "default false, exception true": (
        A1_ON, None, exception("a1", "true", default="defaults: {enabled: false}, "), True, "exception", False),
    "exception of another": (
        A1, None, exception("a2", "true", default="defaults: {enabled: false}, "), False, "defaults", True),
    "exception in global": (A1, exception("a1", "false"), None, True, "metadata", False),
    "sensor by class name": (SENSOR, None, exception("PulseSensor", "false", "sensors"), False, "exception", True),
    "sensor by file": (SENSOR, None, exception("pulse", "false", "sensors"), True, "metadata", False),
    "unknown section": (A1, None, "policies: {defaults: {enabled: false}}", True, "metadata", False),
    "misspelt": (A1, None, "actions: {default: {enabled: false}}", True, "metadata", False),
    "unknown default key": (A1, None, "actions: {defaults: {foo: 1}}", None, "metadata", False),
    "unknown key of another": (A1, None, "actions: {exceptions: {a2: {foo: 1}}}", True, "metadata", False),
    "unknown key of its own": (A1, None, "actions: {exceptions: {a1: {foo: 1}}}", None, "metadata", False),
    "empty global": (ALIAS, "", None, None, "metadata", False),
    "empty file": (RULE, None, "---\n", None, "metadata", False),
    "null section": (A1, None, "actions:", None, "metadata", False),
    "null section of another kind": (RULE, None, "actions:", False, "metadata", False),
    "null defaults": (A1, None, "actions: {defaults: }", None, "metadata", False),
    "null exceptions": (A1, None, "actions: {exceptions: }", None, "metadata", False),
    "null exception": (A1, None, "actions: {exceptions: {a1: }}", None, "metadata", False),
    "text with the kind": (A1, None, "all actions", None, "metadata", False),
    "list": (A1, None, "[rules]", True, "metadata", False),
    "list with the kind": (A1, None, "[actions]", None, "metadata", False),
    "syntax error": (A1, None, "actions: {", None, "metadata", False),
    "tab": (A1, None, "actions:\n\tdefaults:", None, "metadata", False),
    "twice": (A1, None, f"{ON}\n{OFF}", None, "metadata", False),
    "quoted": (A1, None, "actions: {defaults: {enabled: 'no'}}", None, "metadata", False),
    "rule unsaid": (RULE, None, None, False, "metadata", False),
    "rule unsaid to true: not counted": (RULE, None, exception("r1", "true", "rules"), True, "exception", False),
    "rule unsaid to false: counted": (RULE, None, exception("r1", "false", "rules"), False, "exception", True),
}  # fmt: skip


@pytest.mark.parametrize("resource, for_all, pack, enabled, origin, counted", TABLE.values(), ids=TABLE)
def test_as_stackstorm(tmp_path, resource, for_all, pack, enabled, origin, counted):
    for name, text in (("_global", for_all), ("pk", pack)):
        if text is not None:
            (tmp_path / f"{name}.yaml").write_text(text)
    layers = [read_override_file(str(tmp_path), name).layer for name in ("_global", "pk")]
    assert effect(resource, *layers) == Effect(enabled, origin, counted)
    assert as_loaded(tmp_path, resource) == (enabled, counted), "the table is not what StackStorm does"


def as_loaded(directory, resource):
    content = {st2_loader.NAMES[resource.kind]: resource.name}
    if resource.enabled is not None:
        content["enabled"] = resource.enabled
    try:
        counted = st2_loader.override(str(directory), "pk", resource.kind, content)
        return st2_loader.stored(resource.kind, content), counted
    except Exception:
        return None, False


def test_a_null_value_is_taken_for_broken(tmp_path):
    """StackStorm registers it, and switches actions off and rules on: nobody can have meant that."""
    (tmp_path / "pk.yaml").write_text("actions: {defaults: {enabled: }}")
    layers = [read_override_file(str(tmp_path), name).layer for name in ("_global", "pk")]
    assert effect(A1, *layers).enabled is None
    assert as_loaded(tmp_path, A1) == (False, True)


def test_counts_by_kind(tmp_path):
    (tmp_path / "pk.yaml").write_text(f"{OFF}\n" + exception("r1", "true", "rules"))
    layers = [read_override_file(str(tmp_path), name).layer for name in ("_global", "pk")]
    counts = overridden_counts([A1, A1_OFF, A1_ON, RULE, SENSOR, ALIAS], *layers)
    assert counts == {"sensors": 0, "actions": 2, "rules": 0, "aliases": 0}
