# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lines of requirements.txt: how they are read, and which must not be followed."""

from __future__ import annotations

import codecs

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.requirements import (
    Requirements,
    builds_of_itself,
    decode_requirements,
    lines_of,
    read_requirements,
)


@pytest.fixture
def pack(tmp_path):
    def write(content, name="requirements.txt"):
        path = tmp_path / "pack" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(tmp_path / "pack")

    return write


def messages(directory):
    return [problem.with_place for problem in read_requirements(directory).problems]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (codecs.BOM_UTF16_LE + "six".encode("utf-16-le"), "six"),
        (codecs.BOM_UTF16_BE + "six".encode("utf-16-be"), "six"),
        (codecs.BOM_UTF8 + b"six", "six"),
        (b"# coding: latin-1\n# \xe9", "# coding: latin-1\n# \xe9"),
        (b"six\n# vim: coding=latin-1\n# \xe9", "six\n# vim: coding=latin-1\n# \xe9"),
        (b"six\nsix\n# coding: latin-1\n# \xe9", "six\nsix\n# coding: latin-1\n# \ufffd"),
    ],
)
def test_files_are_read_as_pip_reads_them(content, text):
    assert decode_requirements(content) == text


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (codecs.BOM_UTF32_LE + "six".encode("utf-32-le"), "UTF-32"),
        (codecs.BOM_UTF16_LE + b"\x00\xd8", "begins as utf-16-le does, but is not"),
        (b"# coding: utf-7\nsix", "says that it is utf-7"),
        (b"# coding: nonsense\nsix", "says that it is nonsense"),
        (b"# coding: ascii\n\xe9", "says that it is ascii"),
    ],
)
def test_an_encoding_that_readers_take_differently_is_a_problem(pack, content, why):
    directory = pack(content)
    assert [why in message for message in messages(directory)] == [True]
    assert lines_of(f"{directory}/requirements.txt"), "its lines are shown all the same"


def test_entries_are_without_comments_and_passwords_and_know_their_lines(pack):
    content = "# one\n  six  >=1 # why\n\nrequests \\\n  >=2\n\thttps://me:hunter2@h/x.whl\nurl#not-a-comment\nlast \\"
    assert read_requirements(pack(content)) == Requirements(
        ("six >=1", "requests >=2", "https://********@h/x.whl", "url#not-a-comment", "last"), (), (2, 4, 6, 7, 8)
    )


def test_a_comment_ends_a_line_that_was_to_go_on(pack):
    assert read_requirements(pack("six \\\n# comment \\\nrequests")).entries == ("six", "requests")


def test_no_file(tmp_path):
    assert read_requirements(str(tmp_path)) == Requirements() and not builds_of_itself(str(tmp_path))


@pytest.mark.parametrize(
    "line",
    [
        *("six>=1 ; python_version > '3'", "six --hash=sha256:00", "six[x] @ https://h/six.whl", "./lib/own", "lib/x"),
        *("git+https://h/x@v1#egg=x", "-e git+https://h/x", "--index-url https://h/simple", "--no-index", "-fwheels"),
        *("--find-links=wheels", "-c https://h/c.txt", "x @ git+ssh://git@h/x", "${TOKEN}", "a/../b", "x.whl"),
    ],
)
def test_what_a_pack_may_say(pack, line):
    assert messages(pack(line)) == []


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("../other", "leads out of the pack"),
        ("/srv/x", "leads out of the pack"),
        ("~/x", "leads out of the pack"),
        ("lib/../../x", "leads out of the pack"),
        ("x @ file:///srv/x", "leads out of the pack"),
        ("git+file:///srv/x", "leads out of the pack"),
        ("file:x.whl", "leads out of the pack"),
        ("-r ../other.txt", "leads out of the pack"),
        ("-r/etc/passwd", "leads out of the pack"),
        ("-c file:///srv/c.txt", "leads out of the pack"),
        ("--find-links=/srv", "leads out of the pack"),
        ("-i ${HOME}", "leads out of the pack"),
        ("-e .", "leave -e out"),
        ("--editable=./lib", "leave -e out"),
        ("six --install-option=--prefix=/", "has --install-option, which is not allowed"),
        ("--target /", "has --target, which is not allowed"),
        ("-r", "has no value for -r"),
        ("-r 'x", "cannot be parsed"),
        ("https://${PIP_INDEX_URL}/x", "a variable that may hold a password"),
        ("--extra-index-url https://${HTTPS_PROXY}/x", "a variable that may hold a password"),
    ],
)
def test_what_a_pack_must_not_say(pack, line, why):
    found = messages(pack(f"six\n{line}\n"))
    assert len(found) == 1 and found[0].startswith("requirements.txt, line 2,") and why in found[0]


def test_a_long_line_is_cut_and_shows_no_password(pack):
    (found,) = messages(pack(f"--target https://me:hunter2@h/{'x' * 300}"))
    assert "hunter2" not in found and len(found) < 250 and "..." in found


def test_files_that_are_included_are_read_from_where_they_are(pack):
    pack("-r more/own.txt\nsix", "requirements.txt")
    pack("-c../limits.txt\n-r ../more/own.txt\n../../x\n", "more/own.txt")
    directory = pack("--target /\n", "limits.txt")
    assert read_requirements(directory).entries == ("-r more/own.txt", "six"), "of the file itself only"
    assert [message.split(' "')[0] for message in messages(directory)] == [
        "more/own.txt, line 3,",
        "limits.txt, line 1,",
    ]


def test_an_included_file_that_is_a_link_out_is_a_problem(pack, tmp_path):
    directory = pack("-r link.txt")
    (tmp_path / "secret.txt").write_text("hunter2")
    (tmp_path / "pack" / "link.txt").symlink_to(tmp_path / "secret.txt")
    assert messages(directory) == ["link.txt is a link that leads out of the pack"]


def test_files_that_include_each_other_for_ever_end(pack):
    for number in range(60):
        directory = pack(f"-r {number + 1}.txt", f"{number}.txt")
    pack("-r 0.txt")
    assert messages(directory) == ["requirements.txt includes more than 50 files"]


@pytest.mark.parametrize(
    ("content", "answer"),
    [
        ("./lib/own", True),
        (".", True),
        ("own.whl", True),
        ("-e ./lib/own", True),
        ("own @ ./lib/own --hash=sha256:00", True),
        ("-r more.txt", True),
        ("six", False),
        ("six==1.0 --no-binary :all:", False),
        ("own @ https://h/own.whl", False),
        ("-e git+https://h/own", False),
    ],
)
def test_whether_a_requirement_is_a_part_of_the_pack(pack, content, answer):
    pack("lib/own", "more.txt")
    assert builds_of_itself(pack(content)) is answer
