# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Where an Exchange gets Python packages from: the index that it is told, what the host's pip uses, or a directory."""

from __future__ import annotations

import os
import typing as t
from urllib.parse import quote

from .._deadline import Deadline
from .._pack.virtualenv_backend import pip_configuration, places_of
from .._secrets import Credentials, Redactor, split_userinfo, url_secrets
from .._source.package_index import PackageIndexes
from .._st2.proxy import Proxy
from .pip_download import Pip


class PackagePlaces:
    """Gives pip, and what reads source distributions, the same places.

    :arg package_index: A simple index; with C(None) what pip of this host is configured with.
    :arg directory: All that there is, without any network.
    :arg credentials: What may be sent for a URL.
    """

    def __init__(
        self,
        package_index: t.Optional[str],
        directory: t.Optional[str],
        credentials: t.Callable[[str], Credentials],
        proxy: Proxy,
        environment: t.Mapping[str, str],
        redactor: Redactor,
    ) -> None:
        self._proxy = proxy
        self._redactor = redactor
        self._environment = proxy.apply_to(environment)
        self._find_links: t.Sequence[str] = [directory] if directory else []
        if package_index or directory:
            # Nothing that this host is configured with: the highest version of any of its indexes would be taken.
            self._environment = _without_pip(self._environment)
        if directory:
            self._environment["PIP_NO_INDEX"] = "1"
        elif package_index:
            self._environment["PIP_INDEX_URL"] = _with_credentials(package_index, credentials(package_index))
        self._configured = pip_configuration(self._environment)
        self._urls, configured_links = places_of(self._configured, None)
        self._all_links = [*self._find_links, *configured_links]
        for secret in url_secrets([*self._urls, *configured_links]):
            redactor.add(secret)
        self.shown = ", ".join(split_userinfo(url)[0] for url in self._urls) or directory or "of no address"

    @property
    def name(self) -> str:
        """By which it is known that packages are from elsewhere than before."""
        return self.shown

    def pip(self) -> Pip:
        """pip."""
        return Pip(self._environment, self._find_links, self._redactor)

    def indexes(self, deadline: Deadline) -> PackageIndexes:
        """The same places, for source distributions."""
        ca_bundle = self._configured.get("cert")
        return PackageIndexes(self._urls, self._all_links, proxy=self._proxy, ca_bundle=ca_bundle, deadline=deadline)


def _without_pip(environment: t.Mapping[str, str]) -> t.Dict[str, str]:
    """An environment in which pip has no settings but whom to trust."""
    kept = {name: value for name, value in environment.items() if not name.startswith("PIP_") or name == "PIP_CERT"}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


def _with_credentials(url: str, credentials: Credentials) -> str:
    """A URL for the environment of pip, which no other account can read."""
    if not credentials:
        return url
    scheme, _colon, rest = url.partition("://")
    userinfo = ":".join(quote(part, safe="") for part in credentials if part)
    return f"{scheme}://{userinfo}@{rest}"
