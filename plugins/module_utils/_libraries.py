# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The libraries that the target may lack, imported where they are used and nowhere else."""

from __future__ import annotations

import importlib
import typing as t

from ._errors import MissingLibraryError

# What pip calls them, and what Python does.
MODULES = {"PyYAML": "yaml", "jsonschema": "jsonschema", "requests": "requests", "semver": "semver"}


def require(library: str) -> t.Any:
    """The module of a library.

    :arg library: C(PyYAML), C(jsonschema), C(requests) or C(semver).
    :raises MissingLibraryError: when it cannot be imported, with the traceback.
    """
    try:
        return importlib.import_module(MODULES[library])
    except ImportError:
        import traceback

        raise MissingLibraryError(library, traceback.format_exc()) from None
