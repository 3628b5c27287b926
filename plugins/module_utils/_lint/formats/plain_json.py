# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Findings as JSON, as the module returns them."""

from __future__ import annotations

import json
import typing as t

from ..check import Report


def render(reports: t.Sequence[Report]) -> str:
    """A list."""
    found = [finding.as_dict() for report in reports for finding in report.findings]
    return json.dumps(found, indent=2, ensure_ascii=True) + "\n"
