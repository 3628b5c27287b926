# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Owner, group and mode as tasks give them."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._file_attributes import (
    changed_mode,
    gid_of,
    group_name,
    octal_mode,
    uid_of,
    user_name,
)


def test_names_and_numbers():
    user, group = pwd.getpwuid(os.getuid()).pw_name, grp.getgrgid(os.getgid()).gr_name
    assert uid_of(user) == os.getuid() and gid_of(group) == os.getgid()
    assert user_name(os.getuid()) == user and group_name(os.getgid()) == group
    assert uid_of("123456") == 123456 and gid_of("123457") == 123457
    assert user_name(123456) == "123456" and group_name(123457) == "123457"
    for look_up, word in ((uid_of, "owner"), (gid_of, "group")):
        for name in ("no-such", "\u00b2", "-1", "nul\0"):
            with pytest.raises(OptionError, match=f"The {word} {name} does not exist"):
                look_up(name)
        assert look_up("4294967294") == 4294967294
        for number in ("4294967295", "9" * 30):
            with pytest.raises(OptionError, match=f"The {word} {number[:20]} is too large"):
                look_up(number)


@pytest.mark.parametrize(
    ("value", "mode"),
    [("0640", 0o640), ("640", 0o640), (0o640, 0o640), ("4755", 0o4755), (-1, None), ("9", None), (True, None)],
)
def test_an_octal_mode(value, mode):
    assert octal_mode(value) == mode


@pytest.mark.parametrize(
    ("value", "before", "after"),
    [
        ("0600", 0o644, 0o600),
        ("u=rw,g=r,o=", 0o777, 0o640),
        ("g+w", 0o640, 0o660),
        ("a-x", 0o755, 0o644),
        ("o=g", 0o640, 0o644),
        ("u+s,g+s,o+t", 0o755, 0o7755),
        ("a+X", 0o640, 0o640),
        ("a+X", 0o740, 0o751),
        ("go-rwx, u+r", 0o377, 0o700),
        ("a=r,a-g", 0, 0),
        ("ug=X", 0o010, 0o110),
    ],
)
def test_a_mode_is_changed(value, before, after):
    assert changed_mode(value, before) == after


@given(
    st.from_regex(r"[ugoa]{1,2}[-+=][rwx]{0,3}(,[ugoa]{1,2}[-+=]([rwxX]{0,2}|[ugo]))?", fullmatch=True),
    st.integers(0, 0o777),
)
def test_a_mode_is_what_chmod_makes_of_it(tmp_path_factory, value, before):
    path = tmp_path_factory.getbasetemp() / "mode"
    path.touch()
    path.chmod(before)
    subprocess.run(["chmod", value, str(path)], check=True)
    assert changed_mode(value, before) == path.stat().st_mode & 0o7777


@pytest.mark.parametrize("value", ["", "u", "u=z", "rw", "+w", "0888", "u=rw;g=r", True, -1])
def test_what_is_no_mode(value):
    with pytest.raises(OptionError, match="must be octal"):
        changed_mode(value, 0o644)
