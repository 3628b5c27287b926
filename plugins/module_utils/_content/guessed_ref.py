# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a pack is probably called that nobody could look at yet."""

from __future__ import annotations

# In the names of repositories, before that of the pack.
_PREFIXES = ("stackstorm-", "st2-")


def guessed_ref(url: str) -> str:
    """What the pack of a repository is probably called, by its address."""
    guessed = url.rstrip("/").rpartition("/")[2].rpartition(":")[2]
    guessed = guessed[: -len(".git")] if guessed.endswith(".git") else guessed
    for prefix in _PREFIXES:
        guessed = guessed[len(prefix) :] if guessed.startswith(prefix) else guessed
    return guessed.replace("-", "_")
