# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible refuses is said all at once, and what was probably meant."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import pack_options
from ansible_collections.stackstorm.st2.plugins.module_utils._refused_options import refused_options

OPTIONS = pack_options().options
REQUIRED = ("RequiredOneOfError", "one of the following is required: name, packs")
NO_MAPPING = (
    "ElementError",
    "Elements value for option 'packs' is of type str and we were unable to convert to dict: dictionary requested, "
    "could not parse JSON or key=value",
)
TYPE = ("ArgumentTypeError", "argument 'timeout' is of type str and we were unable to convert to int")


def said(*errors, unknown=()):
    return refused_options("st2_pack", OPTIONS, errors, unknown)


@pytest.mark.parametrize(
    ("unknown", "meant"),
    [("namee", "name"), ("keep-releases", "keep_releases"), ("State", "state"), ("forced", "force")],
)
def test_a_misspelt_option_is_not_hidden_behind_what_follows_from_it(unknown, meant):
    assert said(REQUIRED, unknown={unknown}) == f"{unknown} is no option of st2_pack. Did you mean {meant}?"


def test_one_that_is_like_none_gets_the_list():
    text = said(unknown={"zzz"})
    assert text.startswith("zzz is no option of st2_pack. There are: allow_downgrade, backend, ")
    assert said(unknown={("packs", "zzz")}).startswith(
        "packs.zzz is no option of st2_pack. In packs there are: config, "
    )
    assert said(unknown={("packs", "overrides", "sensor")}).endswith("Did you mean packs.overrides.sensors?")


def test_an_item_of_packs_that_is_only_a_name():
    assert said(("NoLogError", "dictionary requested, could not parse JSON or key=value"), NO_MAPPING) == (
        "An item of packs is of type str; it has to be a mapping, such as {name: NAME, version: VERSION}. Names alone "
        "go into the option name, as a list of NAME or NAME=VERSION."
    )


def test_all_that_is_wrong_is_said_at_once():
    text = said(TYPE, REQUIRED, unknown={"namee", ("packs", "stat")})
    assert text.startswith("3 things are wrong: (1) namee is no option of st2_pack. Did you mean name? (2) packs.stat ")
    assert text.endswith(f"(3) {TYPE[1]}")


def test_a_single_error_of_ansible_stays_as_it_is():
    assert said(REQUIRED) == REQUIRED[1]
    assert said(("NoLogError", "odd")) == "odd"
