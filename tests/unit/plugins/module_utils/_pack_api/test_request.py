# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Requests for a StackStorm: its own reading of them, and what it would misread."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError, SeveralErrors
from ansible_collections.stackstorm.st2.plugins.module_utils._pack_api.request import (
    ApiRequest,
    guessed_refs,
    is_release,
    requests_from,
    stackstorm_reads,
)

CANARY = "c4n4ry"


def asked(name=None, state="present", **item):
    (found,) = requests_from({"name": [name] if name else None, "packs": [item] if item else None, "state": state})
    return found


# What get_repo_url and eval_repo_url of 3.9.0 made of these when they were run; names are looked up afterwards.
@pytest.mark.parametrize(
    ("spec", "read"),
    [
        ("sensu", ("sensu", None)),
        ("sensu=", ("sensu", None)),
        ("sensu=abc", ("sensu", "abc")),
        ("org/repo", ("https://github.com/org/repo", None)),
        ("git@github.com:a/b", ("git@github.com:a/b", None)),
        ("gitlab@x:a/b", ("gitlab@x:a/b", None)),
        ("ssh://git@h/x", ("ssh://git@h/x", None)),
        ("/abs/p/q", ("/abs/p/q", None)),
        ("file:///a=b=c", ("file:///a", "b")),
        ("https://h/x?ref=abc=1.0.0", ("https://h/x?ref", "abc")),
        ("host:org/repo", ("https://github.com/host:org/repo", None)),
        ("me@host:org/repo", ("https://github.com/me@host:org/repo", None)),
        ("./local", ("https://github.com/./local", None)),
    ],
)
def test_a_request_as_stackstorm_reads_it(spec, read):
    assert stackstorm_reads(spec) == read


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("sensu", ApiRequest("sensu", "sensu", "sensu")),
        ("sensu=1.0.2", ApiRequest("sensu=1.0.2", "sensu", "sensu", "1.0.2")),
        ("org/stackstorm-x=v2.0.0", ("x", "https://github.com/org/stackstorm-x", "v2.0.0")),
        ("https://h/o/stackstorm-x.git=1.0.0-rc.1", ("x", "https://h/o/stackstorm-x.git", "1.0.0-rc.1")),
        ("https://h/o/x", ("x", "https://h/o/x", None)),
        ("git@h:o/x.git", ("x", "git@h:o/x.git", None)),
        ("ssh://git@h:22/x=1.0.0", ("x", "ssh://git@h:22/x", "1.0.0")),
        ("file:///srv/packs/x=1.0.0", ("x", "file:///srv/packs/x", "1.0.0")),
        ("FILE://localhost/srv/packs/x", ("x", "file:///srv/packs/x", None)),
    ],
)
def test_what_stackstorm_is_asked_for(written, expected):
    if not isinstance(expected, ApiRequest):
        ref, address, version = expected
        expected = ApiRequest(written, ref, address, version)
    found = asked(written)
    assert (found.ref, found.address, found.version) == (expected.ref, expected.address, expected.version)
    spec = f"{found.address}={found.version}" if found.version else found.address
    assert stackstorm_reads(spec) == (found.address, found.version)
    assert found.is_name is ("/" not in written)


def test_requests_in_pieces():
    item = {"name": "acme", "source": "https://h/o/Any.Name.git", "version": "1.0.0"}
    (found,) = requests_from({"name": None, "packs": [item], "state": "present"})
    assert found == ApiRequest("https://h/o/Any.Name.git=1.0.0", "acme", "https://h/o/Any.Name.git", "1.0.0")
    assert asked(source="file:///srv/x").address == "file:///srv/x"


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("me@host:org/x", "would read it as https://github.com/me@host:org/x"),
        ("git@host:x", "would read it"),
        ("/srv/packs/x", "use file:///srv/packs/x"),
        ("sensu=main", "whether main is installed"),
        ("sensu=0123456789012345678901234567890123456789", "whether 0123456789012345678901234567890123456789 is"),
        ("https://h/o/x=release-5", "whether release-5 is installed"),
        ("https://h/o/Not-A-Ref", "cannot be derived from the name"),
        ("*", "for all packs whose files are on the host"),
        ("https://h/o/x?a=b", "would read it as https://h/o/x?a"),
    ],
)
def test_what_would_be_misread_or_never_be_satisfied_is_refused(written, why):
    with pytest.raises(OptionError) as caught:
        asked(written)
    assert why in caught.value.message and "backend=api" in caught.value.message


