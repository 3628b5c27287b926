# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each rule has a pack that breaks it in one place, and is found there and nowhere else."""

from __future__ import annotations

import pytest
from infrastructure.packs import ABSENT, bodies, png, quirks, to_yaml, well_kept

from ansible_collections.stackstorm.st2.plugins.module_utils._lint.catalogue import RULES
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.finding import LEVELS
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.pack import Against
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lint.linting import lint, places


def text(path, content):
    return lambda tree: tree.add(path, content)


def edit(path, old, new):
    def change(tree):
        content = tree.text(path)
        assert old in content, content
        tree.add(path, content.replace(old, new))

    return change


def added(path, more):
    return lambda tree: tree.add(path, tree.text(path) + more)


def metadata(**changes):
    return lambda tree: tree.set_metadata(**changes)


def both(*changes):
    def change(tree):
        for one in changes:
            one(tree)

    return change


def without(*paths):
    return lambda tree: [tree.remove(path) for path in paths]


def action(path="actions/odd.yaml", **changes):
    body = {**bodies.command_action("odd"), **changes}
    return text(path, to_yaml({key: value for key, value in body.items() if value is not ...}))


def parameters(**schemas):
    return action(parameters={"cmd": {"immutable": True, "default": "true"}, **schemas})


EXAMPLE = "demo.yaml.example"
SCHEMA = "config.schema.yaml"
ALIAS = "aliases/report.yaml"
RULE = "rules/on_pulse.yaml"
SENSOR = "sensors/pulse.yaml"
ODD = "actions/odd.yaml"
DEEP = "a: " + "[" * 150 + "]" * 150 + "\n"

