# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""st2.conf over generated files: StackStorm's own parsers say what is in them, before and after an edit.

oslo.config is the one of its services, Python's configparser that of its generators. `EXAMPLES=1000 make properties`
runs more.
"""

from __future__ import annotations

import configparser
import os
import sys
import tempfile
import typing as t
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st
from oslo_config import cfg

from ansible_collections.stackstorm.st2.plugins.module_utils._conf.conf_file import read_conf_file
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.document import Document
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.lists import split
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.options import ConfOptions, Wanted
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.parsers import parse
from ansible_collections.stackstorm.st2.plugins.module_utils._conf.plan import ConfPlan, make_plan
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import HostError, St2Error
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.conf import read_settings
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.conf_text import ConfTextError

EXAMPLES = int(os.environ.get("EXAMPLES", "60"))
thorough = settings(
    max_examples=EXAMPLES * 5,
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)

SECTIONS, OPTIONS = ("content", "api", "messaging"), ("index_url", "packs_base_paths", "host", "a")
Values = t.Dict[t.Tuple[str, str], t.List[str]]

# What lines of real files are, and what goes wrong in them. A letter each would hardly ever give a file.
names = st.sampled_from([*OPTIONS, "A", "c d"])
texts = st.text(st.sampled_from("ab ,:=#;'\"[]$%é\x0b\x85\u2028\\\t/"), max_size=8)
lines = st.one_of(
    st.sampled_from(["[content]", "[Content]", "[api]", "[DEFAULT]", "[content] ", "[x y]", "[]]"]),
    st.builds("{}{}{}{}".format, names, st.sampled_from([" = ", "=", ": ", ":", "  =\t"]), texts, texts),
    st.builds("{}{}".format, st.sampled_from(["  ", "\t", " # "]), texts),
    st.builds("#{}".format, texts),
    st.builds("; index_url = {}".format, texts),
    st.sampled_from(["", "", "  "]),
    texts,
)
line_ends = st.sampled_from(["\n", "\n", "\n", "\r\n", "\r"])


@st.composite
def files(draw: st.DrawFn) -> str:
    """Files, most of them right ones; line ends are mostly the same all over."""
    end = draw(line_ends)
    found = [
        line + (end if draw(st.integers(0, 9)) else draw(line_ends)) for line in draw(st.lists(lines, max_size=12))
    ]
    found = ["[content]" + end, *found] if draw(st.integers(0, 3)) else found
    return "".join(found) if draw(st.booleans()) else "".join(found).rstrip("\r\n")


words = st.sampled_from(
    ["x", "https://a/", "https://a/, https://b/", "'x'", '"', "/a:/b", "a = b # c", "$a", "50%", ""]
)
parts = st.one_of(
    st.builds("{}{}{}\n".format, st.sampled_from(OPTIONS), st.sampled_from([" = ", "=", ": ", ":", "  =\t"]), words),
    st.builds("{} = https://a/,\n  https://b/\n\t c\n".format, st.sampled_from(OPTIONS)),
    st.builds("# {} = {}\n".format, st.sampled_from(OPTIONS), words),
    st.sampled_from(["\n", "\n\n", "; c\n", "  \n"]),
)
headers = st.sampled_from([f"[{name}]\n" for section in SECTIONS for name in (section, section.capitalize())])
sections = st.builds("{}{}".format, headers, st.lists(parts, max_size=4).map("".join))


@st.composite
def right_files(draw: st.DrawFn) -> str:
    """Files that StackStorm reads, with several sections of one name, and options that are defined more than once."""
    text = draw(st.sampled_from(["", "# c\n", "\n"])) + "".join(draw(st.lists(sections, max_size=4)))
    text = text.replace("\n", draw(line_ends))
    return text if draw(st.booleans()) else text.rstrip("\r\n")


any_files = st.integers(0, 9).flatmap(lambda number: right_files() if number else files())

values = st.one_of(texts, st.lists(texts, min_size=1, max_size=3).map("\n".join))
items = st.lists(st.sampled_from(["https://a/", "https://b/", "c", "d e"]), max_size=3, unique=True).map(tuple)


def wanted(section: str, option: str) -> st.SearchStrategy[Wanted]:
    """What a task may ask of one option."""
    return st.one_of(
        st.builds(Wanted, st.just(section), st.just(option), value=values),
        st.builds(Wanted, st.just(section), st.just(option), st.just("absent")),
        st.builds(
            Wanted, st.just(section), st.just(option), items=items, how=st.sampled_from(["set", "add", "remove"])
        ),
    )


anything = st.builds(lambda *both: both, st.sampled_from(SECTIONS), st.sampled_from(OPTIONS)).flatmap(
    lambda both: wanted(*both)
)


def write(text: t.Union[str, bytes]) -> str:
    """A file with a text."""
    path = os.path.join(FOLDER.name, "st2.conf")
    Path(path).write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


FOLDER = tempfile.TemporaryDirectory()


def by_oslo(path: str) -> t.Optional[Values]:
    """All values that oslo.config finds, by section and option; None when it refuses the file."""
    sections: t.Dict[str, t.Dict[str, t.List[str]]] = {}
    normalized: t.Dict[str, t.Dict[str, t.List[str]]] = {}
    parser = cfg.ConfigParser(path, sections)
    parser._add_normalized(normalized)
    try:
        parser.parse()
    except (cfg.ParseError, UnicodeDecodeError):
        return None
    return {(section, option): found for section, options in normalized.items() for option, found in options.items()}


def last(found: Values) -> t.Dict[t.Tuple[str, str], str]:
    """Of several values, the one that counts."""
    return {key: several[-1] for key, several in found.items()}


def option_of_stackstorm(path: str, section: str, option: str, kind: t.Any = cfg.StrOpt) -> t.Any:
    """An option as a service gets it that starts with this file."""
    conf = cfg.ConfigOpts()
    conf.register_opt(kind(option), group=None if section == "DEFAULT" else section)
    conf(args=[], default_config_files=[path], default_config_dirs=[])
    return conf[section][option] if section != "DEFAULT" else conf[option]


def generators_take(path: str) -> bool:
    """Whether StackStorm's generators get through (packaging/common/systemd/st2api-generator); all must be there."""
    config = configparser.ConfigParser(strict=False)
    try:
        config.read(path)
        for section in ("api", "auth", "stream"):
            if section in config:
                config[section].get("host", "127.0.0.1")
                config[section].get("port", "9101")
    except (configparser.Error, UnicodeDecodeError):
        return False
    return True


