# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a virtualenv should be, what is there, and whether that may stay."""

from __future__ import annotations

import json
import os
import sys

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError, VirtualenvError
from ansible_collections.stackstorm.st2.plugins.module_utils._layout import VirtualenvsDirectory
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv import (
    MARKER,
    Interpreters,
    Settings,
    Virtualenv,
    fingerprint,
    may_stay,
    observe_virtualenv,
    requirements_digest,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._pack.virtualenv_build import marker_document

VERSION = "{}.{}".format(*sys.version_info[:2])
SETTINGS = Settings("/opt/python", ("--always-copy",), ("--no-index",), "/opt/st2/site-packages")


@pytest.fixture
def virtualenvs(tmp_path):
    return VirtualenvsDirectory(str(tmp_path / "virtualenvs"))


@pytest.fixture
def pack(tmp_path):
    path = tmp_path / "pack"
    path.mkdir()
    return path


def place(virtualenvs, marker=None, ref="sensu"):
    """A virtualenv of nothing but what is looked at."""
    path = virtualenvs.virtualenv(ref)
    os.makedirs(os.path.join(path, "bin"))
    os.symlink(sys.executable, os.path.join(path, "bin", "python"))
    if marker is not None:
        with open(os.path.join(path, MARKER), "wb") as stream:
            stream.write(marker)
    return path


class Program:
    """An interpreter that counts how often it was asked something."""

    def __init__(self, path, body="echo 3.9"):
        self.path = str(path)
        self.log = f"{path}.log"
        self.write(body)

    def write(self, body):
        with open(self.path, "w", encoding="utf-8") as stream:
            stream.write(f'#!/bin/sh\necho asked >> "{self.log}"\n{body}\n')
        os.chmod(self.path, 0o755)

    @property
    def signature(self):
        status = os.stat(self.path)
        return status.st_size, status.st_mtime_ns

    @property
    def asked(self):
        if not os.path.exists(self.log):
            return 0
        with open(self.log, encoding="utf-8") as stream:
            return len(stream.readlines())


@pytest.fixture
def program(tmp_path):
    return Program(tmp_path / "python3")


def interpreters(seconds=20):
    return Interpreters(Deadline(seconds), {"PATH": os.environ["PATH"]})


def made_by(program, pack, **changes):
    """A virtualenv as it is observed after it was made by a program for a pack."""
    settings = SETTINGS._replace(python=program.path)
    inputs = settings.inputs("3.9", requirements_digest(str(pack)))
    found = Virtualenv("/v/sensu", "ok", fingerprint(inputs), "3.9", program.path, program.signature)
    return settings, found._replace(**changes)


# What is there


def test_where_nothing_is_there_is_no_virtualenv(virtualenvs):
    found = observe_virtualenv(virtualenvs, "sensu")
    assert (found.path, found.health, found.usable) == (f"{virtualenvs.path}/sensu", "absent", False)


@pytest.mark.parametrize("content", ["file", "empty", "plain_file", "dangling"])
def test_what_cannot_start_an_action_is_not_usable(virtualenvs, content):
    path = virtualenvs.virtualenv("sensu")
    os.makedirs(os.path.dirname(path))
    if content == "file":
        open(path, "w", encoding="utf-8").close()
    else:
        os.makedirs(os.path.join(path, "bin"))
    python = os.path.join(path, "bin", "python")
    if content == "plain_file":
        open(python, "w", encoding="utf-8").close()
    if content == "dangling":
        os.symlink("/nonexistent/python3", python)
    found = observe_virtualenv(virtualenvs, "sensu")
    assert found.health == ("absent" if content == "file" else "broken")
    assert not found.usable


def test_one_that_something_else_made_is_foreign(virtualenvs):
    place(virtualenvs)
    found = observe_virtualenv(virtualenvs, "sensu")
    assert (found.health, found.usable, found.fingerprint) == ("foreign", True, "")


@pytest.mark.parametrize(
    "marker", [b"", b"{", b"[" * 200_000, b"[]", b"{}", b'{"fingerprint": "x", "inputs": {}, "signature": 1}', b"\xff"]
)
def test_a_marker_that_makes_no_sense_is_none(virtualenvs, marker):
    place(virtualenvs, marker)
    assert observe_virtualenv(virtualenvs, "sensu").health == "foreign"
    os.mkfifo(os.path.join(place(virtualenvs, ref="piped"), MARKER))
    assert observe_virtualenv(virtualenvs, "piped").health == "foreign"


def test_the_marker_gives_back_what_was_put_into_it(virtualenvs):
    inputs = SETTINGS.inputs("3.9", "digest")
    place(virtualenvs, marker_document(inputs, (123, 456)))
    found = observe_virtualenv(virtualenvs, "sensu")
    assert found == Virtualenv(f"{virtualenvs.path}/sensu", "ok", fingerprint(inputs), "3.9", "/opt/python", (123, 456))
    assert found.usable


def test_while_an_interrupted_run_waits_the_old_one_is_looked_at(tmp_path):
    virtualenvs = VirtualenvsDirectory(str(tmp_path / "virtualenvs"))
    path = place(virtualenvs)
    os.rename(path, str(tmp_path / "kept"))
    os.makedirs(path)
    moved = VirtualenvsDirectory(virtualenvs.path, {path: str(tmp_path / "kept")})
    assert observe_virtualenv(moved, "sensu").health == "foreign"
    nothing = VirtualenvsDirectory(virtualenvs.path, {path: None})
    assert observe_virtualenv(nothing, "sensu").health == "absent"


# What it should be

CHANGES = {
    "python": SETTINGS._replace(python="/opt/other"),
    "options": SETTINGS._replace(options=()),
    "pip_options": SETTINGS._replace(pip_options=("--no-index", "--pre")),
    "st2_site_packages": SETTINGS._replace(st2_site_packages=None),
}


def test_the_same_inputs_have_the_same_fingerprint():
    assert fingerprint(SETTINGS.inputs("3.9", "x")) == fingerprint(Settings(*SETTINGS).inputs("3.9", "x"))
    inputs = SETTINGS.inputs("3.9", "x")
    assert fingerprint(dict(reversed(list(inputs.items())))) == fingerprint(inputs)


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_changes_the_fingerprint(name):
    assert fingerprint(CHANGES[name].inputs("3.9", "x")) != fingerprint(SETTINGS.inputs("3.9", "x"))


def test_interpreter_version_and_requirements_change_the_fingerprint():
    seen = {fingerprint(SETTINGS.inputs(version, needs)) for version in ("3.9", "3.10") for needs in ("", "x", "y")}
    assert len(seen) == 6


def test_every_input_counts():
    inputs = SETTINGS.inputs("3.9", "x")
    assert "six" in inputs["base_requirement"]
    for name in inputs:
        assert fingerprint({**inputs, name: "something else"}) != fingerprint(inputs), name


def test_a_password_in_pips_options_is_neither_on_disk_nor_an_input():
    secret = SETTINGS._replace(pip_options=("--index-url=https://user:hunter2@pypi.example.com/simple",))
    other = SETTINGS._replace(pip_options=("--index-url=https://user:other@pypi.example.com/simple",))
    moved = SETTINGS._replace(pip_options=("--index-url=https://user:hunter2@mirror.example.com/simple",))
    document = marker_document(secret.inputs("3.9", ""), (1, 2))
    assert b"hunter2" not in document
    assert b"pypi.example.com" in document
    assert secret.inputs("3.9", "") == other.inputs("3.9", "")
    assert secret.inputs("3.9", "") != moved.inputs("3.9", "")


def test_a_person_can_read_the_marker():
    document = json.loads(marker_document(SETTINGS.inputs("3.9", "x"), (1, 2)))
    assert document["inputs"]["options"] == ["--always-copy"]
    assert document["inputs"]["python_version"] == "3.9"


# Requirements


def digest(pack, **files):
    for name, text in files.items():
        path = pack / name.replace("__", "/")
        path = path.with_name(f"{path.name}.txt")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return requirements_digest(str(pack))


@pytest.mark.parametrize("text", ["", "\n\n", "# nothing\n  # at all\n", "   \n\t\n"])
def test_a_pack_that_requires_nothing_has_no_digest(pack, text):
    assert digest(pack) == ""
    assert digest(pack, requirements=text) == ""


def test_the_digest_follows_the_text(pack):
    one = digest(pack, requirements="six\n")
    assert one
    assert digest(pack, requirements="six\n") == one
    assert digest(pack, requirements="six==1.16.0\n") != one


@pytest.mark.parametrize(
    "line",
    [
        "-r more.txt",
        "-rmore.txt",
        "-r  more.txt",
        "--requirement more.txt",
        "--requirement=more.txt",
        "-c more.txt",
        "-cmore.txt",
        "--constraint more.txt",
        "--constraint=more.txt",
        "  -r more.txt  # why",
    ],
)
def test_files_that_are_included_count(pack, line):
    one = digest(pack, requirements=f"{line}\n", more="six\n")
    assert one
    assert digest(pack, more="six==1.16.0\n") != one
    assert digest(pack, more="six\n") == one


@pytest.mark.parametrize("line", ["# -r more.txt", "-e more.txt", "six  # -r more.txt", "--index-url more.txt"])
def test_what_only_looks_like_an_inclusion_does_not(pack, line):
    one = digest(pack, requirements=f"six\n{line}\n", more="six\n")
    assert digest(pack, more="six==1.16.0\n") == one


def test_inclusions_are_relative_to_their_file_and_may_go_round(pack):
    one = digest(
        pack, requirements="-r deps/a.txt\n", deps__a="-r b.txt\n-c ../c.txt\n", deps__b="six\n", c="-r deps/a.txt\n"
    )
    assert digest(pack, deps__b="six==1.16.0\n") != one
    digest(pack, deps__b="six\n")
    assert digest(pack, c="-r deps/a.txt\ntinydep==1.0.0\n") != one


def test_only_files_of_the_pack_are_read(pack, tmp_path):
    (tmp_path / "outside.txt").write_text("six\n")
    text = f"six\n-r ../outside.txt\n-r {tmp_path}/outside.txt\n-r missing.txt\n-r .\n-r https://example.com/r.txt\n"
    one = digest(pack, requirements=text)
    (tmp_path / "outside.txt").write_text("six==1.16.0\n")
    assert digest(pack) == one


def test_bytes_that_are_no_text_count_too(pack):
    (pack / "requirements.txt").write_bytes(b"six\n\xff\xfe\n")
    assert requirements_digest(str(pack)) != digest(pack, requirements="six\n")


# Interpreters


def test_an_interpreter_is_asked_once(program):
    known = interpreters()
    found = known.look(program.path)
    assert (found.path, found.version, found.signature) == (program.path, "3.9", program.signature)
    assert known.look(program.path) is found
    assert program.asked == 1


def test_a_real_interpreter_answers():
    assert interpreters().look(sys.executable).version == VERSION


def test_an_interpreter_that_a_virtualenv_remembers_is_not_asked(program, pack):
    _settings, remembered = made_by(program, pack)
    assert interpreters().look(program.path, remembered._replace(version="3.6")).version == "3.6"
    assert program.asked == 0


@pytest.mark.parametrize("change", ["path", "size", "time"])
def test_an_interpreter_that_is_not_the_one_remembered_is_asked(program, pack, change):
    _settings, remembered = made_by(program, pack)
    if change == "path":
        remembered = remembered._replace(python="/opt/other")
    elif change == "size":
        program.write("echo 3.10")
    else:
        status = os.stat(program.path)
        os.utime(program.path, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert interpreters().look(program.path, remembered).version == ("3.10" if change == "size" else "3.9")
    assert program.asked == 1


def test_an_interpreter_that_is_missing_is_named(tmp_path):
    with pytest.raises(VirtualenvError) as raised:
        interpreters().look(str(tmp_path / "python9"))
    assert raised.value.message == (
        f"The Python for pack virtualenvs, {tmp_path}/python9 ([actionrunner] python_binary), is not there: "
        "No such file or directory."
    )


def test_an_interpreter_that_does_not_run_is_named_with_what_it_said(program):
    program.write("echo 'libpython3.9.so: cannot open' >&2; exit 127")
    with pytest.raises(VirtualenvError) as raised:
        interpreters().look(program.path)
    assert f"{program.path} ([actionrunner] python_binary), does not run:" in raised.value.message
    assert "libpython3.9.so" in raised.value.stderr
    assert raised.value.step == "virtualenv"


def test_an_interpreter_that_cannot_be_started_is_named(program):
    os.chmod(program.path, 0o644)
    with pytest.raises(VirtualenvError, match=r"does not run: The program .* cannot be started"):
        interpreters().look(program.path)


def test_an_interpreter_that_hangs_ends_with_the_deadline(program):
    program.write("exec sleep 60")
    with pytest.raises(DeadlineError):
        interpreters(0.3).look(program.path)


# May it stay?


@pytest.mark.parametrize(
    "health, adopted, stays",
    [
        ("ok", False, True),
        ("ok", True, True),
        ("foreign", False, False),
        ("foreign", True, True),
        ("broken", False, False),
        ("broken", True, False),
        ("absent", True, False),
    ],
)
def test_what_may_stay_by_its_health(program, pack, health, adopted, stays):
    settings, found = made_by(program, pack, health=health)
    assert may_stay(found, settings, interpreters(), str(pack), adopted=adopted) is stays


@pytest.mark.parametrize("name", ["options", "pip_options", "st2_site_packages"])
def test_one_made_with_other_settings_may_not_stay(program, pack, name):
    _settings, found = made_by(program, pack)
    changed = CHANGES[name]._replace(python=program.path)
    assert not may_stay(found, changed, interpreters(), str(pack), adopted=False)


def test_one_made_for_other_requirements_may_not_stay(program, pack):
    settings, found = made_by(program, pack)
    (pack / "requirements.txt").write_text("# still nothing\n")
    assert may_stay(found, settings, interpreters(), str(pack), adopted=False)
    (pack / "requirements.txt").write_text("six\n")
    assert not may_stay(found, settings, interpreters(), str(pack), adopted=False)


def test_a_patch_release_of_the_interpreter_keeps_it_and_a_minor_one_does_not(program, pack):
    settings, found = made_by(program, pack)
    program.write("# patched\necho 3.9")
    assert may_stay(found, settings, interpreters(), str(pack), adopted=False)
    assert program.asked == 1
    program.write("# upgraded\necho 3.10")
    assert not may_stay(found, settings, interpreters(), str(pack), adopted=False)


def test_to_find_one_right_starts_no_program(program, pack):
    settings, found = made_by(program, pack)
    assert may_stay(found, settings, interpreters(), str(pack), adopted=False)
    assert program.asked == 0
