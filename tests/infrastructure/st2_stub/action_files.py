# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of an action in its pack."""

from __future__ import annotations

import typing as t
from pathlib import Path


def delete_files(pack: Path, action: t.Mapping[str, t.Any]) -> None:
    """Delete the entry point and the metadata file of an action; what is not there does not matter.

    st2common/services/packs.py delete_action_files_from_pack. Raises PermissionError, and OSError for the rest.
    """
    for path in (pack / "actions" / action["entry_point"], pack / action["metadata_file"]):
        if not path.is_file():
            continue
        try:
            path.unlink()
        except PermissionError:
            raise PermissionError(f'No permission to delete "{path}" file from disk') from None
        except OSError:
            raise OSError(
                f'The action file "{path}" could not be removed from disk, please check the logs or ask your '
                "StackStorm administrator to check and delete the actions files manually"
            ) from None
