# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The requests library, imported where something goes over the network and nowhere else."""

from __future__ import annotations

import traceback
import typing as t

from ._errors import MissingLibraryError


def load_requests() -> t.Any:
    """The requests library.

    :raises MissingLibraryError: when it cannot be imported.
    """
    try:
        import requests
    except ImportError:
        raise MissingLibraryError("requests", traceback.format_exc()) from None
    return requests
