# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The content of packs: which files are resources, what StackStorm would refuse, requirements, config schema."""

from __future__ import annotations

import dataclasses
import os
import sys
import time
from pathlib import Path

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._content.resources import (
    RESOURCE_TYPES,
    PackContent,
    check_config_schema,
    read_content,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError, MissingLibraryError

REPOSITORY = Path(__file__).resolve().parents[5]
REAL_DATA = Path(os.environ.get("ST2_TEST_DATA") or REPOSITORY.parent / "shared" / "data") / "exchange" / "packs"
ACTION = {"name": "run", "runner_type": "python-script", "entry_point": "run.py"}
RESOURCES = {
    "actions": ACTION,
    "sensors": {"class_name": "PulseSensor", "entry_point": "pulse.py"},
    "rules": {"name": "On a beat, say so.", "trigger": {"type": "demo.beat"}, "action": {"ref": "core.noop"}},
    "aliases": {"name": "say", "action_ref": "demo.run", "formats": ["say"]},
    "policies": {
        "name": "again",
        "resource_ref": "demo.run",
        "policy_type": "action.retry",
        "parameters": {"retry_on": "failure"},
    },
    "triggers": {"name": "beat"},
}


def put(directory, path, content=""):
    """Write a file of the pack: a mapping as YAML, a text or bytes as they are."""
    target = directory / path
    target.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, (dict, list)):
        content = yaml.safe_dump(content)
    target.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)


@pytest.fixture
def pack(tmp_path):
    """A pack with one resource of every type."""
    for kind, resource in RESOURCES.items():
        put(tmp_path, f"{kind}/one.yaml", resource)
    put(tmp_path, "actions/run.py")
    put(tmp_path, "sensors/pulse.py")
    return tmp_path


def refusal(directory):
    with pytest.raises(InvalidPackError) as caught:
        read_content(str(directory), "demo")
    assert (caught.value.step, caught.value.ref) == ("validate", "demo")
    assert caught.value.message.startswith("The pack demo has ")
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message
    return caught.value.message


def test_one_resource_of_every_type(pack):
    content = read_content(str(pack), "demo")
    assert content == PackContent(
        actions=("run",),
        sensors=("PulseSensor",),
        rules=("On a beat, say so.",),
        aliases=("say",),
        policies=("again",),
        triggers=("beat",),
        runners=("python-script",),
    )
    assert content.by_type() == {kind: getattr(content, kind) for kind in RESOURCE_TYPES}
    assert set(RESOURCE_TYPES) < {field.name for field in dataclasses.fields(PackContent)}


def test_an_empty_pack(tmp_path):
    content = read_content(str(tmp_path), "demo")
    assert content == PackContent()
    assert not content.needs_virtualenv


def test_names_are_sorted_and_each_is_there_once(pack):
    for name in ("z", "a.b.c", "Upper"):
        put(pack, f"actions/{name}.yaml", dict(ACTION, name=name))
    put(pack, "actions/zz.yml", dict(ACTION, name="a.b.c"))
    content = read_content(str(pack), "demo")
    assert content.actions == ("Upper", "a.b.c", "run", "z")
    assert content.warnings == (
        "Several files for one of the actions, of which StackStorm keeps the last: a.b.c (a.b.c.yaml, zz.yml).",
    )


BROKEN = "name: [\n"
NOT_RESOURCES = (
    "actions/workflows/flow.yaml",
    "actions/config.yaml",
    "actions/config.yml",
    "actions/run.yaml.example",
    "actions/run.json",
    "actions/.hidden.yaml",
    "actions/YAML",
    "rules/sample.yaml.disabled",
    "tests/fixtures/x.yaml",
    "etc/pack.yaml",
    "pack.yaml",
    "lib/x.yaml",
    "runners/x.yaml",
)


@pytest.mark.parametrize("path", NOT_RESOURCES)
def test_files_that_are_no_resources_are_not_read(pack, path):
    put(pack, path, BROKEN)
    assert read_content(str(pack), "demo") == read_content(str(pack), "demo", strict=False)
    assert read_content(str(pack), "demo").actions == ("run",)


def test_only_the_actions_have_a_config_that_is_none(pack):
    put(pack, "rules/config.yaml", BROKEN)
    assert "rules/config.yaml" in refusal(pack)


