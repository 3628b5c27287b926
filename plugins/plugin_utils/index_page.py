# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The style sheets and scripts of the directory page, which lie beside this file, as they are sent to a target."""

from __future__ import annotations

import tarfile
from pathlib import Path

from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.assets import NAMES

ASSETS = Path(__file__).parent / "_index_page"


def write_assets(archive: str) -> None:
    """Write them into an archive, which L(read_assets) reads.

    :arg archive: Its path.
    """
    with tarfile.open(archive, "w") as written:
        for name in NAMES:
            written.add(ASSETS / name, arcname=name)
