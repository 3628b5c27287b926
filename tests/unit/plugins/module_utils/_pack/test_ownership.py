# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owner and group: who gets what, and that nobody else's files are given away."""

from __future__ import annotations

import grp
import os
import pwd

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ApplyError, OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.ownership import Ownership, resolve_ownership

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
OTHER = 54321


def names(database, key):
    return {getattr(entry, key) for entry in database}


@pytest.fixture
def account():
    return pwd.getpwuid(os.getuid())


@pytest.fixture
def group():
    return grp.getgrgid(os.getgid())


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "tree"
    (root / "actions" / "lib").mkdir(parents=True)
    (root / "pack.yaml").write_text("ref: x\n")
    (root / "actions" / "lib" / "x.py").write_text("x = 1\n")
    (root / "actions" / "run.sh").write_text("true\n")
    (root / "actions" / "run.sh").chmod(0o755)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "file").write_text("mine")
    (root / "to_file").symlink_to(outside / "file")
    (root / "to_directory").symlink_to(outside)
    (root / "to_nowhere").symlink_to("nowhere")
    return root


def everything(root):
    yield root
    yield from root.rglob("*")


def owners(root):
    return {(os.lstat(path).st_uid, os.lstat(path).st_gid) for path in everything(root)}


def test_without_anything_asked_the_account_keeps_what_it_makes():
    assert resolve_ownership(None, None, None) == (Ownership(), [])


def test_the_hosts_pack_group_is_the_default(group):
    assert resolve_ownership(None, None, group.gr_name) == (Ownership(-1, group.gr_gid), [])


def test_a_group_of_the_task_goes_before_the_hosts(group):
    assert resolve_ownership(None, group.gr_name, "nosuchgroup")[0] == Ownership(-1, group.gr_gid)
    assert resolve_ownership(None, group.gr_name, "nosuchgroup")[1] == []


def test_names_and_numbers_are_taken(account, group):
    expected = Ownership(account.pw_uid, group.gr_gid)
    assert resolve_ownership(account.pw_name, group.gr_name, None) == (expected, [])
    assert resolve_ownership(str(account.pw_uid), str(group.gr_gid), None) == (expected, [])
    assert resolve_ownership("54321", "54322", None) == (Ownership(54321, 54322), [])


def test_a_pack_group_that_does_not_exist_is_warned_about():
    ownership, warnings = resolve_ownership(None, None, "nosuchgroup")
    assert ownership == Ownership()
    assert warnings == [
        "The group nosuchgroup ([content] pack_group) does not exist on this host; packs keep the group of the account "
        "that installs them."
    ]


@pytest.mark.parametrize(
    "owner, group, message", [("nosuchuser", None, "owner nosuchuser"), (None, "nosuchgroup", "group nosuchgroup")]
)
def test_an_account_of_the_task_that_does_not_exist_is_an_error(owner, group, message):
    with pytest.raises(OptionError, match=f"The {message} does not exist on this host."):
        resolve_ownership(owner, group, None)


@pytest.mark.parametrize("number", ["4294967295", "9" * 30, "9" * 5000])
def test_a_number_that_no_account_has_is_an_error(number):
    """The first of them means "leave it" to the system."""
    with pytest.raises(OptionError, match=r"The owner 4294967295|9{20} is too large"):
        resolve_ownership(number, None, None)
    assert resolve_ownership("4294967294", "0", None)[0] == Ownership(4294967294, 0)


@pytest.mark.parametrize("owner", ["\u00b2", "\u0661", "-1", "root\0", "ro\not"])
def test_what_only_looks_like_a_number_or_name_is_an_error(owner):
    with pytest.raises(OptionError, match="does not exist on this host"):
        resolve_ownership(owner, None, None)


@ROOT
def test_a_whole_tree_is_given_away_with_its_links_and_not_what_they_point_to(tree, tmp_path):
    Ownership(OTHER, OTHER + 1).apply(str(tree))
    assert owners(tree) == {(OTHER, OTHER + 1)}
    assert owners(tmp_path / "outside") == {(os.geteuid(), os.getegid())}


@ROOT
def test_only_what_is_asked_for_changes(tree):
    Ownership(gid=OTHER).apply(str(tree))
    assert owners(tree) == {(os.geteuid(), OTHER)}
    Ownership(uid=OTHER).apply(str(tree))
    assert owners(tree) == {(OTHER, OTHER)}


@ROOT
def test_a_group_that_came_from_the_directory_is_corrected(tree):
    os.chown(tree / "actions" / "lib" / "x.py", os.geteuid(), OTHER)
    Ownership(os.geteuid(), os.getegid()).apply(str(tree))
    assert owners(tree) == {(os.geteuid(), os.getegid())}


@ROOT
def test_modes_stay(tree):
    before = {path: os.lstat(path).st_mode for path in everything(tree)}
    Ownership(OTHER, OTHER).apply(str(tree))
    assert {path: os.lstat(path).st_mode for path in everything(tree)} == before


def test_what_is_right_already_stays_shared_and_untouched(tree, tmp_path):
    os.link(tree / "pack.yaml", tmp_path / "base")
    before = {path: (os.lstat(path).st_ino, os.lstat(path).st_ctime_ns) for path in everything(tree)}
    Ownership(os.geteuid(), os.getegid()).apply(str(tree))
    Ownership().apply(str(tree))
    assert {path: (os.lstat(path).st_ino, os.lstat(path).st_ctime_ns) for path in everything(tree)} == before


@ROOT
def test_one_file_can_be_given_away(tree):
    Ownership(OTHER, -1).apply(str(tree / "pack.yaml"))
    assert os.stat(tree / "pack.yaml").st_uid == OTHER
    assert os.stat(tree).st_uid == os.geteuid()


@ROOT
def test_an_account_that_may_not_is_told_to_become(tree):
    for path in everything(tree):
        os.lchown(path, OTHER, OTHER)
    child = os.fork()
    if child == 0:
        try:
            for directory in tree.parents:
                if str(directory) != "/":
                    os.chmod(directory, os.stat(directory).st_mode | 0o111)
            os.setgid(OTHER)
            os.setuid(OTHER)
            Ownership(OTHER + 1, -1).apply(str(tree))
        except ApplyError as error:
            os._exit(7 if "may not give" in error.message and "run with become" in error.message else 8)
        finally:
            os._exit(9)
    assert os.WEXITSTATUS(os.waitpid(child, 0)[1]) == 7
