# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The argument specs of the modules about StackStorm's own configuration and services."""

from __future__ import annotations

import typing as t

from .._argspec import ArgumentSpec, Option, host_options


def proxy_info_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_proxy_info) itself, L(host_options) among them."""
    return ArgumentSpec(
        {
            "probe": {"type": "list", "elements": "str", "choices": ["index", "git", "packages"], "default": []},
            "git_url": {"type": "str"},
            "package": {"type": "str", "default": "six"},
            "timeout": {"type": "int", "default": 60},
        }
    ).merge(host_options())


def conf_options() -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_conf) itself, L(host_options) among them.

    It does not read the settings of the host: it has to be able to put right what is wrong with them.
    """
    states = ["present", "absent"]
    one: t.Dict[str, Option] = {
        "section": {"type": "str"},
        "option": {"type": "str"},
        "value": {"type": "str"},
        "values": {"type": "list", "elements": "str"},
        "list": {"type": "str", "choices": ["set", "add", "remove"], "default": "set"},
        "separator": {"type": "str"},
        "secret": {"type": "bool", "default": False, "no_log": False},
    }
    several = {
        **one,
        "section": {"type": "str", "required": True},
        "option": {"type": "str", "required": True},
        "state": {"type": "str", "choices": states},
    }
    values = ("value", "values", "options.value", "options.values")
    return ArgumentSpec(
        {
            **one,
            "options": {"type": "list", "elements": "dict", "options": several},
            "state": {"type": "str", "choices": states, "default": "present"},
            "backup": {"type": "bool", "default": False},
            "owner": {"type": "str"},
            "group": {"type": "str"},
            "mode": {"type": "raw"},
        },
        mutually_exclusive=(("option", "options"), ("section", "options")),
        required_one_of=(("option", "options"),),
        required_together=(("section", "option"),),
        hidden=values,
        reads_host=False,
    ).merge(host_options())


def environment_options(services: t.Sequence[str]) -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_environment) itself, L(host_options) among them.

    It reads nothing of C(st2.conf), only where that is.

    :arg services: The names that StackStorm's services have.
    """
    return ArgumentSpec(
        {
            "name": {"type": "list", "elements": "str", "choices": list(services), "required": True},
            "variables": {"type": "dict", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        hidden=("variables",),
        reads_host=False,
    ).merge(host_options())


def restart_options(services: t.Sequence[str]) -> ArgumentSpec:
    """The options of M(stackstorm.st2.st2_restart) itself, L(host_options) among them.

    It reads nothing of C(st2.conf), only where that is.

    :arg services: The names that StackStorm's services have.
    """
    return ArgumentSpec(
        {
            "name": {"type": "list", "elements": "str", "choices": list(services), "default": []},
            "restart": {"type": "str", "choices": ["drain", "now", "never", "later", "wait"], "default": "drain"},
        },
        reads_host=False,
    ).merge(host_options())
