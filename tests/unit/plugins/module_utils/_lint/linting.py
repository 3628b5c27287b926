# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs written to disk and checked, for the tests of this directory."""

from __future__ import annotations

import os
import tempfile

from ansible_collections.stackstorm.st2.plugins.module_utils._lint.check import Wanted, check_pack
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.pack import Against


def check(directory, **wanted):
    """The report about a pack directory."""
    against = wanted.pop("against", Against())
    with tempfile.TemporaryDirectory() as scratch:
        return check_pack(str(directory), str(directory), Wanted(against, **wanted), scratch)


def places(report):
    """What was found, without its words."""
    return [(finding.rule, finding.file, finding.line) for finding in report.findings]


def lint(tree, directory, **wanted):
    """The report about a pack in memory."""
    return check(tree.write(os.path.join(str(directory), "pack")), **wanted)
