# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task that registers packs, checked and typed."""

from __future__ import annotations

import typing as t

from .._content.names import check_ref
from .._errors import Collected, OptionError


class Options(t.NamedTuple):
    """What a task asks for.

    :arg packs: The refs of the packs; C(None) for all that are on the host.
    :arg types: What is registered of each, as C(_st2/registration.py TYPES); everything when empty.
    :arg elsewhere: Whether another host of the cluster has registered them.
    """

    packs: t.Optional[t.Tuple[str, ...]] = None
    types: t.Tuple[str, ...] = ()
    fail_on_failure: bool = True
    prune: bool = False
    elsewhere: bool = False


def options_from(params: t.Mapping[str, t.Any]) -> Options:
    """The options from Ansible's parameters.

    :raises OptionError: naming every option that cannot be used.
    """
    collected = Collected()
    refs: t.List[str] = []
    for name in params["packs"] or ():
        with collected.one():
            refs.append(check_ref("packs", name))
    with collected.one():
        if params["packs"] == []:
            raise OptionError("packs is an empty list. Name the packs, or leave the option out for all of this host.")
    with collected.one():
        if params["types"] == []:
            raise OptionError("types is an empty list. Name the types, or leave the option out for all of them.")
    with collected.one():
        if params["register"] == "none":
            raise OptionError("register is none, but this module only registers packs. Use auto, api or local.")
    with collected.one():
        if params["registered_elsewhere"] and (params["types"] or params["prune"]):
            raise OptionError("With registered_elsewhere, nothing is registered. Leave out types and prune.")
    collected.raise_them()
    return Options(
        packs=None if params["packs"] is None else tuple(dict.fromkeys(refs)),
        types=tuple(params["types"] or ()),
        fail_on_failure=params["fail_on_failure"],
        prune=params["prune"],
        elsewhere=params["registered_elsewhere"],
    )
