# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of configs share: sites that are ended."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._tasks.config_site import ConfigSite


@pytest.fixture
def make_site(tmp_path):
    """Make sites; the arguments are those of ConfigSite."""
    made = []

    def make(**given):
        made.append(ConfigSite(tmp_path / f"site-{len(made)}", **given))
        return made[-1]

    yield make
    for site in made:
        site.stop()


@pytest.fixture
def site(make_site):
    """One with StackStorm's API."""
    return make_site()
