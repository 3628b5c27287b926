# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The boundary of a pack: every way out of its directory is refused, everything that stays inside is not."""

from __future__ import annotations

import os
import socket
import stat

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._content.boundary import (
    MOST_PATH_BYTES,
    boundary_problems,
    check_boundary,
    listed,
    printable,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError

NO_HURRY = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
def pack(tmp_path):
    """A pack with a neighbour that it must not reach."""
    neighbour = tmp_path / "packs" / "core"
    neighbour.mkdir(parents=True)
    (neighbour / "pack.yaml").write_text("ref: core\n")
    directory = tmp_path / "packs" / "demo"
    (directory / "actions" / "lib").mkdir(parents=True)
    (directory / "pack.yaml").write_text("ref: demo\n")
    (directory / "actions" / "run.py").write_text("pass\n")
    return directory


def refusal(directory, **more):
    with pytest.raises(InvalidPackError) as caught:
        check_boundary(str(directory), **more)
    assert caught.value.step == "validate"
    assert caught.value.message.endswith(".")
    caught.value.message.encode("utf-8")
    assert "\n" not in caught.value.message
    return caught.value.message


def test_a_plain_pack_passes(pack):
    assert check_boundary(str(pack)) == []


def test_a_real_git_directory_is_not_looked_into(pack):
    (pack / ".git").mkdir()
    os.symlink("/etc", pack / ".git" / "out")
    os.mkfifo(pack / ".git" / "pipe")
    assert check_boundary(str(pack)) == []


INSIDE = {
    "beside it": ("actions/also.py", "run.py"),
    "from above": ("run.py", "actions/run.py"),
    "from below": ("actions/lib/pack.yaml", "../../pack.yaml"),
    "a directory": ("scripts", "actions/lib"),
    "the root": ("actions/lib/root", "../.."),
    "with idle parts": ("actions/lib/x", "./..//../actions/./lib/../run.py"),
    "through the pack itself": ("x", "actions/lib/../../actions/run.py"),
    "an odd name": ("actions/..x", "..."),
}


@pytest.mark.parametrize("path, target", INSIDE.values(), ids=INSIDE)
def test_links_that_stay_inside_pass(pack, path, target):
    (pack / "actions" / "...").write_text("")
    os.symlink(target, pack / path)
    assert os.path.realpath(pack / path).startswith(str(pack))
    assert check_boundary(str(pack)) == []


OUTSIDE = {
    "absolute": ("x", "/etc/passwd"),
    "absolute to nothing": ("x", "/no/such/place"),
    "the neighbour": ("x", "../core/pack.yaml"),
    "from below": ("actions/lib/x", "../../../core"),
    "the directory above": ("actions/x", "../.."),
    "out and in again": ("x", "../demo/pack.yaml"),
    "out behind a directory": ("x", "actions/lib/../../../core"),
    "out behind nothing": ("x", "nowhere/../../core"),
    "far out": ("x", "../" * 50),
    "to nothing outside": ("x", "../nobody/x"),
}


@pytest.mark.parametrize("path, target", OUTSIDE.values(), ids=OUTSIDE)
def test_links_that_lead_out_are_refused(pack, path, target):
    os.symlink(target, pack / path)
    assert f"{path} -> {target} is a link that leads out of the pack" in refusal(pack)


def test_a_long_target_does_not_hide_what_is_wrong(pack):
    os.symlink("../" + "y/" * 1900, pack / "x")
    assert refusal(pack).endswith("y... is a link that leads out of the pack.")


def test_an_absolute_link_into_the_pack_itself_is_refused(pack):
    """The pack moves from staging into place, and to other hosts: the link would stay behind."""
    os.symlink(str(pack / "pack.yaml"), pack / "x")
    assert "x -> " in refusal(pack)


def test_links_that_lead_out_together_are_refused(pack):
    """Neither text climbs above the root: the second starts from where the first one leads."""
    (pack / "a" / "b" / "c").mkdir(parents=True)
    os.symlink("../..", pack / "a" / "b" / "up")
    os.symlink("a/b/up/../core", pack / "out")
    assert os.path.realpath(pack / "out") == str(pack.parent / "core")
    message = refusal(pack)
    assert "out -> a/b/up/../core" in message
    assert "a/b/up -> " not in message


def test_a_link_through_a_link_that_leads_out_is_refused_with_it(pack):
    os.symlink("..", pack / "up")
    os.symlink("up/core/pack.yaml", pack / "x")
    message = refusal(pack)
    assert "up -> .." in message and "x -> up/core/pack.yaml" in message


def test_links_to_nothing_inside_are_a_warning(pack):
    os.symlink("no/such/file", pack / "a")
    os.symlink("b", pack / "b")
    os.symlink("pack.yaml/below/a/file", pack / "c")
    assert check_boundary(str(pack)) == [
        "The pack holds links to nothing: a -> no/such/file, b -> b, c -> pack.yaml/below/a/file."
    ]


def test_special_files_are_refused(pack):
    os.mkfifo(pack / "actions" / "pipe")
    with socket.socket(socket.AF_UNIX) as one:
        directory = os.getcwd()
        os.chdir(pack)  # the path of a socket has at most 107 bytes
        try:
            one.bind("socket")
        finally:
            os.chdir(directory)
    message = refusal(pack)
    assert "actions/pipe is a pipe" in message
    assert "socket is a socket" in message


def test_devices_are_refused(pack):
    try:
        os.mknod(pack / "null", stat.S_IFCHR | 0o600, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("Only root may make a device, and not in every container.")
    assert "null is a device" in refusal(pack)


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o6755])
def test_setuid_and_setgid_files_are_refused(pack, mode):
    (pack / "actions" / "run.py").chmod(mode)
    assert "actions/run.py is a setuid or setgid file" in refusal(pack)


