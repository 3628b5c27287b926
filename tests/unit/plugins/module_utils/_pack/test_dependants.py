# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who depends on whom: what stays must go on to work, and what is needed must not go."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DependencyError
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.dependants import check_dependants, check_removal
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.dependency_samples import (
    by_ref,
    candidate,
    put,
)


@pytest.fixture
def packs(tmp_path):
    return tmp_path / "packs"


def test_a_new_version_that_an_installed_pack_cannot_use(packs):
    put(packs, "a", "1.0.0")
    installation = put(packs, "user", "3.0.0", ["a=1.0.0"])
    new = candidate("a", "2.0.0")
    with pytest.raises(DependencyError) as caught:
        check_dependants(by_ref(new), installation)
    assert caught.value.message == (
        "user 3.0.0 needs a=1.0.0 (installed), but this task installs a 2.0.0. Nothing was changed: "
        "upgrade user too, or set dependencies to skip."
    )
    assert caught.value.ref == "a"
    check_dependants(by_ref(candidate("a", "1.0.0")), installation)
    check_dependants(by_ref(new, candidate("user", "4.0.0")), installation)
    check_dependants(by_ref(candidate("unrelated")), installation)


def test_dependants_that_take_any_version_or_make_no_sense(packs):
    put(packs, "any", dependencies=["a"])
    put(packs, "odd", dependencies=["a>=1"])
    check_dependants(by_ref(candidate("a", "2.0.0")), put(packs, "core", "3.9.0", ["a=1.0.0"]))


def test_removing_what_an_installed_pack_needs(packs):
    put(packs, "a")
    put(packs, "b", dependencies=["a", "a=1.0.0"])
    installation = put(packs, "c", "2.0.0", ["https://git.example.com/org/stackstorm-a", "b"])
    with pytest.raises(DependencyError) as caught:
        check_removal(["a"], installation, {})
    assert "b 1.0.0 needs a; c 2.0.0 needs a. Nothing was changed: remove those too" in caught.value.message
    with pytest.raises(DependencyError, match=r"removed: c 2\.0\.0 needs a; c 2\.0\.0 needs b\. "):
        check_removal(["a", "b"], installation, {})
    check_removal(["a", "b", "c"], installation, {})
    check_removal(["c"], installation, {})
    check_removal(["none"], installation, {})


def test_what_comes_keeps_what_it_needs_and_lets_go_what_its_former_version_needed(packs):
    put(packs, "a")
    installation = put(packs, "b", dependencies=["a"])
    with pytest.raises(DependencyError, match=r"removed: b 2\.0\.0 needs a\. "):
        check_removal(["a"], installation, {"b": candidate("b", "2.0.0", ["a"])})
    check_removal(["a"], installation, {"b": candidate("b", "2.0.0", [])})


def test_a_system_packs_needs_keep_nothing(packs):
    put(packs, "core", "3.9.0", ["a"])
    check_removal(["a"], put(packs, "a"), {})
