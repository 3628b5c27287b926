# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of a scratch host, as what is told to StackStorm is held against them."""

from __future__ import annotations

from infrastructure.st2_host import ScratchHost

from ansible_collections.stackstorm.st2.plugins.module_utils._change.on_disk import OnDisk
from ansible_collections.stackstorm.st2.plugins.module_utils._change.own_places import OwnPlaces
from ansible_collections.stackstorm.st2.plugins.module_utils._change.records import Records
from ansible_collections.stackstorm.st2.plugins.module_utils._change.staging import Staging
from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host


class ScratchFiles:
    """Packs and configs on a scratch host.

    :ivar records: Give configs their digest.
    :ivar staging: Of one run.
    """

    def __init__(self, root):
        self.scratch = ScratchHost(root / "host")
        self.host = read_host(str(self.scratch.st2_conf), self.scratch.environment())
        self.records = Records(OwnPlaces(self.host).state)
        self.staging = Staging()

    def pack(self, ref, version="1.0.0", *resources, schema=None):
        """Put a pack there, in place of what there is of it; return its directory."""
        path = self.scratch.packs / ref
        path.mkdir(exist_ok=True)
        (path / "pack.yaml").write_text(f"ref: {ref}\nname: {ref}\nversion: {version}\n")
        for resource in resources:
            (path / resource).parent.mkdir(exist_ok=True)
            (path / resource).write_text("---\n")
        if schema is not None:
            (path / "config.schema.yaml").write_text(schema)
        return path

    def config(self, ref, text):
        """Write a config."""
        (self.scratch.configs / f"{ref}.yaml").write_text(text)

    @property
    def now(self):
        """They as they are."""
        return OnDisk(self.host, Installation(self.host.packs_base_paths), self.records)