def test_setgid_directories_pass_since_they_are_inherited(pack):
    (pack / "actions").chmod(0o2775)
    assert os.stat(pack / "actions").st_mode & stat.S_ISGID
    assert check_boundary(str(pack)) == []


def test_a_repository_below_the_root_is_refused(pack):
    (pack / "actions" / "lib" / ".git").mkdir()
    (pack / "etc").mkdir()
    (pack / "etc" / ".git").write_text("gitdir: /elsewhere\n")
    message = refusal(pack)
    assert "actions/lib/.git makes a part of the pack a repository of its own" in message
    assert "etc/.git makes" in message


def test_an_empty_submodule_passes(pack):
    (pack / "submodule").mkdir()
    (pack / ".gitmodules").write_text("")
    assert check_boundary(str(pack)) == []


def test_a_git_that_is_no_directory_is_refused(pack):
    (pack / ".git").write_text("gitdir: ../core/.git\n")
    assert ".git is not a directory" in refusal(pack)
    (pack / ".git").unlink()
    os.symlink("actions", pack / ".git")
    assert ".git is not a directory" in refusal(pack)


def test_hard_links_are_refused_only_on_request_and_only_to_the_outside(pack):
    os.link(pack / "pack.yaml", pack / "inside.yaml")
    assert check_boundary(str(pack), hard_links=True) == []
    os.link(pack.parent / "core" / "pack.yaml", pack / "outside.yaml")
    assert check_boundary(str(pack)) == []
    message = refusal(pack, hard_links=True)
    assert "outside.yaml has another name outside of the pack" in message
    assert "inside.yaml has" not in message.replace("outside.yaml", "")


def test_long_paths_are_refused(pack):
    deep = pack
    while len(str(deep)) - len(str(pack)) <= MOST_PATH_BYTES - 201:
        deep = deep / ("d" * 200)
    os.makedirs(deep)
    assert check_boundary(str(pack)) == []
    os.chdir(deep)
    with open("f" * 255, "w", encoding="utf-8"):
        pass
    assert f"a path of more than {MOST_PATH_BYTES} bytes" in refusal(pack)


@pytest.fixture(autouse=True)
def same_directory():
    before = os.getcwd()
    yield
    os.chdir(before)


def test_names_that_differ_only_in_case_are_a_warning(pack):
    (pack / "README").write_text("")
    (pack / "readme").write_text("")
    (pack / "Actions").mkdir()
    [warning] = check_boundary(str(pack))
    assert "Actions and actions" in warning and "README and readme" in warning


