# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which hosts packages are for, and what pip says."""

from __future__ import annotations

import os

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange import pip_download
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.pip_download import Pip, Target, unmet
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor


@pytest.mark.parametrize(
    ("platform", "first", "some", "never"),
    [
        ("manylinux_2_28_x86_64", "manylinux_2_28_x86_64", "manylinux2014_x86_64", "manylinux_2_29_x86_64"),
        ("manylinux2014_x86_64", "manylinux_2_17_x86_64", "manylinux1_x86_64", "manylinux_2_28_x86_64"),
        ("manylinux_2_31_aarch64", "manylinux_2_31_aarch64", "manylinux_2_17_aarch64", "manylinux_2_31_x86_64"),
        ("musllinux_1_2_x86_64", "musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "manylinux2014_x86_64"),
    ],
)
def test_wheels_for_older_platforms_will_do(platform, first, some, never):
    tags = Target("3.8", platform).tags
    assert tags[0] == first
    assert some in tags
    assert never not in tags
    assert tags[-1] == f"linux_{Target('3.8', platform).marker_environments()[0]['platform_machine']}"


@pytest.mark.parametrize(
    "platform", ["win_amd64", "macosx_11_0_arm64", "any", "manylinux_2_28_x86_64; x", "--index-url"]
)
def test_another_platform_is_refused(platform):
    with pytest.raises(ValueError, match="is not a platform such as"):
        Target("3.8", platform).options()


def test_markers_are_evaluated_for_the_first_and_the_last_release():
    environments = Target("3.8", "manylinux2014_x86_64").marker_environments()
    assert [one["python_full_version"] for one in environments] == ["3.8.2", "3.8.99"]
    assert {one["python_version"] for one in environments} == {"3.8"}


@pytest.mark.parametrize(
    ("said", "found"),
    [
        ("ERROR: No matching distribution found for foo.bar==1.0 (from x)\n", {"foo.bar": True}),
        ("ERROR: No matching distribution found for foo>1\n", {"foo": False}),
        ("ERROR: disk full", {}),
    ],
)
def test_it_is_known_which_packages_have_no_wheels(said, found):
    assert unmet(said) == found


def test_what_a_conflict_is_about_is_told_elsewhere():
    told = "x depends on y\nThe conflict is caused by:\n    a 1 depends on foo>=2\n    The user requested bar==1\n"
    assert unmet("ERROR: Cannot install a==1 and a==2 because they conflict\n", told) == {"foo": False, "bar": True}


def test_a_host_without_pip_is_told_what_to_install(tmp_path, monkeypatch):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho No module named pip >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(pip_download.sys, "executable", str(python))
    with pytest.raises(St2Error) as caught:
        Pip(dict(os.environ), (), Redactor()).check(Deadline(60))
    assert "No module named pip" in caught.value.message
    assert "python3-pip" in caught.value.message
