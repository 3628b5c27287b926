# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The examples in the documentation of modules, as the tasks that they are."""

from __future__ import annotations

import ast
import typing as t

import yaml

from .ansible_run import COLLECTION
from .real_data import REPOSITORY

MODULES = sorted(path.stem for path in (REPOSITORY / "plugins" / "modules").glob("*.py"))


class Unsafe(str):
    """A text that is marked as nothing to render."""


class _Loader(yaml.SafeLoader):
    pass


class _Dumper(yaml.SafeDumper):
    pass


_Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(node.value))  # type: ignore[no-untyped-call]
_Dumper.add_representer(Unsafe, lambda dumper, text: dumper.represent_scalar("!unsafe", str(text)))


def examples(module: str, replacements: t.Optional[t.Mapping[str, str]] = None) -> t.List[t.Dict[str, t.Any]]:
    """Return the tasks in the examples of a module.

    :arg replacements: texts to put others in place of, such as addresses; those that are not there are passed over.
    """
    source = (REPOSITORY / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8")
    (text,) = (
        ast.literal_eval(node.value)
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "EXAMPLES"
    )
    for old, new in (replacements or {}).items():
        text = text.replace(old, new)
    return list(yaml.load(text, _Loader))


def options_of(task: t.Mapping[str, t.Any], module: str) -> t.Optional[t.Dict[str, t.Any]]:
    """Return what a task gives a module of this collection; None when it is a task of another module."""
    name = f"{COLLECTION}.{module}"
    return (task[name] or {}) if name in task else None


def to_yaml(tasks: t.Sequence[t.Mapping[str, t.Any]]) -> str:
    """Return tasks as the YAML that they came from."""
    return yaml.dump(list(tasks), Dumper=_Dumper, sort_keys=False, allow_unicode=True)
