# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pack.yaml's JSON Schema by itself: it is a draft 4 schema, and its patterns take what StackStorm's take."""

from __future__ import annotations

import re
import time

import jsonschema
import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._content.metadata_schema import (
    PACK_SCHEMA,
    REF_PATTERN,
    STACKSTORM_VERSION_PATTERN,
    VERSION_PATTERN,
)

DOCUMENT = {"name": "demo", "description": "", "version": "1.0.0", "author": "A. Tester", "email": None}
WORDS = ["", "0", "1", "10", "01", "a", "A", "rc", "-", "+", ".", "v", " ", ",", ">", ">=", "=", "<=", "<<", ">>", "!="]
# The expressions of st2common/constants/pack.py, which this project's differ from on purpose: see the tests.
THEIRS = {
    REF_PATTERN: r"^[a-z0-9_]+$",
    VERSION_PATTERN: r"^(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[\da-z\-]+(?:\.[\da-z\-]+)*)?"
    r"(?:\+[\da-z\-]+(?:\.[\da-z\-]+)*)?$",
    STACKSTORM_VERSION_PATTERN: r"^((>?>|>=|=|<=|<?<)\s*[0-9]+\.[0-9]+\.[0-9]+?(\s*,)?\s*)+$",
}


def is_valid(**changes):
    document = {key: value for key, value in dict(DOCUMENT, **changes).items() if value is not ...}
    return jsonschema.Draft4Validator(PACK_SCHEMA).is_valid(document)


def test_it_is_a_draft_4_schema():
    jsonschema.Draft4Validator.check_schema(PACK_SCHEMA)
    assert jsonschema.validators.validator_for(PACK_SCHEMA) is jsonschema.Draft4Validator


def test_every_key_says_what_it_must_be():
    for key, schema in PACK_SCHEMA["properties"].items():
        assert schema["description"] and not schema["description"].endswith("."), key


def test_the_smallest_document_and_each_key_of_it():
    assert is_valid()
    for key in DOCUMENT:
        assert not is_valid(**{key: ...}), key


@pytest.mark.parametrize("key", ["ref", "email", "stackstorm_version", "keywords", "contributors", "dependencies"])
def test_null_where_stackstorm_adds_it(key):
    assert is_valid(**{key: None})


@pytest.mark.parametrize("key", ["name", "description", "version", "author"])
def test_no_null_elsewhere(key):
    assert not is_valid(**{key: None})


def test_what_registration_overwrites_may_be_anything():
    assert is_valid(files="pack.yaml", path=42)


@pytest.mark.parametrize("ours", THEIRS)
def test_patterns_agree_with_stackstorms(ours):
    """On every concatenation of up to five of the pieces that the patterns are made of."""
    texts = {""}
    for _round in range(3):
        texts |= {text + word for text in texts for word in WORDS}
    texts |= {f"{one}{two}" for one in (">=1.10.0", "=0.0.1,", "<< 1.2.3 , ", "1.2.3", "0.10.0-") for two in texts}
    disagreed = [text for text in texts if bool(re.search(ours, text)) != bool(re.search(THEIRS[ours], text))]
    assert disagreed == []
    assert {bool(re.search(ours, text)) for text in texts} == {True, False}


@pytest.mark.parametrize("ours, text", [(REF_PATTERN, "a"), (VERSION_PATTERN, "1.0.0"), (VERSION_PATTERN, "1.0.0-a")])
def test_a_newline_at_the_end_is_refused_unlike_by_stackstorm(ours, text):
    assert re.search(ours, text) and re.search(THEIRS[ours], text + "\n")
    assert not re.search(ours, text + "\n")


def test_digits_are_ascii_unlike_for_stackstorm():
    arabic = "\u0661.0.0"
    assert re.search(THEIRS[VERSION_PATTERN], arabic) is None  # [1-9] is ASCII, \d after it is not
    assert re.search(THEIRS[VERSION_PATTERN], "1\u0661.0.0")
    assert not re.search(VERSION_PATTERN, "1\u0661.0.0")


def test_no_pattern_takes_long():
    start = time.process_time()
    for pattern in THEIRS:
        for text in (">=1.0.0 , " * 3000 + "x", "1.0.0-" + "a." * 30000 + "!", "a" * 100_000 + "!", " " * 30000):
            re.search(pattern, text)
    assert time.process_time() - start < 30
