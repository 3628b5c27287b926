# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Tasks with C(backend=api): the options that mean nothing to a StackStorm that only its API reaches are refused."""

from __future__ import annotations

import typing as t

from ._argspec import Option
from ._errors import OptionError


def refuse_options(
    params: t.Mapping[str, t.Any], known: t.Mapping[str, Option], reasons: t.Mapping[str, str], register: str
) -> None:
    """Refuse what a task gives in vain.

    :arg known: The options of the module, for their defaults.
    :arg reasons: The options that mean nothing, each with the reason.
    :arg register: Why C(register) can be C(auto) and C(api) only.
    :raises OptionError: naming the option, and what to do.
    """
    for option, why in reasons.items():
        if params.get(option) not in (None, [], known[option].get("default")):
            raise OptionError(f"{option} cannot be used with backend=api: {why}. Leave it out, or use backend=local.")
    if params["register"] not in ("auto", "api"):
        raise OptionError(
            f"register={params['register']} cannot be used with backend=api: {register}. Leave it out, or use "
            "backend=local."
        )
