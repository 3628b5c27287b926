# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs with dependencies, there and to come."""

from __future__ import annotations

from infrastructure.packs import PackTree

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import Installation
from ansible_collections.stackstorm.st2.plugins.module_utils._content.metadata import PackMetadata
from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source
from ansible_collections.stackstorm.st2.plugins.module_utils._content.receipt import Contents
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.candidate import Candidate, Wanted


def candidate(ref, version="1.0.0", dependencies=(), url=None, resolved=None, commit="c" * 40):
    metadata = PackMetadata(ref, ref, version, "", "", None, None, (), tuple(dependencies), (), ())
    wanted = Wanted(Source("git", url or f"https://git.example.com/org/stackstorm-{ref}"))
    return Candidate(
        wanted, metadata, resolved or Resolved("tag", f"v{version}", version), Contents(), "/staged", True, commit
    )


def by_ref(*packs):
    return {pack.ref: pack for pack in packs}


def put(packs, ref, version="1.0.0", dependencies=(), **more):
    PackTree(ref, version, minimal=True, dependencies=dependencies, **more).write(packs / ref)
    return Installation([str(packs)])
