# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Findings as GitLab's Code Quality reports."""

from __future__ import annotations

import collections
import hashlib
import json
import typing as t

from ..check import Report

_SEVERITIES = {"error": "critical", "warning": "major", "info": "info"}


def render(reports: t.Sequence[Report]) -> str:
    """A list. What was found keeps its fingerprint when it moves to another line."""
    found = []
    seen: t.Counter[str] = collections.Counter()
    for report in reports:
        for finding in report.findings:
            path = report.path_of(finding)
            same = f"{path}\0{finding.rule}\0{finding.message}"
            seen[same] += 1
            found.append(
                {
                    "description": finding.message,
                    "check_name": finding.rule,
                    "fingerprint": hashlib.sha256(f"{same}\0{seen[same]}".encode()).hexdigest(),
                    "severity": _SEVERITIES[finding.level],
                    "location": {"path": path, "lines": {"begin": finding.line or 1}},
                }
            )
    return json.dumps(found, indent=2) + "\n"
