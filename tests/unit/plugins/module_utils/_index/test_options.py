# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task about an index."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SeveralErrors
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._index.indexing import options

URL = "https://git.example.com/acme/stackstorm-acme_dns.git"


def test_packs_are_strings_and_dictionaries():
    found = options(packs=[URL, f"{URL}=1.0.0", {"source": URL, "version": "v2", "name": "acme_dns"}])
    assert [(one.source, one.version, one.ref) for one in found.requests] == [
        (URL, None, None),
        (URL, "1.0.0", None),
        (URL, "v2", "acme_dns"),
    ]


def test_the_published_address():
    assert options(packs=[URL]).published_url("acme_dns", URL) == URL
    mirrored = options(packs=[URL], repo_url="https://mirror/{ref}/{ref}.git")
    assert mirrored.published_url("acme_dns", URL) == "https://mirror/acme_dns/acme_dns.git"


def test_credentials_in_a_source_are_taken_out():
    found = options(packs=["https://me:hunter22@git.example.com/x/y.git"])
    assert found.requests[0].source == "https://git.example.com/x/y.git"
    assert "hunter22" in found.secrets() and "hunter22" not in repr(found)


@pytest.mark.parametrize(
    "params, said",
    [
        ({"path": "relative"}, "absolute path"),
        ({"path": "/"}, "below the root"),
        ({"path": "/srv/../"}, "below the root"),
        ({"path": "/srv/a\nb"}, "control characters"),
        ({"packs": ["acme_dns"]}, "acme_dns is a name, and there is no index_url"),
        ({"packs": [{"source": URL, "subdir": "packs/x"}]}, "subdir .packs/x.: StackStorm installs"),
        ({"packs": ["/srv/packs/acme"]}, "give repo_url"),
        ({"packs": ["file:///srv/packs/acme"]}, "give repo_url"),
        ({"packs": [{"source": URL, "config": {"a": 1}}]}, "has config: only name, version, source are supported here"),
        ({"packs": [{"version": "1"}]}, "neither a name nor a source"),
        ({"packs": [5]}, "must be a string"),
        ({"packs": ["--upload-pack=x"]}, "must not begin with -"),
        ({"repo_url": "https://h/x"}, "{ref} stands for their refs"),
        ({"repo_url": "https://h/{ref}/{name}"}, "{ref} stands for their refs"),
        ({"repo_url": "https://me:pw@h/{ref}"}, "would see the credentials"),
        ({"repo_url": "ext::sh -c {ref}"}, "spaces"),
        ({"entries": {"A B": {"repo_url": URL}}}, "ref of entries"),
        ({"entries": {"a": None}}, "is not a mapping"),
        ({"entries": {"a": {}}}, "has no repo_url"),
        ({"entries": {"a": {"repo_url": 5}}}, "has no repo_url"),
        ({"entries": {"a": {"repo_url": "https://me:pw@h/x"}}}, "would see the credentials"),
        ({"entries": {"_global": {"repo_url": URL}}}, "reserves this name"),
    ],
)
def test_what_cannot_be_used_is_named(params, said):
    with pytest.raises(OptionError) as caught:
        options(**params)
    assert said.replace(".", "") in caught.value.message.replace(".", "").replace("(", "").replace(")", "")
    assert "pw@" not in caught.value.message


def test_everything_that_is_wrong_is_named_at_once():
    with pytest.raises(SeveralErrors, match="2 things are wrong"):
        options(path="x", repo_url="")
