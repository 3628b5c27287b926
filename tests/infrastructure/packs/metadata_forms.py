# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quirks of pack.yaml: every good and bad form of its fields."""

from __future__ import annotations

import typing as t

from .form import Change, Form, metadata, rewritten, text, together
from .tree import ABSENT

TOPIC = "pack.yaml"


def _good(name: str, reason: str, change: Change, **more: t.Any) -> Form:
    return Form(name, TOPIC, True, reason, change, **more)


def _bad(name: str, reason: str, change: Change, **more: t.Any) -> Form:
    return Form(name, TOPIC, False, reason, change, **more)


def _without_ref(name: t.Any) -> Change:
    return metadata(ref=ABSENT, name=name)


IDENTITY = (
    _good("plain", "nothing is unusual about it", metadata()),
    _good("no-ref", "without a ref, a name that is one serves", _without_ref("no_ref")),
    _good("null-ref", "a null ref counts as none", metadata(ref=None, name="null_ref")),
    _good("empty-ref", "an empty ref counts as none", metadata(ref="", name="empty_ref")),
    _good("display-name", "the name is for people and may be any text", metadata(name="Display Name, Inc.")),
    _good("digits-in-ref", "digits may even begin a ref", metadata(ref="3par_9000"), ref="3par_9000"),
    _bad("hyphenated-name", "a name with a hyphen cannot stand in for a missing ref", _without_ref("hyphenated-name")),
    _bad("spaced-name", "a name with a space cannot stand in for a missing ref", _without_ref("Spaced Name")),
    _bad("no-name", "a name is required", metadata(name=ABSENT)),
    _bad("nameless", "neither ref nor name says what the pack is", metadata(ref=ABSENT, name=ABSENT)),
    _bad("null-name", "the name must be a string", metadata(name=None)),
    _bad("number-name", "the name must be a string", metadata(name=42)),
    _bad("upper-case-ref", "a ref has lower-case letters, digits and underscores only", metadata(ref="UpperCase")),
    _bad("hyphenated-ref", "a ref has no hyphen", metadata(ref="hyphenated-ref")),
    _bad("dotted-ref", "a ref has no dot: the dot separates pack and action", metadata(ref="dotted.ref")),
    _bad("spaced-ref", "a ref has no space", metadata(ref="spaced ref")),
    _bad("non-ascii-ref", "a ref has plain ASCII letters only", metadata(ref="caf\u00e9")),
    _bad("nested-ref", "a ref with a slash would leave the pack's directory", metadata(ref="nested/ref")),
    _bad(
        "climbing-ref", "a ref with dots and slashes would leave the packs directory", metadata(ref="../climbing_ref")
    ),
    _bad("absolute-ref", "an absolute path as ref would replace that path", metadata(ref="/tmp/absolute_ref")),
    _bad("dot-ref", "a ref of one dot would be the packs directory itself", metadata(ref=".")),
    _bad(
        "newline-ref",
        "a ref with a newline passes a pattern that ends in $, and is no name",
        metadata(ref="newline_ref\n"),
    ),
    _bad("number-ref", "a ref is a string", metadata(ref=42)),
    _bad("list-ref", "a ref is a string", metadata(ref=["list_ref"])),
    _bad("reserved-ref", "_global is reserved", metadata(ref="_global")),
    _bad("system-ref", "core is a system pack", metadata(ref="core")),
    _bad("system-ref-packs", "packs is a system pack", metadata(ref="packs")),
    _bad("system-name", "without a ref, the name of a system pack makes it one", _without_ref("linux")),
)

VERSIONS = (
    _good("pre-release-version", "a pre-release is a version", metadata(version="1.2.3-alpha.1")),
    _good("build-version", "a build part is allowed", metadata(version="1.2.3+build")),
    _good("pre-release-digit-version", "a pre-release part may begin with a zero", metadata(version="1.2.3-0a")),
    _good("zero-version", "0.0.0 is a version", metadata(version="0.0.0")),
    _good("ten-version", "parts are numbers: 1.10.0 follows 1.9.0", metadata(version="1.10.0")),
    _bad("float-version", "0.1 is a number with one dot, and nothing makes it 0.1.0", metadata(version=0.1)),
    _bad("float-version-ten", "0.10 without quotes is 0.1", rewritten(TOPIC, lambda b: b.replace(b"1.0.0", b"0.10"))),
    _bad("integer-version", "1 is not major.minor.patch", metadata(version=1)),
    _bad("two-part-version", "0.1 is not major.minor.patch", metadata(version="0.1")),
    _bad("v-version", "the version carries no v", metadata(version="v1.0.0")),
    _bad("leading-zero-version", "a part has no leading zero", metadata(version="01.2.3")),
    _bad("upper-case-version", "a pre-release part is lower-case", metadata(version="1.2.3-RC1")),
    _bad("four-part-version", "a version has three parts", metadata(version="1.2.3.4")),
    _bad("date-version", "a date is not a version", rewritten(TOPIC, lambda b: b.replace(b"1.0.0", b"2020-01-01"))),
    _bad("null-version", "a version is required", metadata(version=None)),
    _bad("empty-version", "an empty version is none", metadata(version="")),
    _bad("no-version", "a version is required", metadata(version=ABSENT)),
)