def plan_for(path: str, *options: Wanted) -> ConfPlan:
    """The plan of a task."""
    return make_plan(read_conf_file(path), ConfOptions(path, options))


@thorough
@given(st.one_of(files(), right_files()))
def test_a_file_is_read_as_oslo_config_reads_it(text: str) -> None:
    path = write(text)
    expected = by_oslo(path)
    event("refused" if expected is None else "read")
    try:
        found = dict(read_settings(path, {})._written)
    except HostError:
        assert expected is None
        return
    assert expected is not None and {key: one.value for key, one in found.items()} == last(expected)


@thorough
@given(
    st.one_of(
        files().map(str.encode), st.binary(max_size=20), files().map(lambda text: text.encode("latin-1", "replace"))
    )
)
def test_a_file_is_refused_when_either_parser_refuses_it(content: bytes) -> None:
    path = write(content)
    expected = by_oslo(path) is not None and generators_take(path)
    event("right" if expected else "wrong")
    try:
        parse(content)
    except ConfTextError as error:
        assert not expected
        assert 1 <= error.line <= content.count(b"\n") + content.count(b"\r") + 1
        return
    assert expected


@thorough
@given(any_files, st.lists(anything, min_size=1, max_size=3, unique_by=lambda one: one.key))
def test_an_edit_changes_what_it_is_about_and_nothing_else(text: str, tasks: t.List[Wanted]) -> None:
    path = write(text)
    try:
        plan = plan_for(path, *tasks)
    except (St2Error, ValueError):
        event("refused")
        return
    before = by_oslo(path)
    after = by_oslo(write(plan.content))
    assert before is not None and after is not None and generators_take(path)
    keys = {one.key for one in tasks}
    assert {key: found for key, found in after.items() if key not in keys} == {
        key: found for key, found in before.items() if key not in keys
    }
    for change in plan.changes:
        event(f"{change.wanted.state} {change.wanted.how} {change.changed}")
        assert last(before).get(change.wanted.key) == change.before
        assert last(after).get(change.wanted.key) == change.after
        if change.wanted.value is not None:
            assert change.after == change.wanted.value
        if change.wanted.state == "absent":
            assert change.after is None
        if change.wanted.items is not None:
            _holds_items(change.wanted, change.before, change.after)
    # Lines that are not about the options are the same, in the same order.
    assert _others(text, keys) == _others(plan.document.text, keys)
    again = plan_for(path, *tasks)
    assert not again.changed and not any(change.changed for change in again.changes)


def _holds_items(task: Wanted, before: t.Optional[str], after: t.Optional[str]) -> None:
    found = split(after or "", ",")
    assert task.items is not None
    if task.how == "remove":
        assert not set(task.items) & set(found)
    elif task.how == "set":
        assert found == task.items
    elif before is not None:
        assert set(found) == {*split(before, ","), *task.items}


def _others(text: str, keys: t.Collection[t.Tuple[str, str]]) -> t.List[str]:
    """The lines that hold no definition of some options, nor what an added section has, blank ones left out."""
    document = Document(text)
    mine = {
        place
        for one in document.definitions
        if (one.section, one.option) in keys
        for place in range(one.first, one.end)
    }
    rest = [line.rstrip("\r\n") for place, line in enumerate(document.lines) if place not in mine]
    heads = {f"[{section}]" for section, _option in keys}
    return [line for line in rest if line.strip() and "stackstorm.st2.st2_conf" not in line and line not in heads]


@thorough
@given(any_files, anything, values, st.booleans())
def test_present_and_absent_give_the_file_back(text: str, task: Wanted, value: str, second: bool) -> None:
    path = write(text)
    try:
        before = read_conf_file(path)
        assume(before.document.value(*task.key) is None)
        more = [Wanted(task.section, "another", value="x")] if second else []
        plan = plan_for(path, Wanted(task.section, task.option, value=value), *more)
    except (St2Error, ValueError):
        return
    path = write(plan.content)
    gone = [Wanted(task.section, one, "absent") for one in (task.option, *(["another"] if second else []))]
    assert plan_for(path, *gone).content == text.encode()
    assert plan_for(path, *reversed(gone)).content == text.encode()


@thorough
@given(any_files, st.sampled_from(SECTIONS), st.sampled_from(OPTIONS), values)
def test_a_service_gets_the_value(text: str, section: str, option: str, value: str) -> None:
    try:
        plan = plan_for(write(text), Wanted(section, option, value=value.replace("$", "$$").replace("\\", "/")))
    except (St2Error, ValueError):
        return
    assert option_of_stackstorm(write(plan.content), section, option) == value.replace("\\", "/")


@thorough
@given(any_files, items)
def test_a_service_gets_the_items(text: str, given_items: t.Tuple[str, ...]) -> None:
    try:
        plan = plan_for(write(text), Wanted("content", "index_url", items=given_items))
    except St2Error:
        return
    found = option_of_stackstorm(write(plan.content), "content", "index_url", cfg.ListOpt)
    assert [item for item in found if item] == list(given_items)
