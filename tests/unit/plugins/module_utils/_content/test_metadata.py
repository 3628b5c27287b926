# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pack.yaml: what StackStorm 3.9.0 registers and what not, and which pack it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._content.metadata import (
    PackMetadata,
    derive_ref,
    load_metadata,
    read_identity,
    read_manifest,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import InvalidPackError, MissingLibraryError

REPOSITORY = Path(__file__).resolve().parents[5]
REAL_DATA = Path(os.environ.get("ST2_TEST_DATA") or REPOSITORY.parent / "shared" / "data") / "exchange" / "packs"
DOCUMENT = {
    "ref": "demo",
    "name": "Demo",
    "description": "A pack",
    "version": "1.0.0",
    "author": "A. Tester",
    "email": "tester@example.com",
}


def pack(directory, content=None, **changes):
    """A pack directory whose pack.yaml is the document with some keys changed (... takes one away), or a text."""
    if content is None:
        document = {key: value for key, value in dict(DOCUMENT, **changes).items() if value is not ...}
        content = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    (directory / "pack.yaml").write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
    return str(directory)


def refusal(pack_dir, **more):
    with pytest.raises(InvalidPackError) as caught:
        load_metadata(pack_dir, **more)
    assert caught.value.step == "validate"
    assert caught.value.message.endswith(".")
    assert "\n" not in caught.value.message
    return caught.value.message


GOOD = {
    "plain": {},
    "display name": {"name": "Any Text, Inc."},
    "empty name beside a ref": {"name": ""},
    "no ref": {"ref": ..., "name": "demo"},
    "null ref": {"ref": None, "name": "demo"},
    "empty ref": {"ref": "", "name": "demo"},
    "digits first": {"ref": "3par_9000"},
    "empty description": {"description": ""},
    "zero version": {"version": "0.1.0"},
    "pre-release": {"version": "1.2.3-alpha.1"},
    "pre-release with a zero first": {"version": "1.2.3-0a"},
    "build": {"version": "1.2.3+build"},
    "pre-release and build": {"version": "1.2.3-rc.1+b-2"},
    "null email": {"email": None},
    "address with everything": {"email": "a.b+c_d@mail-1.example.museum"},
    "international domain": {"email": "a@b\u00fccher.example"},
    "quoted user": {"email": '"quoted"@example.com'},
    "keywords": {"keywords": ["a", "b"]},
    "null keywords": {"keywords": None},
    "at least": {"stackstorm_version": ">=3.0.0"},
    "more than": {"stackstorm_version": ">3.0.0"},
    "range": {"stackstorm_version": ">=1.8.0, <4.0.0"},
    "range without a blank": {"stackstorm_version": ">=3.8.0,<3.9.0"},
    "comma at the end": {"stackstorm_version": ">=3.0.0,"},
    "blank after the operator": {"stackstorm_version": ">= 3.0.0"},
    "single equals sign": {"stackstorm_version": "=3.9.0"},
    "doubled sign": {"stackstorm_version": "<<4.0.0"},
    "no comma": {"stackstorm_version": ">=1.8.0 <4.0.0"},
    "null StackStorm version": {"stackstorm_version": None},
    "Python 3": {"python_versions": ["3"]},
    "Python 2": {"python_versions": ["2"]},
    "both Pythons": {"python_versions": ["2", "3"]},
    "null Python versions": {"python_versions": None},
    "contributors": {"contributors": ["B. Tester <b@example.com>", "x" * 100]},
    "null contributors": {"contributors": None},
    "dependencies": {"dependencies": ["core", "https://example.com/x.git=1.0.0"]},
    "null dependencies": {"dependencies": None},
    "free-form system": {"system": {"packages": {"apt": ["x"], "n": 1}}},
    "null system": {"system": None},
    "unknown keys": {"Contributors": ["x"], "runner_type": 1, "icon": None, "when": {1: 2}},
    "files, which registration overwrites": {"files": "pack.yaml"},
    "path, which registration overwrites": {"path": 42},
}


@pytest.mark.parametrize("changes", GOOD.values(), ids=GOOD)
def test_takes_what_stackstorm_registers(tmp_path, changes):
    metadata = load_metadata(pack(tmp_path, **changes))
    ref = changes.get("ref")
    assert metadata.ref == (ref if isinstance(ref, str) and ref else "demo")
    assert metadata.version == changes.get("version", "1.0.0")
    assert metadata.email == changes.get("email", "tester@example.com")
    assert metadata.keywords == tuple(changes.get("keywords") or ())


