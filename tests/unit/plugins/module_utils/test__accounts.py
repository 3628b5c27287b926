# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in front of an @: the name of an account, which is shown, or a token, which is not."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._accounts import is_account


@pytest.mark.parametrize(
    "name",
    [
        *("git", "acme", "x-token-auth", "oauth2", "build-bot@acme.example", "a1" * 9 + "b"),
        *("averylongaccountnamewithoutdigits", "team-2024-deployments-of-acme", "ghosts", "gh_1", "glpat", "gitlab-ci"),
    ],
)
def test_names_of_accounts(name):
    assert is_account(name)


@pytest.mark.parametrize(
    "token",
    [
        *("0123456789abcdef0123", "A" * 19 + "1", "ghp_x", "gho_x", "ghs_x", "github_pat_x", "glpat-x", "gldt-x"),
        "gloas-x",
    ],
)
def test_tokens_that_stand_where_a_name_belongs(token):
    assert not is_account(token)