@pytest.mark.parametrize("path", ["actions/x.yaml", "actions/x.yml", "sensors/x.yaml", "triggers/x.meta.yaml"])
def test_resources_end_in_yaml_or_yml(pack, path):
    put(pack, path, BROKEN)
    assert path in refusal(pack)


# What is wrong with the resource, by its type.
BAD = {
    "broken": ("actions", BROKEN, "actions/bad.yaml, line 2, is not YAML that StackStorm can read"),
    "Latin-1": ("rules", b"name: x\ntext: caf\xe9\n", "rules/bad.yaml, line 2, is not YAML"),
    "tabs": ("aliases", "name: x\nformats:\n\t- a\n", "aliases/bad.yaml, line 3, is not YAML"),
    "two documents": ("policies", "name: x\n---\nname: y\n", "policies/bad.yaml, line 2, is not YAML"),
    "Python tag": ("triggers", "name: !!python/name:os.system\n", "triggers/bad.yaml, line 1, is not YAML"),
    "empty": ("actions", "", "actions/bad.yaml is empty"),
    "only a comment": ("sensors", "# nothing\n", "sensors/bad.yaml is empty"),
    "a list": ("rules", ["name"], "rules/bad.yaml is not a mapping"),
    "a sentence": ("actions", "run it\n", "actions/bad.yaml is not a mapping"),
    "action without name": ("actions", {"name": None}, "actions/bad.yaml: name is missing"),
    "action with a number as name": ("actions", {"name": 404}, "actions/bad.yaml, line 2: name is not a string"),
    "action with an empty name": ("actions", {"name": ""}, "actions/bad.yaml, line 2: name is not a string"),
    "action without runner": ("actions", {"runner_type": None}, "actions/bad.yaml: runner_type is missing"),
    "action with a list as runner": (
        "actions",
        {"runner_type": ["x"]},
        "actions/bad.yaml, line 3: runner_type is not a string",
    ),
    "sensor without class": ("sensors", {"class_name": None}, "sensors/bad.yaml: class_name is missing"),
    "sensor without entry point": ("sensors", {"entry_point": None}, "sensors/bad.yaml: entry_point is missing"),
    "rule without name": ("rules", {"name": None}, "rules/bad.yaml: name is missing"),
    "rule without trigger": ("rules", {"trigger": None}, "rules/bad.yaml: trigger is not a mapping with a type"),
    "rule with a text as action": (
        "rules",
        {"action": "x.y"},
        "rules/bad.yaml, line 1: action is not a mapping with a ref",
    ),
    "alias without action": ("aliases", {"action_ref": None}, "aliases/bad.yaml: action_ref is missing"),
    "policy without resource": ("policies", {"resource_ref": None}, "policies/bad.yaml: resource_ref is missing"),
    "policy without type": ("policies", {"policy_type": None}, "policies/bad.yaml: policy_type is missing"),
    "policy with a parameter that is wrong": (
        "policies",
        "name: a\nresource_ref: a.b\npolicy_type: action.retry\nparameters:\n  retry_on: never\n",
        "policies/bad.yaml, line 5: parameters.retry_on is not one of failure, timeout",
    ),
    "trigger without name": ("triggers", {"name": None}, "triggers/bad.yaml: name is missing"),
    "key twice": (
        "actions",
        "name: a\nrunner_type: noop\nname: b\n",
        "actions/bad.yaml, line 3, is not YAML that StackStorm can read: the key name is there twice, first in line 1",
    ),
    "number twice": ("rules", "1: a\n1.0: b\n", "rules/bad.yaml, line 2, is not YAML"),
    "merge key": (
        "aliases",
        "name: a\naction_ref: a.b\nack: &a {}\nresult:\n  <<: *a\nformats: [a]\n",
        "aliases/bad.yaml, line 5, is not YAML that StackStorm can read: the merge key <<",
    ),
    "one position": (
        "actions",
        "name: a\nrunner_type: noop\nparameters:\n  b: {position: 0}\n  c:\n    position: 0\n",
        "actions/bad.yaml, line 6: the parameters b and c have the same position 0",
    ),
    "null description": (
        "actions",
        "name: a\nrunner_type: noop\nparameters:\n  b:\n    description:\n",
        "actions/bad.yaml, line 5: the parameter b.description must be a string",
    ),
    "unknown key": ("rules", {"colour": 1}, "line 3: the key colour is not accepted by StackStorm there"),
    "another pack's": (
        "actions",
        {"pack": "core"},
        "actions/bad.yaml, line 3: it says that it belongs to the pack core",
    ),
    "another pack's trigger": (
        "triggers",
        {"pack": "core"},
        "triggers/bad.yaml, line 2: it says that it belongs to the pack core",
    ),
}