PEOPLE = (
    _good("null-email", "the key is there, which is all StackStorm needs", metadata(email=None)),
    _bad("no-email", "StackStorm's registration reads the key and fails without it", metadata(email=ABSENT)),
    _bad("empty-email", "the database refuses an empty address", metadata(email="")),
    _bad("bad-email", "the database refuses what is no address", metadata(email="nobody")),
    _bad("bad-email-domain", "the database refuses a domain without a dot", metadata(email="nobody@nowhere")),
    _bad("list-email", "the address is a string", metadata(email=["a@example.com"])),
    _bad("no-author", "an author is required", metadata(author=ABSENT)),
    _bad("list-author", "the author is a string", metadata(author=["A. Tester"])),
    _bad("null-author", "the author is a string", metadata(author=None)),
    _good("null-contributors", "null counts as no contributors", metadata(contributors=None)),
    _good("contributors", "contributors are strings", metadata(contributors=["B. Tester <b@example.com>"])),
    _bad("contributors-text", "contributors are a list", metadata(contributors="B. Tester")),
    _bad("long-contributor", "a contributor has at most 100 characters", metadata(contributors=["x" * 101])),
)

WORDS = (
    _good("empty-description", "an empty description is one", metadata(description="")),
    _bad("null-description", "a description is required", metadata(description=None)),
    _bad("no-description", "a description is required", metadata(description=ABSENT)),
    _bad("list-description", "the description is a string", metadata(description=["a"])),
    _good("null-keywords", "null counts as no keywords", metadata(keywords=None)),
    _good("no-keywords", "keywords are optional", metadata(keywords=ABSENT)),
    _bad("keywords-text", "keywords are a list", metadata(keywords="one, two")),
    _bad("number-keyword", "a keyword is a string", metadata(keywords=[1])),
    _good(
        "unknown-keys",
        "keys that StackStorm does not know are dropped",
        metadata(Contributors=["x"], runner_type="y", z=1),
    ),
    _good("system-mapping", "the key system is free-form", metadata(system={"anything": [1, 2]})),
    _bad("system-text", "the key system is a mapping", metadata(system="linux")),
    _good("listed-files", "the key files is overwritten at registration", metadata(files=["pack.yaml"])),
    _good("files-text", "the key files is overwritten at registration", metadata(files="pack.yaml")),
    _good("foreign-path", "the key path is overwritten at registration", metadata(path="/somewhere/else")),
)

NEEDS = (
    _good("null-dependencies", "null counts as no dependencies", metadata(dependencies=None)),
    _good("system-dependency", "a system pack is always there", metadata(dependencies=["core"])),
    _bad("mapping-dependencies", "a dependency is a string", metadata(dependencies=[{"core": "1.0.0"}])),
    _bad("dependencies-text", "dependencies are a list", metadata(dependencies="core")),
    _good("null-python-versions", "null counts as no statement", metadata(python_versions=None)),
    _good("no-python-versions", "the key is optional", metadata(python_versions=ABSENT)),
    _good("both-pythons", "it says Python 2 and 3", metadata(python_versions=["2", "3"])),
    _good("python-2-only", "it is a pack, for another Python", metadata(python_versions=["2"]), compatible=False),
    _bad("python-number", "a Python version is a string", metadata(python_versions=[3])),
    _bad("python-minor", "a Python version is 2 or 3", metadata(python_versions=["3.8"])),
    _bad("python-text", "Python versions are a list", metadata(python_versions="3")),
    _bad("python-twice", "Python versions are unique", metadata(python_versions=["3", "3"])),
    _bad("python-none", "a list of Python versions is not empty", metadata(python_versions=[])),
)


def _needs_st2(name: str, spec: t.Any, valid: bool, reason: str, **more: t.Any) -> Form:
    return Form(f"stackstorm-{name}", TOPIC, valid, reason, metadata(stackstorm_version=spec), **more)


