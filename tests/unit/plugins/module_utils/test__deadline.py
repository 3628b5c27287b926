# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A deadline: how much time is left, and what is said when none is."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils import _deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError


def test_a_deadline_counts_down_to_zero(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(_deadline.time, "monotonic", lambda: now[0])
    deadline = Deadline(0.05)
    assert deadline.remaining() == pytest.approx(0.05)
    deadline.check("testing")
    now[0] += 0.06
    assert deadline.remaining() == 0
    with pytest.raises(DeadlineError, match=r"The timeout of 0\.05 s ran out while testing\."):
        deadline.check("testing")
