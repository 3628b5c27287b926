# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of M(stackstorm.st2.st2_index_info)."""

from __future__ import annotations

import os
import typing as t
from dataclasses import dataclass, fields

from .._argspec import ArgumentSpec, access_options, host_options, registration_options
from .._errors import OptionError
from .._st2.host import DEFAULT_ST2_CONF
from .search import FIELDS

CHECKS = ("repositories", "installable", "shadowed", "outdated")
# What StackStorm's own endpoints cannot be told.
_LOCAL_ONLY = (
    *("fields", "case_sensitive", "checks", "max_age"),
    *(option for option in access_options().options if option not in ("ca_bundle", "timeout")),
)


@dataclass(frozen=True)
class IndexInfoSpec(ArgumentSpec):
    """The spec of a module that needs no StackStorm on the target, and reads its settings where there is one."""

    def needs_host(self, params: t.Mapping[str, t.Any]) -> bool:
        """As L(ArgumentSpec.needs_host); a usual place where nothing is says that there is no StackStorm."""
        path = params["st2_conf"]
        return super().needs_host(params) and (path != DEFAULT_ST2_CONF or os.path.lexists(path))


def index_info_options() -> IndexInfoSpec:
    """All options of the module."""
    own = ArgumentSpec(
        {
            "query": {"type": "str"},
            "fields": {"type": "list", "elements": "str", "choices": list(FIELDS)},
            "case_sensitive": {"type": "bool", "default": False},
            "name": {"type": "list", "elements": "str", "aliases": ["pack"]},
            "limit": {"type": "int", "default": 100},
            "checks": {"type": "list", "elements": "str", "choices": list(CHECKS), "default": []},
            "max_age": {"type": "int"},
            "backend": {"type": "str", "choices": ["local", "api"], "default": "local"},
        },
        mutually_exclusive=(("query", "name"),),
        remote_if=(("backend", "api"),),
    )
    spec = own.merge(access_options()).merge(registration_options()).merge(host_options())
    return IndexInfoSpec(*(getattr(spec, one.name) for one in fields(spec)))


def check_options(params: t.Mapping[str, t.Any]) -> None:
    """:raises OptionError: naming an option that cannot be used."""
    for option, least in (("limit", 0), ("max_age", 1)):
        if params[option] is not None and params[option] < least:
            raise OptionError(f"{option} is {params[option]}; the least is {least}.")
    if params["query"] == "":
        raise OptionError("query is empty, which StackStorm refuses as well. Set a text to search for, or remove it.")
    if params["fields"] is not None and params["query"] is None:
        raise OptionError("fields requires query.")
    if params["fields"] == []:
        raise OptionError("fields is empty, so nothing can be found. Add a field, or remove it.")
    if params["backend"] == "api":
        known = index_info_options().options
        for option in _LOCAL_ONLY:
            if params[option] not in (None, [], known[option].get("default")):
                raise OptionError(
                    f"{option} cannot be used with backend=api: StackStorm reads its own indexes, in its own way. "
                    "Leave it out, or use backend=local."
                )
