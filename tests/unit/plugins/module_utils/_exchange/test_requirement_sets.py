# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requirements are reduced to names, versions and markers, and what is anything else is said."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.requirement_sets import (
    PackRequirements,
    RequirementSet,
    clean_requirement,
    requirement_sets,
)


@pytest.mark.parametrize(
    ("entry", "clean"),
    [
        ("requests", "requests"),
        ("PyYAML >= 5.1, < 7", "PyYAML>=5.1,<7"),
        ("six (>=1.9.0,<2.0)", "six>=1.9.0,<2.0"),
        ("foo[b, c]==1.*", "foo[b,c]==1.*"),
        ("foo>=1,", "foo>=1"),
        ('a~=1.2; python_version < "3.9" and extra == "x"', 'a~=1.2 ; python_version < "3.9" and extra == "x"'),
        ("git+https://example.com/x.git#egg=x", None),
        ("x @ https://example.com/x.whl", None),
        ("./wheels/x.whl", None),
        ("/etc/passwd", None),
        ("x ${HOME}", None),
        ("x\n--index-url https://example.com", None),
        ("-r other.txt", None),
        ("", None),
    ],
)
def test_a_requirement_is_by_name_version_and_marker_or_nothing(entry, clean):
    assert clean_requirement(entry) == clean


def test_equal_requirements_are_one_set_for_several_packs():
    sets, problems = requirement_sets(
        [
            PackRequirements("b", b"# comment\nrequests>=2  # why\nsix\n"),
            PackRequirements("a", b"six\r\nrequests >= 2 --hash=sha256:00\n"),
            PackRequirements("c", b"\n# nothing\n"),
            PackRequirements("d", b"--pre\nsix\n--prefer-binary\n"),
        ]
    )
    assert sets == {
        RequirementSet(("requests>=2", "six")): ("a", "b"),
        RequirementSet(("six",), prereleases=True): ("d",),
    }
    assert problems == []


@pytest.mark.parametrize(
    "line",
    [
        "git+https://u:secret99@example.com/x.git#egg=x",
        "-r more.txt",
        "--extra-index-url https://example.com/simple",
        "-e .",
        "--find-links=/tmp",
    ],
)
def test_what_is_no_package_of_an_index_is_said_and_the_rest_is_kept(line):
    sets, problems = requirement_sets([PackRequirements("a", f"six\n{line}\n".encode())])
    assert sets == {RequirementSet(("six",)): ("a",)}
    (problem,) = problems
    assert (problem.ref, problem.kind) == ("a", "wheels")
    assert "(line 2), which is no package of an index: " in problem.message
    assert "secret99" not in problem.message


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"# coding: nosuch\nsix\n", b"six\n" * 300_000])
def test_what_cannot_be_read_is_said(content):
    sets, problems = requirement_sets([PackRequirements("a", content)])
    assert not sets
    assert problems[0].message.endswith("so no packages are kept for it.")
