# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ids of change sets as people write them."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._rollback.options import Options, options_from


@pytest.mark.parametrize(
    ("given", "change"), [(None, ""), ("7", "0007"), ("0007", "0007"), ("00007", "0007"), ("12345", "12345")]
)
def test_ids_have_four_digits_or_more(given, change):
    assert options_from({"change": given, "prune": False}) == Options(change)


@pytest.mark.parametrize("given", ["", "-1", "7.0", "newest", "../0007", "\N{ARABIC-INDIC DIGIT SEVEN}"])
def test_what_is_no_id_is_refused(given):
    with pytest.raises(OptionError, match="change sets have numbers"):
        options_from({"change": given, "prune": True})
