# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pack is probably called, by the address of its repository."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.guessed_ref import guessed_ref


@pytest.mark.parametrize(
    ("url", "ref"),
    [
        ("https://git.example.com/acme/stackstorm-acme_dns.git", "acme_dns"),
        ("https://git.example.com/acme/stackstorm-acme-dns/", "acme_dns"),
        ("https://git.example.com/st2-jira", "jira"),
        ("git@git.example.com:stackstorm-sensu.git", "sensu"),
        ("/srv/git/sensu.git", "sensu"),
        ("sensu", "sensu"),
    ],
)
def test_by_the_name_of_the_repository(url, ref):
    assert guessed_ref(url) == ref
