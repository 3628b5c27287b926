# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files of Python packages are taken by their names, from where pip would take them."""

from __future__ import annotations

import json

import pytest
from infrastructure.servers import PackageIndex

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._http import Answer
from ansible_collections.stackstorm.st2.plugins.module_utils._source import package_index
from ansible_collections.stackstorm.st2.plugins.module_utils._source.package_index import (
    Listed,
    PackageIndexes,
    sdist_version,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy

FILE = "tinydep-1.0.0-py3-none-any.whl"


def indexes(*urls, find_links=()):
    return PackageIndexes(urls, find_links, proxy=Proxy(), ca_bundle=None, deadline=Deadline(30))


def test_a_file_comes_from_the_index(tmp_path):
    with PackageIndex(tmp_path / "index") as index:
        indexes(index.index_url).save("TinyDep", FILE, str(tmp_path / "out"))
        assert (tmp_path / "out").read_bytes() == (tmp_path / "index" / FILE).read_bytes()


def test_credentials_go_to_the_index_and_stay_out_of_messages(tmp_path):
    with PackageIndex(tmp_path / "index", username="me", password="s3cret/x") as index:
        with pytest.raises(SourceError) as caught:
            indexes(index.index_url).save("tinydep", FILE, str(tmp_path / "out"))
        assert "HTTP status 401" in caught.value.message
        url = index.index_url.replace("://", "://me:s3cret%2Fx@")
        indexes(url).save("tinydep", FILE, str(tmp_path / "out"))
        with pytest.raises(SourceError) as caught:
            indexes(url).save("tinydep", "tinydep-9-py3-none-any.whl", str(tmp_path / "other"))
        assert "s3cret" not in caught.value.message
        assert index.index_url.rstrip("/") in caught.value.message


def test_the_next_place_is_asked_for_what_the_first_one_lacks(tmp_path):
    (tmp_path / "wheels").mkdir()
    (tmp_path / "wheels" / "own-1-py3-none-any.whl").write_bytes(b"own")
    with PackageIndex(tmp_path / "index") as index:
        found = indexes(index.index_url, find_links=[str(tmp_path / "wheels")])
        found.save("own", "own-1-py3-none-any.whl", str(tmp_path / "out"))
    assert (tmp_path / "out").read_bytes() == b"own"


def test_what_nobody_has_is_said_with_who_was_asked(tmp_path):
    with PackageIndex(tmp_path / "index") as index, pytest.raises(SourceError) as caught:
        indexes(index.index_url, find_links=["/nonexistent"]).save("nosuchdep", "x-1.whl", str(tmp_path / "out"))
    asked = f"{index.index_url}nosuchdep/ or /nonexistent"
    assert caught.value.message.startswith(f"x-1.whl is in the lock and not at {asked}. ")
    assert not (tmp_path / "out").exists()


def test_a_server_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(SourceError) as caught:
        indexes("http://127.0.0.1:9/simple").save("a", "a-1.whl", str(tmp_path / "out"))
    assert "http://127.0.0.1:9/simple/a/ cannot be read: " in caught.value.message


@pytest.mark.parametrize(
    ("kind", "content", "found"),
    [
        (
            "application/vnd.pypi.simple.v1+json",
            json.dumps({"files": [{"filename": "a-1.whl", "url": "../../a-1.whl#sha256=0"}]}),
            {"a-1.whl": "https://pypi.example.com/a-1.whl"},
        ),
        (
            "text/html; charset=utf-8",
            '<base href="https://files.example.com/x/"><a href="a-1%2Blocal.whl#sha256=0">text</a><a>none</a>',
            {"a-1+local.whl": "https://files.example.com/x/a-1%2Blocal.whl"},
        ),
        ("text/html", '<a href="file:///etc/passwd">x</a><a href="https://u:p@h/b-1.whl">y</a>', {"b-1.whl": None}),
    ],
)
def test_pages_of_both_forms_are_read(kind, content, found):
    answer = Answer(200, "", {"content-type": kind}, content.encode())
    read = package_index._files(answer, "https://pypi.example.com/simple/a/")
    assert {name: listed.url for name, listed in read.items()} == {
        name: url or "https://h/b-1.whl" for name, url in found.items()
    }


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        (
            "application/vnd.pypi.simple.v1+json",
            json.dumps(
                {
                    "files": [
                        {"filename": "a-1.tar.gz", "url": "a-1.tar.gz", "hashes": {"sha256": "AB" * 32}},
                        {"filename": "a-2.zip", "url": "a-2.zip", "hashes": {}, "requires-python": ">=3", "yanked": ""},
                        {"filename": "a-3.zip", "url": "a-3.zip", "yanked": "why"},
                    ]
                }
            ),
        ),
        (
            "text/html",
            f'<a href="a-1.tar.gz#sha256={"AB" * 32}">x</a><a href="a-2.zip" data-requires-python="&gt;=3">x</a>'
            '<a href="a-3.zip#md5=0" data-yanked>x</a>',
        ),
    ],
)
def test_pages_of_both_forms_say_the_same_of_files(kind, content):
    answer = Answer(200, "", {"content-type": kind}, content.encode())
    read = package_index._files(answer, "https://h/a/")
    assert read == {
        "a-1.tar.gz": Listed("https://h/a/a-1.tar.gz", "ab" * 32),
        "a-2.zip": Listed("https://h/a/a-2.zip", requires_python=">=3"),
        "a-3.zip": Listed("https://h/a/a-3.zip", yanked=True),
    }


@pytest.mark.parametrize(
    ("file", "package", "version"),
    [
        ("a-1.0.tar.gz", "A", "1.0"),
        ("My.Package-1.0-2.zip", "my-package", "1.0-2"),
        ("python-3par-client-1.0.tar.gz", "python_3par.client", "1.0"),
        ("a-1.0-py3-none-any.whl", "a", ""),
        ("b-1.0.tar.gz", "a", ""),
        ("a-docs.zip", "a", ""),
        ("a-1/../../x.zip", "a", ""),
    ],
)
def test_source_distributions_are_known_by_their_names(file, package, version):
    assert sdist_version(file, package) == version


def test_source_distributions_are_listed_from_directories_too(tmp_path):
    for name in ("a-1.tar.gz", "b-1.tar.gz", "a-1-py3-none-any.whl"):
        (tmp_path / name).write_bytes(b"")
    found = indexes(find_links=[str(tmp_path), "/nonexistent"]).sdists("a")
    assert found == {"a-1.tar.gz": Listed(str(tmp_path / "a-1.tar.gz"))}


def test_a_redirect_to_no_https_is_not_followed():
    with pytest.raises(SourceError):
        package_index._redirected("https://pypi.example.com/simple/a/", "http://pypi.example.com/a/")
