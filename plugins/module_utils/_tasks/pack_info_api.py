# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The work of M(stackstorm.st2.st2_pack_info) with C(backend=api): the packs that StackStorm's API lists."""

from __future__ import annotations

import typing as t

from .._change.known import CURRENT
from .._content.names import check_ref
from .._content.versions import same_version, sort_versions
from .._deadline import Deadline
from .._errors import IndexError_
from .._layout import SYSTEM_PACKS
from .._pack_api.observe import ServerIndex, read_index
from .._pack_api.options import refuse_for_info
from .._st2.api_client import ApiClient
from .._st2.task_client import client_for
from .._task import Result, Task

_TEXTS = ("description", "author", "email", "stackstorm_version")
_LISTS = ("keywords", "contributors", "python_versions", "dependencies")


def describe_packs_by_api(task: Task) -> Result:
    """As L(pack_info.describe_packs), of which the API tells what the database has. Files and their edits it does not.

    :raises St2Error: for options that cannot be used, and a StackStorm that does not let one in or cannot read its
        index.
    """
    refuse_for_info(task.params)
    names = [check_ref("name", name) for name in task.params["name"] or ()]
    client = client_for(task, Deadline(task.params["timeout"]))
    warnings: t.List[str] = []
    try:
        found = {str(item.get("ref")): item for item in client.list("/packs")}
        index = _index(client, warnings) if task.params["check_latest"] else None
    finally:
        client.close()
    refs = list(dict.fromkeys(names)) or sorted(found)
    packs = [_describe(found[ref], index) for ref in refs if ref in found]
    missing = [ref for ref in refs if ref not in found]
    noun = "pack" if len(packs) == 1 else "packs"
    msg = f"{len(packs)} {noun} installed" + (f"; not installed: {', '.join(missing)}" if missing else "")
    return Result(msg=msg, returned={"packs": packs, "missing": missing}, warnings=warnings)


def _index(client: ApiClient, warnings: t.List[str]) -> ServerIndex:
    index = read_index(client)
    warnings += [f"StackStorm cannot read an index: {reason}" for reason in index.unread]
    return index


def _describe(item: t.Mapping[str, t.Any], index: t.Optional[ServerIndex]) -> t.Dict[str, t.Any]:
    ref, version = str(item["ref"]), str(item.get("version") or "")
    described: t.Dict[str, t.Any] = {
        "ref": ref,
        "name": str(item.get("name") or ref),
        "version": version,
        "path": str(item.get("path") or "") or None,
        "system": ref in SYSTEM_PACKS,
        "database_state": None if ref in SYSTEM_PACKS else CURRENT,
        **{key: str(item.get(key) or "") or None for key in _TEXTS},
        **{key: [str(one) for one in item.get(key) or ()] for key in _LISTS},
    }
    if index is not None:
        described.update(_latest(ref, version, index))
    return described


def _latest(ref: str, version: str, index: ServerIndex) -> t.Dict[str, t.Any]:
    try:
        offered = index.offer(ref, strict=False).version
    except IndexError_:
        return {"latest_version": None, "outdated": None}
    if not offered or not version:
        return {"latest_version": offered or None, "outdated": None}
    newer = not same_version(offered, version) and sort_versions([offered, version])[0] == offered
    return {"latest_version": offered, "outdated": newer}
