# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a lock stays when only some packs are renewed, or the task asks for others than before."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import parse_spec
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import Lock
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_lock.kept import KeptPacks, kept_of, reachable
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lock.locks import (
    directory_pack,
    git_pack,
    lock_with,
)

LOCK = lock_with(
    git_pack("sensu", dependencies={"base": "base=1.0.2"}),
    git_pack("base", requested=()),
    git_pack("jira", requested=("https://github.com/StackStorm-Exchange/stackstorm-jira.git",)),
    directory_pack("ours"),
)
ALL = ("sensu", "https://github.com/StackStorm-Exchange/stackstorm-jira.git", "./packs/ours")


def asked(*texts: str) -> t.List[t.Any]:
    """Requests; those of directories as the options of a task have them."""
    return [
        parse_spec(f"/site/{text}")._replace(requested=text, controller=True)
        if text.startswith(".")
        else parse_spec(text)
        for text in texts
    ]


# What the task asks for, what is to be renewed, what stays, and what is resolved.
CASES = {
    "nothing": (ALL, (), {"sensu", "base", "jira", "ours"}, ()),
    "one": (ALL, ("sensu",), {"base", "jira", "ours"}, ("sensu",)),
    "a dependency": (ALL, ("base",), {"sensu", "jira", "ours"}, ()),
    "other version": (("sensu=1.0.1",), (), {"base", "jira", "ours"}, ("sensu=1.0.1",)),
    "other spelling": (("StackStorm-Exchange/stackstorm-jira",), (), {"sensu", "base", "ours"}, None),
    "new one": ((*ALL, "new"), (), {"sensu", "base", "jira", "ours"}, ("new",)),
    "one by two names": (("sensu", "sensu=1.0.2"), (), {"base", "jira", "ours"}, ("sensu=1.0.2", "sensu")),
}


@pytest.mark.parametrize(("texts", "update", "stays", "resolved"), CASES.values(), ids=CASES)
def test_what_stays(
    texts: t.Tuple[str, ...], update: t.Tuple[str, ...], stays: t.Set[str], resolved: t.Optional[t.Tuple[str, ...]]
) -> None:
    kept, requests = kept_of(LOCK, asked(*texts), frozenset(update))

    assert set(kept) == stays and all(LOCK.packs[ref] is pack for ref, pack in kept.items())
    assert tuple(request.requested for request in requests) == (texts if resolved is None else resolved)


def test_kept_pack_provides_by_name_and_address() -> None:
    packs = KeptPacks(
        [git_pack("sensu", dependencies={"base": "https://git.example.com/stackstorm-other.git"}), git_pack("base")]
    )

    assert packs.refs() == ["base", "sensu"] and packs.get("none") is None
    found = packs.by_source("https://github.com/StackStorm-Exchange/stackstorm-sensu.git")
    assert found is not None and found.ref == "sensu" and found.version == "1.0.2"
    assert packs.provided("https://git.example.com/stackstorm-other") == "base"


def test_only_what_is_reachable_stays() -> None:
    packs = {
        "one": git_pack("one", dependencies={"two": "two"}),
        "two": git_pack("two", dependencies={"one": "one"}),
        "three": git_pack("three"),
    }

    assert set(reachable(packs, ["one"])) == {"one", "two"}
    assert reachable(packs, []) == {} == reachable(Lock({}).packs, ["one"])
