# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The style sheets and scripts of the page, which lie in the collection and are sent to where an index is built."""

from __future__ import annotations

import os
import tarfile
import typing as t

from .._errors import OptionError

FOLDER = "page"
NAMES = ("common.css", "directory.css", "directory.js", "minisearch.js", "minisearch.LICENSE.txt")
_LARGEST = 1 << 20


def read_assets(archive: t.Optional[str]) -> t.Dict[str, bytes]:
    """The content of each of L(NAMES).

    :arg archive: As C(plugin_utils/index_page.py) packs them.
    :raises OptionError: when they were not sent.
    """
    if not archive:
        raise OptionError(
            "page is true, but the scripts and style sheets of the page were not sent to the target. Run the module "
            "with Ansible, which sends them."
        )
    try:
        with tarfile.open(archive) as opened:
            return {name: _content(opened, name) for name in NAMES}
    except (OSError, KeyError, ValueError, tarfile.TarError) as error:
        raise OptionError(
            f"page_assets is {archive}, which does not contain the files of the page: {error}. It is set by Ansible; "
            "do not set it in a task."
        ) from error


def own_assets() -> t.Dict[str, bytes]:
    """The content of each of L(NAMES), of a program that carries them along where the collection has them.

    :raises OSError: when it does not.
    """
    folder = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "plugin_utils", "_index_page")
    loader: t.Any = globals()["__loader__"]
    return {name: loader.get_data(os.path.normpath(os.path.join(folder, name))) for name in NAMES}


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    opened = archive.extractfile(name)
    if opened is None:
        raise ValueError(f"{name} is not a file")
    return opened.read(_LARGEST)
