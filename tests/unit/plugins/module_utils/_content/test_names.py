# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of packs and versions, and how a refused one is shown."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.names import (
    check_ref,
    check_text,
    check_version,
    is_path,
    refusal,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError


def message_of(check, *args, **how):
    with pytest.raises(OptionError) as caught:
        check(*args, **how)
    return caught.value.message


@pytest.mark.parametrize("ref", ["a", "0_", "_", "x" * 200])
def test_a_ref_is_returned_as_it_is(ref):
    assert check_ref("name", ref) == ref


@pytest.mark.parametrize(
    ("ref", "why"),
    [
        ("", "there is no pack name in it."),
        ("_global", "StackStorm reserves this name."),
        ("x" * 201, "at most 200 of them."),
        ("sensu\n", "Did you mean sensu?"),
        ("My Pack", "Did you mean my_pack?"),
        ("sensu>", "write a version as NAME=VERSION, as ranges are not supported."),
        ("...", "at most 200 of them."),
    ],
)
def test_what_is_no_ref_is_refused_with_what_was_meant(ref, why):
    message = message_of(check_ref, "pack", ref)
    assert message.startswith('The pack "') and message.endswith(why)


@pytest.mark.parametrize("version", ["1.0", "v1.0.0-rc.1+b", "feature/x", "a" * 40, "1.0=2"])
def test_versions_that_git_may_have(version):
    assert check_version(version) == version


def test_no_version():
    assert check_version("") is None


@pytest.mark.parametrize(
    "version",
    [
        *("a..b", "a@{1}", "a//b", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b", ".a", "a/.b", "a.lock", "a.lock/b"),
        *("a/", "a.", "/a", "=1.0", "@", "-x", "a b", "a\n", "x" * 2049),
    ],
)
def test_versions_that_git_cannot_have(version):
    assert message_of(check_version, version).startswith('The version "')


def test_a_second_equals_sign_in_front_of_a_version_is_explained():
    assert message_of(check_version, "=1.0").endswith("A version is written after a single =.")


@pytest.mark.parametrize(
    ("text", "answer"),
    [("/srv/x", True), ("file:///srv/x", True), ("FILE:///srv/x", True), ("srv/x", False), ("https://h/x", False)],
)
def test_which_sources_are_directories_of_a_host(text, answer):
    assert is_path(text) is answer


def test_blanks_are_only_allowed_in_paths_and_control_characters_nowhere():
    check_text("source", "/srv/my packs", blanks=True)
    assert "contains spaces" in message_of(check_text, "source", "/srv/my packs")
    assert "contains spaces" in message_of(check_text, "source", "/srv/my\tpacks", blanks=True)


@pytest.mark.parametrize(("value", "kind"), [(1.0, "float"), (True, "bool"), (None, "NoneType"), ([], "list")])
def test_what_is_no_string_is_to_be_quoted(value, kind):
    assert message_of(check_text, "version", value) == f"version must be a string, not {kind}: quote it."


def test_nothing_looks_like_an_option_of_a_program():
    assert "must not begin with -" in message_of(check_text, "source", "--upload-pack=x", blanks=True)


def test_the_longest_text():
    check_text("source", "x" * 2048)
    assert "longer than 2048" in message_of(check_text, "source", "x" * 2049)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("https://me:hunter2@h/x", "https://********@h/x"),
        ("hunter2@h:x", "********@h:x"),
        ("me:hunter2@one@h", "********@h"),
        ("a\nb\x1b", "a?b?"),
        ("x" * 300, f"{'x' * 200}..."),
    ],
)
def test_a_refused_text_shows_no_password_and_ends(value, shown):
    assert refusal("source", value, "why").message == f'The source "{shown}" cannot be used: why.'


def test_a_secret_in_a_query_is_not_shown_either():
    assert "hunter2" not in refusal("source", "https://h/x?private_token=hunter2", "why").message
