# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Packs that mean harm: the check comes to an end, runs nothing of them, and follows nothing out of them."""

from __future__ import annotations

import os
import socket

import pytest
from infrastructure.packs import bodies, to_yaml, well_kept

from ansible_collections.stackstorm.st2.plugins.module_utils._lint.pack import Against
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._lint.linting import check, lint, places

pytestmark = pytest.mark.real_start

PLAIN = Against(pythons=())
BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)


def rules(report):
    return {finding.rule for finding in report.findings}


@pytest.mark.parametrize(
    "content",
    [
        BOMB,
        "[" * 100_000,
        "a: " + "{a: " * 5_000 + "1" + "}" * 5_000,
        "- " * 20_000 + "a\n",
        "a: " + "9" * 100_000 + "\n",
        b"\xff\xfe\x00",
        "a: !!python/object/apply:os.system ['touch ran']\n",
        "".join(f"{n * (2**61 - 1)}: 1\n" for n in range(3_000)),
        "x" * (5 << 20),
    ],
    ids=["aliases", "brackets", "flow", "dashes", "number", "bytes", "tag", "hashes", "large"],
)
def test_yaml_that_means_harm(tmp_path, content):
    tree = well_kept()
    for path in ("actions/odd.yaml", "config.schema.yaml", "etc/odd.yaml", "demo.yaml.example"):
        tree.add(path, content)
    assert {"resource-yaml", "config-schema", "config-example"} - rules(lint(tree, tmp_path, against=PLAIN)) <= {
        "config-example"
    }
    assert not (tmp_path / "pack" / "ran").exists()


def test_a_manifest_that_means_harm(tmp_path):
    tree = well_kept().add("pack.yaml", BOMB)
    assert ("pack-yaml", "pack.yaml", None) in [(*place[:2], None) for place in places(lint(tree, tmp_path))]


def test_special_files_and_links(tmp_path):
    secret = tmp_path / "secret.yaml"
    secret.write_text("name: hunter2\n")
    directory = well_kept().write(tmp_path / "pack")
    os.mkfifo(directory / "actions" / "pipe.yaml")
    os.mkfifo(directory / "README.rst")
    os.symlink("../pipe.yaml", directory / "actions" / "lib" / "pipe.yaml")
    os.symlink(str(secret), directory / "actions" / "out.yaml")
    os.symlink("/dev/zero", directory / "etc.json")
    os.symlink("loop.py", directory / "loop.py")
    os.symlink("..", directory / "actions" / "up")
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(directory / "s.yaml"))
    report = check(directory)
    assert {finding.file for finding in report.findings if finding.rule == "pack-boundary"} == {
        "actions/pipe.yaml",
        "README.rst",
        "actions/out.yaml",
        "etc.json",
        "s.yaml",
    }
    assert "hunter2" not in repr(report.findings)


@pytest.mark.parametrize(
    "path", ["pack.yaml", "config.schema.yaml", ".st2-lint.yml", "LICENSE", "icon.png", ".gitmodules"]
)
def test_a_pipe_in_place_of_a_file_that_is_read(tmp_path, path):
    tree = well_kept()
    if path in tree.files:
        tree.remove(path)
    directory = tree.write(tmp_path / "pack")
    os.mkfifo(directory / path)
    assert "pack-boundary" in rules(check(directory, against=PLAIN))


def test_names_that_are_no_text(tmp_path):
    directory = well_kept().write(tmp_path / "pack")
    for name in (b"\xff.yaml", b"\x1b[2J.py", b"a\nb.json", b"-rf.yaml"):
        with open(os.path.join(os.fsencode(str(directory / "actions")), name), "wb") as stream:
            stream.write(b"(: [")
    report = check(directory)
    assert {"pack-boundary", "resource-yaml", "python-syntax", "json-syntax"} <= rules(report)
    for finding in report.findings:
        assert (finding.file + finding.message).isprintable()


