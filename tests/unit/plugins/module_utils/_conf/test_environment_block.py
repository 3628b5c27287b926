# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The block in an environment file: what it sets has effect, the rest stays, and taking it out gives the file back."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.environment_block import (
    BlockError,
    EnvironmentFile,
    edited,
)

WANTED = {"https_proxy": "http://me:p%40ss@proxy:3128", "no_proxy": "localhost,::1"}
GONE = dict.fromkeys(WANTED)
FILES = [
    None,
    "",
    "\n",
    "WORKERS=4\n",
    "WORKERS=4",
    "# A comment that ends with a backslash \\",
    "# A comment that ends with a backslash \\\n",
    'DAEMON_ARGS="--config-file /etc/st2/st2.conf \\\n  --debug"\nWORKERS=4\n',
    "https_proxy=http://theirs:1\nWORKERS=4\n",
    "export no_proxy='a b'\r\nWORKERS=4\r\n",
    "not an assignment\n; comment\n",
    "x\udce9=1\nWORKERS=4\n",
]


@pytest.mark.parametrize("mode", [0o640, 0o644, 0o600])
@pytest.mark.parametrize("text", FILES)
def test_there_and_back(text, mode):
    before = EnvironmentFile(text, 0o640 if text is None else mode)
    after = edited(before, WANTED)
    assert after.variables == {**before.variables, **WANTED} and after.text.startswith(text or "")
    assert after.mode == mode & 0o640 if text is not None else 0o640
    assert edited(after, WANTED) == after
    assert edited(after, GONE) == before
    assert edited(before, GONE) == before, "where there is no block, nothing is taken out"
    other = edited(after, {"https_proxy": "x", "no_proxy": None})
    assert other.variables == {**before.variables, "https_proxy": "x"}
    assert edited(other, GONE) == before


def test_what_others_write_later_stays_and_yields():
    block = edited(EnvironmentFile("A=1", 0o644), WANTED)
    later = EnvironmentFile(f"{block.text}B=2\n", block.mode)
    assert edited(later, WANTED) == later, "which does not touch ours"
    over = EnvironmentFile(f"{block.text}https_proxy=theirs\n", block.mode)
    moved = edited(over, WANTED)
    assert moved.variables == {"A": "1", **WANTED} and "https_proxy=theirs\n# BEGIN" in moved.text
    assert edited(moved, WANTED) == moved
    assert edited(moved, GONE) == EnvironmentFile("A=1\nhttps_proxy=theirs\n", 0o644)
    made = edited(EnvironmentFile(), WANTED)
    assert edited(EnvironmentFile(f"{made.text}WORKERS=4\n"), GONE) == EnvironmentFile("WORKERS=4\n")
    assert edited(EnvironmentFile(block.text, 0o600), GONE).mode == 0o600, "somebody's wish"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('A="open\n', "ends in the middle of a value"),
        ("A=b\\", "ends in the middle of a value"),
        ("# BEGIN stackstorm.st2.st2_environment: made\nA=1\n", "has only a part"),
        ("# END stackstorm.st2.st2_environment\n", "has only a part"),
        ("# BEGIN stackstorm.st2.st2_environment: x\n# END stackstorm.st2.st2_environment\n", "was changed"),
    ],
)
def test_what_no_block_can_be_put_into(text, told):
    with pytest.raises(BlockError, match=told):
        edited(EnvironmentFile(text), WANTED)


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            ["# a", "; b \\", "WORKERS=4", "A='x", 'B="y\\"', "C=d\\", "", "\\", "export D=1", "no_proxy=z"]
        ),
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
    ),
    max_size=6,
)
VALUES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"], exclude_characters="\n\r\0"), max_size=20)


@settings(max_examples=300, deadline=None)
@given(lines=LINES, newline=st.booleans(), mode=st.sampled_from([0o644, 0o640, 0o600, 0o664]), value=VALUES)
def test_any_file_and_any_value(lines, newline, mode, value):
    before = EnvironmentFile("\n".join(lines) + "\n" * newline, mode)
    try:
        after = edited(before, {"https_proxy": value, "B": "1"})
    except BlockError:
        return
    assert after.variables == {**before.variables, "https_proxy": value, "B": "1"}
    assert edited(after, {"https_proxy": value}) == after
    assert edited(after, {"https_proxy": None, "B": None}) == before


@settings(max_examples=40, deadline=None)
@given(value=VALUES)
def test_a_shell_reads_the_same(value):
    text = edited(EnvironmentFile(), {"A": value}).text
    shell = subprocess.run(["sh", "-c", f'{text}\nprintf %s "$A"'], capture_output=True, check=True)
    assert shell.stdout.decode() == value
