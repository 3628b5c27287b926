# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options about configs that a StackStorm which only its API reaches cannot follow; they are refused."""

from __future__ import annotations

import typing as t
from dataclasses import replace

from .._backend import refuse_options
from .._config.argspec import config_options
from .._config.options import Attributes, ConfigOptions, config_of_item, options_from
from .._config.values import Values

_FILE = "StackStorm writes the file itself, and its API has no options for it"
_SCHEMA = "StackStorm uses the schema in its database"
_MEANINGLESS = {"schema": _SCHEMA, "backup": _FILE, "owner": _FILE, "group": _FILE, "mode": _FILE}
_NO_FILE = Attributes(mode=-1)


def refuse_meaningless(params: t.Mapping[str, t.Any]) -> None:
    """:raises OptionError: naming the option that means nothing to StackStorm's API."""
    refuse_options(params, config_options().options, _MEANINGLESS, "only StackStorm's API is available")


def api_options_from(params: t.Mapping[str, t.Any]) -> ConfigOptions:
    """The options of M(st2_pack_config) with C(backend=api).

    :raises OptionError: naming the option that cannot be used.
    """
    refuse_meaningless(params)
    return replace(options_from({**params, "mode": "0640"}), attributes=_NO_FILE)


def api_options_of_item(ref: str, config: Values, secrets: Values, merge: str) -> ConfigOptions:
    """The options for a config that goes along with its pack."""
    return replace(config_of_item(ref, config, secrets, merge), attributes=_NO_FILE)
