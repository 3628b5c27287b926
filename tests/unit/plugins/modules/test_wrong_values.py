# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong values of every option of every module, and what is said of them: type, choice, missing, contradicting, empty.

The first rows are made of the argument specs, for what ansible-core refuses; those below are what the modules refuse.
"""

from __future__ import annotations

import json

import pytest

from ansible_collections.stackstorm.st2.tests.unit.plugins.modules.running import MODULES, hosts, nested, spec_of

__all__ = ["hosts"]

# A value that is not of the type. Every value is a string, a path or a raw value to Ansible.
OF_NO_TYPE = {"bool": "perhaps", "int": "many", "dict": "a word", "list": {"a": 1}}
UNKNOWN = "no_such_choice"


def given(options, path, value):
    """The options of a task with this value at a path."""
    name, *rest = path
    if not rest:
        return {name: value}
    option = options[name]
    inner = given(option["options"], rest, value)
    return {name: [inner] if option["type"] == "list" else inner}


@pytest.mark.parametrize("name", MODULES)
def test_a_value_of_another_type_is_told_with_its_option(hosts, name):
    options = spec_of(name).options
    for path, option in nested(options):
        if option["type"] in OF_NO_TYPE:
            said = hosts.refusal(name, given(options, path, OF_NO_TYPE[option["type"]]))
            assert f"'{path[-1]}' is of type" in said and f"convert to {option['type']}" in said, (path, said)
        if option.get("elements") == "dict":
            said = hosts.refusal(name, given(options, path, ["a word"]))
            assert f"An item of {path[-1]} is of type str; it has to be a mapping" in said, (path, said)


@pytest.mark.parametrize("name", MODULES)
def test_a_value_that_is_no_choice_is_told_with_the_choices(hosts, name):
    options = spec_of(name).options
    for path, option in nested(options):
        if "choices" in option:
            said = hosts.refusal(name, given(options, path, UNKNOWN))
            assert f"value of {path[-1]} must be one " in said and UNKNOWN in said, (path, said)
            assert all(str(choice) in said for choice in option["choices"]), (path, said)


@pytest.mark.parametrize("name", MODULES)
def test_an_option_under_another_name_is_told_with_what_was_meant(hosts, name):
    options = spec_of(name).options
    for path, option in nested(options):
        misspelt = (*path[:-1], f"{path[-1]}x")
        if not option.get("options"):
            said = hosts.refusal(name, given_as(options, path, misspelt[-1]))
            assert f"{'.'.join(misspelt)} is no option of {name}. Did you mean {'.'.join(path)}?" in said, said


def given_as(options, path, name):
    """The options of a task with the last name of a path misspelt."""
    task = given(options, path, "x")
    inner = task
    for step in path[:-1]:
        inner = inner[step][0] if isinstance(inner[step], list) else inner[step]
    inner[name] = inner.pop(path[-1])
    return task


@pytest.mark.parametrize("name", MODULES)
def test_what_is_missing_or_contradicts_is_told(hosts, name):
    spec = spec_of(name)
    required = [option for option, one in spec.options.items() if one.get("required")]
    if required:
        assert f"missing required arguments: {', '.join(sorted(required))}" in hosts.refusal(name, {})
    for options in spec.required_one_of:
        assert f"one of the following is required: {', '.join(options)}" in hosts.refusal(name, {})
    for options in spec.mutually_exclusive:
        said = hosts.refusal(name, {option: value_of(spec.options[option]) for option in options})
        assert f"parameters are mutually exclusive: {'|'.join(options)}" in said, said
    for options in spec.required_together:
        for option in options:
            others = {one: None for one in options if one != option}
            needed = {
                one: value_of(spec.options[one]) for one in [*required, *(one[0] for one in spec.required_one_of)]
            }
            said = hosts.refusal(name, {**needed, option: value_of(spec.options[option]), **others})
            assert f"parameters are required together: {', '.join(options)}" in said, said


def value_of(option):
    return {"list": ["x"], "dict": {}}.get(option["type"], "x")


@pytest.mark.parametrize("name", MODULES)
def test_no_module_takes_a_time_that_is_none(hosts, name):
    spec = spec_of(name)
    needed = [option for option, one in spec.options.items() if one.get("required")]
    needed += [options[0] for options in spec.required_one_of]
    for timeout in (0, -1) if "timeout" in spec.options else ():
        params = {**{option: value_of(spec.options[option]) for option in needed}, "timeout": timeout}
        assert hosts.refusal(name, params) == f"timeout is {timeout}; the least is 1."


# What the modules refuse. {CONF} is the st2.conf of the host, {ROOT} an empty directory.
PACK = {"name": ["demo"], "register": "none"}
LINES = {"allowed_signers": ["me@example.com ssh-ed25519 AAAA"]}
PRINTS = {"gpg_fingerprints": ["0" * 40]}
CONFIG = {"pack": "demo", "config": {}, "register": "none"}
OVERRIDE = {"pack": "demo", "actions": {"enabled": ["greet"]}, "register": "none"}
CONF = {"section": "api", "option": "port", "value": "1"}
INDEX = {"path": "{ROOT}/index", "packs": []}
BUNDLE = {"lockfile": "{ROOT}/none", "path": "{ROOT}/packs.bundle"}
LOCK = {"path": "{ROOT}/packs.lock.yml", "name": ["demo"]}
PLATFORM = {"version": "3.11", "abi": "cp311", "platform": "manylinux_2_36_x86_64"}
LINT = {"path": ["{ROOT}"]}
ENVIRONMENT = {"name": ["st2api"], "variables": {"A": "b"}}
ACTION = {"action": "core.noop"}
OWN = [
    ("st2_action_run", ACTION, {"action": ""}, 'The action "" cannot be used: it takes the form PACK.ACTION'),
    ("st2_action_run", ACTION, {"action": "noop"}, 'The action "noop" cannot be used'),
    ("st2_action_run", ACTION, {"action": "a b.c"}, 'The action "a b.c" cannot be used'),
    ("st2_action_run", ACTION, {"parameters": {"a": 1}, "secrets": {"a": 2}}, "parameters and secrets both contain a."),
    ("st2_action_run", ACTION, {"api_url": "st2.example.com"}, "api_url is not a URL that StackStorm could have"),
    ("st2_action_run", ACTION, {"ca_bundle": ""}, "ca_bundle is empty."),
    ("st2_entry_point_info", {}, {"pack": [""]}, 'The pack "" cannot be used'),
    ("st2_entry_point_info", {}, {"pack": ["demo", "nosuch"]}, "Not installed: nosuch."),
    ("st2_pack", PACK, {"name": [""]}, "name is empty: name a pack or a source."),
    ("st2_pack", PACK, {"name": None}, "one of the following is required: name, packs, lockfile"),
    ("st2_pack", PACK, {"name": ["a b"]}, 'The name "a b" cannot be used: it contains spaces'),
    ("st2_pack", PACK, {"version": 1.1}, "1.1"),
    ("st2_pack", PACK, {"name": ["demo", "other"], "version": "1.0.0"}, "version is that of the one pack in name"),
    ("st2_pack", PACK, {"name": None, "packs": [{}]}, "An item of packs has neither a name nor a source"),
    ("st2_pack", PACK, {"packs": [{"name": "demo", "version": True}]}, "The version of demo"),
    ("st2_pack", PACK, {"packs": [{"name": "a=1", "version": "2"}]}, "the name a=1 asks for another"),
    ("st2_pack", PACK, {"packs": [{"source": "/srv/x", "subdir": "../y"}]}, 'The subdir "../y" cannot be used'),
    ("st2_pack", PACK, {"packs": [{"source": "/srv/x", "digest": "md5:1"}]}, 'The digest "md5:1" cannot be used'),
    ("st2_pack", PACK, {"verify_signature": {}}, "verify_signature names nobody whose signature would count"),
    (
        "st2_pack",
        PACK,
        {"verify_signature": {"allowed_signers": ["#"]}},
        "allowed_signers has no line that names a signer",
    ),
    ("st2_pack", PACK, {"verify_signature": {"gpg_fingerprints": ["01234567"]}}, "01234567"),
    ("st2_pack", PACK, {"verify_signature": {**PRINTS, "gpg_keys": ["x"]}}, "is no public key of GnuPG"),
    ("st2_pack", PACK, {"verify_signature": {**LINES, "gpg_keys": ["x"]}}, "gpg_keys without gpg_fingerprints"),
    ("st2_pack", PACK, {"packs": [{"name": "demo", "verify_signature": {}}]}, "verify_signature names nobody"),
    ("st2_pack", PACK, {"name": ["/tmp"], "verify_signature": LINES}, "/tmp is a directory, which cannot be signed"),
    (
        "st2_pack",
        PACK,
        {"backend": "api", "verify_signature": LINES},
        "verify_signature cannot be used with backend=api: StackStorm fetches packs itself, and does not verify",
    ),
    ("st2_pack", PACK, {"phase": "rename"}, "value of phase must be one of: all, stage, swap"),
    ("st2_pack", PACK, {"keep_releases": -1}, "keep_releases is -1; the least is 0."),
    ("st2_pack", PACK, {"lockfile": ""}, "lockfile is empty: name a lock."),
    ("st2_pack", PACK, {"lockfile": "a.yml"}, "a.yml is a lock on the controller, but what it holds was not sent."),
    ("st2_pack", PACK, {"lockfile": "a.yml", "lock": "x"}, "lock is set by Ansible from what lockfile names."),
    ("st2_pack", PACK, {"lockfile": "file://a.yml"}, "lockfile is file://a.yml, which names no place on the target."),
    ("st2_pack", PACK, {"lockfile": "file:///nowhere"}, "The lock /nowhere on the target cannot be read"),
    ("st2_pack", PACK, {"bundle": ""}, "bundle is empty: name a bundle."),
    ("st2_pack", PACK, {"bundle": "a.bundle"}, "a.bundle is a bundle on the controller, but nothing of it was sent."),
    ("st2_pack", PACK, {"bundle": "a.bundle", "lock": "x"}, "lock is set by Ansible from what bundle names."),
    ("st2_pack", PACK, {"bundle": "file://a.bundle"}, "bundle is file://a.bundle, which names no place on the target."),
    ("st2_pack", PACK, {"bundle": "file:///nowhere"}, "The bundle /nowhere cannot be read: No such file or directory."),
    ("st2_pack", PACK, {"owner": ""}, "owner is empty. Give it a value, or leave it out."),
    ("st2_pack", PACK, {"index_url": [""]}, "index_url is empty."),
    ("st2_pack", PACK, {"base_path": ""}, "base_path is empty. Give it a value, or leave it out."),
    ("st2_pack", PACK, {"base_path": "/nowhere"}, "base_path is /nowhere, but StackStorm"),
    ("st2_pack", PACK, {"purge": True}, "purge requires state=absent or exclusive"),
    ("st2_pack", PACK, {"name": [], "exclusive": True}, "exclusive with an empty list"),
    ("st2_pack", PACK, {"st2_conf": ""}, "st2_conf is empty."),
    ("st2_pack", PACK, {"st2_conf": "/a\0b"}, "embedded null"),
    ("st2_pack", PACK, {"st2_conf": "/nowhere"}, "There is no /nowhere, so this does not"),
    ("st2_bundle", BUNDLE, {"lockfile": "{ROOT}/none"}, "none (lockfile) cannot be read: No such file or directory."),
    ("st2_bundle", BUNDLE, {"lockfile": ""}, 'The lockfile "" cannot be used: it must be an absolute path.'),
    ("st2_bundle", BUNDLE, {"path": ""}, 'The path "" cannot be used: it must be an absolute path.'),
    (
        "st2_bundle",
        BUNDLE,
        {"path": "/nowhere/a.tar"},
        "The directory /nowhere, in which /nowhere/a.tar should be created, does",
    ),
    ("st2_bundle", BUNDLE, {"path": "{ROOT}"}, "exists and is not a file"),
    ("st2_bundle", BUNDLE, {"pip_index_url": "pypi.example.com"}, "pip_index_url is pypi.example.com; it must be an"),
    ("st2_bundle_info", {}, {"path": ""}, 'The path "" cannot be used: it must be an absolute path.'),
    ("st2_bundle_info", {}, {"path": "{ROOT}"}, "cannot be read: Is a directory."),
    ("st2_pack_config", CONFIG, {"pack": ""}, 'The pack "" cannot be used: there is no pack name in it.'),
    ("st2_pack_config", CONFIG, {"mode": "rw"}, 'mode must be octal, like "0640".'),
    ("st2_pack_config", CONFIG, {}, "url is required and has no value"),
    ("st2_pack_config", CONFIG, {"config": {"url": 1}}, "url"),
    ("st2_pack_config_info", {}, {"pack": [""]}, 'The pack "" cannot be used'),
    ("st2_override", OVERRIDE, {"pack": ""}, 'The pack "" cannot be used'),
    ("st2_override", OVERRIDE, {"sensors": {}}, "sensors is empty: set sensors.defaults"),
    ("st2_override", OVERRIDE, {"actions": {"enabled": ["grete"]}}, "the pack demo has no action grete."),
    ("st2_override", OVERRIDE, {"actions": {"defaults": {"enabled": "no"}}}, "actions.defaults.enabled"),
    ("st2_override_info", {}, {"pack": [""]}, 'The pack "" cannot be used'),
    ("st2_pack_info", {}, {"name": [""]}, 'The name "" cannot be used'),
    ("st2_conf", CONF, {"section": ""}, 'section is ""; it must be of letters'),
    ("st2_conf", CONF, {"option": "a b"}, 'option is "a b"; it must be of letters'),
    ("st2_conf", CONF, {"values": ["x"]}, "[api] port: set value, or values for a list, or state=absent; both are"),
    ("st2_conf", CONF, {"separator": ";"}, "[api] port: separator can only be used with values."),
    ("st2_conf", CONF, {"owner": "no_such_account"}, "The owner no_such_account does not exist on this host."),
    ("st2_conf", CONF, {"group": ""}, "group is empty."),
    ("st2_conf", CONF, {"mode": ""}, "mode is empty."),
    ("st2_environment", ENVIRONMENT, {"name": None}, "missing required arguments: name"),
    ("st2_environment", ENVIRONMENT, {"name": ["no service"]}, "no service"),
    ("st2_environment", ENVIRONMENT, {"variables": {"A=": "b"}}, "A="),
    ("st2_index", INDEX, {"path": ""}, 'The path "" cannot be used: it must be an absolute path.'),
    ("st2_index", INDEX, {"repo_url": ""}, 'The repo_url "" cannot be used: it is one address for all packs'),
    ("st2_index", INDEX, {"packs": [{"namee": "x"}]}, "namee"),
    ("st2_index", INDEX, {"page": True}, "the scripts and style sheets of the page were not sent to the target"),
    ("st2_index", INDEX, {"page": True, "page_assets": "/none"}, "page_assets is /none, which does not contain"),
    ("st2_index_info", {}, {"query": ""}, "query is empty, which StackStorm refuses as well"),
    ("st2_index_info", {}, {"fields": ["name"]}, "fields requires query."),
    ("st2_index_info", {}, {"limit": -1}, "limit is -1; the least is 0."),
    ("st2_index_info", {}, {"max_age": 0}, "max_age is 0; the least is 1."),
    ("st2_pack_lock", LOCK, {"path": ""}, 'The path "" cannot be used: it must be the absolute path of a file'),
    ("st2_pack_lock", LOCK, {"path": "{ROOT}"}, "it is a directory, and a lock is a file."),
    ("st2_pack_lock", LOCK, {"path": "{ROOT}/none/lock"}, "in which the lock should be created, does not exist."),
    ("st2_pack_lock", LOCK, {"name": [""]}, "name is empty: name a pack or a source."),
    ("st2_pack_lock", LOCK, {"name": ["*"]}, 'The name "*" cannot be used'),
    ("st2_pack_lock", LOCK, {"name": ["/srv/x"]}, "/srv/x is a directory on the targets"),
    ("st2_pack_lock", LOCK, {"packs": ["demo"]}, "An item of packs is not a dictionary"),
    ("st2_pack_lock", LOCK, {"packs": [{"nmae": "x"}]}, "An item of packs has nmae, which st2_pack does not know"),
    ("st2_pack_lock", LOCK, {"update": ["A b"]}, 'The ref of update "A b" cannot be used'),
    ("st2_pack_lock", LOCK, {"platforms": [{**PLATFORM, "version": 3.1}]}, "YAML reads it as the number 3.1"),
    ("st2_pack_lock", LOCK, {"platforms": [{**PLATFORM, "version": "2.7"}]}, "it is one of Python 3, such as 3.11"),
    ("st2_pack_lock", LOCK, {"platforms": [{**PLATFORM, "abi": "CP"}]}, "take what st2_pack_info returns as python"),
    (
        "st2_pack_lock",
        LOCK,
        {"platforms": [{**PLATFORM, "platform": "win32"}]},
        "Wheels cannot be locked for cp311-win32",
    ),
    ("st2_pack_lock", LOCK, {"index_url": []}, "no index is configured: set index_url"),
    ("st2_index_info", {}, {"index_allowed_signers": [""]}, "index_allowed_signers is empty."),
    ("st2_pack_lint", LINT, {"rules": ["no-such"]}, "no-such"),
    ("st2_pack_lint", LINT, {"skip": [""]}, "skip names '', which is not a rule"),
    ("st2_pack_lint", LINT, {"ignore_file": ""}, "ignore_file is ''; it must be a path inside of the packs."),
    ("st2_pack_lint", LINT, {"stackstorm_version": "new"}, "stackstorm_version is new; it must be a version like"),
    ("st2_pack_lint", LINT, {"python_version": ""}, "python_version is ''; it must be a version like 3.8."),
    ("st2_pack_lint", LINT, {"site_rules": ""}, "The directory of site_rules, '', cannot be read"),
    (
        "st2_pack_release",
        {"path": "{ROOT}"},
        {"path": ""},
        "The path '' is not a directory. Set the path to the working copy",
    ),
    ("st2_pack_release", {"path": "{ROOT}"}, {}, "is not a working copy of a git repository"),
    ("st2_exchange_program", {}, {}, "The program is created on the controller"),
    ("st2_register", {}, {"packs": []}, "packs is an empty list."),
    ("st2_register", {}, {"packs": [""]}, 'The packs "" cannot be used'),
    ("st2_register", {}, {"types": []}, "types is an empty list."),
    ("st2_register", {}, {"registered_elsewhere": True, "prune": True}, "With registered_elsewhere, nothing is"),
    ("st2_register", {}, {"register": "none"}, "register is none, but this module only registers packs."),
    ("st2_rollback", {}, {"change": ""}, 'change is "", but change sets have numbers'),
    ("st2_rollback", {}, {"change": "../7"}, 'change is "../7", but change sets have numbers'),
    ("st2_rollback", {}, {"change": "7"}, "There is no change set 0007 on this host"),
    ("st2_rollback_info", {"st2_conf": None}, {"st2_conf": "/nowhere/st2.conf"}, "/nowhere/st2.conf"),
    ("st2_pack_split", {"repo": "/nowhere", "dest": "{ROOT}/split"}, {"ca_bundle": ""}, "ca_bundle is empty."),
    ("st2_proxy_info", {}, {"git_url": ""}, "git_url is empty."),
    ("st2_restart", {}, {"name": ["no service"]}, "no service"),
]


@pytest.mark.parametrize(("name", "base", "wrong", "sentence"), OWN, ids=[f"{one[0]}-{list(one[2])}" for one in OWN])
def test_what_a_module_refuses_itself(hosts, name, base, wrong, sentence):
    directory = hosts.root / "empty"
    directory.mkdir(exist_ok=True)
    params = {option: value for option, value in {**base, **wrong}.items() if value is not None}
    params = json.loads(json.dumps(params).replace("{ROOT}", str(directory)))
    if "st2_conf" in spec_of(name).options:
        params.setdefault("st2_conf", str(hosts.host.st2_conf))
    said = hosts.refusal(name, params)
    assert sentence in said, said


def test_every_module_has_a_row():
    assert {one[0] for one in OWN} == set(MODULES)
