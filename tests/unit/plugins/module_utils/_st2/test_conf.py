# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2.conf is read as oslo.config reads it: expected is what oslo.config 9.6.0 answered for the same text."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.conf import DEFAULTS, read_settings, split_list

REPOSITORY = Path(__file__).resolve().parents[5]
REAL_DATA = Path(os.environ.get("ST2_TEST_DATA") or REPOSITORY.parent / "shared" / "data")


def settings(tmp_path, text, environment=None, service_environment=None):
    path = tmp_path / "st2.conf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_settings(str(path), environment or {}, service_environment)


def value(tmp_path, text, section="content", option="a", **environments):
    found = settings(tmp_path, text, **environments).get(section, option)
    return None if found is None else found.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[content]\na = x\n", "x"),
        ("[content]\na=x", "x"),
        ("[content]\na: x=1\n", "x=1"),
        ("[content]\na = x:1\n", "x:1"),
        ("[content]\na =\n", ""),
        ("[content]\na = x # no comment\n", "x # no comment"),
        ("[content]\na = x ; no comment\n", "x ; no comment"),
        ("[content]\n# a = x\n; a = y\n", None),
        ("[content]\na = 'x'\n", "x"),
        ('[content]\na = "x y"\n', "x y"),
        ('[content]\na = "x\n', '"x'),
        ("[content]\na = 'x\"\n", "'x\""),
        ("[content]\na = '\n", ""),
        ("[content]\na='x'y'\n", "x'y"),
        ("[CONTENT]\na = x\n", "x"),
        ("[content]\nA = x\n", None),
        ("[ content ]\na = x\n", None),
        ("[content]\na = 1\n[content]\na = 2\n[Content]\na = 3\n", "3"),
        ("[content]\na = 1\na = 2\n", "2"),
        ("[content]\na = x\n  y\n\tz\n\n[other]", "x\ny\nz"),
        ("[content]\na = x\n   \nb = y\n", "x"),
        ("[content]\r\na = x\r\n", "x"),
        ("[content]\na = $$5 and \\$6 and cost$ and $7\n", "$5 and $6 and cost$ and $7"),
        ("[content]\nb = x\na = ${b}/y\n", "x/y"),
        ("[content]\na = ${system.base_path}/x\n", "/opt/stackstorm/x"),
        ("[system]\nbase_path = /srv\n[content]\nb = $system.base_path\na = $b\n", "/srv"),
        ("[content]\na = $pack_group/x\n", "st2packs/x"),
        ("", None),
    ],
)
def test_a_value_is_what_oslo_config_reads(tmp_path, text, expected):
    assert value(tmp_path, text) == expected


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ("[content]\na = 1\n# c\n  x\n", 4, "starts with a space"),
        ("  a\n", 1, "starts with a space"),
        ("[content]\na = 1\n\n  x\n", 4, "starts with a space"),
        ("a = 1\n", 1, "before the first"),
        ("[content\na = 1\n", 1, "must end with ]"),
        ("[content] ; x\na = 1\n", 1, "must end with ]"),
        ("[]\na = 1\n", 1, "must have a name"),
        ("[content]\n = 1\n", 2, "starts with a space"),
        ("[content]\n=1\n", 2, "no option name"),
        ("[content]\nhunter2\n", 2, "NAME = VALUE"),
        ("\ufeff[content]\na = 1\n", 1, "NAME = VALUE"),
        (b"[content]\n\na = caf\xe9\n", 3, "not UTF-8"),
    ],
)
def test_what_oslo_config_refuses_names_file_and_line(tmp_path, text, line, why):
    with pytest.raises(HostError, match=r"StackStorm|UTF-8") as caught:
        settings(tmp_path, text)
    assert f"{tmp_path}/st2.conf:{line}: " in caught.value.message
    assert why in caught.value.message
    assert "hunter2" not in caught.value.message


def test_a_comment_may_hold_any_bytes(tmp_path):
    assert value(tmp_path, b"# caf\xe9\n[content]\na = x\n") == "x"


@pytest.mark.parametrize(
    "text", ["[content]\na = $nosuch/x\n", "[content]\na = $system.nosuch\n", "[content]\na = $A\n"]
)
def test_a_reference_to_nothing_names_its_line(tmp_path, text):
    with pytest.raises(HostError, match=r"st2\.conf:2: .*which is not set"):
        value(tmp_path, text)