# rule: what breaks it, the file and the line where it is found; several for one rule by a number behind it
BREAKS = {
    "pack-yaml": (text("pack.yaml", "- a\n"), "pack.yaml", None),
    "pack-yaml 2": (text("pack.yaml", "ref: demo\nname: [\n"), "pack.yaml", 3),
    "pack-yaml 3": (without("pack.yaml"), "pack.yaml", None),
    "pack-yaml-invalid": (metadata(version="1.0"), "pack.yaml", 7),
    "pack-yaml-invalid 2": (metadata(email=ABSENT), "pack.yaml", None),
    "pack-yaml-invalid 3": (metadata(ref="De-mo"), "pack.yaml", 1),
    "pack-incompatible": (metadata(stackstorm_version=">=4.0.0"), "pack.yaml", 12),
    "pack-incompatible 2": (metadata(python_versions=["2"]), "pack.yaml", 8),
    "pack-yaml-key": (metadata(Contributors=["A. Nobody"]), "pack.yaml", 12),
    "pack-ref-taken": (metadata(ref="packs"), "pack.yaml", 1),
    "pack-ref": (metadata(ref=ABSENT), "pack.yaml", None),
    "pack-keywords": (metadata(keywords=ABSENT), "pack.yaml", None),
    "pack-yaml-second": (text("etc/new/pack.yaml", "ref: other\n"), "etc/new/pack.yaml", None),
    "resource-yaml": (text(ODD, "name: odd\nparameters: [open\n"), ODD, 3),
    "resource-yaml 2": (text("rules/odd.yaml", ""), "rules/odd.yaml", 1),
    "resource-yaml 3": (text("sensors/odd.yaml", "- a\n"), "sensors/odd.yaml", 1),
    "resource-invalid": (action(runner_type=...), ODD, None),
    "resource-invalid 2": (action(colour="red"), ODD, 10),
    "resource-invalid 3": (action(enabled="yes"), ODD, 4),
    "resource-invalid 4": (edit(ALIAS, "formats:\n- report {{ message }}\n", ""), ALIAS, None),
    "resource-invalid 5": (edit(ALIAS, "- report {{ message }}", "- 5"), ALIAS, 5),
    "resource-invalid 6": (edit(RULE, "criteria: {}", "criteria: {trigger.at: {type: same, pattern: a}}"), RULE, 8),
    "resource-invalid 7": (edit(RULE, "criteria: {}", "criteria: {trigger.at: {type: eq}}"), RULE, 8),
    "resource-invalid 8": (edit(SENSOR, "poll_interval: 60", "poll_interval: 1"), SENSOR, 4),
    "resource-invalid 9": (edit(SENSOR, "- name: pulse_seen\n  pack: demo", "- pack: demo"), SENSOR, 6),
    "resource-pack": (action(pack="other"), ODD, 10),
    "resource-key": (added(SENSOR, "colour: red\n"), SENSOR, 11),
    "resource-key 2": (edit(SENSOR, "payload_schema", "payload_info"), SENSOR, 8),
    "resource-key 3": (added("triggers/beat.yaml", "enabled: true\n"), "triggers/beat.yaml", 9),
    "action-parameters": (parameters(**{"a-b": {"type": "string"}}), ODD, 10),
    "action-parameters 2": (parameters(a={"type": "text"}), ODD, 11),
    "action-parameters 3": (parameters(a={"position": 0}, b={"position": 0}), ODD, 13),
    "action-parameters 4": (parameters(a={"position": 0}, b={"position": 2}), ODD, 6),
    "action-parameters 5": (parameters(a={"immutable": True}), ODD, 10),
    "action-parameters 6": (parameters(timeout={"type": "string", "default": "5"}), ODD, 11),
    "action-runner": (action(runner_type="mistral-v2"), ODD, 2),
    "stricter-schema": (parameters(a={"type": "object", "properties": {"b": {"colour": "red"}}}), ODD, 14),
    "stricter-schema 2": (
        added(SCHEMA, 'hosts:\n  type: object\n  patternProperties:\n    "^h":\n      $ref: "#/properties/url"\n'),
        SCHEMA,
        19,
    ),
    "entry-point-missing": (action(runner_type="python-script", entry_point="gone.py"), ODD, 5),
    "entry-point-missing 2": (action(runner_type="orquesta", entry_point=""), ODD, 5),
    "entry-point-outside": (action(runner_type="local-shell-script", entry_point="../../x.sh"), ODD, 5),
    "sensor-class": (edit(SENSOR, "class_name: PulseSensor", "class_name: OtherSensor"), SENSOR, 1),
    "workflow-invalid": (text("actions/workflows/relay.yaml", "version: 1.0\n"), "actions/workflows/relay.yaml", None),
    "workflow-invalid 2": (text("actions/workflows/relay.yaml", "tasks: [\n"), "actions/workflows/relay.yaml", 2),
    "workflow-action": (
        edit("actions/workflows/relay.yaml", "action: core.noop", "action: demo.gone"),
        "actions/workflows/relay.yaml",
        5,
    ),
    "script-line-ends": (text("actions/scripts/greet.sh", "#!/bin/sh\r\necho\n"), "actions/scripts/greet.sh", 1),
    "duplicate-name": (text("actions/a.yaml", to_yaml(bodies.command_action("greet"))), "actions/a.yaml", 1),
    "alias-action": (edit(ALIAS, "action_ref: demo.report", "action_ref: demo.gone"), ALIAS, 2),
    "alias-parameter": (edit(ALIAS, "{{ message }}", "{{ text=a }}"), ALIAS, 5),
    "rule-action": (edit(RULE, "ref: core.noop", "ref: demo.gone"), RULE, 10),
    "rule-trigger": (edit(RULE, "type: demo.pulse_seen", "type: demo.other"), RULE, 6),
    "policy-action": (
        edit("policies/report_retry.yaml", "resource_ref: demo.report", "resource_ref: demo.gone"),
        "policies/report_retry.yaml",
        4,
    ),
    "policy-type": (
        edit("policies/report_retry.yaml", "policy_type: action.retry", "policy_type: action.never"),
        "policies/report_retry.yaml",
        5,
    ),
    "config-schema": (added(SCHEMA, "other:\n  type: text\n"), SCHEMA, 16),
    "config-schema 2": (text(SCHEMA, ""), SCHEMA, None),
    "config-schema 3": (text(SCHEMA, "a: [\n"), SCHEMA, 2),
    "config-schema-name": (text("config.schema.yml", "{}\n"), "config.schema.yml", None),
    "config-example": (added(EXAMPLE, "timeout: soon\n"), EXAMPLE, 4),
    "config-example 2": (text(EXAMPLE, "---\nurl: [\n"), EXAMPLE, 3),
    "config-example-key": (added(EXAMPLE, "other: 1\n"), EXAMPLE, 4),
    "config-example-missing": (without(EXAMPLE, "tests/fixtures/full.yaml"), SCHEMA, None),
    "config-examples": (text("more.yaml.example", "url: a\n"), "more.yaml.example", None),
    "config-schema-missing": (without(SCHEMA), EXAMPLE, None),
    "config-secret": (added(SCHEMA, "api_key:\n  type: string\n"), SCHEMA, 15),
    "config-default": (edit(SCHEMA, "default: 30", "default: soon"), SCHEMA, 14),
    "config-legacy": (text("config.yaml", "url: a\n"), "config.yaml", None),
    "yaml-syntax": (text("etc/values.yaml", "a: [\n"), "etc/values.yaml", 2),
    "yaml-syntax 2": (text("etc/values.yaml", "a: 1\n---\nb: 1\n"), "etc/values.yaml", 2),
    "duplicate-key": (text(ODD, "name: a\n" + to_yaml(bodies.command_action("odd"))), ODD, 2),
    "merge-key": (added(SCHEMA, "other: &a\n  type: string\nmore:\n  <<: *a\n"), SCHEMA, 18),
    "yaml-duplicate-key": (text("etc/values.yaml", "a:\n  b: 1\n  b: 2\n"), "etc/values.yaml", 3),
    "json-syntax": (text("etc/values.json", '{"a": 1\n"b": 2}\n'), "etc/values.json", 2),
    "line-ends": (text("etc/values.yaml", "a: 1\nb: 2\r\n"), "etc/values.yaml", 2),
    "byte-order-mark": (text("etc/values.yaml", b"\xef\xbb\xbfa: 1\n"), "etc/values.yaml", 1),
    "yaml-tab": (text("etc/values.yaml", "a: 1\nb:\t2\n"), "etc/values.yaml", 2),
    "python-syntax": (added("actions/report.py", "def (:\n"), "actions/report.py", 9),
    "python-syntax-elsewhere": (text("etc/tool.py", "print 'a'\n"), "etc/tool.py", 1),
    "action-untested": (without("tests/test_action_report.py"), ".", None),
    "pack-boundary": (lambda tree: tree.link("etc/passwd", "/etc/passwd"), "etc/passwd", None),
    "link-dangling": (lambda tree: tree.link("etc/gone", "nothing"), "etc/gone", None),
    "names-alike": (both(text("etc/a", ""), text("etc/A", "")), "etc/A", None),
    "submodule": (text(".gitmodules", '[submodule "x"]\n\tpath = vendor/x\n\turl = https://a/\n'), ".gitmodules", 2),
    "license": (without("LICENSE"), ".", None),
    "license-apache": (text("LICENSE", "All rights reserved.\n"), "LICENSE", None),
    "readme": (without("README.md"), ".", None),
    "icon": (text("icon.png", png(64, 32)), "icon.png", None),
    "icon 2": (text("icon.png", "GIF89a"), "icon.png", None),
    "icon 3": (without("icon.png"), ".", None),
    "changes": (without("CHANGES.md"), ".", None),
    "changes 2": (text("CHANGES.md", "# 0.9.0\n"), "CHANGES.md", None),
    "requirements-unsafe": (added("requirements.txt", "/opt/wheels/a.whl\n"), "requirements.txt", 2),
    "requirements-git-protocol": (
        added("requirements.txt", "git+git://github.com/a/b.git\n"),
        "requirements.txt",
        2,
    ),
    "requirements-git": (added("requirements.txt", "git+https://github.com/a/b.git\n"), "requirements.txt", 2),
    "requirements-unpinned": (added("requirements.txt", "# all\nother\n"), "requirements.txt", 3),
    "ignore-file": (text(".st2-lint.yml", "ignore: all\n"), ".st2-lint.yml", 1),
    "ignore-reason": (text(".st2-lint.yml", "ignore:\n  - rule: icon\n"), ".st2-lint.yml", 2),
    "ignore-unknown": (text(".st2-lint.yml", "ignore:\n  - {rule: icons, reason: a}\n"), ".st2-lint.yml", 2),
    "ignore-unused": (text(".st2-lint.yml", "ignore:\n  - {rule: icon, reason: a}\n"), ".st2-lint.yml", 2),
}
BY_PYTHON = Against()
# Nothing is compiled, which spares a process.
PLAIN = Against(pythons=())
# What else is found, since it follows from the same.
ALSO = {
    "entry-point-missing": {"action-untested"},
    # Everything in it is in a pack of another ref.
    "pack-ref-taken": {"resource-pack", "config-examples", "config-example-missing"},
    "resource-invalid 9": {"rule-trigger"},
    "config-default": {"config-example"},
}
# Those that need a repository, a limit or a site: tests of their own.
ELSEWHERE = {"python-too-new", "pack-directory", "version-behind", "version-unchanged", "lint-limit", "site-rule"}


