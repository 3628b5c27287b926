# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The text of a lock: what is written is read again, and whatever is wrong in one is said at once."""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import (
    Lock,
    lock_document,
    lock_of,
    lock_text,
    read_lock,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lock.locks import (
    DEBIAN,
    WHOLE,
    digest,
    git_pack,
    lock_with,
)

TEXT = """\
# Made by stackstorm.st2.st2_pack_lock, which writes it anew: comments and other changes are not kept.
format: 1
packs:
  ours:
    version: 0.1.0
    source: ./packs/ours
    requested:
      - ./packs/ours
    resolved:
      kind: content
    content: sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc
  sensu:
    version: 1.0.2
    source: https://github.com/StackStorm-Exchange/stackstorm-sensu
    requested:
      - sensu
    resolved:
      kind: tag
      name: v1.0.2
    commit: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1
    title: 'Take a default: none'
    content: sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    requirements: sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb
    dependencies:
      ours: ours=0.1.0
    counts:
      actions: 12
      sensors: 1
    signer: ops@example.com
    index_url: https://index.stackstorm.org/v1/index.json
    wheels:
      cp311-manylinux_2_36_x86_64:
        - six==1.17.0
platforms:
  cp311-manylinux_2_36_x86_64:
    python: '3.11'
    abi: cp311
    platform: manylinux_2_36_x86_64
wheels:
  six==1.17.0:
    six-1.17.0-py2.py3-none-any.whl: sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd
"""
# What is changed in the text, and what is said of it.
WRONG = {
    "other format": ("format: 1", "format: 2", "line 2) is 2, and this release of the collection supports 1"),
    "format of text": ("format: 1", "format: one", "format (line 2) is no number"),
    "format of a truth": ("format: 1", "format: true", "format (line 2) is True"),
    "unknown key": ("platforms:", "hosts: 1\nplatforms:", "hosts (line 34) is no key"),
    "unknown key of a pack": ("    title:", "    time: 1\n    title:", "packs.sensu.time (line 21) is no key"),
    "key twice": (
        "    title:",
        "    version: 2\n    title:",
        "the key version (line 21) is there twice, first in line 13",
    ),
    "merge key": ("    title:", "    <<: {}\n    title:", "the merge key << (line 21) has no place in a lock"),
    "no version": ("    version: 0.1.0\n", "", "packs.ours (line 4) has no version"),
    "version of a number": ("0.1.0", "0.1", "packs.ours.version (line 5) must be a name"),
    "short commit": ("a1" * 20, "a1a1a1a", "packs.sensu.commit (line 20) must be a full commit"),
    "no commit": (f"    commit: {'a1' * 20}\n", "", "packs.sensu (line 12) has no commit"),
    "commit of a directory": (
        "    content: sha256:c",
        f"    commit: {'a1' * 20}\n    content: sha256:c",
        "packs.ours (line 4) has a directory and a commit",
    ),
    "digest": (digest("a"), "sha1:aa", "packs.sensu.content (line 22) must be a digest"),
    "ref": ("  ours:\n", "  Ours:\n", "packs.Ours (line 4) is no ref of a pack"),
    "kind": ("kind: tag", "kind: label", "packs.sensu.resolved.kind (line 18) must be one of default, branch"),
    "absolute path": ("source: ./packs/ours", "source: /packs/ours", "packs.ours.source (line 6) must be the URL"),
    "file": ("source: ./packs/ours", "source: file:///p", "packs.ours.source (line 6) must be the URL"),
    "credentials": (
        "https://github",
        "https://me:secret@github",
        "packs.sensu.source (line 14) must have no user name",
    ),
    "requested": (
        "      - sensu\n",
        "      - [sensu]\n",
        "packs.sensu.requested[0] (line 16) must be text of one line",
    ),
    "requested of text": ("\n      - sensu\n", " sensu\n", "packs.sensu.requested (line 15) must be a list"),
    "count": ("actions: 12", "actions: many", "packs.sensu.counts.actions (line 27) must be a number"),
    "pack of text": ("  ours:\n", "  other: text\n  ours:\n", "packs.other (line 4) must be a mapping"),
    "no packs": ("packs:", "other:", "packs.lock.yml has no packs"),
    "dependency": ("      ours: ours", "      theirs: ours", "packs.sensu.dependencies.theirs (line 25) is no pack"),
    "platform": ("python: '3.11'", "python: '2.7'", "platforms.cp311-manylinux_2_36_x86_64.python (line 36) must be"),
    "key of a platform": ("    abi: cp311", "    abi: cp312", "must be called cp312-manylinux_2_36_x86_64"),
    "unknown platform": ("      cp311-many", "      cp312-many", "(line 32) is not among the platforms of the lock"),
    "pin without files": (
        "        - six==1.17.0",
        "        - six==1.16.0",
        "(line 33) is six==1.16.0, of which the lock",
    ),
    "pin": ("        - six==1.17.0", "        - six>=1.9", "(line 33) must be a pin as NAME==VERSION"),
    "file that escapes": ("six-1.17.0-py2", "../six-1.17.0-py2", "must be the name of a wheel"),
    "option of pip": ("        - six==1.17.0", "        - --pre==1", "(line 33) must be a pin as NAME==VERSION"),
    "subdir": (
        "    requested:\n      - sensu",
        "    subdir: a/../..\n    requested:\n      - sensu",
        "subdir (line 15) must be",
    ),
    "no YAML": ("format: 1", "format: [", "packs.lock.yml, line 4, is not YAML"),
}


