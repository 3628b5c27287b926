# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Findings for people and editors: C(file:line:column: level rule: message)."""

from __future__ import annotations

import typing as t

from ..check import Report


def render(reports: t.Sequence[Report]) -> str:
    """One line for each finding; nothing when there is none."""
    lines = []
    for report in reports:
        for finding in report.findings:
            place = ":".join(str(part) for part in (finding.line, finding.column) if part)
            where = f"{report.path_of(finding)}:{place}" if place else report.path_of(finding)
            lines.append(f"{where}: {finding.level} {finding.rule}: {finding.message}\n")
    return "".join(lines)
