# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Rules about what actions and sensors run: it is there, inside of the pack, and what its runner takes."""

from __future__ import annotations

import os
import typing as t

from ..._content.boundary import leads_out
from ..._printable import printable
from ..finding import Finding
from ..pack import Pack, YamlFile
from ..python_files import names_of
from ..rule import Rule

MISSING = Rule(
    "entry-point-missing",
    "error",
    "The entry point of every action and sensor exists.",
    "not checked by StackStorm before it runs: st2common/content/utils.py get_entry_point_abs_path",
)
OUTSIDE = Rule(
    "entry-point-outside",
    "error",
    "Entry points are inside the pack.",
    "st2common/content/utils.py get_pack_file_abs_path",
)
CLASS = Rule(
    "sensor-class",
    "error",
    "The class of a sensor is in its entry point.",
    "st2common/util/loader.py register_plugin_class",
)
WORKFLOW = Rule(
    "workflow-invalid",
    "error",
    "The definition of a workflow is YAML with tasks, that of an action chain YAML with a chain.",
    "orquesta/specs/native/v1/models.py WorkflowSpec; st2common/models/system/actionchain.py ActionChain",
)
TASK = Rule(
    "workflow-action",
    "warning",
    "The actions of the pack that its workflows call exist.",
    "not checked before the workflow runs: st2common/services/workflows.py inspect",
)
SCRIPT = Rule(
    "script-line-ends",
    "error",
    "A script with a shebang line has no CR at the end of that line, and no byte order mark.",
    "Linux, execve: the CR becomes part of the name of the interpreter",
)
RULES = (MISSING, OUTSIDE, CLASS, WORKFLOW, TASK, SCRIPT)
_NEED = frozenset(("python-script", "orquesta", "action-chain", "local-shell-script", "remote-shell-script"))
_WORKFLOWS = {"orquesta": "tasks", "action-chain": "chain"}
_SHELL = ("local-shell-script", "remote-shell-script")
_BOM = b"\xef\xbb\xbf"


def check(pack: Pack) -> t.Iterator[Finding]:
    """Check the entry points of actions and sensors."""
    for kind in ("actions", "sensors"):
        for file in pack.resources(kind):
            if isinstance(file.document, dict):
                yield from _entry_point(pack, kind, file)


def _entry_point(pack: Pack, kind: str, file: YamlFile) -> t.Iterator[Finding]:
    entry_point, runner = file.document.get("entry_point"), file.document.get("runner_type")
    if not isinstance(entry_point, str) or not entry_point:
        if kind == "actions" and runner in _NEED:
            yield MISSING.of(file, ("entry_point",), f"an action for {runner} needs an entry_point")
        return
    path = os.path.normpath(os.path.join(kind, entry_point))
    shown = printable(path[:200])
    if path.startswith(("/", "../")) or (
        os.path.lexists(os.path.join(pack.directory, path)) and leads_out(pack.directory, path)
    ):
        yield OUTSIDE.of(file, ("entry_point",), f"the entry point {shown} is outside of the pack")
    elif not pack.has(path):
        yield MISSING.of(file, ("entry_point",), f"the entry point {shown} is not in the pack")
    elif kind == "sensors":
        yield from _sensor_class(pack, file, path)
    elif runner in _WORKFLOWS:
        yield from _workflow(pack, file, path, _WORKFLOWS[runner])
    elif runner in _SHELL:
        yield from _script(pack, path)


def _sensor_class(pack: Pack, file: YamlFile, path: str) -> t.Iterator[Finding]:
    name = file.document.get("class_name")
    known = names_of(pack, path)
    if isinstance(name, str) and name and known is not None and not {name, "*"} & known:
        yield CLASS.of(file, ("class_name",), f"{printable(path)} has no class {printable(name[:60])}")


def _workflow(pack: Pack, file: YamlFile, path: str, key: str) -> t.Iterator[Finding]:
    definition = pack.yaml(path)
    if definition.error:
        problem, line, column = definition.problem
        pack.told.add(path)
        yield WORKFLOW.at(definition.shown, problem, line, column)
        return
    document = definition.document
    if not isinstance(document, dict) or not isinstance(document.get(key), (dict, list)):
        yield WORKFLOW.at(definition.shown, f"is not a mapping with {key}, which {file.shown} needs")
        return
    tasks = document[key]
    items = tasks.items() if isinstance(tasks, dict) else enumerate(tasks)
    for name, task in items:
        if not isinstance(task, dict):
            continue
        called = "action" if key == "tasks" else "ref"
        action = task.get(called)
        reference = action.split(" ")[0] if isinstance(action, str) else ""
        if reference and pack.ref and not action_exists(pack, reference):
            at = (key, name if isinstance(name, int) else str(name), called)
            yield TASK.of(definition, at, f"the pack has no action {printable(reference[:120])}")


def own_actions(pack: Pack) -> t.Mapping[str, YamlFile]:
    """The actions of a pack by their references; of several with one name the last, as StackStorm has it."""
    if "actions" not in pack.kept:
        pack.kept["actions"] = {
            f"{pack.ref}.{file.document['name']}": file
            for file in pack.resources("actions")
            if isinstance(file.document, dict) and isinstance(file.document.get("name"), str)
        }
    found: t.Mapping[str, YamlFile] = pack.kept["actions"]
    return found


def action_exists(pack: Pack, reference: str) -> bool:
    """Whether a reference is none to an action of the pack itself, or to one that is there."""
    if not reference.startswith(f"{pack.ref}.") or "{" in reference or "<%" in reference:
        return True
    return reference in own_actions(pack)


def _script(pack: Pack, path: str) -> t.Iterator[Finding]:
    content = pack.content(path) or b""
    first = content.split(b"\n", 1)[0]
    if first.startswith((_BOM + b"#!", b"#!")) and (first.startswith(_BOM) or first.endswith(b"\r")):
        pack.told.add(path)
    if first.startswith(_BOM + b"#!"):
        yield SCRIPT.at(printable(path), "begins with a byte order mark, so Linux does not find its interpreter", 1)
    elif first.startswith(b"#!") and first.endswith(b"\r"):
        yield SCRIPT.at(
            printable(path), "has CR LF at the end of its first line: Linux does not find its interpreter", 1
        )
