# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The libraries are imported when they are needed, and named as pip names them where they are missing."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.stackstorm.st2.plugins.module_utils._libraries import require

LIBRARIES = {
    "PyYAML": ("yaml", "safe_load"),
    "jsonschema": ("jsonschema", "Draft4Validator"),
    "requests": ("requests", "Session"),
    "semver": ("semver", "VersionInfo"),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_library_is_given(library):
    module, attribute = LIBRARIES[library]
    assert getattr(require(library), attribute) and require(library) is sys.modules[module]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_missing_library_is_named(monkeypatch, library):
    module, _attribute = LIBRARIES[library]
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingLibraryError) as caught:
        require(library)
    assert caught.value.library == library
    assert caught.value.traceback.startswith("Traceback") and module in caught.value.traceback
