# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules take is what their documentation says: options, types, defaults, choices, and the action group."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import types
from pathlib import Path

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils import _argspec
from ansible_collections.stackstorm.st2.plugins.module_utils._argspec import ArgumentSpec

REPOSITORY = Path(__file__).resolve().parents[4]
MODULES = sorted(path.stem for path in (REPOSITORY / "plugins/modules").glob("*.py"))
RUNNER = "ansible_collections.stackstorm.st2.plugins.module_utils._runner"
# The keys of an option that mean something to whoever calls the module, with what a missing key means.
MEANING = {"type": "str", "elements": None, "default": None, "choices": None, "required": False, "aliases": None}


def constants(path):
    """The texts that a file assigns at its top level or in its classes, by name."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assignments = [node for node in ast.walk(tree) if isinstance(node, ast.Assign)]
    return {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in assignments
        if isinstance(node.targets[0], ast.Name) and isinstance(node.value, ast.Constant)
    }


# Options of a fragment that mean something else to a module, and that it describes itself.
OWN_WORDS = {
    "st2_action_run": {"register", "timeout"},
    "st2_index_info": {"register"},
    "st2_restart": {"register", "timeout"},
}


def documentation(module):
    """A module's documentation with its fragments in place."""
    found = yaml.safe_load(constants(REPOSITORY / f"plugins/modules/{module}.py")["DOCUMENTATION"])
    for name in found["extends_documentation_fragment"]:
        file, _dot, part = name[len("stackstorm.st2.") :].partition(".")
        fragment = yaml.safe_load(
            constants(REPOSITORY / f"plugins/doc_fragments/{file}.py")[part.upper() or "DOCUMENTATION"]
        )
        twice = set(fragment["options"]) & set(found.get("options", {}))
        assert twice <= OWN_WORDS.get(module, set()), f"{module} documents {twice} twice"
        found["options"] = {**fragment["options"], **found.get("options", {})}
    return found


@pytest.fixture
def spec_of(monkeypatch):
    """Runs the C(main) of a module up to where it hands over, and returns what it hands over."""

    def find(module):
        taken = []
        stub = types.ModuleType(RUNNER)
        stub.run_module = lambda spec, work: taken.append((spec, work))
        monkeypatch.setitem(sys.modules, RUNNER, stub)
        spec = importlib.util.spec_from_file_location(module, str(REPOSITORY / f"plugins/modules/{module}.py"))
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        loaded.main()
        ((arguments, work),) = taken
        assert callable(work)
        return arguments

    return find


def meaning(options, nested):
    """The options in one form, for both sides."""
    found = {}
    for name, option in options.items():
        found[name] = {key: option.get(key, missing) for key, missing in MEANING.items()}
        found[name]["nested"] = meaning(option.get(nested, {}), nested)
    return found


@pytest.mark.parametrize("module", MODULES)
def test_the_spec_is_what_is_documented(module, spec_of):
    documented = documentation(module)["options"]
    assert meaning(spec_of(module).options, "options") == meaning(documented, "suboptions")


@pytest.mark.parametrize("part", ["host", "connection", "registration"])
def test_a_shared_part_is_what_its_fragment_says(part):
    fragment = yaml.safe_load(constants(REPOSITORY / f"plugins/doc_fragments/_{part}.py")["DOCUMENTATION"])
    spec = getattr(_argspec, f"{part}_options")()
    assert meaning(spec.options, "options") == meaning(fragment["options"], "suboptions")
    for pair in spec.mutually_exclusive:
        for one in pair:
            text = " ".join(fragment["options"][one]["description"])
            assert all(f"Mutually exclusive with O({other})" in text for other in pair if other != one)


@pytest.mark.parametrize("module", MODULES)
def test_every_option_says_what_it_is_for(module):
    def look(options):
        for name, option in options.items():
            texts = option["description"]
            assert isinstance(texts, list) and texts, f"{name} has no description"
            assert all(text.strip().endswith((".", ")")) for text in texts), name
            look(option.get("suboptions", {}))

    look(documentation(module)["options"])


@pytest.mark.parametrize("module", MODULES)
def test_options_that_exclude_each_other_say_so(module, spec_of):
    documented, spec = documentation(module)["options"], spec_of(module)
    for pair in spec.mutually_exclusive:
        for one in pair:
            text = " ".join(documented[one]["description"])
            assert all(f"Mutually exclusive with O({other})" in text for other in pair if other != one)
    for group in (*spec.mutually_exclusive, *spec.required_one_of):
        assert set(group) <= set(spec.options)