@pytest.mark.parametrize("kind, content, problem", BAD.values(), ids=BAD)
def test_refuses_what_stackstorm_does_not_register(pack, kind, content, problem):
    if isinstance(content, dict):
        content = {key: value for key, value in dict(RESOURCES[kind], **content).items() if value is not None}
    put(pack, f"{kind}/bad.yaml", content)
    message = refusal(pack)
    assert message.startswith("The pack demo has 1 file that StackStorm would refuse: ")
    assert problem in message


@pytest.mark.parametrize("kind, content, problem", BAD.values(), ids=BAD)
def test_the_same_is_a_warning_for_an_installed_pack(pack, kind, content, problem):
    before = read_content(str(pack), "demo")
    if isinstance(content, dict):
        content = {key: value for key, value in dict(RESOURCES[kind], **content).items() if value is not None}
    put(pack, f"{kind}/bad.yaml", content)
    after = read_content(str(pack), "demo", strict=False)
    assert [problem in warning for warning in after.warnings].count(True) == 1
    assert after.by_type() == before.by_type()


def test_a_directory_that_is_called_like_a_resource_is_refused(pack):
    """glob finds it, and StackStorm fails to open it."""
    (pack / "actions" / "dir.yaml").mkdir()
    assert "actions/dir.yaml cannot be read" in refusal(pack)


@pytest.mark.parametrize("own", ["demo", "", None])
def test_a_resource_may_name_its_own_pack(pack, own):
    put(pack, "actions/own.yaml", dict(ACTION, name="own", pack=own))
    assert "own" in read_content(str(pack), "demo").actions


def test_every_wrong_file_is_in_one_message(pack):
    for number in range(14):
        put(pack, f"actions/bad{number:02}.yaml", BROKEN)
    message = refusal(pack)
    assert "14 files" in message and "bad00.yaml" in message and "bad09.yaml" in message
    assert "bad10.yaml" not in message and message.endswith("and 4 more.")


def test_what_is_only_odd_is_a_warning(pack):
    put(pack, "actions/lost.yaml", dict(ACTION, name="lost", entry_point="lost.py"))
    put(pack, "actions/old.yaml", {"name": "old", "runner_type": "mistral-v2"})
    put(pack, "sensors/lost.yaml", {"class_name": "Lost", "entry_point": "lost.py"})
    put(pack, "config.yaml", "---\n")
    content = read_content(str(pack), "demo")
    assert {"lost", "old"} < set(content.actions)
    assert content.warnings == (
        "Entry points that are not in the pack: actions/lost.py of actions/lost.yaml, sensors/lost.py of"
        " sensors/lost.yaml.",
        "Actions for the runner mistral-v2, which StackStorm 3.9 does not have: old.",
        "The pack contains a config.yaml, which StackStorm has ignored since 2.4.",
    )


def test_an_action_needs_no_entry_point(pack):
    for name, more in (("a", {}), ("b", {"entry_point": ""}), ("c", {"entry_point": None})):
        put(pack, f"actions/{name}.yaml", dict({"name": name, "runner_type": "local-shell-cmd"}, **more))
    assert read_content(str(pack), "demo").warnings == ()


def test_a_runner_that_this_stackstorm_lacks_is_refused(pack):
    put(pack, "actions/old.yaml", {"name": "old", "runner_type": "mistral-v2"})
    with pytest.raises(InvalidPackError, match=r"actions/old\.yaml, line 2: this StackStorm has no runner mistral-v2"):
        read_content(str(pack), "demo", runners=["python-script"])
    assert "mistral-v2, which StackStorm 3.9 does not have: old." in read_content(str(pack), "demo").warnings[0]
    assert read_content(str(pack), "demo", runners=["python-script", "mistral-v2"]).actions == ("old", "run")


