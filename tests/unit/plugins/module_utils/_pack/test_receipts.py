# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is remembered of packs."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._content.origin import Resolved, Source
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.receipts import adopted, receipt_of
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._pack.plan_samples import (
    DIGEST,
    ONE,
    TWO,
    URL,
    candidate,
    installed,
)


def test_the_receipt_of_a_candidate_remembers_everything():
    made = receipt_of(candidate(python=False, digest=DIGEST))
    assert (made.ref, made.name, made.version) == ("sensu", "Sensu", "1.0.2")
    assert made.source == Source("git", URL)
    assert made.resolved == Resolved("tag", "v1.0.2", "1.0.2"), "asked as the wanted asks"
    assert (made.commit, made.digest, made.python) == (TWO, DIGEST, False)
    assert made.dependencies == ("core", "linux=1.0.0")


def test_the_receipt_of_an_adopted_pack_says_what_it_was_proven_to_be():
    resolved = Resolved("tag", "v1.0.1", "1.0.1")
    made = adopted(installed(), Source("git", URL), resolved, ("core",))
    assert (made.ref, made.version, made.commit, made.digest) == ("sensu", "1.0.1", ONE, "")
    assert (made.source, made.resolved, made.dependencies) == (Source("git", URL), resolved, ("core",))
    assert made.python, "its files are not looked through for that"
    assert adopted(installed(None), Source("git", URL), resolved, ()).version == ""
