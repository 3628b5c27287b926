# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people and programs read of a run."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.problem import Problem
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.settings import settings_from
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.status import (
    Report,
    hosted_text,
    read_status,
    write_status,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._index.build import Built, Skipped
from ansible_collections.stackstorm.st2.plugins.module_utils._index.inspection import Refused

ERROR = {"rule": "python-syntax", "level": "error", "file": "actions/a.py", "line": 3, "message": "it does not compile"}
HINT = {"rule": "icon", "level": "info", "file": ".", "line": None, "message": "there is none"}


@pytest.fixture
def settings(tmp_path):
    return settings_from({"url": "https://a", "root": str(tmp_path), "hosted": ["one", "two"]})


def built(**more):
    entries = {"one": {"version": "1.0.0", "commit": "c" * 40}}
    return Built(entries=entries, findings={"one": [HINT]}, **more)


def test_what_somebody_who_pushed_reads(settings):
    refused = Refused("one", "1.1.0", "d" * 40, "the lint refuses it", (ERROR, HINT))
    assert hosted_text(settings, "one", built(refused=[refused])) == (
        "one 1.0.0 (ccccccc) is listed.\n"
        "  info: .: icon: there is none\n"
        "one 1.1.0 (ddddddd) is not listed, because of these errors:\n"
        "  error: actions/a.py:3: python-syntax: it does not compile\n"
    )
    assert hosted_text(settings, "two", built()).startswith("Nothing was pushed for two yet.")
    left_out = built(skipped=[Skipped("two", "two", "It has no tag.")])
    assert hosted_text(settings, "two", left_out) == "It has no tag.\n"
    unknown = Refused("two", "1.0.0", "e" * 40, "pack.yaml is missing")
    assert "two 1.0.0 (eeeeeee) is not listed: pack.yaml is missing." in hosted_text(
        settings, "two", built(refused=[unknown])
    )


def test_the_files(settings, tmp_path):
    problems = (Problem("one", "upstream", "A tag was moved."), Problem("x", "shadowed", "x is from elsewhere."))
    report = Report("update", 1, 2, 7, 1, True, 0, problems)
    status = tmp_path / "status"
    assert read_status(settings) is None
    write_status(settings, report, built())
    assert sorted(path.name for path in status.iterdir()) == ["one.txt", "status.json", "status.txt", "two.txt"]
    text = read_status(settings)
    assert text == ("1 pack is listed, serial 7.\n1 problem:\n- A tag was moved.\nNotices:\n- x is from elsewhere.\n")
    document = json.loads((status / "status.json").read_text())
    assert (document["healthy"], document["finished"], document["problems"][1]["notice"]) == (False, 2, True)
    assert document["problems"][0]["message"] == "A tag was moved."

    # The next run has another time and says the same: only the file with times is another one.
    before = {path.name: path.stat().st_ino for path in status.iterdir()}
    (status / "gone.txt").touch()
    write_status(settings, report._replace(finished=9), built())
    after = {path.name: path.stat().st_ino for path in status.iterdir()}
    assert {name for name in before if before[name] != after.get(name)} == {
        "status.json"
    } and before.keys() == after.keys()