def test_code_is_compiled_and_never_run(tmp_path):
    code = f"import os\nos.system('touch {tmp_path}/ran')\nopen('{tmp_path}/ran', 'w')\n"
    tree = well_kept()
    for path in ("actions/report.py", "sensors/pulse.py", "setup.py", "conftest.py", "sitecustomize.py", "json.py"):
        tree.add(path, code + "class PulseSensor: pass\n")
    tree.add("ast.py", code)
    assert lint(tree, tmp_path).findings == ()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "code",
    [
        b"x = " + b"(" * 50_000,
        b"x = " + b"-" * 200_000 + b"1\n",
        b"x = a" + b".b" * 200_000 + b"\n",
        b"x = " + b"1+" * 100_000 + b"1\n",
        b"# coding: nothing\nx = 1\n",
        b"x = '\0'\n",
        b"x = " + b"9" * 100_000 + b"\n",
        b"if 1:\n" + b"".join(b" " * n + b"if 1:\n" for n in range(1, 300)),
    ],
    ids=["brackets", "signs", "attributes", "sums", "coding", "null", "number", "indentation"],
)
def test_code_that_python_does_not_cope_with(tmp_path, code):
    tree = well_kept().add("actions/lib/odd.py", code).add("actions/lib/zz.py", "(\n")
    found = places(lint(tree, tmp_path))
    # Some of it some Pythons cope with; what comes behind it is looked at in any case.
    assert ("python-syntax", "actions/lib/zz.py", 1) in found
    assert {place[1] for place in found} <= {"actions/lib/odd.py", "actions/lib/zz.py"}


@pytest.mark.once
def test_a_pattern_that_takes_for_ever_ends_the_check(tmp_path):
    tree = well_kept()
    tree.add_yaml("config.schema.yaml", {"url": {"type": "string", "pattern": "^(a+)+$"}})
    tree.add("demo.yaml.example", f"url: {'a' * 40}!\n")
    ((rule, file, _line),) = places(lint(tree, tmp_path, against=PLAIN, seconds=3.0))
    assert (rule, file) == ("lint-limit", ".")


def test_very_many_findings_are_not_all_told(tmp_path):
    tree = well_kept().add("etc/a.yaml", "a:\n" + " b: 1\n" * 12_000)
    report = lint(tree, tmp_path, against=PLAIN)
    assert "lint-limit" in rules(report)
    assert len(report.findings) < 11_000


def test_very_many_comments(tmp_path):
    tree = well_kept().add("etc/a.sh", "# st2-lint: ignore[icon]\n" * 100_000)
    assert rules(lint(tree, tmp_path, against=PLAIN)) == {"ignore-unused"}


ODD_VALUES = (None, [], {}, "", 0, -1, 1.5, float("inf"), float("nan"), True, [None], {"a": None}, {1: 2}, [[1]], "{{")


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
def test_any_value_may_stand_anywhere(tmp_path, value):
    tree = well_kept()
    documents = {
        "actions/odd.yaml": bodies.python_action("odd"),
        "sensors/odd.yaml": bodies.sensor("demo", "pulse"),
        "rules/odd.yaml": bodies.rule("demo", "odd", "demo.beat"),
        "aliases/odd.yaml": bodies.alias("odd", "demo.report"),
        "policies/odd.yaml": bodies.policy("odd", "demo.report"),
        "triggers/odd.yaml": bodies.trigger("demo", "odd"),
        "actions/workflows/relay.yaml": bodies.workflow("core.noop"),
    }
    for path, document in documents.items():
        for number, key in enumerate(document):
            name = path.replace("odd", f"odd{number}")
            tree.add(name, to_yaml({**document, "name": f"odd{number}", key: value}))
    parameters = {
        f"p{number}": {**{"type": "string"}, key: value}
        for number, key in enumerate(
            ("type", "position", "default", "required", "enum", "properties", "items", "immutable")
        )
    }
    tree.add("actions/last.yaml", to_yaml(dict(bodies.python_action("last"), parameters=parameters)))
    tree.add("config.schema.yaml", to_yaml({"url": {"type": "string", "default": value}, "more": value}))
    tree.add("demo.yaml.example", to_yaml({"url": value, "more": {"a": value}}))
    report = lint(tree, tmp_path, against=PLAIN)
    assert "lint-limit" not in rules(report)


@pytest.mark.parametrize("value", ODD_VALUES, ids=repr)
@pytest.mark.parametrize("key", ["ref", "name", "version", "python_versions", "keywords", "stackstorm_version"])
def test_any_value_may_stand_in_a_manifest(tmp_path, key, value):
    tree = well_kept().set_metadata(**{key: value})
    assert "lint-limit" not in rules(lint(tree, tmp_path, against=PLAIN))