def test_what_is_left_out_is_told_and_requirements_stay_safe(pack):
    put(pack, "actions/bad.yaml", {"name": 5, "runner_type": "noop"})
    content = read_content(str(pack), "demo", strict=False, safe=True)
    assert content.left_out == ("actions/bad.yaml, line 1: name is not a string",)
    assert content.actions == ("run",)
    put(pack, "requirements.txt", "-r /etc/passwd\n")
    with pytest.raises(InvalidPackError, match="must not be installed"):
        read_content(str(pack), "demo", strict=False, safe=True)


def test_every_runner_of_stackstorm_is_known(pack):
    for runner in (
        "orquesta",
        "action-chain",
        "local-shell-script",
        "remote-shell-cmd",
        "http-request",
        "winrm-ps-cmd",
    ):
        put(pack, f"actions/{runner}.yaml", {"name": runner, "runner_type": runner})
    content = read_content(str(pack), "demo")
    assert content.warnings == ()
    assert "orquesta" in content.runners and list(content.runners) == sorted(content.runners)


def test_what_needs_a_virtualenv(tmp_path):
    put(tmp_path, "actions/a.yaml", {"name": "a", "runner_type": "orquesta"})
    put(tmp_path, "requirements.txt", "# nothing\n")
    assert not read_content(str(tmp_path), "demo").needs_virtualenv
    assert PackContent(runners=("python-script",)).needs_virtualenv
    assert PackContent(sensors=("S",)).needs_virtualenv
    assert PackContent(requirements=("six",)).needs_virtualenv
    assert not PackContent(actions=("a",), rules=("r",), runners=("orquesta",)).needs_virtualenv


REQUIREMENTS = {
    "none": ("", ()),
    "comments": ("# a\n\n   # b\n", ()),
    "in their order": ("b\na==1.0\n", ("b", "a==1.0")),
    "CRLF": (b"a\r\nb>=1,<2\r\n", ("a", "b>=1,<2")),
    "byte order mark": (b"\xef\xbb\xbfa\n", ("a",)),
    "no end of line": ("a", ("a",)),
    "blanks": ("  a  >= 1.0 ,\t< 2.0 \n", ("a >= 1.0 , < 2.0",)),
    "comment behind": ("a  # why\nb #\n", ("a", "b")),
    "number sign in a URL": ("git+https://h/x.git#egg=x\n", ("git+https://h/x.git#egg=x",)),
    "extras and markers": ("a[x,y]==1 ; python_version > '3'\n", ("a[x,y]==1 ; python_version > '3'",)),
    "options": ("-r other.txt\n--no-binary :all:\n", ("-r other.txt", "--no-binary :all:")),
    "continued": ("a \\\n  --hash=x\nb\n", ("a --hash=x", "b")),
    "continued CRLF": (b"a \\\r\n  --hash=x\r\nb\r\n", ("a --hash=x", "b")),
    "comment with a backslash": ("# a \\\nb\n", ("b",)),
    "not UTF-8": (b"a\nb # caf\xe9\n", ("a", "b")),
    "password": ("git+https://me:hunter2@h/x.git\n", ("git+https://********@h/x.git",)),
}


@pytest.mark.parametrize("content, entries", REQUIREMENTS.values(), ids=REQUIREMENTS)
def test_requirements(tmp_path, content, entries):
    put(tmp_path, "requirements.txt", content)
    assert read_content(str(tmp_path), "demo").requirements == entries


def test_requirements_that_are_no_file_are_none(tmp_path):
    (tmp_path / "requirements.txt").mkdir()
    assert read_content(str(tmp_path), "demo").requirements == ()


GOOD_SCHEMAS = {
    "plain": {"url": {"type": "string", "required": True}, "token_2": {"type": "string", "secret": True}},
    "words": {"\u00fcber": {}, "A": {}, "_": {}, "1a": {}},
    "text": "# c\r\nurl:\r\n  type: string\r\n",
    "anchors": "a: &a {type: string}\nb: *a\n",
    "Jinja": "a: {default: '{{ st2kv.system.a }}'}\n",
}


@pytest.mark.parametrize("schema", GOOD_SCHEMAS.values(), ids=GOOD_SCHEMAS)
def test_config_schemas_that_pass(tmp_path, schema):
    put(tmp_path, "config.schema.yaml", schema)
    assert check_config_schema(str(tmp_path)) is None


def test_no_config_schema_passes_and_its_spelling_is_fixed(tmp_path):
    put(tmp_path, "config.schema.yml", BROKEN)
    assert check_config_schema(str(tmp_path)) is None


