# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which texts name a version."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._release.working_copy import names_version


@pytest.mark.parametrize("text", ["## 1.0.0\n", "# v1.0.0 - today", "(1.0.0)", "Release 1.0.0.", "**1.0.0**", "1.0.0"])
def test_named(text):
    assert names_version(text, "1.0.0")


@pytest.mark.parametrize(
    "text", ["", "11.0.0", "1.0.01", "1.0.0.1", "1.0.0-rc1", "1.0.0+x", "0.1.0.0", "1x0.0", "a1.0.0"]
)
def test_not_named(text):
    assert not names_version(text, "1.0.0")
