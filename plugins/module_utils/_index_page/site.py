# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""All files of the directory page, beside those of the index."""

from __future__ import annotations

import json
import os
import typing as t

from .._errors import OptionError
from .._index.build import Built
from .._index.document import Document
from .._index.published_files import HISTORY, TOP
from .._index.release import Place
from .assets import FOLDER
from .changes import Packs, continued, feed, history_file, read_history
from .frame import FEED, page_of
from .list_page import list_page
from .pack import Pack, line, pack_from
from .pack_page import dependency_ref, pack_page

LIST = "index.html"
# What in the published directory belongs to the page.
TOPS = (LIST, FEED, "packs", FOLDER)
ACTIONS = f"{FOLDER}/actions.js"


def site_files(
    built: Built, document: Document, before: Packs, assets: t.Mapping[str, bytes], history: t.Optional[bytes]
) -> t.Dict[str, bytes]:
    """The content of every file by its path.

    :arg before: The entries that are published until now.
    :arg assets: From L(read_assets).
    :arg history: What is published at L(HISTORY).
    """
    packs = [
        pack_from(ref, entry, built.sources[ref], built.descriptions.get(ref), built.findings.get(ref))
        for ref, entry in sorted(built.entries.items())
    ]
    times = {ref: described.time for ref, described in built.descriptions.items()}
    changes = continued(read_history(history), before, built.entries, times, document)
    files = {f"{FOLDER}/{name}": content for name, content in assets.items()}
    files[HISTORY] = history_file(changes)
    files[FEED] = feed(changes, document.generated_ts)
    files[LIST] = list_page(packs, serial=document.serial, generated=document.generated_ts)
    files[ACTIONS] = actions_script(packs)
    needed_by: t.Dict[str, t.List[str]] = {}
    for pack in packs:
        for ref in sorted(set(map(dependency_ref, pack.dependencies))):
            needed_by.setdefault(ref, []).append(pack.ref)
    for pack in packs:
        files[page_of(pack.ref)] = pack_page(pack, built.entries, needed_by.get(pack.ref, ()))
    return files


def actions_script(packs: t.Sequence[Pack]) -> bytes:
    """The names and descriptions of all actions, as a script: pages in files may read nothing else."""
    listed = [
        [pack.ref, [[name, line(metadata.get("description"))] for name, metadata in pack.resources["actions"]]]
        for pack in packs
        if "actions" in pack.resources
    ]
    # Without letters beyond ASCII; and "<" could end a script in a page.
    text = json.dumps(listed, separators=(",", ":")).replace("<", "\\u003c")
    return f"window.st2Actions = {text};\n".encode()


def place_with_page(place: Place, *, asked: bool) -> Place:
    """The place with the page as what belongs to this module, if it does.

    :arg asked: Whether there is to be a page.
    :raises OptionError: when something else is where it is to be.
    """
    own = is_own(place.read(HISTORY))
    there = [top for top in TOPS if os.path.lexists(os.path.join(place.path, top))]
    if asked and there and not own:
        raise OptionError(
            f"page is true, but {place.path} already contains {', '.join(there)}, which this module did not create. "
            "Remove it, or set page to false."
        )
    return Place(place.path, (TOP, *TOPS)) if own or asked else place


def is_own(history: t.Optional[bytes]) -> bool:
    """Whether the page that is published is one of this module.

    :arg history: What is published at L(HISTORY).
    """
    return read_history(history) is not None
