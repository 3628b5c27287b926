# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A StackStorm behind a client of its API that keeps one pack and its config in this process."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._config.options import Attributes, ConfigOptions
from ansible_collections.stackstorm.st2.plugins.module_utils._config_api.convergence import ConfigConvergence
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import MissingError, RegistrationError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Redactor

SCHEMA = {
    "url": {"type": "string", "required": False},
    "token": {"type": "string", "secret": True},
    "hosts": {"type": "array", "items": {"type": "object", "properties": {"key": {"type": "string", "secret": True}}}},
}
URL = "https://st2/api/v1"


class PretendedApi:
    """The pack C(sensu) as the API shows it.

    :ivar loses: Whether it takes configs and keeps none.
    """

    url = URL

    def __init__(self, values=None, schema=..., pack=True, rbac=None):
        self.values, self.pack, self.rbac = values, pack, rbac
        self.schema = SCHEMA if schema is ... else schema
        self.loses = False
        self.puts = []

    def list(self, path, params=None, **_how):
        assert (path, params["ref"]) == ("/packs", "sensu")
        return [{"ref": "sensu", "version": "1.0.0"}] if self.pack else []

    def get(self, path, _params=None):
        if path == "/user":
            if self.rbac is None:
                raise RegistrationError("does not answer")
            return {"rbac": self.rbac}
        found = {"/configs/sensu": ("values", self.values), "/config_schemas/sensu": ("attributes", self.schema)}[path]
        if found[1] is None:
            raise MissingError("is not there")
        return dict([found])

    def put(self, path, values):
        assert path == "/configs/sensu"
        self.puts.append(values)
        if not self.loses:
            self.values = values

    def convergence(self, redactor=None, **options):
        """What a task asks of its config."""
        return ConfigConvergence(
            self, ConfigOptions("sensu", attributes=Attributes(mode=-1), **options), redactor or Redactor()
        )