def test_lock_is_written_sorted_and_without_what_is_empty() -> None:
    assert lock_text(WHOLE) == TEXT


def test_what_is_written_is_read_again() -> None:
    assert read_lock(lock_text(WHOLE), "packs.lock.yml") == WHOLE


def test_order_and_repetition_leave_the_bytes_as_they_are() -> None:
    one = git_pack(requested=("sensu", "sensu=1.0.2"), counts={"actions": 1, "rules": 2})
    other = git_pack(requested=("sensu=1.0.2", "sensu", "sensu"), counts={"rules": 2, "actions": 1})
    last = git_pack("zulip")

    assert lock_text(lock_with(one, last)) == lock_text(lock_with(last, other))


@pytest.mark.parametrize("version", ["1.10", "007", "1e3", "yes", "1.0.0-rc.1+build"])
def test_versions_and_commits_that_look_like_numbers_stay_text(version: str) -> None:
    lock = lock_with(git_pack(version=version, commit="1" * 40, title="1.0", resolved=Resolved("branch", "1.10")))

    assert read_lock(lock_text(lock), "packs.lock.yml") == lock


@pytest.mark.parametrize(
    "title",
    [
        "Größe ändern: 大 # no comment",
        "- x",
        "yes",
        "'it''s'",
        '"q"',
        "a: b",
        "? ",
        "{x}",
        "*a",
        "%x",
        "🎉",
        "---",
        "!!str x",
    ],
)
def test_titles_stay_as_they_are(title: str) -> None:
    lock = lock_with(git_pack(title=title))

    assert not title.isalpha() or title in lock_text(lock)
    assert read_lock(lock_text(lock), "packs.lock.yml") == lock


def test_lock_without_packs_is_one() -> None:
    assert read_lock(lock_text(Lock({})), "packs.lock.yml") == Lock({})


@pytest.mark.parametrize(("old", "new", "said"), WRONG.values(), ids=WRONG)
def test_wrong_lock_is_refused_with_the_line(old: str, new: str, said: str) -> None:
    assert old in TEXT

    with pytest.raises(OptionError) as refused:
        read_lock(TEXT.replace(old, new), "packs.lock.yml")

    assert said in refused.value.message
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("text", ["", "- 1", "text", "packs: {}"])
def test_other_documents_are_no_locks(text: str) -> None:
    with pytest.raises(OptionError, match="is no lock: it must be a mapping with the keys format and packs"):
        read_lock(text, "packs.lock.yml")


def test_everything_wrong_is_said_at_once() -> None:
    text = TEXT.replace("actions: 12", "actions: many").replace("0.1.0", "0.1").replace("kind: tag", "kind: label")

    with pytest.raises(OptionError) as refused:
        read_lock(text, "packs.lock.yml")

    for said in ("version (line 5)", "kind (line 18)", "counts.actions (line 27)"):
        assert said in refused.value.message


def test_lock_can_be_sent_as_json() -> None:
    assert lock_of(json.loads(json.dumps(lock_document(WHOLE))), "packs.lock.yml") == WHOLE


def test_what_is_sent_is_checked_likewise() -> None:
    document = lock_document(WHOLE)
    document["wheels"]["six==1.17.0"] = {"../six.whl": digest("d")}

    with pytest.raises(OptionError, match="must be the name of a wheel"):
        lock_of(document, "packs.lock.yml")


def test_platform_has_a_key_of_its_tags() -> None:
    assert DEBIAN.key == "cp311-manylinux_2_36_x86_64"
