# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The static package index: its two forms, what is written again, and what goes when."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from html.parser import HTMLParser

import pytest
from infrastructure.servers import build_sdist, build_wheel
from infrastructure.snapshot import take_snapshot

from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.package_resolver import PackageFile
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.simple_index import (
    GRACE_SECONDS,
    project_of,
    publish,
    wheel_metadata,
)

NOW = 1_700_000_000.0


class Links(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.found = []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        if tag == "a":
            self.found.append(dict(attrs))


def package(path):
    return PackageFile(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), str(path))


def tree(root, files, now=NOW):
    (root / "state").mkdir(exist_ok=True)
    return publish(str(root / "simple"), files, state=str(root / "state"), now=now)


@pytest.fixture
def files(tmp_path):
    store = tmp_path / "store"
    return [
        package(build_wheel(store, "Tiny_Dep", "2.0.0", ["six"], requires_python=">=3.6,<4")),
        package(build_wheel(store, "Tiny_Dep", "10.0")),
        package(build_sdist(store, "source", "1.0", requires_python=">=3.8")),
    ]


def test_both_forms_say_the_same(tmp_path, files):
    done = tree(tmp_path, files)
    assert (done.files, done.changed, done.refused) == (3, True, ())
    simple = tmp_path / "simple"
    assert [link["href"] for link in Links(simple / "index.html").found] == ["source/", "tiny-dep/"]
    root = json.loads((simple / "index.json").read_text())
    assert root == {"meta": {"api-version": "1.1"}, "projects": [{"name": "source"}, {"name": "tiny-dep"}]}
    page = json.loads((simple / "tiny-dep/index.json").read_text())
    assert (page["name"], page["versions"]) == ("tiny-dep", ["2.0.0", "10.0"])
    first, second = page["files"]
    links = Links(simple / "tiny-dep/index.html").found
    metadata = (simple / "tiny-dep/Tiny_Dep-2.0.0-py3-none-any.whl.metadata").read_bytes()
    assert b"Requires-Dist: six" in metadata
    digest = hashlib.sha256(metadata).hexdigest()
    assert first == {
        "filename": "Tiny_Dep-2.0.0-py3-none-any.whl",
        "url": "Tiny_Dep-2.0.0-py3-none-any.whl",
        "hashes": {"sha256": files[0].sha256},
        "size": os.path.getsize(files[0].path),
        "requires-python": ">=3.6,<4",
        "core-metadata": {"sha256": digest},
    }
    assert links[0] == {
        "href": f"Tiny_Dep-2.0.0-py3-none-any.whl#sha256={files[0].sha256}",
        "data-requires-python": ">=3.6,<4",
        "data-dist-info-metadata": f"sha256={digest}",
        "data-core-metadata": f"sha256={digest}",
    }
    assert "requires-python" not in second
    source = json.loads((simple / "source/index.json").read_text())["files"][0]
    assert (source["requires-python"], source["core-metadata"]) == (">=3.8", False)


def test_equal_files_make_an_equal_tree_wherever_they_come_from(tmp_path, files):
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
    tree(tmp_path / "one", files)
    tree(tmp_path / "other", list(reversed(files)))
    assert take_snapshot(tmp_path / "one/simple") == take_snapshot(tmp_path / "other/simple")


def test_what_would_be_the_same_is_not_written(tmp_path, files):
    tree(tmp_path, files)
    before = {path: path.stat().st_ino for path in sorted((tmp_path / "simple").rglob("*"))}
    assert not tree(tmp_path, files, NOW + 9).changed
    assert before == {path: path.stat().st_ino for path in sorted((tmp_path / "simple").rglob("*"))}
    # Also without any memory.
    (tmp_path / "state/listed.json").write_text("{broken")
    assert not tree(tmp_path, files, NOW + 9).changed


def test_what_is_not_listed_any_more_stays_an_hour(tmp_path, files):
    tree(tmp_path, files)
    simple = tmp_path / "simple"
    assert tree(tmp_path, files[1:2], NOW + 10).changed
    assert [file["filename"] for file in json.loads((simple / "tiny-dep/index.json").read_text())["files"]] == [
        files[1].name
    ]
    assert sorted(os.listdir(simple / "source")) == [files[2].name]
    tree(tmp_path, files[1:2], NOW + 9 + GRACE_SECONDS)
    assert (simple / "tiny-dep" / files[0].name).exists()
    # What is needed again is listed again, and has its time anew.
    tree(tmp_path, files[1:], NOW + 9 + GRACE_SECONDS)
    assert tree(tmp_path, files[1:2], NOW + 10 + GRACE_SECONDS).changed
    assert sorted(os.listdir(simple)) == ["index.html", "index.json", "source", "tiny-dep"]
    assert sorted(os.listdir(simple / "tiny-dep")) == [
        files[1].name,
        f"{files[1].name}.metadata",
        "index.html",
        "index.json",
    ]
    tree(tmp_path, files[1:2], NOW + 10 + 2 * GRACE_SECONDS)
    assert sorted(os.listdir(simple)) == ["index.html", "index.json", "tiny-dep"]