@pytest.mark.parametrize(
    "item",
    [
        {"source": "https://h/o/x", "subdir": "packs/x"},
        {"source": "https://h/o/x=y"},
        {"source": "/srv/x"},
        {"source": "file:///srv/x", "digest": f"sha256:{'0' * 64}"},
    ],
)
def test_pieces_that_stackstorm_knows_nothing_of_are_refused(item):
    with pytest.raises(OptionError, match="backend=api"):
        asked(**item)


@pytest.mark.parametrize(
    "written",
    [f"https://me:{CANARY}@h/o/x", f"https://{CANARY}@h/o/x=1.0.0", f"https://h/o/x?private_token={CANARY}"],
)
def test_credentials_are_refused_and_not_repeated(written):
    for given in ({"name": written}, {"source": written}):
        with pytest.raises(OptionError, match="credentials") as caught:
            asked(**given)
        assert CANARY not in caught.value.message


def test_a_pack_that_goes_is_named_by_a_version_that_can_be_told():
    assert asked("sensu=1.0.2", state="absent") == ApiRequest("sensu=1.0.2", "sensu", "sensu", "1.0.2")
    with pytest.raises(OptionError, match="whether main is installed"):
        asked("sensu=main", state="absent")


def test_the_version_of_the_one_name():
    given = {"name": ["sensu"], "version": "1.0.2", "packs": None, "state": "present"}
    assert requests_from(given) == (ApiRequest("sensu=1.0.2", "sensu", "sensu", "1.0.2"),)


def test_no_pack_at_all_is_nothing_to_do():
    assert requests_from({"name": [], "packs": None, "state": "present"}) == ()


def test_all_that_cannot_be_asked_is_said_at_once():
    items = [{"name": "two", "overrides": {}}, {"name": "three", "state": "absent"}]
    with pytest.raises(SeveralErrors) as caught:
        requests_from({"name": ["one=main"], "packs": items, "state": "present"})
    for part in ("one=main", "whether main is installed", "it has overrides", "its state is absent"):
        assert part in caught.value.message


@pytest.mark.parametrize(
    ("address", "refs"),
    [
        ("sensu", ("sensu",)),
        ("https://h/o/stackstorm-test.git", ("stackstorm-test", "test")),
        ("x/stackstorm-test", ("stackstorm-test", "test")),
        ("git@h:x/test.git", ("test",)),
        ("https://h/x/inst/", ("inst",)),
    ],
)
def test_the_refs_that_an_address_suggests(address, refs):
    assert guessed_refs(address) == refs


@pytest.mark.parametrize(("version", "is_one"), [("1.0.2", True), ("v1.0.2", True), ("1.0", False), ("vv1.0.2", False)])
def test_what_a_release_is(version, is_one):
    assert is_release(version) is is_one


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"overrides": {}}, "it has overrides, which are files that StackStorm's API cannot write"),
        ({"state": "absent"}, "its state is absent, and the task's present"),
    ],
)
def test_what_an_item_asks_beside_its_pack_is_refused_and_not_passed_over(item, message):
    given = {"source": f"https://me:{CANARY}@h/stackstorm-sensu", **item}
    with pytest.raises(OptionError) as caught:
        requests_from({"name": None, "packs": [given], "state": "present"})
    assert message in caught.value.message and CANARY not in caught.value.message
    assert asked(source="https://h/stackstorm-sensu", state="present").ref == "sensu"
