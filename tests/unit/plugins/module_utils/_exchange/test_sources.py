# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which pack is served from where: no name of the settings' own is taken by an index."""

from __future__ import annotations

from ansible_collections.stackstorm.st2.plugins.module_utils._content.request import from_option, parse_spec
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.findings import Mirrored
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.keeping import Kept, write_kept
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.sources import (
    PackSource,
    Shadow,
    choose_sources,
    ref_of_source,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._index.merged import Merged

INDEX = "https://index.stackstorm.org/v1/index.json"
OWN = "https://git.example.com/acme/stackstorm-dns.git"


def public(ref):
    return f"https://github.com/StackStorm-Exchange/stackstorm-{ref}"


def choose(root, *, hosted=(), packs=(), bundled=(), listed=(), mirror=True, **more):
    entries = {ref: {"repo_url": public(ref), "version": "1.0.0"} for ref in listed}
    return choose_sources(
        str(root),
        hosted=hosted,
        packs=[from_option(pack) if isinstance(pack, dict) else parse_spec(pack) for pack in packs],
        bundled=bundled,
        merged=Merged(entries, dict.fromkeys(entries, INDEX), []),
        mirror=mirror,
        **more,
    )


def remember(root, ref, url, kind="packs"):
    (root / "state" / "mirror").mkdir(parents=True, exist_ok=True)
    write_kept(str(root), ref, Kept(Mirrored(ref, url, kind, kind)))


def test_everything_comes_from_somewhere(tmp_path):
    found = choose(
        tmp_path, hosted=["acme"], packs=[{"name": "dns", "source": OWN}], bundled=["own"], listed=["aws", "sensu"]
    )
    assert (found.hosted, found.bundled, found.shadowed, found.problems) == (("acme",), ("own",), (), ())
    assert found.mirrored == (
        PackSource(OWN, "dns", "packs", "packs"),
        PackSource(public("aws"), "aws", "index", INDEX),
        PackSource(public("sensu"), "sensu", "index", INDEX),
    )


def test_the_first_of_hosted_packs_bundle_and_index_wins_and_the_others_are_told(tmp_path):
    found = choose(
        tmp_path,
        hosted=["one"],
        packs=[{"name": "one", "source": OWN}, {"name": "two", "source": OWN}],
        bundled=["one", "two", "three"],
        listed=["one", "two", "three"],
    )
    assert found.hosted == ("one",)
    assert found.mirrored == (PackSource(OWN, "two", "packs", "packs"),)
    assert found.bundled == ("three",)
    assert set(found.shadowed) == {
        Shadow("one", "a repository on this host", "packs", OWN),
        Shadow("one", "a repository on this host", "the bundle", ""),
        Shadow("two", OWN, "the bundle", ""),
        Shadow("one", "a repository on this host", INDEX, public("one")),
        Shadow("two", OWN, INDEX, public("two")),
        Shadow("three", "the bundle", INDEX, public("three")),
    }


def test_the_name_of_a_source_that_nobody_could_look_at_yet_is_kept_free(tmp_path):
    found = choose(tmp_path, packs=[OWN], listed=["dns"])
    assert found.mirrored == (PackSource(OWN, None, "packs", "packs"),)
    assert found.shadowed == (Shadow("dns", OWN, INDEX, public("dns")),)


def test_the_name_of_a_source_is_known_once_it_was_mirrored(tmp_path):
    remember(tmp_path, "names", OWN)
    assert ref_of_source(str(tmp_path), f"{OWN[:-4]}/") == "names"
    found = choose(tmp_path, packs=[OWN], listed=["dns", "names"])
    assert [one.ref for one in found.mirrored] == ["names", "dns"]
    assert [one.ref for one in found.shadowed] == ["names"]


def test_the_same_repository_named_twice_is_no_shadow(tmp_path):
    found = choose(tmp_path, packs=[{"name": "dns", "source": public("dns")}], listed=["dns"])
    assert found.shadowed == ()
    assert [one.kind for one in found.mirrored] == ["packs"]


def test_a_name_gets_its_address_from_the_index(tmp_path):
    found = choose(tmp_path, packs=["sensu=1.0.0"], listed=["sensu"])
    assert found.mirrored == (PackSource(public("sensu"), "sensu", "index", INDEX),)


def test_a_name_that_no_index_has_is_told(tmp_path):
    (problem,) = choose(tmp_path, packs=["sensu"]).problems
    assert "The pack sensu of the settings is in none of the indexes" in problem


def test_entries_are_passed_on_where_nothing_is_mirrored(tmp_path):
    found = choose(tmp_path, hosted=["dns"], listed=["aws", "dns"], mirror=False)
    assert found.mirrored == ()
    assert found.passed_on == {"aws": {"repo_url": public("aws"), "version": "1.0.0"}}
    assert [one.ref for one in found.shadowed] == ["dns"]


def test_only_own_packs_and_those_of_own_indexes_may_have_credentials(tmp_path):
    more = {"packs": [{"name": "dns", "source": OWN}], "listed": ["aws"]}
    assert [one.may_have_credentials for one in choose(tmp_path, **more).mirrored] == [True, False]
    trusted = choose(tmp_path, **more, trusts=lambda index: index == INDEX)
    assert [one.may_have_credentials for one in trusted.mirrored] == [True, True]
