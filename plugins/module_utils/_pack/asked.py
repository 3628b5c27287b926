# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""By what a task is known whose packs are staged by one run and put in place by another: the options that say what is
asked. How it is had (credentials, proxies, timeouts), and what StackStorm is told, is not in it."""

from __future__ import annotations

import hashlib
import json
import typing as t

from .._secrets import strip_urls
from .options import Options

_AS_THEY_ARE = (
    "dependencies",
    "force",
    "allow_downgrade",
    "virtualenv",
    "virtualenv_backend",
    "base_path",
    "index_strict",
    "index_allowed_signers",
    "pip_args",
    "keep_releases",
    "purge",
    "exclusive",
    "owner",
    "group",
    "locked",
    "lock",
)


def asked_digest(options: Options, params: t.Mapping[str, t.Any]) -> str:
    """The digest of what a task asks for.

    :arg params: Ansible's parameters, for what is asked beside packs. Values of configs are in it: it is for files of
        mode 0600 only.
    """
    document = {
        "requests": [
            # A directory of the controller is known by what it holds, wherever it is.
            (one.name, None if one.controller else one.source, one.version, one.subdir, one.ref, one.digest, one.state)
            for one in options.requests
        ],
        "items": [
            {key: item.get(key) for key in ("config", "secrets", "overrides", "merge", "verify_signature")}
            for item in params["packs"] or ()
        ],
        "index_url": [strip_urls(url) for url in options.index_url or ()],
        "pip_index_url": strip_urls(options.pip_index_url or ""),
        "content": options.verify == "content",
        "verify_signature": params["verify_signature"],
        "bundle": sorted(blob.digest for blob in options.bundle.manifest.blobs) if options.bundle else None,
        **{name: getattr(options, name) for name in _AS_THEY_ARE},
    }
    return f"sha256:{hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()}"
