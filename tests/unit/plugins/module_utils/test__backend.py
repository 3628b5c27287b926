# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a task with backend=api gives in vain."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._backend import refuse_options
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError

KNOWN = {
    "virtualenv": {"type": "str", "default": "auto"},
    "owner": {"type": "str"},
    "trust": {"type": "list", "elements": "str"},
}
REASONS = {"virtualenv": "StackStorm builds them", "owner": "there is no file", "trust": "nothing is fetched here"}


def refuse(**given):
    params = {"virtualenv": "auto", "owner": None, "trust": None, "register": "auto", **given}
    refuse_options(params, KNOWN, REASONS, "the API registers by itself")


@pytest.mark.parametrize(
    "given",
    [{}, {"register": "api"}, {"trust": []}, {"virtualenv": None}, {"pack": "an option that is not among the reasons"}],
)
def test_what_is_not_set_or_at_its_default_is_not_refused(given):
    refuse(**given)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"virtualenv": "never"}, "virtualenv cannot be used with backend=api: StackStorm builds them. Leave it out"),
        ({"owner": "root"}, "owner cannot be used with backend=api: there is no file. Leave it out"),
        ({"owner": ""}, "owner cannot be used"),
        ({"trust": ["key"]}, "trust cannot be used with backend=api: nothing is fetched here. Leave it out"),
        ({"register": "none"}, "register=none cannot be used with backend=api: the API registers by itself. Leave"),
        ({"register": "local"}, "register=local cannot be used"),
    ],
)
def test_what_is_given_in_vain_is_named_with_the_reason(given, why):
    with pytest.raises(OptionError) as caught:
        refuse(**given)
    assert caught.value.message.startswith(why) and "backend=local" in caught.value.message
