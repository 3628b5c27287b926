# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a change of a lock: nothing is overlooked, and names that others chose are only shown."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import Lock
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock import report
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock.changes import (
    Difference,
    PackChange,
    changed_files,
    changed_refs,
    differences,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock.sides import Side
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock.wheels import Unlocked
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lock.locks import (
    DEBIAN,
    SIX,
    digest,
    git_pack,
    lock_with,
)

OLD = Side(
    {"actions": ("list", "gone"), "sensors": ("Old",)},
    ("requests==2.0",),
    {"host": False, "port": True, "user": True},
    {"stackstorm_version": ">=3.0.0"},
    "a",
)
NEW = Side(
    {"actions": ("list", "new"), "sensors": ("New", "Old"), "aliases": ("ask",)},
    ("requests==2.1",),
    {"host": True, "port": False, "token": True, "days": False},
    {"stackstorm_version": ">=3.8.0", "python_versions": "3"},
    "b",
)
BEFORE = git_pack(version="1.0.1", commit="b2" * 20, content=digest("e"), wheels={DEBIAN.key: ("a==1", "b==1")})
AFTER = git_pack(wheels={DEBIAN.key: ("a==2", "c==1")}, signer="ops@example.com", requested=("sensu=1.0.2",))
ALL = [
    "! signed by somebody else ops@example.com",
    "- asked for as sensu",
    "+ asked for as sensu=1.0.2",
    "- action gone",
    "+ action new",
    "! sensor New: it starts by itself",
    "+ alias ask",
    "+ config key days",
    "! config key host: it is required now",
    "~ config key port: it is no longer required",
    "! config key token: it is required now",
    "- config key user",
    "- requirement requests==2.0",
    "+ requirement requests==2.1",
    "! python_versions 3: it was none",
    "! stackstorm_version >=3.8.0: it was >=3.0.0",
    "! the licence is another one",
    "~ Python package a: 1 -> 2",
    "- Python package b: 1",
    "+ Python package c: 1",
]


def test_everything_that_is_different_is_told() -> None:
    assert [str(one) for one in differences(BEFORE, AFTER, OLD, NEW)] == ALL


def test_what_is_the_same_is_not_told() -> None:
    assert differences(AFTER, AFTER, NEW, NEW) == ()


def test_same_version_with_another_commit_is_told_loudly() -> None:
    told = [str(one) for one in differences(BEFORE._replace(version="1.0.2"), AFTER, OLD, OLD)]

    assert told[0] == "! the same version, but other commit: somebody changed what was released"


def test_without_the_old_files_numbers_are_compared() -> None:
    told = [str(one) for one in differences(BEFORE._replace(counts={"actions": 3}), AFTER, None, NEW)]

    assert "! its previous content is no longer known, so only numbers can be compared" in told
    assert "~ actions: 3 -> 12" in told and "~ sensors: 0 -> 1" in told


def test_other_source_is_told_loudly() -> None:
    moved = BEFORE._replace(source="https://git.example.com/sensu")

    assert f"! another source {AFTER.source}: it was {moved.source}" in map(str, differences(moved, AFTER, OLD, NEW))


def test_new_pack_is_told_with_what_it_starts_and_wants() -> None:
    told = [str(one) for one in differences(None, AFTER, None, NEW)]

    assert told[:2] == [f"~ from {AFTER.source}", "+ 12 actions, 1 sensor"]
    assert "! sensor New: it starts by itself" in told and "! config key token: it is required" in told


@pytest.mark.parametrize(
    ("change", "headline", "place"),
    [
        (
            PackChange("sensu", BEFORE, AFTER, 7, 1),
            "sensu 1.0.1 -> 1.0.2",
            "b2b2b2b..a1a1a1a, 7 commits, 1 commit taken back, tag v1.0.2, signed by ops@example.com",
        ),
        (PackChange("sensu", None, git_pack()), "sensu 1.0.2 is new", "a1a1a1a, tag v1.0.2"),
        (PackChange("sensu", git_pack(), None), "sensu 1.0.2 goes", "a1a1a1a, tag v1.0.2"),
        (
            PackChange("sensu", BEFORE._replace(version="1.0.2"), git_pack(resolved=Resolved("default", "main"))),
            "sensu 1.0.2 at another commit",
            "b2b2b2b..a1a1a1a, branch main",
        ),
        (PackChange("sensu", git_pack(index_url=None), git_pack()), "sensu 1.0.2 otherwise", "a1a1a1a, tag v1.0.2"),
    ],
)
def test_one_line_says_what_happens(change: PackChange, headline: str, place: str) -> None:
    assert (change.headline, change.place) == (headline, place)


def test_changed_packs_are_those_that_are_not_the_same() -> None:
    one, other = (
        lock_with(git_pack("a"), git_pack("b"), git_pack("c")),
        lock_with(git_pack("a"), git_pack("b", title="")),
    )

    assert changed_refs(one, other) == ["b", "c"] and changed_refs(one, one) == []


def test_names_that_others_chose_cannot_write_markdown() -> None:
    evil = "`](https://evil.example.com)\n# Approved\x1b[0m"
    change = PackChange("sensu", BEFORE, AFTER._replace(title=evil), 1, 0, (Difference("+", "action", evil, evil),))
    text = report.markdown("/site/packs.lock.yml", [change], [], [Unlocked("sensu", DEBIAN.key, evil)], [evil])

    assert "\n# Approved" not in text and "\x1b" not in text
    assert text.count("`") % 2 == 0 and "`](https" not in text.replace("` `", "")


def test_markdown_says_all() -> None:
    change = PackChange("sensu", BEFORE, AFTER, 7, 0, differences(BEFORE, AFTER, OLD, NEW))
    text = report.markdown("/site/packs.lock.yml", [change], [], [Unlocked("sensu", DEBIAN.key, "x has no wheel")], [])

    assert text.startswith("## `packs.lock.yml`\n\n### sensu 1.0.1 → 1.0.2\n")
    assert "- **sensor `New`: it starts by itself**\n" in text and "- gone: action `gone`\n" in text
    assert f"- `sensu` on `{DEBIAN.key}`: `x has no wheel`\n" in text
    assert report.markdown("/site/packs.lock.yml", [], [], [], ["a warning"]) == ""


def test_diff_has_both_sides() -> None:
    change = PackChange("sensu", BEFORE, AFTER, 7, 0, differences(BEFORE, AFTER, OLD, NEW))
    (shown,) = report.diff([change])

    assert shown["before"].startswith(f"version: 1.0.1\ncommit: {'b2' * 20}") and "action gone\n" in shown["before"]
    assert shown["after"].startswith("version: 1.0.2\n") and "! sensor New: it starts by itself\n" in shown["after"]
    assert shown["before_header"] == shown["after_header"] and "7 commits" in shown["after_header"]


def test_line_names_a_few() -> None:
    changes = [PackChange(f"p{number}", None, git_pack(f"p{number}")) for number in range(7)]
    lock = lock_with(*(git_pack(change.ref) for change in changes))

    assert report.line("/l", lock, changes, True).endswith("p4 1.0.2 is new; and 2 more (7 packs)")
    assert report.line("/l", lock_with(git_pack()), [], False) == "/l: nothing changes (1 pack)"


def test_files_that_differ_while_no_pack_does_are_told() -> None:
    pack = git_pack(wheels={DEBIAN.key: (SIX,)})
    before = Lock({"sensu": pack}, {SIX: {"a.whl": digest("a"), "b.whl": digest("b")}}, {DEBIAN.key: DEBIAN})
    after = before._replace(wheels={SIX: {"b.whl": digest("c"), "c.whl": digest("c")}})
    files = changed_files(before, after)

    assert list(map(str, files)) == [
        "- file a.whl",
        "! file b.whl: it has another digest, somebody replaced what was published",
        "+ file c.whl",
    ]
    (shown,) = report.diff([], files)
    assert shown["before"] == "file a.whl\n" and "file c.whl\n" in shown["after"]
    assert "- **file `b.whl`: it has another digest" in report.markdown("/l", [], files, [], [])
    assert changed_files(before, before) == () == changed_files(Lock({}), after)
