# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Findings as annotations of GitHub Actions: commands that a step prints."""

from __future__ import annotations

import typing as t

from ..check import Report

_COMMANDS = {"error": "error", "warning": "warning", "info": "notice"}


def render(reports: t.Sequence[Report]) -> str:
    """A line for each finding."""
    lines = []
    for report in reports:
        for finding in report.findings:
            properties: t.Dict[str, t.Union[str, int, None]] = {
                "file": report.path_of(finding),
                "line": finding.line,
                "col": finding.column,
                "title": finding.rule,
            }
            shown = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items() if value)
            lines.append(f"::{_COMMANDS[finding.level]} {shown}::{_data(finding.message)}\n")
    return "".join(lines)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