@pytest.mark.parametrize("module", MODULES)
def test_what_may_be_secret_says_whether_it_is(module, spec_of):
    spec = spec_of(module)
    options = spec.options
    named = {name for name in options if re.search("pass|token|secret|key", name)}
    assert named == {name for name in options if "no_log" in options[name]}
    secret = {"password", "token", "api_key", "auth_token", "api_password"}
    assert {name for name in named if options[name]["no_log"]} == named & secret
    # Ansible would look for the values of a config in all texts.
    of_configs = {name for name in options if name in ("config", "secrets")}
    of_packs = options.get("packs", {}).get("options", {})
    of_configs |= {f"packs.{name}" for name in of_packs if name in ("config", "secrets")}
    assert of_configs <= set(spec.hidden)
    assert of_packs.get("secrets", {}).get("no_log") in (None, False)


@pytest.mark.parametrize("module", MODULES)
def test_examples_use_options_that_there_are(module, spec_of):
    options = spec_of(module).options
    text = constants(REPOSITORY / f"plugins/modules/{module}.py")["EXAMPLES"]
    # What Ansible must not render is marked so in examples.
    tasks = [task for task in yaml.safe_load(text.replace("!unsafe ", "")) if f"stackstorm.st2.{module}" in task]
    assert tasks
    for task in tasks:
        given = task[f"stackstorm.st2.{module}"] or {}
        assert set(given) <= set(options)
        for several in ("packs", "options"):
            # Items that may also be texts have no spec: they are those of st2_pack.
            known = options.get(several, {}).get("options", spec_of("st2_pack").options["packs"]["options"])
            for item in given.get(several, ()):
                assert isinstance(item, str) or set(item) <= set(known)


def test_the_action_group_has_every_module_that_talks_to_stackstorm(spec_of):
    """Any other one would not know the options that are set for the group."""
    runtime = yaml.safe_load((REPOSITORY / "meta/runtime.yml").read_text(encoding="utf-8"))
    members = [
        module for module in MODULES if set(_argspec.registration_options().options) <= set(spec_of(module).options)
    ]
    assert sorted(runtime["action_groups"]["st2"]) == members
    assert set(MODULES) - set(members) == {
        "st2_bundle",
        "st2_bundle_info",
        "st2_conf",
        "st2_entry_point_info",
        "st2_environment",
        "st2_exchange_program",
        "st2_index",
        "st2_pack_lint",
        "st2_pack_lock",
        "st2_pack_release",
        "st2_pack_split",
        "st2_proxy_info",
        "st2_rollback_info",
    }
    for module in MODULES:
        fragments = documentation(module)["extends_documentation_fragment"]
        assert ("stackstorm.st2._attributes.actiongroup_st2" in fragments) == (module in members)


def test_a_spec_says_whether_a_stackstorm_on_the_target_is_needed():
    spec = ArgumentSpec({"backend": {"type": "str"}}, remote_if=(("backend", "api"),))
    for one in (spec, spec.merge(ArgumentSpec()), ArgumentSpec().merge(spec)):
        assert one.needs_host({"backend": "local"}) and not one.needs_host({"backend": "api"})
    assert ArgumentSpec().needs_host({"backend": "api"}) and "remote_if" not in spec.arguments()
    spec = ArgumentSpec(reads_host=False)
    for one in (spec, spec.merge(ArgumentSpec()), ArgumentSpec().merge(spec)):
        assert not one.needs_host({}) and "reads_host" not in one.arguments()


def test_specs_compose():
    one = ArgumentSpec({"a": {"type": "str"}, "b": {"type": "int"}}, (("a", "b"),), required_together=(("a", "b"),))
    other = ArgumentSpec({"c": {"type": "str"}}, (("b", "c"),), (("a", "c"),))
    assert one.merge(other).arguments() == {
        "argument_spec": {"a": {"type": "str"}, "b": {"type": "int"}, "c": {"type": "str"}},
        "mutually_exclusive": [("a", "b"), ("b", "c")],
        "required_one_of": [("a", "c")],
        "required_together": [("a", "b")],
    }
    hiding = ArgumentSpec(hidden=("a",)).merge(ArgumentSpec(hidden=("b",)))
    assert hiding.hidden == ("a", "b")
    assert one.arguments()["required_one_of"] == [] and "c" not in one.options
