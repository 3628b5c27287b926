# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Findings in the forms that others read."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._lint.check import Report
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.finding import Finding
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.formats import (
    github,
    gitlab,
    junit,
    plain_json,
    sarif,
    text,
)
from ansible_collections.stackstorm.st2.plugins.module_utils._lint.ignore import Ignore

PACK = "/src/packs/demo"
FINDINGS = (
    Finding("readme", "warning", ".", None, None, "there is no README.md", PACK),
    Finding("yaml-syntax", "warning", "etc/a b%.yaml", 3, 7, 'says "<a> & b", 100%: no', PACK),
    Finding("yaml-syntax", "warning", "etc/a b%.yaml", 9, None, "is odd", PACK),
    Finding("acme-owner", "error", "pack.yaml", 2, 1, "no owner", PACK),
    Finding("icon", "info", "icon.png", None, None, "is small", PACK),
)
IGNORED = (
    (FINDINGS[3], Ignore("acme-owner", "*", "ours", ".st2-lint.yml", 2)),
    (FINDINGS[4], Ignore("icon", "icon.png", "", "icon.png", 1, (1,))),
)
REPORTS = [Report(PACK, "/src", "demo", FINDINGS, IGNORED), Report("/src/packs/other", "/src", None, ())]
NOTHING = [Report(PACK, "/src", "demo", ())]


def test_text():
    assert text.render(REPORTS) == (
        "packs/demo/pack.yaml: warning readme: there is no README.md\n"
        'packs/demo/etc/a b%.yaml:3:7: warning yaml-syntax: says "<a> & b", 100%: no\n'
        "packs/demo/etc/a b%.yaml:9: warning yaml-syntax: is odd\n"
        "packs/demo/pack.yaml:2:1: error acme-owner: no owner\n"
        "packs/demo/icon.png: info icon: is small\n"
    )
    assert text.render(NOTHING) == ""


def test_json():
    assert json.loads(plain_json.render(REPORTS)) == [finding.as_dict() for finding in FINDINGS]
    assert json.loads(plain_json.render(NOTHING)) == []


def test_github():
    assert github.render(REPORTS) == (
        "::warning file=packs/demo/pack.yaml,title=readme::there is no README.md\n"
        '::warning file=packs/demo/etc/a b%25.yaml,line=3,col=7,title=yaml-syntax::says "<a> & b", 100%25: no\n'
        "::warning file=packs/demo/etc/a b%25.yaml,line=9,title=yaml-syntax::is odd\n"
        "::error file=packs/demo/pack.yaml,line=2,col=1,title=acme-owner::no owner\n"
        "::notice file=packs/demo/icon.png,title=icon::is small\n"
    )


def test_github_escapes_what_would_be_read_as_something_else():
    odd = Finding("a:b,c", "error", "a:b,c%\r\n", 1, None, "100%\r\n::warning::x", PACK)
    assert github.render([Report(PACK, PACK, "demo", (odd,))]) == (
        "::error file=a%3Ab%2Cc%25%0D%0A,line=1,title=a%3Ab%2Cc::100%25%0D%0A::warning::x\n"
    )


def test_gitlab():
    found = json.loads(gitlab.render(REPORTS))
    assert found[1] == {
        "description": 'says "<a> & b", 100%: no',
        "check_name": "yaml-syntax",
        "fingerprint": found[1]["fingerprint"],
        "severity": "major",
        "location": {"path": "packs/demo/etc/a b%.yaml", "lines": {"begin": 3}},
    }
    assert [one["severity"] for one in found] == ["major", "major", "major", "critical", "info"]
    assert found[0]["location"] == {"path": "packs/demo/pack.yaml", "lines": {"begin": 1}}
    assert len({one["fingerprint"] for one in found}) == len(found)


def test_gitlab_tells_the_same_at_two_lines_apart():
    same = [Finding("line-ends", "info", "a", line, None, "odd", PACK) for line in (1, 2)]
    found = json.loads(gitlab.render([Report(PACK, PACK, "demo", tuple(same))]))
    assert found[0]["fingerprint"] != found[1]["fingerprint"]


def test_junit():
    root = ElementTree.fromstring(junit.render(REPORTS))
    demo, other = root
    assert (demo.get("name"), demo.get("tests"), demo.get("failures")) == ("demo", "4", "3")
    failures = {case.get("name"): case.findall("failure") for case in demo}
    assert len(failures) == 4
    ((failure,),) = [failures["yaml-syntax"]]
    assert (failure.get("type"), failure.get("message")) == ("warning", 'says "<a> & b", 100%: no')
    assert failure.text == ('packs/demo/etc/a b%.yaml:3: says "<a> & b", 100%: no\npacks/demo/etc/a b%.yaml:9: is odd')
    assert not failures["icon"]
    # A pack without findings is one that passed.
    assert (other.get("name"), other.get("tests"), other.get("failures"), len(other)) == ("other", "1", "0", 1)


LEVELS = {"none", "note", "warning", "error"}


def test_sarif():
    """The rules of the schema of SARIF 2.1.0, as far as they are about what is written here."""
    document = json.loads(sarif.render(REPORTS))
    assert set(document) == {"$schema", "version", "runs"} and document["version"] == "2.1.0"
    (run,) = document["runs"]
    assert set(run) == {"tool", "columnKind", "results"} and run["columnKind"] == "unicodeCodePoints"
    driver = run["tool"]["driver"]
    assert driver["name"] == "st2_pack_lint"
    rules = driver["rules"]
    assert len({rule["id"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["shortDescription"]["text"] and rule["fullDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in LEVELS
    assert len(run["results"]) == len(FINDINGS) + len(IGNORED)
    for result, finding in zip(run["results"], FINDINGS):
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"] == finding.rule
        assert result["level"] in LEVELS and result["message"] == {"text": finding.message}
        ((location,),) = [result["locations"]]
        physical = location["physicalLocation"]
        uri = physical["artifactLocation"]["uri"]
        assert re.fullmatch(r"[A-Za-z0-9._~/%-]+", uri) and not uri.startswith("/")
        assert physical["artifactLocation"]["uriBaseId"] == "%SRCROOT%"
        if finding.line:
            region = physical["region"]
            assert region["startLine"] == finding.line and region.get("startColumn") == finding.column
        else:
            assert "region" not in physical
    assert unquote(run["results"][1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]) == (
        "packs/demo/etc/a b%.yaml"
    )
    assert [result["level"] for result in run["results"][:5]] == ["warning", "warning", "warning", "error", "note"]
    assert [result.get("suppressions") for result in run["results"][4:]] == [
        None,
        [{"kind": "external", "justification": "ours"}],
        [{"kind": "inSource"}],
    ]


@pytest.mark.parametrize("form", [text, plain_json, junit, sarif, github, gitlab])
def test_the_same_findings_are_the_same_bytes(form):
    assert form.render(REPORTS) == form.render(list(REPORTS))
