# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person reads of a plan. Warnings, and the rest of a result, are in _tasks/test_conf."""

from __future__ import annotations

import os

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.conf_file import ConfFile
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.document import Document
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.options import ConfOptions, Wanted
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.plan import make_plan
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.report import Report

TEXT = (
    "# password = hunter2\n[content]\nword = hunter2\nindex_url: https://u:hunter2@a/,\n  b\n[Content]\nindex_url = c\n"
    "[database]\npassword = hunter2\n"
)


def report(*wanted, **options):
    file = ConfFile("/etc/st2/st2.conf", "", TEXT.encode(), Document(TEXT), 0o640, os.getuid(), os.getgid())
    return Report(make_plan(file, ConfOptions(file.path, wanted, **options)))


def sides(*wanted, **options):
    (one,) = report(*wanted, **options).diff()
    return one["before"], one["after"]


def test_a_diff_is_of_what_changes_alone():
    first = "[content]\nindex_url = https://********@a/,\n    b\nindex_url = "
    assert sides(Wanted("Content", "index_url", value="d\ne")) == (f"{first}c\n", f"{first}d\n    e\n")
    assert sides(Wanted("content", "index_url", "absent")) == (f"{first}c\n", "[content]\n")
    assert sides(Wanted("new", "a", value="b"), Wanted("content", "word", value="hunter2")) == ("", "[new]\na = b\n")


def test_a_secret_that_differs_says_so():
    both = "[database]\npassword = ******** (old)\n", "[database]\npassword = ******** (new)\n"
    assert sides(Wanted("database", "password", value="hunter3")) == both
    wanted = Wanted("content", "word", value="hunter3", secret=True)
    assert sides(wanted) == ("[content]\nword = ******** (old)\n", "[content]\nword = ******** (new)\n")
    assert "hunter" not in str(report(wanted).options()) + report(wanted).line()


def test_owner_group_and_mode_are_in_line_and_diff():
    wanted = Wanted("content", "none", "absent")
    assert report(wanted).diff() == [] and report(wanted).line() == "st2.conf is as wanted"
    assert sides(wanted, mode="0600", uid=54321) == (
        f"# mode 0640\n# owner {report(wanted)._attributes()[1][1]}\n",
        "# mode 0600\n# owner 54321\n",
    )
    assert report(wanted, mode="0600").line() == "st2.conf: mode 0640 -> 0600"


def test_an_index_before_the_public_one_is_warned_of():
    public = "https://index.stackstorm.org/v1/index.json"

    def warned(**given):
        return [one for one in report(Wanted("Content", "index_url", **given)).warnings(()) if "public one" in one]

    assert len(warned(value=f"https://u:hunter2@a/, {public}")) == len(warned(items=("b", public))) == 1
    assert "hunter2" not in warned(value=f"https://u:hunter2@a/, {public}")[0]
    assert warned(value=public) == warned(items=(public, "b")) == warned(value="b") == warned(state="absent") == []
