# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Python says of itself."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import VirtualenvError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.interpreter import ask_tags, ask_version


def test_tags_are_those_of_its_wheels() -> None:
    found = ask_tags(sys.executable, Deadline(60), os.environ)

    assert found["version"] == ask_version(sys.executable, Deadline(60), os.environ)
    assert found["abi"] == f"cp{sys.version_info[0]}{sys.version_info[1]}{sys.abiflags}"
    if "CS_GNU_LIBC_VERSION" in os.confstr_names:
        release = (os.confstr("CS_GNU_LIBC_VERSION") or "").split()[1].split(".")
        assert found["platform"] == f"manylinux_{release[0]}_{release[1]}_{os.uname().machine}"


@pytest.mark.parametrize("ask", [ask_tags, ask_version])
def test_one_that_does_not_run_is_named(ask, tmp_path: Path) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 1\n")
    program.chmod(0o755)

    with pytest.raises(VirtualenvError, match=r"python \(\[actionrunner\] python_binary\), does not run"):
        ask(str(program), Deadline(60), os.environ)
