# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The options of a task about registration, typed."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from .._secrets import split_userinfo


@dataclass(frozen=True)
class RegistrationOptions:
    """How a task wants StackStorm's database to be told.

    Every field is the module option of that name, see the fragments P(stackstorm.st2._registration) and
    P(stackstorm.st2._connection).
    """

    register: str = "auto"
    api_url: t.Optional[str] = field(default=None, repr=False)
    auth_url: t.Optional[str] = field(default=None, repr=False)
    api_key: t.Optional[str] = field(default=None, repr=False)
    auth_token: t.Optional[str] = field(default=None, repr=False)
    api_username: t.Optional[str] = None
    api_password: t.Optional[str] = field(default=None, repr=False)
    validate_certs: bool = True
    ca_bundle: t.Optional[str] = None

    def has_credentials(self) -> bool:
        """Whether the task itself says who it is, so that nothing else is looked for."""
        return any(value and value.strip() for value in (self.api_key, self.auth_token, self.api_username))

    def secrets(self) -> t.List[str]:
        """Every secret in the options, for the redactor."""
        found = [self.api_key, self.auth_token, self.api_password]
        found += [split_userinfo(url or "")[1].password for url in (self.api_url, self.auth_url)]
        return [secret for secret in found if secret]


def registration_options_from(params: t.Mapping[str, t.Any]) -> RegistrationOptions:
    """The options from Ansible's parameters of a module whose spec has C(registration_options) and
    C(connection_options)."""
    return RegistrationOptions(
        register=params["register"],
        api_url=params["api_url"],
        auth_url=params["auth_url"],
        api_key=params["api_key"],
        auth_token=params["auth_token"],
        api_username=params["api_username"],
        api_password=params["api_password"],
        validate_certs=params["validate_certs"],
        ca_bundle=params["ca_bundle"],
    )
