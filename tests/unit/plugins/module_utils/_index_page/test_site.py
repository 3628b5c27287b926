# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of the page: links that lead somewhere, nothing inline, and packs that mean harm."""

from __future__ import annotations

import json
import posixpath
import tarfile
import urllib.parse
from html.parser import HTMLParser

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._errors import OptionError
from ansible_collections.stackstorm.st2.plugins.module_utils._index.build import Built
from ansible_collections.stackstorm.st2.plugins.module_utils._index.describe import Description
from ansible_collections.stackstorm.st2.plugins.module_utils._index.document import make_document
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.assets import NAMES, read_assets
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.pack import pack_from
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.resources import resource_sections
from ansible_collections.stackstorm.st2.plugins.module_utils._index_page.site import TOPS, is_own, site_files

MARKUP = "\"'><script>alert(1)</script>\u202e<img src=x onerror=alert(1)>"
SCHEMA = {MARKUP: {"type": MARKUP, "default": MARKUP, "description": MARKUP, "properties": {"in": None}}, "odd": 5}


def site(*refs, history=None, described=True, **more):
    built = Built()
    for ref in refs:
        entry = {
            "ref": ref,
            "name": ref,
            "version": "1.0.0",
            "repo_url": "https://h/x.git",
            "versions": ["1.0.0"],
            **more,
        }
        action = {"name": MARKUP, "description": MARKUP, "parameters": {MARKUP: SCHEMA[MARKUP], "p": None}}
        kinds = ("actions", "sensors", "aliases", "rules")
        entry["content"] = {kind: {"resources": [MARKUP, "plain"]} for kind in kinds}
        built.entries[ref], built.sources[ref] = entry, MARKUP
        if described:
            sensor = {"class_name": MARKUP, "trigger_types": [{"name": MARKUP}, 5], "description": MARKUP}
            alias = {"name": MARKUP, "formats": [MARKUP, {"display": MARKUP}, 5]}
            files = {"actions/a.json": action, "sensors/s.json": sensor, "aliases/a.json": alias}
            texts = {path: json.dumps(content) for path, content in {**files, "config.schema.json": SCHEMA}.items()}
            built.descriptions[ref] = Description(ref=ref, files=texts, time=5, icon="aWNvbg==", content_problem="odd")
    assets = {name: name.encode() for name in NAMES}
    return site_files(built, make_document(built.entries, newest=5, previous={}), {}, assets, history)


class Page(HTMLParser):
    """What a page consists of."""

    def __init__(self, content):
        super().__init__()
        self.tags, self.links, self.ids, self.text = [], [], [], ""
        self.feed(content.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self.links += [value for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data):
        self.text += data


def pages(files):
    return {path: Page(content) for path, content in files.items() if path.endswith(".html")}


def test_links_lead_to_what_is_there():
    files = site("one", "two", dependencies=["two", "three"], keywords=["a&b", "ü"])
    there = {*files, "v1/index.json", "v1/icons/one.png", "v1/icons/two.png"}
    for path, page in pages(files).items():
        for link in page.links:
            if link.startswith("https://"):
                continue
            assert not urllib.parse.urlsplit(link).scheme and not link.startswith("/"), link
            target = posixpath.normpath(
                posixpath.join(posixpath.dirname(path), link.partition("?")[0].partition("#")[0])
            )
            assert target in there, (path, link)
    assert "../../packs/one/index.html" in pages(files)["packs/two/index.html"].links, "it is required there"


@pytest.mark.parametrize("described", [True, False])
def test_packs_that_mean_harm(described):
    hostile = dict.fromkeys(("name", "version", "description", "author", "email", "repo_url", "commit"), MARKUP)
    lists = {key: [MARKUP] for key in ("keywords", "python_versions", "versions", "dependencies", "contributors")}
    files = site("__proto__", "constructor", described=described, **hostile, **lists)
    for path, page in pages(files).items():
        content = files[path].decode()
        assert "\u202e" not in content
        scripts = [one for tag, one in page.tags if tag == "script"]
        assert len(scripts) == (2 if path == "index.html" else 1) and all("src" in one for one in scripts)
        assert not any(name.startswith("on") or name == "style" for _tag, one in page.tags for name in one)
        assert all(one.get("src", "").endswith(".png") for tag, one in page.tags if tag == "img")
        assert MARKUP.replace("\u202e", "\\u202e") in page.text
        assert len(page.ids) == len(set(page.ids))
        links = [one["href"] for tag, one in page.tags if tag == "a"]
        assert not [link for link in links if link.startswith(("javascript", "data"))]
    script = files["page/actions.js"].decode()
    assert "<" not in script and script.isascii()
    listed = json.loads(script[script.index("=") + 1 :].rstrip(";\n"))
    assert [one[0] for one in listed] == ["__proto__", "constructor"]


@pytest.mark.parametrize("address", ["javascript:alert(1)", "git@git.example.com:x.git", "file:///etc", 'https://h/"x'])
def test_only_addresses_of_the_web_are_links(address):
    page = pages(site("one", repo_url=address))["packs/one/index.html"]
    assert address in page.text and address not in page.links


def test_many_actions_have_lines_in_place_of_tables():
    parameters = {"a": {"type": "string", "required": True, "description": "<Says>"}, "b": {"default": 5}}
    actions = {f"actions/{one}.json": json.dumps({"name": f"n{one}", "parameters": parameters}) for one in range(201)}
    entry = {"version": "1.0.0", "content": {"actions": {"resources": [f"n{one}" for one in range(201)]}}}
    pack = pack_from("many", entry, "x", Description(ref="many", files=actions))
    shown = "\n".join(resource_sections(pack))
    assert shown.count("a (string, required): &lt;Says&gt;\nb (default 5)</p>") == 201 and "<table" not in shown


def test_equal_input_has_equal_bytes():
    first = site("one", "two")
    assert site("one", "two") == first
    assert is_own(first["page/changes.json"]) and {path.partition("/")[0] for path in first} == set(TOPS)
    fewer = site("one", history=first["page/changes.json"])
    assert set(first) - set(fewer) == {"packs/two/index.html"}


def test_assets_are_sent(tmp_path):
    with pytest.raises(OptionError, match="were not sent"):
        read_assets(None)
    archive = tmp_path / "page.tar"
    archive.write_bytes(b"x")
    with pytest.raises(OptionError, match="does not contain the files of the page"):
        read_assets(str(archive))
    with tarfile.open(archive, "w") as written:
        for name in NAMES:
            (tmp_path / name).write_text(name)
            written.add(tmp_path / name, arcname=name)
    assert read_assets(str(archive)) == {name: name.encode() for name in NAMES}
