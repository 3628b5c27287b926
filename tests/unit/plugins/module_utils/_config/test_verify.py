# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was written is read back, from the disk and the database."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._change.known import KnownConfig
from ansible_collections.stackstorm.st2.plugins.module_utils._config.document import read_config
from ansible_collections.stackstorm.st2.plugins.module_utils._config.options import Attributes
from ansible_collections.stackstorm.st2.plugins.module_utils._config.plan import ConfigPlan
from ansible_collections.stackstorm.st2.plugins.module_utils._config.verify import verify_database, verify_file
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VerifyError


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "sensu.yaml"
    path.write_text("a: c4nary\n")
    path.chmod(0o640)
    return path


def plan(path, values, **more):
    given = {"attributes": Attributes(0o640, -1, -1), "state": "current", **more}
    return ConfigPlan("sensu", "change", read_config(str(path)), values, **given)


def verify(planned, database):
    verify_file(planned)
    verify_database(planned, database)


def test_what_is_as_planned_passes(path):
    verify(plan(path, {"a": "c4nary"}), KnownConfig("api", True, {"a": "********"}))
    verify(plan(path, {"a": "c4nary"}), KnownConfig("local"))
    path.unlink()
    verify(plan(path, None, clear="empty"), KnownConfig("api", True, {}))


@pytest.mark.parametrize(
    "values, more, database, words",
    [
        ({"a": "other"}, {}, KnownConfig(), "does not contain what was written"),
        ({"a": "c4nary"}, {"attributes": Attributes(0o600, -1, -1)}, KnownConfig(), "another mode"),
        ({"a": "c4nary"}, {"attributes": Attributes(0o640, 4711, -1)}, KnownConfig(), "another uid"),
        ({"a": "c4nary"}, {}, KnownConfig("api", True, {"a": "old"}), "does not have the config"),
        ({"a": "c4nary"}, {}, KnownConfig("api", True, None), "does not have the config"),
        (None, {}, KnownConfig(), "exists again"),
    ],
)
def test_a_difference_names_itself_and_no_value(path, values, more, database, words):
    with pytest.raises(VerifyError) as raised:
        verify(plan(path, values, **more), database)
    assert words in raised.value.message and "c4nary" not in raised.value.message


def test_a_config_that_stays_in_the_database_is_a_failure(path):
    removed = plan(path, None, clear="unload")
    path.unlink()
    with pytest.raises(VerifyError):
        verify(removed, KnownConfig("api", True, {"a": 1}))
