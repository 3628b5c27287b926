# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is done with the repository of one pack, over all that may be there."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._split.bare import Bare
from ansible_collections.stackstorm.st2.plugins.module_utils._split.destination import Existing
from ansible_collections.stackstorm.st2.plugins.module_utils._split.options import PackPath
from ansible_collections.stackstorm.st2.plugins.module_utils._split.plan import SplitPack, plan_steps
from ansible_collections.stackstorm.st2.plugins.module_utils._split.report import diff, notes
from ansible_collections.stackstorm.st2.plugins.module_utils._split.source import FoundPack, tag_prefixes
from ansible_collections.stackstorm.st2.plugins.module_utils._split.tags import Choice, KeptTag
from ansible_collections.stackstorm.st2.plugins.module_utils._split.target import Target

REFS = {"refs/heads/main": "1" * 40, "refs/tags/v1.0.0": "2" * 40}
MAPPING = b"# x\n"


def bare(refs=None, head="refs/heads/main"):
    def no_git(*_arguments, **_settings):
        raise AssertionError("git is not needed")

    found = Bare(no_git, "/scratch/a.git")
    found.refs, found.head = dict(REFS if refs is None else refs), head
    return found


def split(existing=None, target=None, **pack):
    found = FoundPack(PackPath("packs/a", former_paths=("old/dns",)), "a", "1.0.0", "t", (), ())._replace(**pack)
    kept = (KeptTag("v1.0.0", "a/v1.0.0", "t", signed=True),)
    mine = Existing() if existing is None else existing
    return SplitPack(found, Choice(kept, (), ()), bare(), MAPPING, ("Something.",), mine, target)


def steps(*, push=False, **given):
    found = plan_steps(split(**given), place="/dest/a.git", push=push)
    return found.write, found.push, [problem.message for problem in found.problems]


def test_nothing_there():
    assert steps() == (True, False, [])


def test_the_same_there():
    assert steps(existing=Existing(bare(), MAPPING)) == (False, False, [])
    assert steps(existing=Existing(bare(), b"other")) == (True, False, [])
    assert steps(existing=Existing(bare(head="refs/heads/x"), MAPPING)) == (True, False, [])


def test_less_there():
    assert steps(existing=Existing(bare({"refs/heads/main": "1" * 40}), MAPPING)) == (True, False, [])


@pytest.mark.parametrize("refs", [{**REFS, "refs/heads/mine": "3" * 40}, {**REFS, "refs/tags/v1.0.0": "3" * 40}])
def test_something_else_there(refs):
    _write, _push, problems = steps(existing=Existing(bare(refs), MAPPING))
    assert "/dest/a.git has what the source repository does not have" in problems[0]
    assert "not a bare repository" in steps(existing=Existing(foreign=True))[2][0]


@pytest.mark.parametrize(
    ("state", "pushed", "words"),
    [
        ("empty", True, ""),
        ("part", True, ""),
        ("same", False, ""),
        ("other", False, "Nothing is overwritten"),
        ("unreachable", False, "cannot be reached: no route. Create it first"),
    ],
)
def test_targets(state, pushed, words):
    target = Target("https://git.example.com/a.git", state, "no route")
    _write, push, problems = steps(target=target, push=True)
    assert push == pushed and bool(problems) == bool(words) and words in "".join(problems)
    assert steps(target=target)[1:] == (False, [])


def test_what_is_told():
    one = split(former=("contrib/a",), warnings=("pack.yaml has no ref.",), target=Target("https://x/a.git", "empty"))
    told = "\n".join(notes(one))
    for words in ("pack.yaml has no ref.", "in contrib/a before", "a/v1.0.0 lost the signature", "a: Something."):
        assert words in told
    shown = diff([(one, plan_steps(one, place="/dest/a.git", push=True))], lambda ref: f"/dest/{ref}.git")
    assert [entry["after_header"] for entry in shown] == ["/dest/a.git", "https://x/a.git"]
    assert shown[0]["before"] == "" and shown[0]["after"].splitlines()[1] == f"{'2' * 40} refs/tags/v1.0.0"


def test_prefixes_of_tags():
    assert tag_prefixes(split().pack) == ["a", "dns", "packs/a", "old/dns"]