def test_everything_it_says(tmp_path):
    metadata = load_metadata(
        pack(
            tmp_path,
            keywords=["k"],
            stackstorm_version=">=3.0.0",
            python_versions=["3"],
            dependencies=["core"],
            contributors=["B"],
        )
    )
    assert metadata == PackMetadata(
        ref="demo",
        name="Demo",
        version="1.0.0",
        description="A pack",
        author="A. Tester",
        email="tester@example.com",
        stackstorm_version=">=3.0.0",
        python_versions=("3",),
        dependencies=("core",),
        keywords=("k",),
        contributors=("B",),
    )


# Key, value, the problem as the message must have it.
BAD = {
    "no name": ("name", ..., "name is missing; it must be a string"),
    "null name": ("name", None, "name (line 2) is null; it must be a string"),
    "number as name": ("name", 42, "name (line 2) is the number 42; it must be a string"),
    "no description": ("description", ..., "description is missing"),
    "null description": ("description", None, "description (line 3) is null"),
    "list as description": ("description", ["a"], 'description (line 3) is the list ["a"]; it must be a string'),
    "no version": ("version", ..., "version is missing"),
    "null version": ("version", None, "version (line 4) is null"),
    "empty version": ("version", "", 'version (line 4) is ""'),
    "number as version": ("version", 0.1, "version (line 4) is the number 0.1; it must be three numbers in quotes"),
    "integer as version": ("version", 1, "version (line 4) is the number 1; it must be three numbers in quotes"),
    "zero as version": ("version", 0, "version (line 4) is the number 0; it must be three numbers in quotes"),
    "two parts": ("version", "0.1", 'version (line 4) is "0.1"; it must be three numbers in quotes'),
    "four parts": ("version", "1.2.3.4", 'version (line 4) is "1.2.3.4"'),
    "leading v": ("version", "v1.0.0", 'version (line 4) is "v1.0.0"'),
    "leading zero": ("version", "01.2.3", 'version (line 4) is "01.2.3"'),
    "upper-case pre-release": ("version", "1.2.3-RC1", 'version (line 4) is "1.2.3-RC1"'),
    "newline after the version": ("version", "1.0.0\n", 'version (line 4) is "1.0.0\\n"'),
    "truth as version": ("version", True, "version (line 4) is true"),
    "no author": ("author", ..., "author is missing"),
    "null author": ("author", None, "author (line 5) is null"),
    "list as author": ("author", ["A"], 'author (line 5) is the list ["A"]; it must be a string'),
    "no email": ("email", ..., "email is missing; it must be an address"),
    "empty email": ("email", "", 'email (line 6) is ""; it must be an address'),
    "no address": ("email", "nobody", 'email (line 6) is "nobody"'),
    "no dot in the domain": ("email", "a@localhost", 'email (line 6) is "a@localhost"'),
    "one letter at the end": ("email", "a@example.c", 'email (line 6) is "a@example.c"'),
    "name and address": ("email", "A <a@example.com>", 'email (line 6) is "A <a@example.com>"'),
    "two addresses": ("email", "a@example.com, b@example.com", "it must be an address"),
    "dots in a row": ("email", "a..b@example.com", 'email (line 6) is "a..b@example.com"'),
    "newline after the address": ("email", "a@example.com\n", "it must be an address"),
    "list as email": ("email", ["a@example.com"], 'email (line 6) is the list ["a@example.com"]'),
    "upper-case ref": ("ref", "Demo", 'ref (line 1) is "Demo"; it must be lower-case letters, digits and underscores'),
    "hyphen in the ref": ("ref", "de-mo", 'ref (line 1) is "de-mo"'),
    "dot in the ref": ("ref", "de.mo", 'ref (line 1) is "de.mo"'),
    "path as ref": ("ref", "/opt/stackstorm", 'ref (line 1) is "/opt/stackstorm"'),
    "climbing ref": ("ref", "../core", 'ref (line 1) is "../core"'),
    "ref with a newline": ("ref", "demo\n", 'ref (line 1) is "demo\\n"'),
    "non-ASCII ref": ("ref", "d\u00e9mo", 'ref (line 1) is "d\u00e9mo"'),
    "number as ref": ("ref", 42, "ref (line 1) is the number 42"),
    "list as ref": ("ref", ["demo"], 'ref (line 1) is the list ["demo"]'),
    "reserved ref": ("ref", "_global", "the ref _global is reserved"),
    "text as keywords": ("keywords", "a, b", 'keywords (line 7) is "a, b"; it must be a list of strings'),
    "number as keyword": ("keywords", ["a", 1], "keywords (line 7) has the number 1 as item 2"),
    "null as keyword": ("keywords", [None], "keywords (line 7) has null as item 1"),
    "StackStorm without operator": ("stackstorm_version", "3.9.0", 'stackstorm_version (line 7) is "3.9.0"'),
    "double equals sign": ("stackstorm_version", "==3.9.0", "it must be comparisons with full versions"),
    "not equal": ("stackstorm_version", "!=3.0.0", "it must be comparisons with full versions"),
    "all StackStorms": ("stackstorm_version", "all", "it must be comparisons with full versions"),
    "StackStorm with two parts": ("stackstorm_version", ">=3.0", "it must be comparisons with full versions"),
    "number as StackStorm": ("stackstorm_version", 3.9, "stackstorm_version (line 7) is the number 3.9"),
    "empty StackStorm": ("stackstorm_version", "", 'stackstorm_version (line 7) is ""'),
    "number as Python": ("python_versions", [3], "python_versions (line 7) has the number 3 as item 1"),
    "minor Python": ("python_versions", ["3.8"], 'python_versions (line 7) has "3.8" as item 1; it must be a list of'),
    "text as Pythons": ("python_versions", "3", 'python_versions (line 7) is "3"; it must be a list of'),
    "no Python": ("python_versions", [], "python_versions (line 7) is an empty list"),
    "Python twice": ("python_versions", ["3", "3"], 'python_versions (line 7) is the list ["3", "3"]'),
    "text as contributors": ("contributors", "B", 'contributors (line 7) is "B"'),
    "long contributor": ("contributors", ["x" * 101], "at most 100 characters"),
    "text as dependencies": ("dependencies", "core", 'dependencies (line 7) is "core"; it must be a list'),
    "mapping as dependency": ("dependencies", [{"core": "1.0.0"}], "dependencies (line 7) has a mapping as item 1"),
    "text as system": ("system", "linux", 'system (line 7) is "linux"; it must be a mapping'),
    "number as key below system": ("system", {"a": {1: 2}}, "system (line 7) has a key that is not a string"),
    "dollar key below system": (
        "system",
        {"$set": 1},
        "system (line 7) has a key that is not a string or begins with $",
    ),
    "number as id": ("id", 5, "id (line 7) is the number 5; it must be a string"),
    "list as uid": ("uid", ["x"], "uid (line 7) is the list"),
    "number as key": (7, "x", "the key the number 7 is not a string"),
    "word for truth as key": (True, "x", "the key true is not a string"),
    "key self": ("self", "x", "the key self cannot be used"),
    "key validate": ("validate", True, "the key validate cannot be used"),
    "key schema": ("schema", "1.0", "the key schema cannot be used"),
}


