# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What a task of M(stackstorm.st2.st2_pack) asks of packs beside the packs themselves: their configs and overrides."""

from __future__ import annotations

import typing as t

from .._content.request import PackRequest
from .._errors import Collected, OptionError

if t.TYPE_CHECKING:
    from .._config.options import ConfigOptions
    from .._override.options import Options as OverrideOptions


class Item(t.NamedTuple):
    """One pack of the task, with what goes along.

    :arg request: The pack; its ref may only be known once it was fetched.
    :arg config: Values of the config, and C(secrets) those that are secret whatever the schema says; C(None) for both
        leaves the config alone.
    :arg overrides: By kind, as M(stackstorm.st2.st2_override) takes it; C(None) for overrides that are left alone.
    :arg merge: C(replace) or C(merge), for both.
    """

    request: PackRequest
    config: t.Optional[t.Dict[str, t.Any]] = None
    secrets: t.Optional[t.Dict[str, t.Any]] = None
    overrides: t.Optional[t.Mapping[str, t.Any]] = None
    merge: str = "replace"

    def __repr__(self) -> str:
        return f"Item({self.request!r}, ...)"  # Values may be secret.

    @property
    def has_config(self) -> bool:
        """Whether it says anything of the config."""
        return self.config is not None or self.secrets is not None

    def config_options(self, ref: str) -> t.Optional[ConfigOptions]:
        """What is asked of the config of the pack that this turned out to be; C(None) for nothing."""
        if not self.has_config:
            return None
        from .._config.options import config_of_item

        return config_of_item(ref, self.config or {}, self.secrets or {}, self.merge)

    def override_options(self, ref: str) -> t.Optional[OverrideOptions]:
        """What is asked of its overrides; C(None) for nothing.

        :raises OptionError: naming the option that cannot be used.
        """
        if self.overrides is None:
            return None
        from .._override.options import options_from

        given = {kind: self.overrides.get(kind) for kind in ("sensors", "actions", "rules", "aliases")}
        return options_from({"pack": ref, "state": "present", "merge": self.merge, "allow_missing": False, **given})


def items_from(params: t.Mapping[str, t.Any], requests: t.Sequence[PackRequest]) -> t.List[Item]:
    """The items of a task that ask for more than a pack.

    :arg requests: As L(requests_from) gives them.
    :raises OptionError: naming everything that cannot be used.
    """
    found: t.List[Item] = []
    collected = Collected()
    options = params["packs"] or ()
    for request, item in zip(requests[len(requests) - len(options) :], options):
        given = {key: item.get(key) for key in ("config", "secrets", "overrides")}
        asks = any(value is not None for value in given.values())
        with collected.one(request.expected_ref):
            if asks and request.state == "absent":
                raise OptionError(
                    f"{request.requested} should be absent, so config, secrets and overrides cannot be set for "
                    "it. With purge, they are removed, too."
                )
            if asks:
                one = Item(request, **given, merge=item.get("merge") or "replace")
                one.override_options(request.expected_ref or "unknown")
                found.append(one)
    collected.raise_them()
    return found