BAD_SCHEMAS = {
    "empty": ("", "config.schema.yaml is empty"),
    "null": ("b: {}\na:\n", "config.schema.yaml, line 2: a must be a mapping"),
    "type": ("a:\n  type: text\n", "line 2: a.type must be one of array"),
    "unknown keyword": ("a:\n  requried: true\n", "line 2: a.requried has keywords that StackStorm does not know"),
    "key twice": ("a: {}\nb: {}\na: {}\n", "config.schema.yaml, line 3, is not YAML"),
    "merge key": ("a: &a {}\nb: {<<: *a}\n", "line 2, is not YAML that StackStorm can read: the merge key <<"),
    "a comment": ("# nothing yet\n", "config.schema.yaml is empty"),
    "an empty mapping": ("{}\n", "config.schema.yaml is empty"),
    "a list": ("- url\n", "config.schema.yaml is not a mapping"),
    "a sentence": ("No configuration is needed.\n", "config.schema.yaml is not a mapping"),
    "broken": ("url:\n  type: string\n required: true\n", "config.schema.yaml, line 3, is not YAML"),
    "tabs": ("url:\n\ttype: string\n", "config.schema.yaml, line 2, is not YAML"),
    "Latin-1": (b"url: {}\nx: caf\xe9\n", "config.schema.yaml, line 2, is not YAML"),
    "dash": ("a: {}\napi-key: {}\n", "'api-key' (line 2)"),
    "dot and blank": ("a.b: {}\nc d: {}\n", "'a.b' (line 1), 'c d' (line 2)"),
    "number": ("a: {}\n8080: {}\n", "8080 (line 2)"),
    "truth": ("on: {}\n", "True"),
    "newline": ('"a\\n": {}\n', "'a\\n' (line 1)"),
    "empty key": ("'': {}\n", "'' (line 1)"),
}


@pytest.mark.parametrize("content, problem", BAD_SCHEMAS.values(), ids=BAD_SCHEMAS)
def test_config_schemas_that_are_refused(tmp_path, content, problem):
    put(tmp_path, "config.schema.yaml", content)
    with pytest.raises(InvalidPackError) as caught:
        check_config_schema(str(tmp_path))
    assert problem in caught.value.message
    assert caught.value.message.endswith(".") and "\n" not in caught.value.message


def test_without_pyyaml_it_is_named(pack, monkeypatch):
    monkeypatch.setitem(sys.modules, "yaml", None)
    for strict in (True, False):
        with pytest.raises(MissingLibraryError, match="PyYAML"):
            read_content(str(pack), "demo", strict=strict)


@pytest.mark.once
@pytest.mark.skipif(not yaml.__with_libyaml__, reason="PyYAML was built without libyaml here, which makes it slow.")
def test_thousands_of_actions_take_seconds(tmp_path):
    """As many as the largest real pack has; its own take less than two seconds of CPU time."""
    parameters = {
        f"parameter_{n}": {"type": "string", "description": "What it is for", "default": "x"} for n in range(8)
    }
    text = yaml.safe_dump(dict(ACTION, description="One of many", enabled=True, parameters=parameters), sort_keys=False)
    put(tmp_path, "actions/run.py")
    for number in range(3500):
        put(tmp_path, f"actions/{number}.yaml", text.replace("name: run", f"name: run_{number}"))
    start = time.process_time()
    assert len(read_content(str(tmp_path), "demo").actions) == 3500
    assert time.process_time() - start < 20


def real_packs():
    return sorted(path.name for path in REAL_DATA.iterdir()) if REAL_DATA.is_dir() else []


needs_real_data = pytest.mark.skipif(
    not real_packs(), reason=f"There is no real data in {REAL_DATA}; ST2_TEST_DATA names its folder."
)


@needs_real_data
def test_every_real_config_schema_passes():
    read = 0
    for name in real_packs():
        check_config_schema(str(REAL_DATA / name))
        read += (REAL_DATA / name / "config.schema.yaml").is_file()
    assert read >= 35


@needs_real_data
def test_every_real_requirements_file_is_read():
    for name in real_packs():
        content = read_content(str(REAL_DATA / name), name)
        text = (REAL_DATA / name / "requirements.txt").read_text("utf-8")
        entries = [line.split(" #")[0].split() for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]
        assert list(content.requirements) == [" ".join(entry) for entry in entries], name
        assert content.warnings == ()
