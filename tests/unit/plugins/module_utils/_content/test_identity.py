# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""By what the content of a pack is told from another."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._content.installed import InstalledPack, identity_of
from ansible_collections.stackstorm.st2.plugins.module_utils._content.working_copy import Head
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import DIGEST, ONE, receipt


def installed(location, commit="", known=None):
    head = Head(commit, None) if commit else None
    return InstalledPack("sensu", "sensu", str(location), str(location), "/packs", "1.0.0", head, receipt=known)


def test_a_pack_is_known_by_its_commit_or_its_digest(tmp_path):
    assert identity_of(installed(tmp_path, ONE)) == ONE
    assert identity_of(installed(tmp_path, known=receipt(commit="", digest=DIGEST))) == DIGEST


def test_a_pack_without_commit_and_digest_is_known_by_its_metadata_file(tmp_path):
    (tmp_path / "pack.yaml").write_text("name: sensu\n")
    one = identity_of(installed(tmp_path))
    (tmp_path / "pack.yaml").write_text("name: sensu2\n")
    assert identity_of(installed(tmp_path)) != one
    assert identity_of(installed(tmp_path / "nowhere")) == "unknown"
