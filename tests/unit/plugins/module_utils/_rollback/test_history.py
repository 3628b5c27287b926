# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which change set is meant, when some go back on others."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.change_sets import ChangeSet
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._rollback.history import target_of, undoing


def history(*undone):
    """Change sets, each with the id of the one that it goes back on; an empty one for a change."""
    return [
        ChangeSet(f"{number:04d}", "here", "", "none", undoes, "", ()) for number, undoes in enumerate(undone, start=1)
    ]


@pytest.mark.parametrize(
    ("undone", "asked", "changes", "undone_by"),
    [
        (["", ""], "", "0002", None),
        (["", ""], "0001", "0001", None),
        # What goes back is not gone back on by default, and once is enough.
        (["", "", "0002"], "", "0002", "0003"),
        (["", "", "0002"], "0001", "0001", None),
        (["", "", "0002"], "0003", "0003", None),
        # Done again, it is gone back on where its files are kept since.
        (["", "0001", "0002"], "", "0003", None),
        (["", "0001", "0002"], "0001", "0003", None),
        (["", "0001", "0002", "0003"], "0001", "0003", "0004"),
        (["", "0001", "0002", "0003"], "0002", "0004", None),
    ],
)
def test_what_is_gone_back_on(undone, asked, changes, undone_by):
    target = target_of(history(*undone), asked)
    assert (target.changes.id, target.undone_by and target.undone_by.id) == (changes, undone_by)
    assert not asked or target.asked.id == asked


@pytest.mark.parametrize(
    ("sets", "asked", "said"),
    [
        (history(), "", "There is nothing to go back on: the change sets that are here are none."),
        (
            history("", ""),
            "0007",
            "There is no change set 0007 on this host: the change sets that are here are 0001, 0",
        ),
    ],
)
def test_what_is_not_there_is_said_with_what_is(sets, asked, said):
    with pytest.raises(HostError) as raised:
        target_of(sets, asked)
    assert said in raised.value.message


def test_the_newest_that_goes_back_on_one_counts():
    sets = history("", "0001", "0001")
    assert undoing(sets, sets[0]).id == "0003" and undoing(sets, sets[2]) is None
