# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of every module is a task that Ansible takes: its options pass the spec of the module.

tests/e2e/test_examples.py runs them.
"""

from __future__ import annotations

import importlib
import typing as t

import pytest
from infrastructure.module_docs import MODULES, Unsafe, examples, options_of

# What a value that is rendered later may be, by the type of its option.
RENDERED: dict[str, t.Any] = {"str": "text", "path": "/path", "raw": "text", "bool": True, "int": 1, "dict": {}}
Spec = t.Mapping[str, t.Mapping[str, t.Any]]


def spec_of(module: str, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    """What the C(main) of a module hands over: its options, and what they need of each other."""
    loaded = importlib.import_module(f"ansible_collections.stackstorm.st2.plugins.modules.{module}")
    taken: list[t.Any] = []
    monkeypatch.setattr(loaded, "run_module", lambda spec, _work: taken.append(spec))
    loaded.main()
    return taken[0]


def rendered(options: t.Mapping[str, t.Any], spec: Spec) -> dict[str, t.Any]:
    """Options with a fitting value in place of each template."""
    found: dict[str, t.Any] = {}
    for name, value in options.items():
        option = spec.get(name, {})
        if isinstance(value, str) and not isinstance(value, Unsafe) and "{{" in value:
            found[name] = _some_value(option)
        elif isinstance(value, list) and "options" in option:
            found[name] = [rendered(item, option["options"]) for item in value]
        else:
            found[name] = value
    return found


def _some_value(option: t.Mapping[str, t.Any]) -> t.Any:
    if option.get("choices"):
        return option["choices"][0]
    if option.get("type") == "list":
        return [_some_value({**option, "type": option.get("elements", "str")})]
    return RENDERED[option.get("type", "str")]


@pytest.mark.parametrize("module", MODULES)
def test_every_example_passes_the_spec_of_its_module(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator

    tasks = examples(module)
    assert any(options_of(task, module) is not None for task in tasks), f"{module} has no example of itself"
    names = [task.get("name") for task in tasks]
    assert all(names) and len(set(names)) == len(names), "each example has a name of its own"
    for task in tasks:
        for other in MODULES:
            options = options_of(task, other)
            if options is None:
                continue
            arguments = spec_of(other, monkeypatch).arguments()
            spec = arguments.pop("argument_spec")
            result = ModuleArgumentSpecValidator(spec, **arguments).validate(rendered(options, spec))
            assert not result.error_messages, f"{task['name']}: {result.error_messages}"
