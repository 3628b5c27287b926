# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests library is imported when it is needed, and named where it is missing."""

from __future__ import annotations

import sys

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import MissingLibraryError
from ansible_collections.stackstorm.st2.plugins.module_utils._requests import load_requests


def test_the_library_is_given():
    assert load_requests().Session


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "requests", None)
    with pytest.raises(MissingLibraryError) as caught:
        load_requests()
    assert caught.value.library == "requests" and "import requests" in caught.value.traceback
