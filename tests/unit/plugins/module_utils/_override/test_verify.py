# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is read back, against the plan."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VerifyError
from ansible_collections.stackstorm.st2.plugins.module_utils._override.plan import Plan
from ansible_collections.stackstorm.st2.plugins.module_utils._override.verify import verify_database, verify_file
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Resource

EXPECTED = {"sensu": {("actions", "check"): False, ("rules", "beat"): True}}


class Registrar:
    def __init__(self, rows=None):
        self.reads = rows is not None
        self.rows = rows

    def resources_of(self, _refs, kinds):
        assert list(kinds) == ["actions", "rules"], "no more is asked than is known"
        return [Resource(kind, name, "", on) for (kind, name), on in self.rows.items()]


def verify(planned, registrar):
    """What is said of the file, if it was written, and of the database."""
    if planned.writes:
        verify_file(planned)
    verify_database(planned, registrar)


def plan(path, after, writes=True):
    return Plan("sensu", str(path), None, after, writes, registers=(PackFiles("sensu", "/p"),), expected=EXPECTED)


def test_all_is_as_planned(tmp_path):
    path = tmp_path / "sensu.yaml"
    verify(plan(path, None), Registrar())
    path.write_bytes(b"a")
    verify(plan(path, b"a"), Registrar({**EXPECTED["sensu"], ("actions", "other"): True}))
    verify(plan(path, b"b", writes=False), Registrar(EXPECTED["sensu"]))
    # What StackStorm has not after a registration it cannot register, which it tells by itself.
    verify(plan(path, b"a"), Registrar({}))


@pytest.mark.parametrize("there, planned", [(b"a", b"b"), (b"a", None), (None, b"a")])
def test_another_file(tmp_path, there, planned):
    if there is not None:
        (tmp_path / "sensu.yaml").write_bytes(there)
    with pytest.raises(VerifyError, match=r"sensu\.yaml is not what was just written"):
        verify(plan(tmp_path / "sensu.yaml", planned), Registrar())


def test_another_database(tmp_path):
    with pytest.raises(VerifyError) as failed:
        verify(plan(tmp_path / "x", None), Registrar({("actions", "check"): True, ("rules", "beat"): False}))
    assert "action check (enabled), rule beat (disabled)" in failed.value.message and failed.value.ref == "sensu"


def test_a_file_that_cannot_be_read(tmp_path):
    (tmp_path / "sensu.yaml").mkdir()
    with pytest.raises(VerifyError, match="cannot be read back"):
        verify(plan(tmp_path / "sensu.yaml", b"a"), Registrar())
