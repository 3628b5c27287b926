# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Git repositories made in code, the Exchange rebuilt from its metadata, and index documents that point at them."""

from __future__ import annotations

from .exchange import Exchange, ExchangePack, build_exchange
from .git_repository import Commit, GitError, GitRepository, run_git
from .index_documents import index_document, index_entry, rewrite_index

__all__ = [
    "Commit",
    "Exchange",
    "ExchangePack",
    "GitError",
    "GitRepository",
    "build_exchange",
    "index_document",
    "index_entry",
    "rewrite_index",
    "run_git",
]
