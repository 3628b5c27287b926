# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Installed packs, candidates and plans as plain values, for the tests of what is computed from them."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import InstalledPack
from ansible_collections.stackstorm.st2.plugins.module_utils._content.metadata import PackMetadata
from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Contents, Receipt
from ansible_collections.stackstorm.st2.plugins.module_utils._content.working_copy import Head
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.candidate import Candidate, Wanted
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.plan import PackPlan, State

URL = "https://git.example.com/stackstorm-sensu"
ONE = "1" * 40
TWO = "2" * 40
DIGEST = "sha256:" + "d" * 64
PACKS = "/opt/stackstorm/packs"


def receipt(version="1.0.1", commit=ONE, **changes):
    """A receipt of sensu, from a tag."""
    fields = {
        "ref": "sensu",
        "name": "Sensu",
        "version": version,
        "source": Source("git", URL),
        "resolved": Resolved("tag", f"v{version}", version),
        "commit": commit,
    }
    return Receipt(**{**fields, **changes})


def installed(version="1.0.1", commit=ONE, ref="sensu", known=None, **changes):
    """An installed working copy of sensu; with the receipt C(known), or without one."""
    fields = {
        "ref": ref,
        "name": "Sensu",
        "path": f"{PACKS}/{ref}",
        "location": f"{PACKS}/{ref}",
        "base_path": PACKS,
        "version": version,
        "head": Head(commit, None) if commit else None,
        "origin": URL,
        "receipt": known,
    }
    return InstalledPack(**{**fields, **changes})


def metadata(version, dependencies=()):
    return PackMetadata("sensu", "Sensu", version, "d", "a", None, None, (), dependencies, (), ())


def candidate(version="1.0.2", commit=TWO, **changes):
    """A fetched sensu, asked for by that version."""
    fields = {
        "wanted": Wanted(Source("git", URL), version, "sensu", from_index=True),
        "metadata": metadata(version, ("core", "linux=1.0.0")),
        "resolved": Resolved("tag", f"v{version}", "overwritten"),
        "contents": Contents({"actions": ("check", "report")}, ("six",)),
        "staged": "/staged/sensu",
        "python": True,
        "commit": commit,
    }
    return Candidate(**{**fields, **changes})


def pack_plan(action="upgrade", **changes):
    """The plan of one pack; an upgrade of sensu from 1.0.1 to 1.0.2 unless said otherwise."""
    fields = {
        "ref": "sensu",
        "name": "Sensu",
        "action": action,
        "virtualenv": "kept",
        "base_path": PACKS,
        "before": State("1.0.1", ONE, "", URL),
        "after": State("1.0.2", TWO, "", URL),
        "requested": ("sensu=1.0.2",),
    }
    return PackPlan(**{**fields, **changes})
