# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No registration: nothing happens where nothing is to happen, and what cannot be known is an error."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import RegistrationError
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.no_registrar import NoRegistrar
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.registration import PackFiles, Registered, Resource


def test_registering_is_nothing():
    nobody = NoRegistrar()
    assert nobody.register([PackFiles("sensu", "/nowhere/sensu")]) == Registered()
    assert (nobody.name, nobody.by, nobody.reads, nobody.unloads) == ("none", "", False, False)
    nobody.close()


@pytest.mark.parametrize(
    "method, arguments",
    [
        ("unload", (["sensu"],)),
        ("versions", (["sensu"],)),
        ("config", ("sensu",)),
        ("configs", (["sensu"],)),
        ("config_schema", ("sensu",)),
        ("resources_of", (["sensu"], ["actions"])),
        ("every", ("actions",)),
        ("delete", (Resource("actions", "check", "sensu.check"),)),
    ],
)
def test_what_needs_the_database_says_so(method, arguments):
    with pytest.raises(RegistrationError, match=r"Only StackStorm's API can .*Set register=api"):
        getattr(NoRegistrar(), method)(*arguments)
