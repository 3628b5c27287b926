# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How to get a library where no StackStorm has it; for hosts with one see test__runner.py."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._libraries import MODULES
from ansible_collections.stackstorm.st2.plugins.module_utils._missing_library import (
    missing_libraries,
    too_old,
    why_missing,
)


@pytest.mark.parametrize("library", MODULES)
def test_how_to_install_it(library):
    line = why_missing([library], None, "/usr/bin/python3")
    assert line.startswith(
        f"there is no StackStorm Python on this host. Install it: /usr/bin/python3 -m pip install {library}, "
    )
    assert line.endswith(f"apt-get install python3-{MODULES[library]}")


def test_all_that_are_missing_are_named_at_once(monkeypatch):
    monkeypatch.setitem(MODULES, "PyYAML", "no_such_yaml")
    monkeypatch.setitem(MODULES, "semver", "no_such_semver")
    assert missing_libraries("semver") == ["semver", "PyYAML"]
    line = why_missing(missing_libraries("semver"), None, "/usr/bin/python3")
    assert "Install them: /usr/bin/python3 -m pip install semver PyYAML, or on Debian" in line
    assert why_missing(["semver", "PyYAML"], "/st2/python", "x") == (
        "StackStorm's own Python (/st2/python) lacks them too"
    )


@pytest.mark.parametrize(
    "libraries, old",
    [
        ("/opt/stackstorm/st2/lib/python3.8/site-packages", "3.8"),
        ("/opt/stackstorm/st2/lib/python3.9/site-packages", None),
        ("/opt/stackstorm/st2/lib/python3.11/site-packages", None),
        ("/opt/stackstorm/st2/lib/site-packages", None),
        (None, None),
    ],
)
def test_whether_ansible_runs_in_stackstorms_python(libraries, old):
    assert too_old(libraries, (3, 9)) == old


def test_how_to_install_it_where_ansible_does_not_run_in_stackstorms_python():
    assert why_missing(["semver"], "/st2/python", "/usr/bin/python3", "3.8") == (
        "StackStorm's own Python, /st2/python, is Python 3.8, which this release of ansible-core does not support. "
        "Install it: /usr/bin/python3 -m pip install semver, or on Debian and Ubuntu apt-get install python3-semver"
    )
