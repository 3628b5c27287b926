# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Accounts that lack a permission: before anything begins where that shows, and with the truth where it shows later."""

from __future__ import annotations

import pytest
from infrastructure.packs import PackTree
from infrastructure.st2_stub import Account

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import ForbiddenError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack_api.remote_site import RemoteSite

KEY = "key-of-bob"
LOOKS = ("pack_list", "pack_search")
ENOUGH = (*LOOKS, "pack_install", "pack_register", "pack_uninstall", "action_view", "action_execute")


@pytest.fixture
def site(tmp_path):
    one = RemoteSite(tmp_path, [PackTree("demo", "1.0.0", minimal=True), PackTree("demo", "1.1.0", minimal=True)])
    one.stub.accounts.rbac = True
    with one.stub:
        yield one


def bob(site, *grants):
    """Bob with these permissions, and no others."""
    site.stub.accounts.accounts[:] = [one for one in site.stub.accounts.accounts if one.username != "bob"] + [
        Account("bob", "secret", KEY, "bob", grants)
    ]


def only(result):
    (row,) = result.returned["packs"]
    return row


def test_what_is_advised_is_enough(site):
    bob(site, *ENOUGH)
    site.change("demo=1.0.0", api_key=KEY)
    site.change("demo=1.1.0", api_key=KEY)
    assert site.world() == {"demo": "1.1.0"}
    site.change("demo", state="absent", api_key=KEY)
    assert site.world() == {}


@pytest.mark.parametrize(
    ("grants", "advice"),
    [
        (LOOKS, "the permission action_view on the resource pack:packs"),
        ((*LOOKS, "action_view"), "pack_install and pack_register, and action_execute and action_view on the resource"),
        ((*LOOKS, "action_view", "pack_install"), "action_execute and action_view on the resource pack:packs"),
        ((*LOOKS, "pack_install", "pack_register"), "the permission action_view on the resource pack:packs"),
    ],
)
def test_where_it_shows_before_nothing_is_begun(site, grants, advice):
    bob(site, *grants)
    result = site.fail("demo=1.0.0", api_key=KEY)
    assert advice in result.failure.message and not result.changed
    row = only(result)
    assert (row["changed"], row["after"], row["database_state"], row["step"]) == (False, None, "absent", "register")
    assert site.world() == {} and len(site.stub.asked("GET", "/packs")) == 1
    assert not site.stub.executions.list()


def test_an_installation_that_nobody_may_look_at_goes_on_and_is_not_told_as_done(site):
    # Who may run an action may see it, but not what it does.
    bob(site, *LOOKS, "pack_install", "pack_register", "action_execute")
    result = site.fail("demo=1.0.0", api_key=KEY)
    said = result.failure.message
    assert said.startswith("StackStorm has started packs.install (execution ") and "It is still running" in said
    assert "action_view on the resource pack:packs" in said and "execution_view on" not in said
    row = only(result)
    assert (row["database_state"], row["changed"]) == ("unknown", True)
    assert result.returned["database_state"] == "unknown"


def test_a_removal_that_nobody_may_look_at(site):
    site.change("demo=1.0.0")
    bob(site, *LOOKS, "pack_uninstall", "action_execute")
    result = site.fail("demo", state="absent", api_key=KEY)
    assert "has started packs.uninstall" in result.failure.message and only(result)["database_state"] == "unknown"
    bob(site, *LOOKS, "pack_uninstall")
    assert "it was not started" in site.fail("demo", state="absent", api_key=KEY).failure.message


def test_the_permission_that_the_installation_needs_itself_is_named(site):
    bob(site, *LOOKS, "pack_install", "pack_uninstall", "action_view", "action_execute")
    result = site.fail("demo=1.0.0", api_key=KEY)
    assert "Grant the account the permission pack_register." in result.failure.message
    assert "demo was removed again." in result.failure.message
    assert site.world() == {} and only(result)["database_state"] == "absent"


def test_an_account_that_may_not_even_list_packs(site):
    bob(site)
    with pytest.raises(ForbiddenError, match=r"the permission pack_list\."):
        site.run("demo=1.0.0", api_key=KEY)