@pytest.mark.parametrize("key, value, problem", BAD.values(), ids=BAD)
def test_refuses_what_stackstorm_does_not_register(tmp_path, key, value, problem):
    document = dict(DOCUMENT)
    document[key] = value
    if value is ...:
        del document[key]
    message = refusal(pack(tmp_path, yaml.safe_dump(document, sort_keys=False, allow_unicode=True)))
    assert message.startswith("pack.yaml is not valid: ")
    assert problem in message
    assert "(2)" not in message, "one thing is wrong and one problem is named"


UNREADABLE = {
    "empty": ("", "pack.yaml is empty"),
    "a comment": ("# nothing\n", "pack.yaml is empty"),
    "an empty mapping": ("{}\n", "pack.yaml is empty"),
    "a list": ("- ref: demo\n", "pack.yaml is a list; it must be a mapping"),
    "a sentence": ("This is a pack.\n", 'pack.yaml is "This is a pack."; it must be a mapping'),
    "broken": ("ref: demo\nname: [x\n", "pack.yaml, line 3, is not YAML"),
    "two documents": ("ref: demo\n---\nref: demo\n", "pack.yaml, line 2, is not YAML"),
    "a Python object": ("ref: demo\nx: !!python/name:os.system\n", "pack.yaml, line 2, is not YAML"),
    "Latin-1": (b"ref: demo\nname: caf\xe9\n", "pack.yaml, line 2, is not YAML"),
}


