# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Findings as JUnit XML: a suite for each pack, a case for each rule and file."""

from __future__ import annotations

import itertools
import typing as t
from xml.sax.saxutils import escape, quoteattr

from ..check import Report
from ..finding import Finding

_HINT = "info"


def render(reports: t.Sequence[Report]) -> str:
    """Errors and warnings fail their case, hints are only told in it. A pack without findings is a case that passed."""
    suites = "".join(_suite(report) for report in reports)
    return f'<?xml version="1.0" encoding="utf-8"?>\n<testsuites name="st2_pack_lint">\n{suites}</testsuites>\n'


def _suite(report: Report) -> str:
    def case_of(finding: Finding) -> t.Tuple[str, str]:
        return report.path_of(finding), finding.rule

    cases = [
        (path, rule, list(found))
        for (path, rule), found in itertools.groupby(sorted(report.findings, key=case_of), key=case_of)
    ]
    failures = sum(any(finding.level != _HINT for finding in found) for _path, _rule, found in cases)
    body = "".join(_case(*case) for case in cases)
    if not cases:
        body = f'    <testcase name="all rules" classname={quoteattr(report.name)}/>\n'
    counts = f'tests="{max(1, len(cases))}" failures="{failures}" errors="0" skipped="0"'
    return f"  <testsuite name={quoteattr(report.name)} {counts}>\n{body}  </testsuite>\n"


def _case(path: str, rule: str, found: t.Sequence[Finding]) -> str:
    text = "\n".join(f"{path}:{finding.line or 0}: {finding.message}" for finding in found)
    begin = f"    <testcase name={quoteattr(rule)} classname={quoteattr(path)} file={quoteattr(path)}>\n"
    if found[0].level == _HINT:
        return f"{begin}      <system-out>{escape(text)}</system-out>\n    </testcase>\n"
    message = f"type={quoteattr(found[0].level)} message={quoteattr(found[0].message)}"
    return f"{begin}      <failure {message}>{escape(text)}</failure>\n    </testcase>\n"