def test_a_reference_that_runs_in_a_circle_is_an_error(tmp_path):
    with pytest.raises(HostError, match="refers to itself"):
        value(tmp_path, "[content]\na = $b\nb = $a\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("index_url = a, b ,c,", ("a", "b", "c")),
        ("index_url = a, b ,,c", ("a", "b", "c")),
        ("index_url = a,\n  b,\n  c", ("a", "b", "c")),
        ("index_url =", ()),
        ("index_url = ,,", ()),
        ("index_url = a\nindex_url = b", ("b",)),
        ("pack_group = x", None),
        ("a = p,q\nindex_url = $a", ("p", "q")),
    ],
)
def test_a_list_is_split_at_commas(tmp_path, text, expected):
    assert settings(tmp_path, f"[content]\n{text}\n").get_list("content", "index_url") == expected


@hypothesis_settings(deadline=None)
@given(st.lists(st.text(st.characters(blacklist_characters=",", blacklist_categories=("Cs", "Zs", "Cc")), min_size=1)))
def test_a_list_survives_being_written_with_any_blanks(items):
    expected = tuple(item.strip() for item in items if item.strip())
    assert split_list(" ,  ".join(items)) == expected
    assert split_list(",".join(items) + ",") == expected


def test_environment_wins_over_service_environment_wins_over_file(tmp_path):
    text = "[content]\npack_group = file\n"
    variable = "ST2_CONTENT__PACK_GROUP"

    def read(**environments):
        found = settings(tmp_path, text, **environments).get("content", "pack_group")
        return found.value, found.origin

    assert read() == ("file", f"{tmp_path}/st2.conf:2")
    assert read(service_environment={variable: "service"}) == ("service", f"service environment {variable}")
    both = {"environment": {variable: "mine"}, "service_environment": {variable: "service"}}
    assert read(**both) == ("mine", f"environment {variable}")
    assert read(environment={variable: ""}) == ("", f"environment {variable}")


def test_the_origin_is_the_line_where_the_value_starts(tmp_path):
    found = settings(tmp_path, "[content]\n\n# c\na = x,\n  y\nb = z\n")
    assert found.get("content", "a").origin.endswith("st2.conf:4")
    assert found.get("content", "b").origin.endswith("st2.conf:6")


def test_a_setting_does_not_show_its_value(tmp_path):
    found = settings(tmp_path, "[database]\npassword = hunter2\n").get("database", "password")
    assert found.value == "hunter2"
    assert "hunter2" not in repr(found)


def test_a_missing_file_says_which_option_to_set(tmp_path):
    with pytest.raises(HostError, match=r"There is no .*/none/st2\.conf.*option st2_conf"):
        read_settings(str(tmp_path / "none" / "st2.conf"), {})


def test_a_directory_is_no_file(tmp_path):
    with pytest.raises(HostError, match="cannot be read: Is a directory"):
        read_settings(str(tmp_path), {})


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/urandom", "/dev/null"])
def test_a_device_is_not_read(path):
    with pytest.raises(
        HostError, match=rf"{path} cannot be an st2\.conf\. It is not a regular file\. .*option st2_conf"
    ):
        read_settings(path, {})


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "st2.conf")
    with pytest.raises(HostError, match="not a regular file"):
        read_settings(str(tmp_path / "st2.conf"), {})


def test_a_file_without_end_is_not_read(tmp_path):
    path = tmp_path / "st2.conf"
    path.touch()
    os.truncate(path, 1 << 40)
    with pytest.raises(HostError, match="more than 1048576 bytes"):
        read_settings(str(path), {})


def test_a_path_that_is_none(tmp_path):
    with pytest.raises(HostError, match=r"cannot be read: .*embedded null"):
        read_settings(f"{tmp_path}/a\0b", {})


@hypothesis_settings(deadline=None)
@given(st.binary())
def test_any_file_is_read_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.conf"
    path.write_bytes(content)
    try:
        found = read_settings(str(path), {})
        for section, option in DEFAULTS:
            found.get(section, option)
    except HostError as error:
        assert str(path) in error.message


def test_the_options_file_that_stackstorm_ships():
    path = REAL_DATA / "st2-conf" / "st2.conf.sample"
    if not path.is_file():
        pytest.skip(f"real data is missing: {path}; set ST2_TEST_DATA to its folder")
    sample = read_settings(str(path), {})
    assert sample.get("content", "system_packs_base_path").value == DEFAULTS[("content", "system_packs_base_path")]
    assert sample.get("content", "packs_base_paths").value == "None"
    assert sample.get("actionrunner", "virtualenv_binary").value == "/usr/bin/virtualenv"
    assert sample.get("database", "compressors").value == ""
    # As oslo.config has it: the remark behind the value is part of the value.
    assert sample.get_list("content", "index_url") == (
        f"{DEFAULTS[('content', 'index_url')]} # comma separated list allowed here.",
    )
