# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real packs: no errors but those that are known, each for its reason.

ST2_TEST_PACKS names a directory with clones of repositories of the StackStorm Exchange.
"""

from __future__ import annotations

import collections
import os
import time

import pytest

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lint.linting import check

PACKS = os.environ.get("ST2_TEST_PACKS", "")
NAMES = sorted(name for name in os.listdir(PACKS) if os.path.isdir(os.path.join(PACKS, name))) if PACKS else []
# Pack: rule: how often, and why.
KNOWN = {
    "cisco_ise": {"duplicate-name": 2},  # two files with the name of others, so that two actions do not exist
    "clicrud": {"pack-incompatible": 1},  # Python 2 only
    "vdx_vtep": {"pack-incompatible": 1},  # Python 2 only
    "libcloud": {"entry-point-missing": 1},  # import_ssh_key.py was never committed
    "menandmice": {"entry-point-missing": 3},  # three metadata files without their code
    "opsgenie": {"alias-action": 1},  # send_heartbeat went, its alias stayed
}


@pytest.mark.skipif(not NAMES, reason="There are no real packs: ST2_TEST_PACKS names a directory with clones of them.")
@pytest.mark.parametrize("name", NAMES)
def test_a_real_pack_has_no_unknown_errors(name):
    begin = time.process_time()
    report = check(os.path.join(PACKS, name))
    errors = collections.Counter(finding.rule for finding in report.findings if finding.level == "error")
    assert dict(errors) == KNOWN.get(report.ref, {}), [one for one in report.findings if one.level == "error"]
    assert time.process_time() - begin < 30
