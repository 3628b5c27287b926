# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Argument specs that compose: options together with the constraints between them."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

Option = t.Dict[str, t.Any]


@dataclass(frozen=True)
class ArgumentSpec:
    """A part of a module's argument spec.

    :arg options: As AnsibleModule's C(argument_spec).
    :arg hidden: Options, or C(OPTION.KEY) for one of each item of a list, with values that may be secret: neither the
        system's log nor the invocation that Ansible shows with C(-vvv) holds them. With C(no_log=True) instead, Ansible
        would look for these values in everything that a module returns, and they may be ordinary words.
    :arg reads_host: Whether the work wants the settings of the StackStorm host.
    :arg remote_if: Options with the value for which the work needs no StackStorm on the target; see L(needs_host).
    """

    options: t.Mapping[str, Option] = field(default_factory=dict)
    mutually_exclusive: t.Tuple[t.Tuple[str, ...], ...] = ()
    required_one_of: t.Tuple[t.Tuple[str, ...], ...] = ()
    required_together: t.Tuple[t.Tuple[str, ...], ...] = ()
    hidden: t.Tuple[str, ...] = ()
    reads_host: bool = True
    remote_if: t.Tuple[t.Tuple[str, str], ...] = ()

    def merge(self, other: ArgumentSpec) -> ArgumentSpec:
        """Both parts as one."""
        return ArgumentSpec(
            {**self.options, **other.options},
            self.mutually_exclusive + other.mutually_exclusive,
            self.required_one_of + other.required_one_of,
            self.required_together + other.required_together,
            self.hidden + other.hidden,
            reads_host=self.reads_host and other.reads_host,
            remote_if=self.remote_if + other.remote_if,
        )

    def needs_host(self, params: t.Mapping[str, t.Any]) -> bool:
        """Whether a task with these parameters is about a StackStorm on the target, whose settings are to be read."""
        return self.reads_host and not any(params.get(option) == value for option, value in self.remote_if)

    def arguments(self) -> t.Dict[str, t.Any]:
        """The keyword arguments for AnsibleModule."""
        return {
            "argument_spec": dict(self.options),
            "mutually_exclusive": list(self.mutually_exclusive),
            "required_one_of": list(self.required_one_of),
            "required_together": list(self.required_together),
        }


def backend() -> ArgumentSpec:
    """Whether the work is done on a StackStorm host, or by StackStorm's API alone from anywhere."""
    choice = {"type": "str", "choices": ["local", "api"], "default": "local"}
    return ArgumentSpec({"backend": choice}, remote_if=(("backend", "api"),))


def host_options() -> ArgumentSpec:
    """The host's own settings; documented in the fragment P(stackstorm.st2._host)."""
    return ArgumentSpec({"st2_conf": {"type": "path", "default": "/etc/st2/st2.conf"}})


def connection_options() -> ArgumentSpec:
    """What holds for every connection; documented in the fragment P(stackstorm.st2._connection)."""
    return ArgumentSpec({"ca_bundle": {"type": "path"}, "timeout": {"type": "int", "default": 600}})


def registration_options() -> ArgumentSpec:
    """How StackStorm's database is told; documented in the fragment P(stackstorm.st2._registration). Goes with
    L(connection_options). C(_st2/registration_options.py) reads them."""
    return ArgumentSpec(
        {
            "register": {"type": "str", "choices": ["auto", "api", "local", "none"], "default": "auto"},
            "api_url": {"type": "str"},
            "auth_url": {"type": "str"},
            "api_key": {"type": "str", "no_log": True},
            "auth_token": {"type": "str", "no_log": True},
            "api_username": {"type": "str"},
            "api_password": {"type": "str", "no_log": True},
            "validate_certs": {"type": "bool", "default": True},
        },
        mutually_exclusive=(("api_key", "auth_token", "api_username"),),
        required_together=(("api_username", "api_password"),),
    )


def access_options() -> ArgumentSpec:
    """How indexes and repositories are reached; documented in the fragment P(stackstorm.st2._access).

    L(connection_options) are among them.
    """
    return ArgumentSpec(
        {
            "index_url": {"type": "list", "elements": "str"},
            "index_strict": {"type": "bool", "default": True},
            "index_allowed_signers": {"type": "list", "elements": "str"},
            "username": {"type": "str"},
            "password": {"type": "str", "no_log": True},
            "token": {"type": "str", "no_log": True},
            "ssh_key_file": {"type": "path", "no_log": False},
            "known_hosts_file": {"type": "path"},
            "http_proxy": {"type": "str"},
            "https_proxy": {"type": "str"},
            "no_proxy": {"type": "str"},
        },
        mutually_exclusive=(("password", "token"),),
    ).merge(connection_options())


