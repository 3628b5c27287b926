# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Findings as SARIF 2.1.0 (OASIS), which GitHub's code scanning and editors read."""

from __future__ import annotations

import json
import typing as t
from urllib.parse import quote

from ..catalogue import RULES
from ..check import Report
from ..finding import Finding
from ..ignore import Ignore

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_ROOT = "%SRCROOT%"


def render(reports: t.Sequence[Report]) -> str:
    """One run, with what packs say is to be ignored as suppressed."""
    rules: t.Dict[str, t.Dict[str, t.Any]] = {
        rule.id: _rule(rule.id, rule.level, rule.text, rule.source) for rule in RULES
    }
    for report in reports:
        for finding in (*report.findings, *(finding for finding, _ignore in report.ignored)):
            rules.setdefault(finding.rule, _rule(finding.rule, finding.level, "A custom rule.", "site_rules"))
    places = {name: number for number, name in enumerate(rules)}
    results = [
        result
        for report in reports
        for result in (
            *(_result(report, finding, places) for finding in report.findings),
            *(_suppressed(report, finding, ignore, places) for finding, ignore in report.ignored),
        )
    ]
    driver = {"name": "st2_pack_lint", "fullName": "stackstorm.st2.st2_pack_lint", "rules": list(rules.values())}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str, level: str, text: str, source: str) -> t.Dict[str, t.Any]:
    return {
        "id": name,
        "shortDescription": {"text": text},
        "fullDescription": {"text": f"{text} Source: {source}."},
        "defaultConfiguration": {"level": _LEVELS[level]},
    }


def _result(report: Report, finding: Finding, places: t.Mapping[str, int]) -> t.Dict[str, t.Any]:
    location: t.Dict[str, t.Any] = {"artifactLocation": {"uri": quote(report.path_of(finding)), "uriBaseId": _ROOT}}
    if finding.line:
        location["region"] = {"startLine": finding.line, **({"startColumn": finding.column} if finding.column else {})}
    return {
        "ruleId": finding.rule,
        "ruleIndex": places[finding.rule],
        "level": _LEVELS[finding.level],
        "message": {"text": finding.message},
        "locations": [{"physicalLocation": location}],
    }


def _suppressed(report: Report, finding: Finding, ignore: Ignore, places: t.Mapping[str, int]) -> t.Dict[str, t.Any]:
    suppression = {"kind": "inSource" if ignore.lines else "external"}
    if ignore.reason:
        suppression["justification"] = ignore.reason
    return {**_result(report, finding, places), "suppressions": [suppression]}
