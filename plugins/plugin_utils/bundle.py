# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""A bundle on the controller: read here, and sent in parts, as far as a host lacks them."""

from __future__ import annotations

import typing as t

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.archive import manifest_of, open_archive
from ansible_collections.stackstorm.st2.plugins.module_utils._lock.document import read_lock

from .lockfile import Sender, handed_over


class ControllerBundle:
    """A bundle that is on the controller. Of its blobs only those are read that are sent.

    :arg path: Where it is.
    :raises St2Error: when it is none that can be used.
    """

    always_sends = True
    directories: t.Mapping[str, str] = {}

    def __init__(self, path: str) -> None:
        self._path = path
        with open_archive(path) as archive:
            self._manifest = manifest_of(archive)
        self._lock = read_lock(self._manifest.lock, f"the lock in {path}")

    def for_module(self, archive: t.Optional[str] = None) -> str:
        """The option C(lock) of the module, which L(bundle_options.options_of_bundle) reads.

        :arg archive: On the target, with blobs that it lacked.
        """
        return handed_over(self._path, self._lock, bundle={"blobs": self._manifest.blobs, "archive": archive})

    def sent(self, result: t.Mapping[str, t.Any], send: Sender) -> str:
        """The option C(lock) of the module, once it was sent what it lacked.

        :arg result: Of the module, with the digests of that.
        :raises St2Error: when the bundle is not whole.
        """
        asked = result.get("missing_blobs", ())
        names = {blob.member for blob in self._manifest.blobs if blob.digest in asked}

        def write(target: str) -> None:
            with open_archive(self._path) as archive:
                archive.write_part(names, target)

        return self.for_module(send(write, "bundle"))