@pytest.mark.parametrize("name", BREAKS)
def test_a_rule_that_is_broken_is_found_where_it_is(name, tmp_path):
    change, file, line = BREAKS[name]
    tree = well_kept()
    change(tree)
    report = lint(tree, tmp_path, against=BY_PYTHON if name.startswith(("python-", "sensor-class")) else PLAIN)
    rule = name.partition(" ")[0]
    others = [finding for finding in report.findings if finding.rule not in {rule, *ALSO.get(name, ())}]
    assert [place for place in places(report) if place[0] == rule] == [(rule, file, line)], report.findings
    assert not others
    assert all("\n" not in finding.message and finding.message for finding in report.findings)


def test_a_pack_that_is_right_has_no_findings(tmp_path):
    assert lint(well_kept(), tmp_path).findings == ()


def test_every_rule_is_broken_once():
    assert {name.partition(" ")[0] for name in BREAKS} | ELSEWHERE == {rule.id for rule in RULES}


def test_rules_are_told_apart():
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.level in LEVELS
        assert rule.text.endswith(".") and rule.source and "\n" not in rule.text + rule.source


# What StackStorm 3.9.0 registers and the check calls an error all the same, as the pack does not do what it says.
ERRORS_OF_VALID_PACKS = {
    "missing-entry-point": {"entry-point-missing"},
    "twice-action": {"duplicate-name"},
    "mistral-action": {"action-runner", "entry-point-missing"},
    "duplicate-keys": {"duplicate-key"},
    "duplicate-keys-action": {"duplicate-key"},
    "schema-duplicate-keys": {"duplicate-key"},
    "non-ascii-action": {"entry-point-missing"},
}


@pytest.mark.parametrize("quirk", quirks(settled=None), ids=lambda quirk: quirk.name)
def test_errors_are_what_an_installer_refuses(quirk, tmp_path):
    errors = {
        finding.rule for finding in lint(quirk.tree(), tmp_path, against=PLAIN).findings if finding.level == "error"
    }
    if not quirk.valid:
        assert errors
    elif not quirk.compatible:
        assert errors == {"pack-incompatible"}
    else:
        assert errors == ERRORS_OF_VALID_PACKS.get(quirk.name, set())
