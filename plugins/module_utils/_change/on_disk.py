# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What packs, configs and overrides are known by as they are on disk, to be held against what StackStorm was told."""

from __future__ import annotations

import json
import os
import typing as t

from .._content.installed import Installation, identity_of
from .._st2.host import Host
from .._st2.registration import Resource
from .records import Records, overrides_digest, read_content

GLOBAL_OVERRIDES = "_global"


class OnDisk:
    """The files of one host.

    :arg records: Gives configs their digest, with the host's own key.
    """

    def __init__(self, host: Host, installation: Installation, records: Records) -> None:
        self.host = host
        self._records = records
        self.installation = installation

    def pack(self, ref: str) -> str:
        """By what the content of a pack is told from another; empty when it is not there."""
        pack = self.installation.get(ref)
        return identity_of(pack) if pack else ""

    def config(self, ref: str) -> str:
        """The digest of a pack's config; empty when there is none.

        :raises OSError: when it cannot be read.
        """
        return self._records.config_digest(read_content(self.config_path(ref)))

    def values_digest(self, values: t.Optional[t.Mapping[str, t.Any]]) -> str:
        """The digest of a config that is no file; empty for none, as which an empty one counts."""
        return self._records.config_digest(json.dumps(values, sort_keys=True).encode()) if values else ""

    def config_path(self, ref: str) -> str:
        """Where the config of a pack is, or would be."""
        return os.path.join(self.host.configs_path, f"{ref}.yaml")

    def has_schema(self, ref: str) -> bool:
        """Whether a pack is there and has a config schema (st2common/constants/pack.py CONFIG_SCHEMA_FILE_NAME)."""
        pack = self.installation.get(ref)
        return pack is not None and os.path.lexists(os.path.join(pack.location, "config.schema.yaml"))

    def has_file_of(self, resource: Resource) -> bool:
        """Whether the file is there by which a resource of a pack was registered."""
        pack = self.installation.get(resource.pack)
        if pack is None or resource.by_hand:
            return False
        return os.path.lexists(os.path.join(pack.location, resource.metadata_file))

    def overrides(self, ref: str) -> str:
        """The digest of the overrides that apply to a pack (content/loader.py OverrideLoader reads these two files, by
        their literal names); L(records.NO_OVERRIDES) when there are none.

        :raises OSError: when one cannot be read.
        """
        for_all, own = (
            read_content(os.path.join(self.host.overrides_path, f"{name}.yaml")) for name in (GLOBAL_OVERRIDES, ref)
        )
        return overrides_digest(for_all, own)
