# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Override files as text: what is changed is changed, and what others wrote around it stays."""

from __future__ import annotations

import pytest
import yaml

from ansible_collections.stackstorm.st2.plugins.module_utils._override.document import (
    Overrides,
    Section,
    parse_document,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._override.editing import edit, render

TEXT = """\
---
# Why this is so: see the wiki.
actions:
  defaults:
    enabled: false   # all of them
  exceptions:
    # The one that we use.
    check:
      enabled: true
    list: {enabled: yes}

sensors:   # noisy
  exceptions:
    PulseSensor:
      enabled: false
# the end
"""


def says(text):
    overrides, problems = parse_document(yaml.safe_load(text), for_all=False)
    assert problems == ()
    return overrides


def edited(text, sections):
    """The text after an edit to these sections, which must say what they say."""
    wanted = Overrides(sections)
    found = edit(text.encode(), says(text), wanted)
    assert yaml.safe_load(found.content) == wanted.document()
    return found.content.decode(), found.comments_lost


def sections(**changes):
    return {**says(TEXT).sections, **changes}


def test_a_new_file():
    text = render(Overrides({"rules": Section(False, {"on pulse: now": True, "7": False})})).decode()
    assert text.startswith("---\nrules:\n  defaults:\n    enabled: false\n")
    assert list(yaml.safe_load(text)["rules"]["exceptions"]) == ["on pulse: now", "7"]


@pytest.mark.parametrize(
    "name", ["\x85", "caf\u00e9", "\u2028", "\ud800", "\U0001f600", "\ufeff", "'", "#", "x" * 2000]
)
def test_odd_names_are_read_as_they_were_written(name):
    wanted = Overrides({"rules": Section(None, {name: True, "other": False})})
    assert yaml.safe_load(render(wanted)) == wanted.document()
    found = edit(b"rules:\n  exceptions:\n    other:\n      enabled: false\n", says("rules: {exceptions: {other: "
                 "{enabled: false}}}"), wanted)  # fmt: skip
    assert yaml.safe_load(found.content) == wanted.document()


def test_a_value_changes_where_it_is():
    actions = Section(True, {"check": False, "list": False})
    text, lost = edited(TEXT, sections(actions=actions))
    assert not lost
    assert text == TEXT.replace("false   # all", "true   # all").replace(
        "      enabled: true\n", "      enabled: false\n"
    ).replace("{enabled: yes}", "{enabled: false}")


def test_an_exception_is_added_beside_the_others():
    actions = Section(False, {"check": True, "list": True, "a: b": False})
    text, lost = edited(TEXT, sections(actions=actions))
    assert not lost
    assert text == TEXT.replace("{enabled: yes}\n", "{enabled: yes}\n    'a: b':\n      enabled: false\n")


def test_a_part_and_a_section_are_added():
    sensors = Section(True, {"PulseSensor": False})
    text, lost = edited(TEXT, sections(sensors=sensors, rules=Section(None, {"r": True})))
    assert not lost and "# the end" in text and "# noisy" in text
    assert "  defaults:\n    enabled: true\n" in text
    assert "rules:\n  exceptions:\n    r:\n      enabled: true\n" in text


def test_the_last_of_a_part_takes_the_part_along():
    text, lost = edited(TEXT, {"actions": Section(False)})
    assert not lost
    assert text == (
        "---\n# Why this is so: see the wiki.\nactions:\n  defaults:\n    enabled: false   # all of them\n\n# the end\n"
    )


def test_one_of_several_is_removed():
    text, lost = edited(TEXT, sections(actions=Section(False, {"check": True})))
    assert not lost and text == TEXT.replace("    list: {enabled: yes}\n", "")


def test_a_file_without_an_end_of_line():
    text, lost = edited("actions:\n  defaults:\n    enabled: true", {"actions": Section(True, {"a": False})})
    assert not lost and text == (
        "actions:\n  defaults:\n    enabled: true\n  exceptions:\n    a:\n      enabled: false\n"
    )


@pytest.mark.parametrize("comment", ["", "# ours\n"])
def test_flow_style_is_written_anew_and_lost_comments_are_told(comment):
    flow = f"{comment}{{actions: {{exceptions: {{a: {{enabled: true}}}}}}}}\n"
    text, lost = edited(flow, {"actions": Section(None, {"a": True, "b": True})})
    assert lost == bool(comment) and text.startswith("---\nactions:\n")


def test_anchors_cannot_make_an_edit_say_something_else():
    text = (
        "# ours\nactions:\n  exceptions:\n    a: &off\n      enabled: false\n    b: *off\n"
        "rules:\n  exceptions:\n    r: *off\n"
    )
    found, lost = edited(text, {"actions": Section(None, {"a": True, "b": False}), "rules": says(text).of("rules")})
    assert lost
    found, _lost = edited(text, {"rules": says(text).of("rules")})
    assert "actions" not in found


def test_windows_line_ends():
    text = TEXT.replace("\n", "\r\n")
    found, _lost = edited(text, sections(actions=Section(False, {"check": False, "list": True})))
    assert "# the end" in found
