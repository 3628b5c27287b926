# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""No registration: for images, and for hosts whose StackStorm is down."""

from __future__ import annotations

import typing as t

from .._errors import RegistrationError

if t.TYPE_CHECKING:
    from .registration import Configs, PackFiles, Registered, Resource


class NoRegistrar:
    """The adapter that tells nobody."""

    name = "none"
    reads = False
    unloads = False
    by = ""

    def require(self) -> None:
        """Nothing is needed."""

    def register(
        self, packs: t.Sequence[PackFiles], types: t.Sequence[str] = (), *, fail_on_failure: bool = True
    ) -> Registered:
        """As L(Registrar.register), but nothing happens."""
        from .registration import Registered

        return Registered()

    def unload(self, refs: t.Sequence[str]) -> None:
        """:raises RegistrationError: always."""
        raise _without_api("unload packs from StackStorm's database")

    def versions(self, refs: t.Sequence[str]) -> t.Mapping[str, str]:
        """:raises RegistrationError: always."""
        raise _without_api("return the packs in StackStorm's database")

    def config(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """:raises RegistrationError: always."""
        raise _without_api("return the config in StackStorm's database")

    def configs(self, refs: t.Sequence[str]) -> Configs:
        """:raises RegistrationError: always."""
        raise _without_api("return the configs in StackStorm's database")

    def config_schema(self, ref: str) -> t.Optional[t.Mapping[str, t.Any]]:
        """:raises RegistrationError: always."""
        raise _without_api("return the config schema in StackStorm's database")

    def resources_of(self, refs: t.Sequence[str], kinds: t.Sequence[str]) -> t.Sequence[Resource]:
        """:raises RegistrationError: always."""
        raise _without_api("return the resources in StackStorm's database")

    def runners(self) -> t.Sequence[str]:
        """:raises RegistrationError: always."""
        raise _without_api("return the runners in StackStorm's database")

    def every(self, kind: str) -> t.Sequence[Resource]:
        """:raises RegistrationError: always."""
        raise _without_api("return the resources in StackStorm's database")

    def delete(self, resource: Resource) -> None:
        """:raises RegistrationError: always."""
        raise _without_api(f"take {resource.ref} out of StackStorm's database")

    def close(self) -> None:
        """Nothing to let go of."""


def _without_api(wanted: str) -> RegistrationError:
    return RegistrationError(
        f"Only StackStorm's API can {wanted}. Set register=api with api_key, auth_token, or api_username and "
        "api_password."
    )
