# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which services read an option."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.restart import _BY_OPTION, _BY_SECTION, readers_of
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.services import SERVICES


def test_an_option_that_is_not_known_concerns_all_services():
    assert readers_of(("messaging", "url")) == SERVICES and readers_of(("auth", "mode")) == SERVICES


def test_what_only_the_installation_of_packs_reads_restarts_no_runner():
    assert readers_of(("content", "index_url")) == ("st2api",)
    assert readers_of(("actionrunner", "pip_opts")) == ()
    assert set(readers_of(("content", "packs_base_paths"))) == {"st2actionrunner", "st2api", "st2sensorcontainer"}


def test_all_names_are_services():
    for names in (*_BY_OPTION.values(), *_BY_SECTION.values()):
        assert set(names) <= set(SERVICES)