@pytest.mark.parametrize("content, problem", UNREADABLE.values(), ids=UNREADABLE)
def test_refuses_what_is_no_mapping(tmp_path, content, problem):
    assert problem in refusal(pack(tmp_path, content))
    with pytest.raises(InvalidPackError):
        read_identity(str(tmp_path), "demo")


def test_refuses_a_directory_without_pack_yaml(tmp_path):
    (tmp_path / "pack.yml").write_text("ref: demo\n")
    assert "There is no pack.yaml" in refusal(str(tmp_path))
    (tmp_path / "pack.yaml").mkdir()
    assert "There is no pack.yaml" in refusal(str(tmp_path))


def test_packs_below_are_named(tmp_path):
    for place in ("one", "packs/two", "packs/deep/three", "a/b/c/too_deep", ".git/hidden"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "pack.yaml").write_text("ref: demo\n")
    (tmp_path / "linked").symlink_to(tmp_path / "one")
    (tmp_path / "one/inner").mkdir()
    (tmp_path / "one/inner/pack.yaml").write_text("ref: inner\n")
    said = refusal(str(tmp_path))
    assert "There are packs in subdirectories (one, packs/deep/three, packs/two). Set subdir" in said


def test_every_problem_is_in_one_message(tmp_path):
    message = refusal(pack(tmp_path, version=0.1, email="nobody", keywords=[1, 2], author=..., ref="no-ref"))
    assert [f"({number})" in message for number in range(1, 8)] == [True] * 6 + [False]
    for part in ("ref (line 1)", "author is", "version (line 4)", "email (line 5)", "as item 1", "as item 2"):
        assert part in message


def test_a_key_that_stands_twice_is_refused_with_both_lines(tmp_path):
    text = yaml.safe_dump(DOCUMENT, sort_keys=False)
    line = (text[: text.index("version:")]).count("\n") + 2
    message = refusal(pack(tmp_path, "version: 1.0.0\n" + text))
    assert f"the key version (line {line}) is there twice, first in line 1, which StackStorm refuses" in message
    line = text.count("\n") + 2
    assert f"the merge key << (line {line}) is one that" in refusal(pack(tmp_path, text + "system:\n  <<: {a: 1}\n"))


def test_line_ends_and_byte_order_marks_do_not_matter(tmp_path):
    text = yaml.safe_dump(DOCUMENT, sort_keys=False)
    assert load_metadata(pack(tmp_path, b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())).ref == "demo"


def test_a_password_in_a_url_is_not_repeated(tmp_path):
    message = refusal(pack(tmp_path, dependencies="https://me:hunter2@example.com/x.git"))
    assert "hunter2" not in message and "example.com" in message


def test_an_error_names_the_pack_where_that_is_known(tmp_path):
    with pytest.raises(InvalidPackError) as caught:
        load_metadata(pack(tmp_path, email="nobody"))
    assert caught.value.ref == "demo"


@pytest.mark.parametrize(
    "document, directory, ref",
    [
        ({"ref": "a", "name": "b"}, "c", "a"),
        ({"name": "b"}, "c", "c"),
        ({"name": "Display Name"}, "c", "c"),
        ({"name": "b"}, None, "b"),
        ({"name": "b"}, "not-a-ref", "b"),
        ({"ref": "", "name": "b"}, None, "b"),
        ({"ref": None, "name": "b"}, "c", "c"),
        ({}, "c", "c"),
        ({"ref": "core"}, None, "core"),
        ({"ref": "a" * 200}, None, "a" * 200),
    ],
)
def test_ref_is_derived_in_stackstorms_order(document, directory, ref):
    assert derive_ref(document, directory) == ref


@pytest.mark.parametrize(
    "document, directory",
    [
        ({}, None),
        ({"name": "a-b"}, None),
        ({"name": "a\n"}, None),
        ({"name": 42}, None),
        ({"ref": "a/b", "name": "b"}, "c"),
        ({"ref": "/tmp/x"}, None),
        ({"ref": "b\n"}, "c"),
        ({"ref": ".."}, "c"),
        ({"ref": ["a"]}, "c"),
        ({"name": "_global"}, None),
        ({"name": "b"}, "_global"),
        ({"ref": "_global"}, "c"),
        ({"ref": "a" * 201}, "c"),
        ({"name": "a" * 201}, None),
        ({"name": "Display Name"}, "a" * 201),
    ],
)
def test_ref_that_is_none_is_refused(document, directory):
    with pytest.raises(InvalidPackError, match=r"^pack\.yaml does not define a ref: .*\.$"):
        derive_ref(document, directory)


