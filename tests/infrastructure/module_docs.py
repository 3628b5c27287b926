# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The documentation of modules: their options, and their examples as the tasks that they are."""

from __future__ import annotations

import ast
import typing as t
from pathlib import Path

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
    text = _texts(REPOSITORY / "plugins" / "modules" / f"{module}.py")["EXAMPLES"]
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


def documented_options(module: str, root: Path = REPOSITORY) -> t.Dict[str, t.Optional[str]]:
    """Return the options of a module, those of options after a dot, each with the version that it is said to be from.

    :arg root: the checkout to read.
    """
    documentation = yaml.safe_load(_texts(root / "plugins" / "modules" / f"{module}.py")["DOCUMENTATION"])
    found: t.Dict[str, t.Optional[str]] = {}
    for name in documentation.get("extends_documentation_fragment", ()):
        file, _dot, part = name[len(COLLECTION) + 1 :].partition(".")
        texts = _texts(root / "plugins" / "doc_fragments" / f"{file}.py")
        found.update(_options(yaml.safe_load(texts[part.upper() or "DOCUMENTATION"]).get("options") or {}))
    found.update(_options(documentation.get("options") or {}))
    return found


def version_added(module: str, root: Path = REPOSITORY) -> str:
    """Return the version that a module says it is from."""
    texts = _texts(root / "plugins" / "modules" / f"{module}.py")
    return str(yaml.safe_load(texts["DOCUMENTATION"])["version_added"])


def _options(options: t.Mapping[str, t.Any], prefix: str = "") -> t.Iterator[t.Tuple[str, t.Optional[str]]]:
    for name, option in options.items():
        yield prefix + name, option.get("version_added")
        yield from _options(option.get("suboptions") or {}, f"{prefix}{name}.")


def _texts(path: Path) -> t.Dict[str, str]:
    """The texts that a file assigns, at its top level or in its classes, by name."""
    assignments = [
        node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Assign)
    ]
    return {
        node.targets[0].id: str(ast.literal_eval(node.value))
        for node in assignments
        if isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant)
    }