STACKSTORM = (
    _needs_st2("at-least", ">=3.0.0", True, "3.9.0 is at least 3.0.0"),
    _needs_st2("range", ">=1.8.0, <4.0.0", True, "3.9.0 is within the range"),
    _needs_st2("trailing-comma", ">=3.0.0,", True, "a trailing comma is allowed"),
    _needs_st2("null", None, True, "null counts as no statement"),
    _needs_st2("newer", ">=3.10.0", True, "it is a pack, for a newer StackStorm", compatible=False),
    _needs_st2("older", ">=2.0.0,<3.0.0", True, "it is a pack, for an older StackStorm", compatible=False),
    _needs_st2("text-order", ">=3.8.0,<3.10.0", True, "3.9.0 is before 3.10.0, which text order denies"),
    _needs_st2("spaced", ">= 3.0.0", True, "registration takes it, and its meaning is plain", settled=False),
    _needs_st2("equal", "=3.9.0", True, "registration takes it, and its meaning is plain", settled=False),
    _needs_st2("doubled", "<<4.0.0", True, "registration takes it, and its meaning is plain", settled=False),
    _needs_st2("no-comma", ">=1.8.0 <4.0.0", True, "registration takes it, and its meaning is plain", settled=False),
    _needs_st2("bare", "3.9.0", False, "registration wants an operator", settled=False),
    _needs_st2("double-equal", "==3.9.0", False, "registration does not know this operator", settled=False),
    _needs_st2("not-equal", "!=3.0.0", False, "registration does not know this operator", settled=False),
    _needs_st2("all", "all", False, "registration wants a version", settled=False),
    _needs_st2("two-part", ">=3.0", False, "a version has three parts"),
    _needs_st2("float", 3.9, False, "it is a string"),
    _needs_st2("words", "any recent one", False, "it is no version range"),
    _needs_st2("empty", "", False, "it is no version range", settled=False),
)

ANCHORED = b"""\
author: &who A. Tester
contributors: [*who]
ref: anchors
name: anchors
description: &text anchors and aliases
keywords: [*text]
version: 1.0.0
email: tester@example.com
"""

YAML_FORMS = (
    _good("crlf", "line ends do not matter to YAML", rewritten(TOPIC, lambda b: b.replace(b"\n", b"\r\n"))),
    _good("byte-order-mark", "a byte order mark is no content", rewritten(TOPIC, lambda b: b"\xef\xbb\xbf" + b)),
    _good("anchors", "anchors and aliases are YAML", text(TOPIC, ANCHORED)),
    _bad(
        "duplicate-keys",
        "a key stands twice",
        rewritten(TOPIC, lambda b: b"ref: something_else\nversion: 0.1\n" + b),
    ),
    _good("document-marker", "one document may begin with ---", rewritten(TOPIC, lambda b: b"---\n" + b + b"...\n")),
    _good("non-ascii", "UTF-8 is fine", metadata(description="caf\u00e9 \u2615", author="J\u00f6rg \u0141")),
    _good("tab-inside", "a tab within quoted text is text", rewritten(TOPIC, lambda b: b + b'zone: "a\tb"\n')),
    _good("comments", "comments are no content", rewritten(TOPIC, lambda b: b"# about\n\n" + b + b"# end\n")),
    _bad("tab-indent", "YAML is not indented by tabs", rewritten(TOPIC, lambda b: b + b"system:\n\ta: 1\n")),
    _bad("empty-metadata", "pack.yaml is empty", text(TOPIC, "")),
    _bad("comment-metadata", "pack.yaml holds only a comment", text(TOPIC, "# nothing\n")),
    _bad("list-metadata", "pack.yaml is a list", text(TOPIC, "- ref: list_metadata\n")),
    _bad("text-metadata", "pack.yaml is a sentence", text(TOPIC, "This is a pack.\n")),
    _bad("broken-yaml", "pack.yaml does not parse", text(TOPIC, "ref: broken_yaml\nname: [unfinished\n")),
    _bad("two-documents", "pack.yaml is two documents", rewritten(TOPIC, lambda b: b + b"---\na: 1\n")),
    _bad(
        "python-tag",
        "a YAML tag that makes Python objects is refused",
        rewritten(TOPIC, lambda b: b + b"x: !!python/name:os.system\n"),
    ),
    _bad("latin-1", "pack.yaml is not UTF-8", rewritten(TOPIC, lambda b: b + b"company: caf\xe9\n")),
    _bad("no-pack-yaml", "pack.yaml is missing", lambda tree: tree.remove(TOPIC)),
    _bad(
        "pack-yml",
        "pack.yaml has only this one spelling",
        together(lambda tree: tree.add("pack.yml", tree.text(TOPIC)), lambda tree: tree.remove(TOPIC)),
    ),
)

FORMS: t.Tuple[Form, ...] = (*IDENTITY, *VERSIONS, *PEOPLE, *WORDS, *NEEDS, *STACKSTORM, *YAML_FORMS)
