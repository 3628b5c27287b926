# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan: what becomes of the file, and of each option."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.conf_file import ConfFile
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.document import Document
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.options import ConfOptions, Wanted
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.plan import make_plan
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SeveralErrors, VerifyError

PUBLIC = "https://index.stackstorm.org/v1/index.json"
INDEX = ("content", "index_url")


def plan(text, *wanted, **options):
    file = ConfFile("st2.conf", "st2.conf", text.encode(), Document(text), 0o640, os.getuid(), os.getgid())
    return make_plan(file, ConfOptions("st2.conf", wanted, **options))


def items(how, *given, key=INDEX, separator=","):
    return Wanted(*key, items=given, how=how, separator=separator)


def text(content, *wanted):
    """The text after a task, which a second one leaves as it is."""
    made = plan(content, *wanted)
    again = plan(made.document.text, *wanted)
    assert not again.changed and [one.changed for one in again.changes] == [False] * len(wanted)
    assert made.changed == (made.document.text != content)
    return made.document.text


def test_several_options_are_one_text():
    made = plan("[s]\na = 1\n", Wanted("s", "a", value="2"), Wanted("s", "b", value="3"), Wanted("s", "c", "absent"))
    assert made.document.text == "[s]\na = 2\nb = 3\n" and made.content == b"[s]\na = 2\nb = 3\n"
    assert [(one.before, one.after) for one in made.changes] == [("1", "2"), (None, "3"), (None, None)]


@pytest.mark.parametrize(
    ("before", "wanted", "after"),
    [
        ("index_url = https://b, https://a", items("set", "https://b", "https://a"), None),
        ("index_url = https://b,\n  https://a,", items("set", "https://b", "https://a"), None),
        ("index_url = https://b,https://a", items("set", "https://a", "https://b"), "index_url = https://a,https://b"),
        ("index_url = b", items("add", "b"), None),
        ("index_url = b, a", items("add", "c", "a"), "index_url = b, a,c"),
        ("index_url = b,\n  a\nx = y", items("remove", "a"), "index_url = b\nx = y"),
        ("index_url = b", items("remove", "a"), None),
        ("index_url = b", items("remove", "b"), "index_url ="),
        (f"x = y\nindex_url = a,{PUBLIC}", items("remove", "a"), "x = y"),
        ("x = y", items("add", "a"), f"x = y\nindex_url = {PUBLIC},a"),
        ("x = y", items("add", PUBLIC), None),
        ("x = y", items("remove", PUBLIC), "x = y\nindex_url ="),
        ("x = y", items("remove", "a"), None),
        ("x = y", items("set"), "x = y\nindex_url ="),
    ],
)
def test_lists(before, wanted, after):
    expected = before if after is None else after
    assert text(f"[content]\n{before}\n", wanted) == f"[content]\n{expected}\n"


def test_what_was_added_to_a_list_goes_without_a_trace():
    for key, separator in ((INDEX, ","), (("content", "packs_base_paths"), ":")):
        for content in ("[content]\nx = y\n", "[api]\na = b", f"[content]\n{key[1]} = a\n"):
            more = text(content, items("add", "b", "c", key=key, separator=separator))
            assert more != content
            assert text(more, items("remove", "c", "b", key=key, separator=separator)) == content


def test_paths_with_blanks_between_are_not_what_stackstorm_takes():
    wanted = items("set", "/a", "/b", key=("content", "packs_base_paths"), separator=":")
    assert text("[content]\npacks_base_paths = /a: /b\n", wanted) == "[content]\npacks_base_paths = /a:/b\n"


def test_the_reading_decides_and_not_the_writing():
    assert text("[s]\na: 'x'\n", Wanted("S", "a", value="x")) == "[s]\na: 'x'\n"


def test_owner_group_and_mode():
    made = plan("[s]\n", Wanted("s", "a", "absent"))
    assert not made.changed and (made.mode, made.uid, made.gid) == (0o640, os.getuid(), os.getgid())
    made = plan("[s]\n", Wanted("s", "a", "absent"), mode="g-r", uid=12, gid=13)
    assert made.changed and not made.content_changed and (made.mode, made.uid, made.gid) == (0o600, 12, 13)
    assert not plan("[s]\n", Wanted("s", "a", "absent"), mode="0640").changed


def test_what_the_generators_refuse_is_not_written():
    with pytest.raises(OptionError, match=r"Nothing was written.*\[api\] host has a %") as caught:
        plan("[api]\n", Wanted("api", "host", value="hunter2%"))
    assert "hunter2" not in caught.value.message
    with pytest.raises(SeveralErrors, match="2 things are wrong"):
        plan("[api]\n", Wanted("api", "host", value="%h"), Wanted("stream", "port", value="%p"))


def test_an_edit_that_would_change_more_is_not_written(monkeypatch):
    monkeypatch.setattr(Document, "with_value", lambda _self, *_arguments: Document("[s]\na = 1\n"))
    with pytest.raises(VerifyError, match="would change other options"):
        plan("[s]\na = 1\nb = 2\n", Wanted("s", "a", value="1"))


def test_a_plan_shows_no_values():
    shown = repr(plan("[s]\na = hunter1\n", Wanted("s", "a", value="hunter2")))
    assert "hunter" not in shown
