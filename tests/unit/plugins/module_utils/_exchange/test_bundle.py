# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An exchange host that is filled from bundles, with nothing else to ask."""

from __future__ import annotations

import hashlib

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.bundle import (
    bundled_packages,
    open_bundle,
    serve_bundle,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.findings import MovedTag
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.keeping import read_mirrored
from ansible_collections.stackstorm.st2.plugins.module_utils._source.directory import directory_digest
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._exchange.exchange_host import (
    check,
    git_for,
    listed,
    mirror_at,
    refs,
    served,
    source,
)
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._tasks.bundle_site import PINS, BundleSite


@pytest.fixture
def site(tmp_path):
    found = BundleSite(tmp_path / "outside")
    yield found
    found.stop()


@pytest.fixture
def root(tmp_path):
    return tmp_path / "exchange"


def build(site, *packs, pins=()):
    site.write_lock(*packs, pins=pins)
    site.build()


def serve(root, site, *, only=None, **more):
    """Serve what is in the bundle; what was found, by ref."""
    with open_bundle(str(site.path)) as bundle:
        found = serve_bundle(
            str(root),
            bundle,
            only or bundle.refs,
            git=git_for(root.parent),
            timeout=60,
            scratch=str(root.parent),
            **more,
        )
    return {one.ref: one for one in found}


def blobs_read(monkeypatch):
    from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.archive import Archive

    seen = []
    true = Archive.copy
    monkeypatch.setattr(Archive, "copy", lambda self, name, target: (seen.append(name), true(self, name, target))[1])
    return seen


def test_a_tag_is_served_with_its_history_and_a_branch(root, site, monkeypatch):
    repository = site.repository("dns", "1.0.0", "1.1.0")
    build(site, site.locked("dns", repository, name="v1.1.0", version="1.1.0"))
    found = serve(root, site)["dns"]
    assert (found.problems(), found.fetched, found.url) == ([], True, site.url("dns"))
    tag = run_git("-C", repository.path, "rev-parse", "v1.1.0")
    assert refs(served(root, "dns")) == {"refs/heads/main": repository.sha("v1.1.0"), "refs/tags/v1.1.0": tag}
    assert listed(served(root, "dns"))["refs/tags/v1.1.0"] == tag
    assert run_git("-C", served(root, "dns"), "rev-list", "--count", "HEAD") == "2"
    check(served(root, "dns"))
    read = blobs_read(monkeypatch)
    assert not serve(root, site)["dns"].fetched
    assert read == []


def test_a_newer_bundle_brings_its_version_and_the_older_one_stays(root, site):
    repository = site.repository("dns", "1.0.0")
    build(site, site.locked("dns", repository))
    serve(root, site)
    repository.release(PackTree("dns", "1.1.0", minimal=True), annotated=True)
    repository.build()
    build(site, site.locked("dns", repository, name="v1.1.0", version="1.1.0"))
    assert serve(root, site)["dns"].fetched
    assert sorted(refs(served(root, "dns"))) == ["refs/heads/main", "refs/tags/v1.0.0", "refs/tags/v1.1.0"]
    assert refs(served(root, "dns"))["refs/heads/main"] == repository.sha("v1.1.0")


def test_a_tag_that_another_bundle_has_elsewhere_stays(root, site):
    repository = site.repository("dns", "1.0.0")
    build(site, site.locked("dns", repository))
    serve(root, site)
    was = refs(served(root, "dns"))["refs/tags/v1.0.0"]
    again = PackTree("dns", "1.0.0", minimal=True).set_metadata(description="again")
    repository.tag("v1.0.0", repository.commit(again), annotated=True)
    repository.build()
    build(site, site.locked("dns", repository))
    (moved,) = serve(root, site)["dns"].moved_tags
    now = run_git("-C", repository.path, "rev-parse", "v1.0.0")
    assert moved == MovedTag("v1.0.0", was, now)
    assert refs(served(root, "dns"))["refs/tags/v1.0.0"] == was
    assert serve(root, site, follow_moved_tags=True)["dns"].moved_tags == ()
    assert refs(served(root, "dns"))["refs/tags/v1.0.0"] == now


def test_a_branch_gets_the_tag_of_its_version(root, site):
    repository = site.repository("dns", "1.0.0")
    commit = repository.commit(PackTree("dns", "1.1.0", minimal=True), branch="stable")
    repository.build()
    build(site, site.locked("dns", repository, "branch", "stable", version="1.1.0"))
    serve(root, site)
    assert refs(served(root, "dns")) == {"refs/heads/stable": commit.sha, "refs/tags/v1.1.0": commit.sha}
    assert (served(root, "dns") / "HEAD").read_text() == "ref: refs/heads/stable\n"
    with open_bundle(str(site.path)) as bundle:
        assert bundle.versions(["dns"]) == {"dns": commit.sha}


def test_a_directory_becomes_one_commit_with_its_very_files(root, site, tmp_path, monkeypatch):
    locked = site.directory("own")
    # What attributes and lists of ignored files would change, if they counted.
    (site.root / "site/own/own/.gitattributes").write_text("*.txt text eol=lf\n")
    (site.root / "site/own/own/.gitignore").write_text("*\n")
    (site.root / "site/own/own/notes.txt").write_bytes(b"one\r\ntwo\r\n")
    content = directory_digest(str(site.root / "site/own/own"))
    build(site, locked._replace(content=content))
    found = serve(root, site)["own"]
    assert (found.problems(), found.fetched) == ([], True)
    commit = refs(served(root, "own"))["refs/heads/main"]
    assert listed(served(root, "own")) == {"refs/heads/main": commit, "refs/tags/v0.1.0": commit}
    run_git("clone", "--quiet", served(root, "own"), tmp_path / "clone")
    assert (tmp_path / "clone" / "notes.txt").exists()
    assert run_git("-C", served(root, "own"), "cat-file", "blob", f"{commit}:notes.txt") == "one\r\ntwo"
    read = blobs_read(monkeypatch)
    assert not serve(root, site)["own"].fetched
    assert read == []
    # Another host of the same bundle has the same commit.
    serve(tmp_path / "second", site)
    assert refs(served(tmp_path / "second", "own")) == refs(served(root, "own"))


def test_packs_of_one_repository_become_one_each(root, site):
    repository = site.repository("many")
    tree = PackTree("one", "1.0.0", minimal=True)
    whole = PackTree("many", "1.0.0", minimal=True).mount("packs/one", tree).mount("packs/two", tree)
    repository.commit(whole)
    repository.build()
    packs = [
        site.locked(ref, repository, "default", "main", subdir=f"packs/{ref}", version="1.0.0")
        for ref in ("one", "two")
    ]
    build(site, *packs)
    found = serve(root, site)
    assert [one.problems() for one in found.values()] == [[], []]
    for ref in ("one", "two"):
        assert "pack.yaml" in run_git("-C", served(root, ref), "ls-tree", "--name-only", "v1.0.0").splitlines()
        check(served(root, ref))
    with open_bundle(str(site.path)) as bundle:
        assert bundle.versions(bundle.refs) == {"one": "1.0.0", "two": "1.0.0"}


def test_a_pack_that_is_broken_holds_up_no_other_and_changes_nothing(root, site, monkeypatch):
    repository = site.repository("dns", "1.0.0")
    build(site, site.locked("dns", repository))
    serve(root, site)
    before = refs(served(root, "dns"))
    repository.release(PackTree("dns", "1.1.0", minimal=True))
    repository.build()
    other = site.repository("other")
    build(site, site.locked("dns", repository, name="v1.1.0", version="1.1.0"), site.locked("other", other))
    with open_bundle(str(site.path)) as bundle:
        blob = next(one for one in bundle.manifest.blobs if one.name == site.url("dns"))
        offset = bundle.archive.members[blob.member].offset + blob.size // 2
    with site.path.open("r+b") as stream:
        stream.seek(offset)
        stream.write(b"XX")
    found = serve(root, site)
    assert "is refused" in found["dns"].error
    assert found["dns"].served
    assert refs(served(root, "dns")) == before
    assert found["other"].error is None
    assert served(root, "other").exists()


def test_what_was_mirrored_stays_where_the_bundle_has_the_same_repository(root, site):
    repository = site.repository("dns", "1.0.0", "1.1.0")
    mirror_at(root).update([source(site.url("dns"), "dns", "index", "https://index.example.com")])
    repository.release(PackTree("dns", "1.2.0", minimal=True), annotated=True)
    repository.build()
    build(site, site.locked("dns", repository, name="v1.2.0", version="1.2.0"))
    assert serve(root, site)["dns"].problems() == []
    assert set(refs(repository.path)) == set(refs(served(root, "dns")))
    assert read_mirrored(str(root))["dns"].kind == "bundle"


def test_python_packages_are_handed_out_as_files(root, site, tmp_path):
    repository = site.repository("dns", "1.0.0", requirements="tinydep==1.0.0\n")
    build(site, site.locked("dns", repository, requirements="sha256:" + "0" * 64), pins=PINS)
    target = tmp_path / "packages"
    target.mkdir()
    with open_bundle(str(site.path)) as bundle:
        found = list(bundled_packages(bundle, str(target)))
    assert [one.name for one in found] == ["six-1.16.0-py3-none-any.whl", "tinydep-1.0.0-py3-none-any.whl"]
    for one in found:
        content = (site.root / "wheels" / one.name).read_bytes()
        assert (target / one.name).read_bytes() == content
        assert one.sha256 == hashlib.sha256(content).hexdigest()


def test_what_is_no_bundle_is_refused(tmp_path):
    (tmp_path / "packs.bundle").write_text("no bundle")
    with pytest.raises(SourceError, match="is refused"), open_bundle(str(tmp_path / "packs.bundle")):
        pass


def test_content_that_is_kept_elsewhere_is_told(root, site):
    """Git LFS needs a server of its own, which there is none of here."""
    repository = site.repository("dns", "1.0.0")
    build(site, site.locked("dns", repository))
    with open_bundle(str(site.path)) as bundle:
        assert bundle.warnings(bundle.lock.packs["dns"]) == ()
        (blob,) = bundle.manifest.blobs
        content = blob._replace(kind="lfs", holds=tuple(blob.commits))
        bundle.manifest = bundle.manifest._replace(blobs=(blob, content))
        assert "hosts that install it get pointers" in bundle.warnings(bundle.lock.packs["dns"])[0]
