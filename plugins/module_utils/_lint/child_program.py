# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Programs of this collection that run in a Python of their own."""

from __future__ import annotations

import os
import types


def source_of(module: types.ModuleType) -> str:
    """The source of a module."""
    loader = module.__loader__
    # Ansible brings modules along in a zip file.
    source = loader.get_source(module.__name__) if loader is not None and hasattr(loader, "get_source") else None
    if source is None:
        with open(str(module.__file__), encoding="utf-8") as stream:
            source = stream.read()
    return str(source)


def write_program(module: types.ModuleType, directory: str) -> str:
    """Write the source of a module, which imports nothing of the collection, to a file that a Python can run.

    :returns: Its path.
    """
    path = os.path.join(directory, f"{module.__name__.rpartition('.')[2]}.py")
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(source_of(module))
    return path
