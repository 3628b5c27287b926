# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Rules of a site: commands and Python files, and what becomes of those that fail."""

from __future__ import annotations

import os
import time

import pytest
from infrastructure.packs import well_kept

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.pack import Against
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.site_rules import find_site_rules
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lint.linting import lint

LOOK = """\
def check(pack):
    assert pack.metadata["ref"] == pack.ref == "demo"
    for path in pack.files:
        if path.endswith(".sh") and "hello" in pack.read(path):
            yield path, 2, "says hello"
    yield {"rule": "acme-owner", "level": "error", "file": "pack.yaml", "line": 9, "column": 1, "message": "no owner"}
"""


@pytest.fixture
def site(tmp_path):
    directory = tmp_path / "site"
    directory.mkdir()

    def write(name, content, executable=True):
        path = directory / name
        path.write_text(content)
        path.chmod(0o755 if executable else 0o644)
        return str(directory)

    return write


def found(tmp_path, directory, **wanted):
    environment = {"PATH": os.environ["PATH"]}
    report = lint(
        well_kept(),
        tmp_path,
        against=Against(pythons=()),
        site_rules=tuple(find_site_rules(directory)),
        environment=environment,
        **wanted,
    )
    return [(one.rule, one.level, one.file, one.line, one.column, one.message) for one in report.findings]


def test_a_python_file_gets_the_pack(site, tmp_path):
    directory = site("Hello_There.py", LOOK, executable=False)
    assert found(tmp_path, directory) == [
        ("site-hello_there", "warning", "actions/scripts/greet.sh", 2, None, "says hello"),
        ("acme-owner", "error", "pack.yaml", 9, 1, "no owner"),
    ]
    assert found(tmp_path / "a", directory, skip=("acme-owner", "site-hello_there")) == []


def test_a_command_prints_lines_or_json(site, tmp_path):
    directory = site(
        "look",
        '#!/bin/sh\necho "pack.yaml:3:5: too short"\necho "$1/pack.yaml:4: too long"\n'
        'echo \'{"file": "README.md", "message": "too: plain", "level": "info"}\'\nexit 1\n',
    )
    assert found(tmp_path, directory) == [
        ("site-look", "info", "README.md", None, None, "too: plain"),
        ("site-look", "warning", "pack.yaml", 3, 5, "too short"),
        ("site-look", "warning", "pack.yaml", 4, None, "too long"),
    ]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("fails.py", "def check(pack):\n    raise KeyError('owner')\n", "KeyError: 'owner'"),
        ("none.py", "CHECK = 1\n", "no function check(pack)"),
        ("odd.py", "def check(pack):\n    return [{'message': 'a', 'level': 'bad'}]\n", "'bad' is no level"),
        ("line.py", "def check(pack):\n    return [('a', 'b', 'c')]\n", "a line or column is not a number"),
        ("silent.py", "def check(pack):\n    return [{'file': 'a'}]\n", "a finding has no message"),
        ("leaves.py", "import os\ndef check(pack):\n    os._exit(3)\n", "exit status 3"),
        ("status", "#!/bin/sh\necho oops >&2\nexit 2\n", "exit status 2 oops"),
        ("quiet", "#!/bin/sh\nexit 1\n", "exit status 1"),
        ("talks", "#!/bin/sh\necho all fine\n", "output is not a finding: all fine"),
        ("gone", "#!/no/such/program\n", "cannot be started"),
    ],
)
def test_a_rule_that_fails_is_named(site, tmp_path, name, content, reason):
    ((rule, level, file, line, _column, message),) = found(tmp_path, site(name, content))
    assert (rule, level, file, line) == ("site-rule", "error", ".", None)
    assert f"/site/{name} failed: " in message and reason in message


@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "content"),
    [("hangs.py", "def check(pack):\n    while True:\n        pass\n"), ("hangs", "#!/bin/sh\nsleep 600\n")],
)
def test_a_rule_that_hangs_is_ended(site, tmp_path, name, content):
    begin = time.monotonic()
    ((rule, _level, _file, _line, _column, message),) = found(tmp_path, site(name, content), seconds=2.0)
    assert rule == "site-rule" and f"/site/{name}" in message and "ran out" in message
    assert time.monotonic() - begin < 60


def test_files_that_are_no_rules_are_left_alone(site, tmp_path):
    for name in (".hidden.py", "_common.py"):
        site(name, "raise SystemExit(1)\n")
    assert found(tmp_path, site("README.md", "No rule.\n", executable=False)) == []


def test_a_directory_that_is_none_is_an_error(tmp_path):
    with pytest.raises(OptionError, match="cannot be read: No such file"):
        find_site_rules(str(tmp_path / "gone"))
