# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a task that checks packs to a result, and to files."""

from __future__ import annotations

import json

import pytest
from infrastructure.packs import well_kept

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._task import Task
from ansible_collections.stackstorm.st2.plugins.module_utils._tasks.pack_lint import check_packs


class Site:
    """A directory with packs."""

    def __init__(self, root):
        self.root = root
        self.scratch = root / "scratch"
        self.scratch.mkdir()

    def pack(self, ref, *missing):
        tree = well_kept(ref)
        for path in missing:
            tree.remove(path)
        return tree.write(self.root / "packs" / ref)

    def run(self, *, check=False, **given):
        params = {
            "path": ["packs"],
            "chdir": str(self.root),
            "rules": [],
            "skip": [],
            "fail_on": "error",
            "ignore_file": ".st2-lint.yml",
            "site_rules": None,
            "output": [],
            "stackstorm_version": "3.9.0",
            "python": [],
            "python_version": "3.8",
            "timeout": 300,
            **given,
        }
        result = check_packs(Task(params, None, check, {}, str(self.scratch), Redactor()))
        json.dumps(result.returned)
        return result


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)


def test_a_result(site):
    first, second = site.pack("one"), site.pack("two", "actions/report.py", "README.md", "icon.png")
    result = site.run()
    assert not result.changed
    assert (
        result.msg
        == result.failure.message
        == (
            "2 packs: 1 error, 1 warning, 1 hint, the first: two/actions/report.yaml:5: entry-point-missing: "
            "the entry point actions/report.py is not in the pack"
        )
    )
    assert result.failure.step == "lint"
    assert result.returned["counts"] == {"error": 1, "warning": 1, "info": 1}
    assert result.returned["findings"][2] == {
        "rule": "entry-point-missing",
        "level": "error",
        "file": "actions/report.yaml",
        "line": 5,
        "column": 1,
        "message": "the entry point actions/report.py is not in the pack",
        "pack": str(second),
    }
    none = dict.fromkeys(("error", "warning", "info"), 0)
    assert result.returned["packs"] == [
        {"path": str(first), "ref": "one", "counts": none, "ignored": 0},
        {"path": str(second), "ref": "two", "counts": {"error": 1, "warning": 1, "info": 1}, "ignored": 0},
    ]


@pytest.mark.parametrize(
    ("missing", "failing"),
    [((), ()), (("icon.png",), ()), (("README.md",), ("warning",)), (("actions/report.py",), ("error", "warning"))],
)
def test_it_fails_by_the_level_that_was_asked_for(site, missing, failing):
    site.pack("demo", *missing)
    for level in ("error", "warning", "never"):
        assert bool(site.run(fail_on=level).failure) == (level in failing)


def test_nothing_found(site):
    site.pack("demo")
    assert site.run(fail_on="warning").msg == "demo: nothing found"


@pytest.mark.parametrize("form", ["text", "json", "junit", "sarif", "github", "gitlab"])
def test_a_file_is_written_once(site, form):
    site.pack("demo", "icon.png")
    output = [{"format": form, "path": "found"}]
    path = site.root / "found"
    predicted = site.run(check=True, output=output)
    assert predicted.changed and predicted.returned["written"] == [str(path)] and not path.exists()
    written = site.run(output=output)
    assert written.changed and written.returned == predicted.returned
    content = path.read_bytes()
    assert b"icon" in content
    for check in (True, False):
        again = site.run(check=check, output=output)
        assert not again.changed and again.returned["written"] == []
    path.write_text("old")
    assert site.run(output=output).changed and path.read_bytes() == content


def test_a_file_is_written_when_the_check_fails(site):
    site.pack("demo", "actions/report.py")
    result = site.run(output=[{"format": "text", "path": "found"}])
    assert result.failure and result.changed
    assert (site.root / "found").read_text().startswith("demo/actions/report.yaml:5:1: error entry-point-missing: ")


def test_what_is_in_the_way_of_a_file_is_an_error(site):
    site.pack("demo")
    with pytest.raises(OptionError, match=r"no directory .*/gone for the output"):
        site.run(output=[{"format": "text", "path": "gone/found"}])
    with pytest.raises(OptionError, match="cannot be replaced: Is a directory"):
        site.run(output=[{"format": "text", "path": "packs"}])


@pytest.mark.parametrize(
    ("option", "value", "reason"),
    [
        ("path", ["gone"], "There is no directory"),
        ("rules", ["icons"], "rules names icons, which is not a rule"),
        ("skip", ["icons"], "skip names icons"),
        ("ignore_file", "../other.yml", "a path inside of the packs"),
        ("site_rules", "gone", "cannot be read"),
        ("stackstorm_version", "latest", "a version like 3.9.0"),
        ("python_version", "2.7", "a version like 3.8"),
        ("python", ["no-such-python"], "this program does not exist"),
    ],
)
def test_options_that_cannot_be_used(site, option, value, reason):
    site.pack("demo")
    with pytest.raises(OptionError, match=reason):
        site.run(**{option: value})


def test_another_stackstorm(site):
    tree = well_kept("demo").set_metadata(stackstorm_version=">=3.9.0")
    tree.write(site.root / "packs" / "demo")
    assert not site.run().failure
    (finding,) = site.run(stackstorm_version="3.8.1").returned["findings"]
    assert finding["rule"] == "pack-incompatible"
    assert finding["message"].startswith('StackStorm 3.8.1 does not install it: it requires StackStorm ">=3.9.0"')
