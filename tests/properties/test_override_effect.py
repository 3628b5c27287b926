# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Overrides over generated metadata and files: what is foretold is what StackStorm's precedence makes of them.

`EXAMPLES=1000 make properties` runs more.
"""

from __future__ import annotations

import os
import sys
import tempfile
import typing as t
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from ansible_collections.stackstorm.st2.plugins.module_utils._override.document import (
    KINDS,
    Overrides,
    Section,
    parse_document,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._override.override_file import read_override_file
from ansible_collections.stackstorm.st2.plugins.module_utils._override.pack_resources import PackResource
from ansible_collections.stackstorm.st2.plugins.module_utils._override.precedence import effect
from ansible_collections.stackstorm.st2.plugins.module_utils._yaml_edit import edit

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))
thorough = settings(
    max_examples=EXAMPLES * 5,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

names = st.sampled_from(["check", "list", "sensu.check", "PulseSensor", "a: b", "7", "no", "on # beat"])
booleans = st.booleans()
enabled = st.fixed_dictionaries({"enabled": booleans})


def section(exceptions: st.SearchStrategy[t.Any]) -> st.SearchStrategy[t.Any]:
    return st.fixed_dictionaries({}, optional={"defaults": enabled, "exceptions": exceptions})


right = st.fixed_dictionaries(
    {}, optional={kind: section(st.dictionaries(names, enabled, max_size=3)) for kind in KINDS}
)
junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(0, 1),
    st.just({}),
    st.just([]),
    st.sampled_from(["", "no", "actions", "defaults"]),
)
odd_enabled = st.one_of(enabled, junk, st.fixed_dictionaries({"enabled": junk}), st.just({"enabled": True, "x": 1}))
odd_section = st.one_of(
    junk,
    st.fixed_dictionaries(
        {},
        optional={
            "defaults": odd_enabled,
            "exceptions": st.one_of(junk, st.dictionaries(names, odd_enabled, max_size=2)),
            "default": junk,
        },
    ),
)
wrong = st.one_of(
    junk,
    st.lists(st.sampled_from([*KINDS, "policies"]), max_size=2),
    st.fixed_dictionaries({}, optional={**dict.fromkeys(KINDS, odd_section), "policies": junk}),
)
documents = st.one_of(st.just("no file"), right, wrong)
resources = st.builds(
    lambda kind, name, said: PackResource(kind, name, f"{kind}/x.yaml", said),
    st.sampled_from(KINDS),
    names,
    st.one_of(st.none(), booleans),
)


def precedence(resource: PackResource, for_all: t.Any, pack: t.Any) -> t.Tuple[bool, bool]:
    """Whether StackStorm enables a resource and counts it: metadata, then global, then the pack's own.

    Raises whatever Python raises on the way, which is how StackStorm fails.
    """
    value, said = resource.enabled, resource.enabled is not None
    touched = False
    for document, own in ((for_all, False), (pack, True)):
        if document == "no file" or resource.kind not in document:
            continue
        part = document[resource.kind]
        found = [part["defaults"]] if "defaults" in part else []
        if own and "exceptions" in part and resource.name in part["exceptions"]:
            found.append(part["exceptions"][resource.name])
        for values in found:
            for key in values:
                if key != "enabled":
                    raise ValueError(key)
                value, touched = values[key], True
    if touched and not isinstance(value, bool):
        raise ValueError("not a truth value, or null, which nobody can have meant")
    default = {"sensors": True, "actions": True, "rules": False, "aliases": True}[resource.kind]
    counted = touched and value != (resource.enabled if said else True)
    return (default if value is None else value), counted


@thorough
@given(resource=resources, for_all=documents, pack=documents)
def test_what_is_foretold_is_what_stackstorm_does(resource: PackResource, for_all: t.Any, pack: t.Any) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, document in (("_global", for_all), ("sensu", pack)):
            if document != "no file":
                Path(folder, f"{name}.yaml").write_text(yaml.safe_dump(document))
        layers = [read_override_file(folder, name).layer for name in ("_global", "sensu")]
    found = effect(resource, *layers)
    try:
        expected: t.Any = precedence(resource, for_all, pack)
    except Exception:
        expected = None
    event("registered" if expected else "refused")
    if found.enabled is not None:
        assert (found.enabled, found.counted) == expected
        return
    # What is not foretold is either refused, or would take a value that is none for one.
    assert expected is None or _has_hidden_junk(for_all) or _has_hidden_junk(pack)


def _has_hidden_junk(document: t.Any) -> bool:
    """Whether a file has something wrong that a later, right value covers."""
    return document != "no file" and bool(parse_document(document, for_all=False)[1])


@thorough
@given(before=right, after=right, comment=st.sampled_from(["", "# ours\n"]), flow=st.booleans())
def test_an_edited_file_says_what_it_is_to_say(before: t.Any, after: t.Any, comment: str, flow: bool) -> None:
    old, _problems = parse_document(before, for_all=False)
    new, _problems = parse_document(after, for_all=False)
    if not old or not new:
        return
    content = yaml.safe_dump(old.document(), default_flow_style=flow, sort_keys=False)
    found = edit(f"{comment}{content}", new.document())
    assert yaml.safe_load(found.text) == new.document()
    assert bool(comment) == ("# ours" in found.text) or found.comments_lost
    overrides, problems = parse_document(yaml.safe_load(found.text), for_all=False)
    assert overrides.document() == new.document() and problems == ()


@thorough
@given(sections=st.dictionaries(
    st.sampled_from(KINDS),
    st.builds(Section, st.one_of(st.none(), booleans), st.dictionaries(st.text(min_size=1), booleans, max_size=2)),
))  # fmt: skip
def test_no_file_that_is_written_has_anything_that_breaks_stackstorm(sections: t.Dict[str, Section]) -> None:
    overrides = Overrides(sections)
    if overrides:
        text = edit("", overrides.document(), head="---\n").text
        said, problems = parse_document(yaml.safe_load(text.encode("utf-8")), for_all=False)
        assert problems == () and said.document() == overrides.document()