def test_directory_stands_in_for_a_missing_ref(tmp_path):
    pack(tmp_path, ref=..., name="Display Name")
    assert load_metadata(str(tmp_path), directory_name="there").ref == "there"
    assert '"Display Name", cannot be used instead' in refusal(str(tmp_path))


@pytest.mark.parametrize(
    "text, identity",
    [
        ("ref: a\nname: A b\nversion: 1.0.0\n", ("a", "A b", "1.0.0")),
        ("ref: a\nversion: 0.1\n", ("a", "a", "0.1")),
        ("name: Display\nversion: [1]\n", ("here", "Display", None)),
        ("ref: Not A Ref\nname: 42\n", ("here", "here", None)),
        ("ref: _global\nversion: ''\n", ("here", "here", None)),
        ("author: somebody\nversion: 2020-01-01\n", ("here", "here", "2020-01-01")),
    ],
)
def test_identity_of_an_installed_pack_however_wrong(tmp_path, text, identity):
    assert read_identity(pack(tmp_path, text), "here") == identity


@pytest.mark.parametrize("module, library", [("yaml", "PyYAML"), ("jsonschema", "jsonschema")])
def test_a_missing_library_is_named(tmp_path, monkeypatch, module, library):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingLibraryError) as caught:
        load_metadata(pack(tmp_path))
    assert caught.value.library == library


def real_packs():
    return sorted(path.name for path in REAL_DATA.iterdir()) if REAL_DATA.is_dir() else []


@pytest.mark.skipif(not real_packs(), reason=f"There is no real data in {REAL_DATA}; ST2_TEST_DATA names its folder.")
def test_every_real_pack_yaml_passes():
    """Those of the Exchange, each from a directory with its name."""
    failed = {}
    for name in real_packs():
        try:
            found = load_metadata(str(REAL_DATA / name), directory_name=name)
        except InvalidPackError as error:
            failed[name] = error.message
            continue
        document = yaml.safe_load((REAL_DATA / name / "pack.yaml").read_text("utf-8"))
        assert found.ref == (document.get("ref") or name) == name
        assert (found.name, found.version) == (document["name"], document["version"])
        assert read_identity(str(REAL_DATA / name), name) == (found.ref, found.name, found.version)
    assert failed == {}
    assert len(real_packs()) >= 45


@pytest.mark.parametrize("text", ["s3cret\n", "name: s3cret\nversion: s3cret\n"])
def test_a_manifest_elsewhere_is_not_read(tmp_path, text):
    (tmp_path / "elsewhere").write_text(text)
    (tmp_path / "demo" / "etc").mkdir(parents=True)
    os.symlink("../elsewhere", tmp_path / "demo" / "pack.yaml")
    with pytest.raises(InvalidPackError) as caught:
        read_identity(str(tmp_path / "demo"), "demo")
    assert caught.value.message == "pack.yaml is a link that leads out of the pack."
    os.unlink(tmp_path / "demo" / "pack.yaml")
    (tmp_path / "demo" / "etc" / "pack.yaml").write_text("version: 1.0.0\n")
    os.symlink("etc/pack.yaml", tmp_path / "demo" / "pack.yaml")
    os.symlink("demo", tmp_path / "developers")
    assert read_identity(str(tmp_path / "developers"), "demo") == ("demo", "demo", "1.0.0")


def test_problems_one_by_one(tmp_path):
    found = read_manifest(pack(tmp_path, version="1.0", email=..., keywords="a"))
    assert found.metadata is None and found.ref == "demo"
    assert [(problem.file, problem.subject, problem.line, problem.kind) for problem in found.problems] == [
        ("pack.yaml", "email", None, "missing"),
        ("pack.yaml", "keywords", 6, ""),
        ("pack.yaml", "version", 4, ""),
    ]
    message = refusal(pack(tmp_path, version="1.0", email=..., keywords="a"))
    for problem in found.problems:
        assert problem.with_line in message
        assert "(line" not in problem.message


def test_no_problem_is_metadata(tmp_path):
    found = read_manifest(pack(tmp_path))
    assert found.problems == () and found.metadata == load_metadata(str(tmp_path))
