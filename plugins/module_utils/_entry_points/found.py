# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The Python entry points of packs: the files that StackStorm runs for Python actions and for sensors."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass

from .._content.boundary import leads_out
from .._content.installed import InstalledPack
from .._content.resources import name_key, resource_files
from .._errors import InvalidPackError
from .._printable import printable
from .._yaml_file import load_yaml

_PYTHON_RUNNER = "python-script"


@dataclass
class EntryPoint:
    """A Python action or a sensor.

    :arg kind: C(action) or C(sensor).
    :arg name: Of the action, or of the sensor's class; of its metadata file where that cannot be read.
    :arg path: Of the Python file, relative to the pack; of the metadata file where that cannot be read.
    :arg file: The Python file; empty where there is none to look at.
    :arg error: Why StackStorm cannot run it; empty as long as none is known.
    """

    pack: str
    kind: str
    name: str
    path: str
    file: str = ""
    error: str = ""

    def as_dict(self) -> t.Dict[str, t.Any]:
        """As it is returned."""
        row = {"pack": self.pack, "kind": self.kind, "name": self.name, "path": printable(self.path)}
        return {**row, "ok": not self.error, "error": self.error or None}


def entry_points_of(pack: InstalledPack) -> t.List[EntryPoint]:
    """The Python entry points of a pack, actions first, by their metadata files."""
    found: t.List[EntryPoint] = []
    for kind in ("actions", "sensors"):
        try:
            paths = resource_files(pack.location, kind)
        except OSError as error:
            found.append(EntryPoint(pack.ref, kind[:-1], kind, kind, error=f"cannot be read: {error.strerror}"))
            continue
        found += filter(None, (_entry_point(pack, kind, path) for path in paths))
    return found


def _entry_point(pack: InstalledPack, kind: str, path: str) -> t.Optional[EntryPoint]:
    """The entry point that a metadata file is about; C(None) for actions that are not of Python."""
    point = EntryPoint(pack.ref, kind[:-1], printable(os.path.basename(path)), path)
    if leads_out(pack.location, path):
        point.error = "is a link that leads out of the pack"
        return point
    try:
        document = load_yaml(os.path.join(pack.location, path), shown=printable(path))
    except (InvalidPackError, OSError) as error:
        point.error = f"cannot be read: {getattr(error, 'message', error)}".rstrip(".")
        return point
    if not isinstance(document, dict) or (kind == "actions" and document.get("runner_type") != _PYTHON_RUNNER):
        return None
    name, script = document.get(name_key(kind)), document.get("entry_point")
    point.name = printable(name[:200]) if isinstance(name, str) and name else point.name
    if not isinstance(script, str) or not script:
        point.error = "has no entry_point"
        return point
    point.path = os.path.normpath(os.path.join(kind, script))[:1000]
    file = os.path.join(pack.location, point.path)
    # Paths of entry points are relative to the directory of their kind (st2common/content/utils.py).
    if point.path.startswith(("/", "../")) or (os.path.lexists(file) and leads_out(pack.location, point.path)):
        point.error = "is outside of the pack"
    elif not os.path.isfile(file):
        point.error = "is not in the pack"
    else:
        point.file = file
    return point
