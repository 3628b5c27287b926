# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The proxy that the config of StackStorm's own pack C(packs) has, for the actions that install packs."""

from __future__ import annotations

import os
import typing as t

from .._errors import InvalidPackError
from .._files import UnfitFileError, read_regular_file
from .._secrets import Redactor
from .._yaml_file import MOST_BYTES, load_composed
from .host import Host
from .proxy import Proxy, resolve_proxy
from .service_start import read_service_start
from .services import ACTION_RUNNER

# What a value of a config begins with that is to be read from the key-value store (st2common/util/config_loader.py).
_REFERENCE = "{{"


class PackProxy:
    """The values of C(configs/packs.yaml) that are about the proxy; the file is read when one is asked for.

    :ivar warnings: What a person should know of values that cannot be had.
    """

    def __init__(self, configs_path: str) -> None:
        self.warnings: t.List[str] = []
        self._path = os.path.join(configs_path, "packs.yaml")
        self._values: t.Optional[t.Mapping[t.Any, t.Any]] = None

    def get(self, key: str) -> t.Optional[str]:
        """A value; C(None) where there is none, or it is not in the file."""
        if self._values is None:
            self._values = self._read()
        value = self._values.get(key)
        if not isinstance(value, str):
            return None
        if _REFERENCE in value:
            self.warnings.append(
                f"{self._path} takes {key} from StackStorm's key-value store, where only its own actions can read it. "
                f"It is left out here: give the task the option {_OPTIONS.get(key, key)}, or set it in the environment "
                "of st2actionrunner."
            )
            return None
        return value

    def _read(self) -> t.Mapping[t.Any, t.Any]:
        try:
            # StackStorm's API may write here: whatever a link leads to is not its config.
            content = read_regular_file(self._path, MOST_BYTES, follow=False)
            values = load_composed(self._path, content=content, registered=True)[0]
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except InvalidPackError as error:
            return self._unread(error.message.rstrip("."))
        except UnfitFileError as error:
            return self._unread(f"{self._path} cannot be a config: {str(error.strerror).rstrip('.')}")
        except OSError as error:
            return self._unread(f"{self._path} cannot be read: {error.strerror}")
        return values if isinstance(values, dict) else {}

    def _unread(self, why: str) -> t.Mapping[t.Any, t.Any]:
        self.warnings.append(f"{why}. A proxy in it is not used.")
        return {}


_OPTIONS = {"proxy_ca_bundle_path": "ca_bundle"}


def proxy_of(
    host: Host,
    options: t.Mapping[str, t.Optional[str]],
    environment: t.Mapping[str, str],
    redactor: Redactor,
) -> t.Tuple[Proxy, t.List[str]]:
    """The proxy of a host as StackStorm's actions find it, but for what a task says; and what a person should know.

    :arg options: As of L(resolve_proxy).
    :arg redactor: Is told its secrets.
    :raises MissingLibraryError: when there is a config to read, and no PyYAML.
    """
    config = PackProxy(host.configs_path)
    proxy = resolve_proxy(options, service_variables(host), environment, config.get)
    for secret in proxy.secrets():
        redactor.add(secret)
    return proxy, config.warnings


def service_variables(host: Host) -> t.Dict[str, str]:
    """The environment that StackStorm's actions have: that of the service that runs them."""
    start = read_service_start(host.root, ACTION_RUNNER)
    # Of the files that the unit names, and of those that StackStorm's packages have; the unit's own are below both.
    found = {name: variable.value for name, variable in (start.variables if start else {}).items()}
    return {**found, **host.service_environment}
