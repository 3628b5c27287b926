# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Names that stand alone before the @ of a URL: an account, or a token."""

from __future__ import annotations

import re

# Tokens of the usual servers look so.
_TOKEN = re.compile(r"(?=.*\d)[A-Za-z0-9]{20,}|(?:gh[a-z]_|github_pat_|glpat-|gldt-|gloas-).+")


def is_account(name: str) -> bool:
    """Whether a name is an account for the password or token that is given beside it, and no token itself."""
    return _TOKEN.fullmatch(name) is None
