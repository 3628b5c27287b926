# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a pack says is to be ignored: by a file, by comments, and what is wrong with that."""

from __future__ import annotations

import pytest
from infrastructure.packs import well_kept

from ansible_collections.stackstorm.st2.plugins.module_utils._lint.pack import Against
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lint.linting import lint, places

PLAIN = Against(pythons=())


def ignoring(tmp_path, entries, change=lambda tree: None, **wanted):
    tree = well_kept().remove("icon.png")
    tree.add(".st2-lint.yml", f"ignore:\n{entries}")
    change(tree)
    return lint(tree, tmp_path, against=PLAIN, **wanted)


def test_a_rule_is_ignored_for_a_reason(tmp_path):
    report = ignoring(tmp_path, "  - rule: icon\n    reason: no need of one\n")
    assert report.findings == ()
    ((finding, ignore),) = report.ignored
    assert (finding.rule, ignore.reason, ignore.line) == ("icon", "no need of one", 2)


@pytest.mark.parametrize("reason", ["", "    reason: ''\n", "    reason: [a]\n"])
def test_without_a_reason_nothing_is_ignored(tmp_path, reason):
    report = ignoring(tmp_path, f"  - rule: icon\n{reason}")
    assert places(report) == [("icon", ".", None), ("ignore-reason", ".st2-lint.yml", 2)]


def test_a_pattern_is_about_some_files(tmp_path):
    def change(tree):
        for path in ("tests/a.yaml", "tests/b/c.yaml", "etc/d.yaml"):
            tree.add(path, "a: [\n")

    entries = "  - {rule: yaml-syntax, path: tests/*, reason: broken on purpose}\n  - {rule: icon, reason: none}\n"
    report = ignoring(tmp_path, entries, change)
    assert places(report) == [("yaml-syntax", "etc/d.yaml", 2)]
    assert len(report.ignored) == 3


def test_what_is_not_found_is_told(tmp_path):
    entries = "  - {rule: icon, path: icon.png, reason: a}\n  - {rule: no-rule, reason: a}\n"
    assert places(ignoring(tmp_path, entries)) == [
        ("icon", ".", None),
        ("ignore-unused", ".st2-lint.yml", 2),
        ("ignore-unknown", ".st2-lint.yml", 3),
    ]


def test_what_is_not_asked_for_is_not_missed(tmp_path):
    report = ignoring(tmp_path, "  - {rule: icon, reason: a}\n  - {rule: readme, reason: a}\n", skip=("icon", "readme"))
    assert report.findings == ()


@pytest.mark.parametrize(
    "content",
    [
        "",
        "- a\n",
        "ignore: {}\n",
        "ignore:\n  - icon\n",
        "ignore:\n  - {rule: icon, reason: a, file: b}\n",
        "ignore: [\n",
    ],
)
def test_a_file_that_is_none_is_told(tmp_path, content):
    tree = well_kept().add(".st2-lint.yml", content)
    rules = {finding.rule for finding in lint(tree, tmp_path, against=PLAIN).findings}
    assert "ignore-file" in rules


def test_it_has_another_name_if_asked(tmp_path):
    tree = well_kept().remove("icon.png").add("etc/lint.yml", "ignore:\n  - {rule: icon, reason: a}\n")
    assert lint(tree, tmp_path, against=PLAIN, ignore_file="etc/lint.yml").findings == ()


def test_a_comment_is_about_its_line_or_the_next_one(tmp_path):
    tree = well_kept()
    tree.add(
        "requirements.txt",
        "one # st2-lint: ignore[requirements-unpinned] ours\n# st2-lint: ignore[requirements-unpinned]\ntwo\nthree\n",
    )
    report = lint(tree, tmp_path, against=PLAIN)
    assert places(report) == [("requirements-unpinned", "requirements.txt", 4)]
    assert [(finding.line, ignore.reason) for finding, ignore in report.ignored] == [(1, "ours"), (3, "")]


def test_a_comment_that_nothing_needs_is_told(tmp_path):
    tree = well_kept()
    tree.add("etc/a.sh", "true # st2-lint: ignore[line-ends, no-rule]\n")
    assert places(lint(tree, tmp_path, against=PLAIN)) == [
        ("ignore-unknown", "etc/a.sh", 1),
        ("ignore-unused", "etc/a.sh", 1),
    ]