def test_odd_names_pass(pack):
    for name in ("-rf", "two words", "caf\u00e9 'quoted\"", "a\nb", "*", "$(x)", "..x", ".hidden"):
        (pack / name).write_text("")
    assert check_boundary(str(pack)) == []


def test_names_that_are_not_utf_8_are_refused(pack):
    """StackStorm keeps the list of a pack's files in its database, whose texts are UTF-8."""
    (pack / "actions" / os.fsdecode(b"caf\xe9")).write_text("")
    assert "actions/caf\\udce9 is not a name in UTF-8" in refusal(pack)


def test_everything_is_named_up_to_a_limit(pack):
    for number in range(25):
        os.symlink("/", pack / f"x{number:02}")
    message = refusal(pack)
    assert "x09 -> /" in message and "x10" not in message
    assert message.endswith("; and 15 more.")


def test_a_directory_that_is_not_there_is_an_error(tmp_path):
    assert "cannot be read" in refusal(tmp_path / "missing")


def test_printable_text_has_no_breaks_and_is_utf_8():
    assert printable("a/b c.yaml") == "a/b c.yaml"
    assert printable("caf\u00e9\n\x1b[31m") == "caf\u00e9\\n\\x1b[31m"
    assert printable(os.fsdecode(b"\xff")) == "\\udcff"


def test_listed_counts_what_it_leaves_out():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg")) == "a, b, c, d, e, and 2 more"
    assert listed(list("abc"), most=1, separator="; ") == "a; and 2 more"
    assert listed(["a" * 4000, "b"]) == f"{'a' * 500}..., b"


PARTS = st.lists(st.sampled_from(["..", ".", "a", "b", "l0", "l1", "l2", "l3", "f", "", "gone"]), max_size=7)
TARGETS = st.tuples(st.booleans(), PARTS).map(lambda both: ("/" if both[0] and not both[1] else "") + "/".join(both[1]))


@given(targets=st.lists(TARGETS.filter(bool), min_size=4, max_size=4))
@settings(max_examples=300, deadline=None, suppress_health_check=NO_HURRY)
def test_what_passes_never_leads_out_for_the_kernel(tmp_path_factory, targets):
    """Against os.path.realpath, on a pack with four links anywhere, which may go through each other."""
    root = tmp_path_factory.mktemp("outer") / "pack"
    (root / "a" / "b").mkdir(parents=True)
    (root / "a" / "f").write_text("")
    places = ["l0", "a/l1", "a/b/l2", "l3"]
    for place, target in zip(places, targets):
        os.symlink(target, root / place)
    leaving = set()
    for place in places:
        try:
            real = os.path.realpath(root / place)
        except RecursionError:
            continue
        if os.path.exists(root / place) and os.path.commonpath([real, str(root)]) != str(root):
            leaving.add(place)
    try:
        check_boundary(str(root))
        refused = ""
    except InvalidPackError as error:
        refused = error.message
    for place in leaving:
        assert f"{place} -> " in refused, (place, targets)


def test_problems_one_by_one(tmp_path):
    for name in ("a", "A", "skipped"):
        (tmp_path / name).mkdir()
    os.symlink("/etc/passwd", tmp_path / "a" / "out")
    os.symlink("/etc/passwd", tmp_path / "skipped" / "out")
    os.symlink("nothing", tmp_path / "gone")
    found = boundary_problems(str(tmp_path), skip=lambda path: path == "skipped")
    assert sorted((problem.kind, problem.file, problem.message) for problem in found) == [
        ("alike", "A", "A and a differ only in case"),
        ("dangling", "gone", "gone -> nothing is a link to nothing"),
        ("refused", "a/out", "a/out -> /etc/passwd is a link that leads out of the pack"),
    ]
    with pytest.raises(InvalidPackError, match=r"no pack may hold: a/out -> /etc/passwd is a link that leads out"):
        check_boundary(str(tmp_path))


def test_no_more_is_looked_at_than_was_asked_for(tmp_path):
    for number in range(5):
        os.symlink("nothing", tmp_path / str(number))
    assert len(boundary_problems(str(tmp_path), most_entries=3)) == 3
