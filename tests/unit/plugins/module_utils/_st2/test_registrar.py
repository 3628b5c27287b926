# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The port, and whether each adapter fills it."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_registrar import ApiRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.local_registrar import LocalRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registrar import Registrar


@pytest.mark.parametrize("adapter", [ApiRegistrar, LocalRegistrar, NoRegistrar])
def test_every_adapter_has_all_of_the_port(adapter):
    methods = {name for name in vars(Registrar) if not name.startswith("_")}
    assert {
        "register",
        "unload",
        "versions",
        "config",
        "configs",
        "config_schema",
        "resources_of",
        "every",
        "delete",
        "close",
    } <= methods
    for name in (*methods, "name", "reads", "unloads"):
        assert hasattr(adapter, name), name
