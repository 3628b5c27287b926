# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What an installed pack says of itself to people, as C(st2 pack get) shows it."""

from __future__ import annotations

import os
import typing as t

from .._content.installed import InstalledPack
from .._content.metadata import MANIFEST
from .._errors import InvalidPackError
from .._yaml_file import load_yaml

_TEXTS = ("description", "author", "email", "stackstorm_version")
_LISTS = ("keywords", "contributors", "python_versions")


def description_of(pack: InstalledPack) -> t.Dict[str, t.Any]:
    """What C(pack.yaml) says beside the identity of a pack; C(None) and empty lists for what it does not say, or not
    in a way that StackStorm takes (st2common/models/api/pack.py PackAPI)."""
    try:
        document = load_yaml(os.path.join(pack.location, MANIFEST))
    except InvalidPackError:
        document = None
    if not isinstance(document, dict):
        document = {}
    texts = {key: value if isinstance(value, str) else None for key, value in _of(document, _TEXTS)}
    lists = {
        key: [str(one) for one in value] if isinstance(value, list) else [] for key, value in _of(document, _LISTS)
    }
    return {**texts, **lists}


def problem_of(pack: InstalledPack) -> t.Optional[str]:
    """Why StackStorm cannot read the C(pack.yaml) of a pack, with its line; C(None) when it can."""
    try:
        load_yaml(os.path.join(pack.location, MANIFEST), shown=MANIFEST, registered=True)
    except InvalidPackError as error:
        return pack.problem or error.message
    return pack.problem


def _of(document: t.Mapping[t.Any, t.Any], keys: t.Iterable[str]) -> t.Iterator[t.Tuple[str, t.Any]]:
    return ((key, document.get(key)) for key in keys)
