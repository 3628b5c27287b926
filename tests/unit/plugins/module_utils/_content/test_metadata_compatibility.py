# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a pack fits the host's StackStorm and Python, as StackStorm's own matcher says where it says anything."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._content.metadata import (
    PackMetadata,
    incompatibilities,
    load_metadata,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import MissingLibraryError

REPOSITORY = Path(__file__).resolve().parents[5]
REAL_DATA = Path(os.environ.get("ST2_TEST_DATA") or REPOSITORY.parent / "shared" / "data") / "exchange" / "packs"


def metadata(stackstorm_version=None, python_versions=()):
    return PackMetadata("demo", "demo", "1.0.0", "", "", None, stackstorm_version, tuple(python_versions), (), (), ())


# For 3.9.0, by StackStorm's own matcher or, where that ends with an error, by what it plainly says.
SPECIFICATIONS = {
    ">=3.0.0": True,
    ">3.0.0": True,
    ">3.9.0": False,
    "<=3.9.0": True,
    "<3.9.0": False,
    ">=1.8.0, <4.0.0": True,
    ">=3.0.0,": True,
    ">=3.10.0": False,
    ">=3.8.0,<3.9.0": False,
    ">=3.8.0,<3.10.0": True,
    "3.9.0": True,
    "==3.9.0": True,
    "==3.8.0": False,
    "!=3.0.0": True,
    "!=3.9.0": False,
    "all": True,
    ">= 3.0.0": True,
    ">= 3.10.0": False,
    "=3.9.0": True,
    "= 3.8.0": False,
    "<<4.0.0": True,
    "<<3.9.0": False,
    ">>3.8.0": True,
    ">>3.9.0": False,
    ">=1.8.0 <4.0.0": True,
    ">=1.8.0 <3.9.0": False,
    ">=1.8.0<3.9.0": False,
    ">=03.00.00": True,
    ">=3.9.0-rc1": True,
    ">3.9.0-rc1": True,
}


@pytest.mark.parametrize("wanted, fits", SPECIFICATIONS.items(), ids=SPECIFICATIONS)
def test_stackstorm_version(wanted, fits):
    reasons = incompatibilities(metadata(wanted), st2_version="3.9.0")
    assert reasons == ([] if fits else [f'it requires StackStorm "{wanted}", and this is 3.9.0'])


@pytest.mark.parametrize("wanted", [">=3.0", ">=", ", ,", "=>3.0.0", ">=3.0.0, recent", "<>3.0.0"])
def test_what_names_no_versions_does_not_fit(wanted):
    [reason] = incompatibilities(metadata(wanted), st2_version="3.9.0")
    assert wanted in reason and "cannot be compared" in reason


def test_a_development_version_counts_as_its_release():
    """util/versioning.py get_stackstorm_version: 3.10dev is 3.10.0."""
    assert incompatibilities(metadata(">=3.10.0"), st2_version="3.10dev") == []
    assert incompatibilities(metadata(">3.10.0"), st2_version="3.10dev") != []


@pytest.mark.parametrize("st2_version", [None, "", "unknown", "3.9"])
def test_an_unknown_stackstorm_raises_no_complaint(st2_version):
    assert incompatibilities(metadata(">=99.0.0"), st2_version=st2_version) == []


def test_python_versions():
    assert incompatibilities(metadata(python_versions=["2"]), st2_version=None) == [
        "it supports Python 2 only, and StackStorm runs on Python 3"
    ]
    for fine in ((), ["3"], ["2", "3"]):
        assert incompatibilities(metadata(python_versions=fine), st2_version=None) == []
    assert incompatibilities(metadata(python_versions=["3"]), st2_version=None, python_major=2) != []


def test_both_reasons_are_given():
    assert len(incompatibilities(metadata(">=4.0.0", ["2"]), st2_version="3.9.0")) == 2


def test_semver_is_asked_for_only_when_it_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "semver", None)
    assert incompatibilities(metadata(), st2_version="3.9.0") == []
    with pytest.raises(MissingLibraryError) as caught:
        incompatibilities(metadata(">=3.0.0"), st2_version="3.9.0")
    assert caught.value.library == "semver"


def real_packs():
    return sorted(path.name for path in REAL_DATA.iterdir()) if REAL_DATA.is_dir() else []


@pytest.mark.skipif(not real_packs(), reason=f"There is no real data in {REAL_DATA}; ST2_TEST_DATA names its folder.")
def test_real_packs_for_python_2_only_are_found():
    refused = {
        name
        for name in real_packs()
        if incompatibilities(load_metadata(str(REAL_DATA / name), directory_name=name), st2_version="3.9.0")
    }
    declared = {
        name
        for name in real_packs()
        if yaml.safe_load((REAL_DATA / name / "pack.yaml").read_text("utf-8")).get("python_versions") == ["2"]
    }
    assert refused == declared != set()