def test_a_clock_that_was_wrong_keeps_files_no_longer(tmp_path, files):
    tree(tmp_path, files)
    tree(tmp_path, files[1:], NOW + 10 * GRACE_SECONDS)
    tree(tmp_path, files[1:], NOW)
    assert (tmp_path / "simple/tiny-dep" / files[0].name).exists()
    tree(tmp_path, files[1:], NOW + GRACE_SECONDS)
    assert not (tmp_path / "simple/tiny-dep" / files[0].name).exists()


def test_what_is_damaged_or_planted_is_put_right(tmp_path, files):
    tree(tmp_path, files)
    simple = tmp_path / "simple"
    (simple / "tiny-dep" / files[0].name).unlink()
    (simple / "tiny-dep" / f"{files[1].name}.metadata").unlink()
    (simple / "tiny-dep/index.html").unlink()
    (simple / "tiny-dep/index.html").symlink_to("/etc/passwd")
    (simple / "planted").symlink_to("/etc")
    before = (tmp_path / "store" / files[0].name).read_bytes()
    assert tree(tmp_path, files).changed
    assert (simple / "tiny-dep" / files[0].name).read_bytes() == before
    assert (simple / "tiny-dep" / f"{files[1].name}.metadata").exists()
    assert not (simple / "tiny-dep/index.html").is_symlink()
    assert not (simple / "planted").exists()


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("Foo.Bar_baz-1.0-py3-none-any.whl", ("foo-bar-baz", "1.0")),
        ("foo-1!2.0+x-1-py3-none-any.whl", ("foo", "1!2.0+x")),
        ("foo-bar-1.0.tar.gz", ("foo-bar", "1.0")),
        ("foo-1.0.zip", ("foo", "1.0")),
        ("foo-1.0.whl", None),
        ("foo-1.0-py3-none-any-x-y-z.whl", None),
        ("foo.tar.gz", None),
        ("foo-bar.zip", None),
        ("../foo-1.0.tar.gz", None),
        (".foo-1.0.tar.gz", None),
        ("foo-1.0<b>.tar.gz", None),
        ("foo-1.0\n.tar.gz", None),
        ("index.html", None),
        ("-foo-1.0.zip", None),
    ],
)
def test_only_names_of_packages_are_listed(name, project):
    assert project_of(name) == project


def test_a_hostile_file_name_is_refused_and_the_rest_is_listed(tmp_path, files):
    hostile = files[0]._replace(name="../../escaped-1.0.tar.gz")
    done = tree(tmp_path, [hostile, files[1]])
    assert (done.files, done.refused) == (1, ("../../escaped-1.0.tar.gz",))
    assert not list(tmp_path.rglob("escaped*"))


def test_hostile_metadata_cannot_be_markup(tmp_path):
    evil = '>=3"><script>alert(1)</script>'
    wheel = package(build_wheel(tmp_path / "store", "x", "1.0", requires_python=evil))
    tree(tmp_path, [wheel])
    assert Links(tmp_path / "simple/x/index.html").found[0]["data-requires-python"] == evil
    assert "<script" not in (tmp_path / "simple/x/index.html").read_text()


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04"])
def test_what_is_no_wheel_has_no_metadata(tmp_path, content):
    path = tmp_path / "x-1.0-py3-none-any.whl"
    path.write_bytes(content)
    assert wheel_metadata(str(path)) is None
    assert tree(tmp_path, [package(path)]).files == 1


def test_the_metadata_of_a_wheel_is_its_own(tmp_path):
    path = tmp_path / "x-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("vendored/y-1.0.dist-info/METADATA", "Name: y\n")
        archive.writestr("y-1.0.dist-info/METADATA", "Name: y\n")
        archive.writestr("X-1.0.dist-info/METADATA", "Name: x\n")
    assert wheel_metadata(str(path)) == b"Name: x\n"
