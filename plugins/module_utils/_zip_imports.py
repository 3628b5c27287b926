# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Imports from the zip file as which Ansible sends a module: what is imported after this file is compiled once.

Python's own importer compiles each file of a zip twice, to tell where it is from (C(zipimporter.get_filename)) and to
run it, and keeps neither. A task in which nothing is to be done mostly compiles.
"""

from __future__ import annotations

import os
import sys
import zipimport


class _Importer(zipimport.zipimporter):
    """Imports from a zip file that has sources and no bytecode, as Ansible's have."""

    def get_filename(self, fullname: str) -> str:
        """Where a module is from, without compiling it.

        :raises ImportError: when it is not there.
        """
        place = os.path.join(self.archive, self.prefix, fullname.rpartition(".")[2])
        return os.path.join(place, "__init__.py") if self.is_package(fullname) else f"{place}.py"


if isinstance(__spec__.loader, zipimport.zipimporter):
    sys.path_hooks.insert(0, _Importer)
    sys.path_importer_cache.pop(os.path.dirname(__file__), None)
