# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The document of an override file: what it says, and what others made it say, against StackStorm's own loader."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._override.document import (
    KINDS,
    Overrides,
    Section,
    parse_document,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._override import st2_loader

GOOD = """
actions:
  defaults: {enabled: false}
  exceptions:
    check: {enabled: true}
sensors: {exceptions: {PulseSensor: {enabled: false}}}
rules: {}
aliases: {defaults: {}, exceptions: {ask: {}}}
"""
# What a file says, what is told of it, and which kinds StackStorm cannot register with it.
WRONG = {
    "empty file": ("", "the file is empty", KINDS),
    "nothing but a document": ("---\n", "the file is empty", KINDS),
    "text with a kind in it": ("no actions here", "the file is text", ("actions",)),
    "text": ("nothing", "the file is text", ()),
    "list with a kind": ("[actions]", "the file is a list", ("actions",)),
    "list": ("[other]", "the file is a list", ()),
    "number": ("7", "the file is a number", KINDS),
    "truth": ("true", "the file is a truth value", KINDS),
    "null section": ("actions:", "actions is empty (null)", ("actions",)),
    "text section": ("actions: defaults", "actions is text", ("actions",)),
    "harmless text section": ("actions: 'off'", "actions is text", ()),
    "list section": ("actions: [exceptions]", "actions is a list", ("actions",)),
    "number section": ("rules: 1", "rules is a number", ("rules",)),
    "null defaults": ("actions: {defaults: }", "actions.defaults is empty (null)", ("actions",)),
    "false defaults": ("actions: {defaults: false}", "actions.defaults is a truth value", ("actions",)),
    "text defaults": ("actions: {defaults: 'no'}", "actions.defaults is text", ("actions",)),
    "empty text defaults": ("actions: {defaults: ''}", "actions.defaults is text", ()),
    "list defaults": ("actions: {defaults: [enabled]}", "actions.defaults is a list", ("actions",)),
    "empty list defaults": ("actions: {defaults: []}", "actions.defaults is a list", ()),
    "unknown default": ("actions: {defaults: {foo: 1}}", "actions.defaults has the key foo", ("actions",)),
    "quoted default": ("aliases: {defaults: {enabled: 'no'}}", "aliases.defaults.enabled is text", ("aliases",)),
    "number default": ("sensors: {defaults: {enabled: 0}}", "sensors.defaults.enabled is a number", ("sensors",)),
    "null default": ("rules: {defaults: {enabled: }}", "rules.defaults.enabled is empty (null)", ("rules",)),
    "null exceptions": ("actions: {exceptions: }", "actions.exceptions is empty (null)", ("actions",)),
    "list exceptions": ("actions: {exceptions: [check]}", "actions.exceptions is a list", ("actions",)),
    "null exception": ("actions: {exceptions: {check: }}", "actions.exceptions.check is empty", ("actions",)),
    "false exception": ("actions: {exceptions: {check: no}}", "check is a truth value", ("actions",)),
    "unknown exception": ("actions: {exceptions: {check: {x: 1}}}", "check has the key x", ("actions",)),
    "quoted exception": ("rules: {exceptions: {r: {enabled: 'yes'}}}", "r.enabled is text", ("rules",)),
    "number name": ("actions: {exceptions: {7: {enabled: true}}}", "a name that is not a string: 7", ()),
    "policies": ("policies: {defaults: {enabled: false}}", "policies cannot be overridden", ()),
    "singular": ("action: {defaults: {enabled: false}}", "did you mean actions?", ()),
    "misspelt": ("actions: {default: {enabled: false}}", "did you mean defaults?", ()),
}  # fmt: skip
CONTENT = {
    "sensors": {"class_name": "PulseSensor"},
    "actions": {"name": "check"},
    "rules": {"name": "r"},
    "aliases": {"name": "ask"},
}


def fails(document, kind):
    """Whether StackStorm cannot register the one resource there is of a kind."""
    content = dict(CONTENT[kind])
    try:
        st2_loader.apply(document, kind, content, exceptions=True)
        assert isinstance(content.get("enabled", True), bool)
    except Exception:
        return True
    return False


def test_what_a_file_says():
    overrides, problems = parse_document(yaml.safe_load(GOOD), for_all=False)
    assert problems == ()
    assert overrides.of("actions") == Section(False, {"check": True})
    assert overrides.of("sensors") == Section(None, {"PulseSensor": False})
    assert not overrides.of("rules") and not overrides.of("aliases")


def test_nothing_empty_is_ever_in_a_document():
    overrides, _problems = parse_document(yaml.safe_load(GOOD), for_all=False)
    assert overrides.document() == {
        "sensors": {"exceptions": {"PulseSensor": {"enabled": False}}},
        "actions": {"defaults": {"enabled": False}, "exceptions": {"check": {"enabled": True}}},
    }
    assert Overrides().document() == {} and not Overrides({"actions": Section()})


@pytest.mark.parametrize("text, told, breaks", WRONG.values(), ids=WRONG)
def test_what_does_not_belong_there(text, told, breaks):
    document = yaml.safe_load(text)
    _overrides, problems = parse_document(document, for_all=False)
    (problem,) = problems
    assert told in problem.text
    assert problem.breaks == breaks
    assert tuple(kind for kind in KINDS if fails(document, kind)) == breaks, "StackStorm thinks otherwise"


def test_only_the_resource_itself_fails_for_a_wrong_exception():
    document = yaml.safe_load("actions: {exceptions: {other: {x: 1}}}")
    _overrides, (problem,) = parse_document(document, for_all=False)
    assert (problem.breaks, problem.name) == (("actions",), "other")
    assert not fails(document, "actions")


@pytest.mark.parametrize("exceptions", ["{check: {enabled: true}}", "", "{check: }", "7"])
def test_exceptions_have_no_effect_in_the_file_for_all(exceptions):
    document = yaml.safe_load(f"actions: {{defaults: {{enabled: false}}, exceptions: {exceptions}}}")
    overrides, (problem,) = parse_document(document, for_all=True)
    assert overrides.document() == {"actions": {"defaults": {"enabled": False}}}
    assert problem.breaks == () and "has no effect in _global.yaml" in problem.text
    st2_loader.apply(document, "actions", {"name": "check"}, exceptions=False)


def test_every_problem_is_told():
    document = yaml.safe_load("{actions: , policies: {}, rules: {defaults: {a: 1, enabled: 'x', b: 2}}}")
    _overrides, problems = parse_document(document, for_all=False)
    assert [problem.path for problem in problems] == [
        ("actions",), ("policies",), ("rules", "defaults", "a"), ("rules", "defaults", "enabled"),
        ("rules", "defaults", "b"),
    ]  # fmt: skip


def test_merging_puts_one_over_the_other():
    one = Overrides({"actions": Section(True, {"a": True, "b": True}), "rules": Section(True)})
    other = Overrides({"actions": Section(None, {"b": False, "c": False}), "sensors": Section(False)})
    assert one.merged(other).document() == {
        "sensors": {"defaults": {"enabled": False}},
        "actions": {
            "defaults": {"enabled": True},
            "exceptions": {"a": {"enabled": True}, "b": {"enabled": False}, "c": {"enabled": False}},
        },
        "rules": {"defaults": {"enabled": True}},
    }