def virtualenv_options() -> ArgumentSpec:
    """How the virtualenvs of packs are made; documented in the fragment P(stackstorm.st2._virtualenv)."""
    return ArgumentSpec(
        {
            "virtualenv": {"type": "str", "choices": ["auto", "always", "never"], "default": "auto"},
            "virtualenv_backend": {"type": "str", "choices": ["auto", "uv", "virtualenv", "venv"], "default": "auto"},
            "pip_args": {"type": "list", "elements": "str"},
            "pip_index_url": {"type": "str"},
        }
    )


def signature_options() -> ArgumentSpec:
    """Who has to have signed packs; documented in the fragment P(stackstorm.st2._signature)."""
    texts = {"type": "list", "elements": "str"}
    who = {"allowed_signers": texts, "gpg_fingerprints": texts, "gpg_keys": {**texts, "no_log": False}}
    what = {"type": "str", "choices": ["tag", "commit", "either"], "default": "either"}
    option = {"type": "dict", "options": {**who, "require": what}}
    return ArgumentSpec({"verify_signature": option}, hidden=("verify_signature.gpg_keys",))


def pack_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_pack) itself, L(virtualenv_options) among them."""
    packs = {
        "name": {"type": "str", "aliases": ["pack"]},
        # Raw, as a number is another version than the one that was written.
        "version": {"type": "raw"},
        "source": {"type": "str"},
        "subdir": {"type": "str"},
        "digest": {"type": "str"},
        "upload": {"type": "path"},
        "state": {"type": "str", "choices": ["present", "latest", "absent"]},
        "config": {"type": "dict"},
        # Not no_log, which masks by text: a password like "load" would damage all results. It is hidden, as config is.
        "secrets": {"type": "dict", "no_log": False},
        "overrides": {"type": "dict", "options": override_sections()},
        "merge": {"type": "str", "choices": ["replace", "merge"], "default": "replace"},
        **signature_options().options,
    }
    return ArgumentSpec(
        {
            "name": {"type": "list", "elements": "str", "aliases": ["pack"]},
            "version": {"type": "raw"},
            "packs": {"type": "list", "elements": "dict", "options": packs},
            "state": {"type": "str", "choices": ["present", "latest", "absent"], "default": "present"},
            "dependencies": {"type": "str", "choices": ["install", "check", "skip"], "default": "install"},
            "force": {"type": "bool", "default": False},
            "allow_downgrade": {"type": "bool", "default": False},
            "base_path": {"type": "path"},
            "verify": {"type": "str", "choices": ["fast", "content", "database"], "default": "fast"},
            "keep_releases": {"type": "int", "default": 1},
            "purge": {"type": "bool", "default": False},
            "exclusive": {"type": "bool", "default": False},
            "exclusive_empty": {"type": "bool", "default": False},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "remote_src": {"type": "bool", "default": True},
            "phase": {"type": "str", "choices": ["all", "stage", "swap"], "default": "all"},
            "register_types": {
                "type": "list",
                "elements": "str",
                "choices": ["trigger", "sensor", "action", "rule", "alias", "policy", "config"],
            },
            "fail_on_failure": {"type": "bool", "default": True},
            "prune": {"type": "bool", "default": False},
            "lockfile": {"type": "str"},
            "bundle": {"type": "str"},
            "locked": {"type": "str", "choices": ["strict", "prefer"], "default": "strict"},
            "lock": {"type": "str"},
        },
        mutually_exclusive=(("lockfile", "bundle"),),
        required_one_of=(("name", "packs", "lockfile", "bundle"),),
        hidden=("packs.config", "packs.secrets", "lock", "packs.verify_signature.gpg_keys"),
    ).merge(virtualenv_options().merge(backend()).merge(signature_options()))


def override_sections() -> t.Dict[str, Option]:
    """What overrides say of each kind of resource.

    Given as raw values: a quoted C("no") is an error there, and must not be made a truth value.
    """
    section = {
        "defaults": {"type": "dict"},
        "exceptions": {"type": "dict"},
        "enabled": {"type": "raw"},
        "disabled": {"type": "raw"},
    }
    return {kind: {"type": "dict", "options": section} for kind in ("sensors", "actions", "rules", "aliases")}
