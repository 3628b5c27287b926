# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report as a page in a browser: read, filtered, printed, and with names that mean harm."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from infrastructure.fleets import FAILED, UNREACHABLE, fleet, host, pack
from infrastructure.real_data import REPOSITORY

from ansible_collections.stackstorm.st2.plugins.plugin_utils._report.document import report_document
from ansible_collections.stackstorm.st2.plugins.plugin_utils._report.page import report_page

SHOTS = REPOSITORY / "tests" / "output" / "page"
HOSTILE = "<script>alert(1)</script>\u202eevil"


def write(place: Path, results: t.Mapping[str, t.Any]) -> str:
    """Write the page, and return its address."""
    path = place / "report.html"
    path.write_text(report_page(report_document(results, "2026-11-30 10:00 UTC")), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def url(tmp_path: Path) -> str:
    results = fleet(50)
    results["st2-04"] = host(pack("sensu", version="1.0.1"), *map(pack, ("napalm", "jira", "aws")))
    results["st2-09"]["packs"]["packs"][1]["edits"] = ["edited actions/check.py"]
    results.update({"st2-07": UNREACHABLE, "st2-08": FAILED})
    return write(tmp_path, results)


def shown(page: t.Any) -> t.List[str]:
    """The hosts that can be seen."""
    return [row.locator("th").inner_text().split("\n")[0].split()[0] for row in page.locator("tbody tr:visible").all()]


def test_differences_come_first_and_the_rest_on_demand(opened: t.Any, url: str) -> None:
    page = opened.page(url)
    assert page.locator(".answer").inner_text().startswith("46 hosts equal; 2 differ: st2-04, st2-09; 1 failed: st2-08")
    assert shown(page) == ["st2-07", "st2-08", "st2-04", "st2-09"]
    assert page.locator("thead th:visible").all_inner_texts() == ["Host", "napalm", "sensu"]
    assert page.locator("output").inner_text() == "4 of 50 hosts"
    page.get_by_label("Only differences").uncheck()
    assert len(shown(page)) == 50 and page.locator("thead th:visible").count() == 5
    assert opened.said == [] and opened.asked == [url]


def test_the_keyboard_is_enough(opened: t.Any, url: str) -> None:
    page = opened.page(url)
    page.keyboard.press("/")
    page.keyboard.type("st2-09")
    assert shown(page) == ["st2-09"]
    page.keyboard.press("Escape")
    assert len(shown(page)) == 4
    page.keyboard.type("sensu")
    assert page.locator("thead th:visible").all_inner_texts() == ["Host", "sensu"]
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert len(shown(page)) == 50
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('role')") == "region"


def test_without_script_everything_is_there(opened: t.Any, url: str) -> None:
    page = opened.page(url, java_script_enabled=False)
    assert len(shown(page)) == 50 and not page.locator("form").is_visible()
    assert "! edited actions/check.py" in page.locator("tbody").inner_text()


def test_names_that_mean_harm_are_shown_as_they_are(opened: t.Any, tmp_path: Path) -> None:
    markup = '"><img src=x onerror=alert(1)>'
    results = {
        HOSTILE: host(pack("__proto__"), pack("sensu", version=markup, edits=["edited </script><script>alert(1)//"])),
        "constructor": host(pack("__proto__")),
        "javascript:alert(1)": {"packs": {"failed": True, "msg": f"{markup}{{{{ 7 * 7 }}}}"}},
    }
    page = opened.page(write(tmp_path, results))
    page.get_by_label("Only differences").uncheck()
    text = page.locator("main").inner_text()
    assert "<script>alert(1)</script>\\u202eevil" in text and "\u202e" not in page.content()
    assert markup in text and "{{ 7 * 7 }}" in text and "__proto__" in text
    assert page.locator("main script, main img, main a").count() == 0
    page.keyboard.press("/")
    page.keyboard.type("__proto__")
    assert page.locator("thead th:visible").all_inner_texts() == ["Host", "__proto__"]
    assert opened.said == [] and len(opened.asked) == 1


def test_nothing_else_is_allowed(opened: t.Any, url: str) -> None:
    page = opened.page(url)
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    assert page.evaluate("window.ran") is None
    page.evaluate("const i = document.createElement('img'); i.src = 'http://127.0.0.1:9/'; document.body.append(i)")
    page.wait_for_function("() => document.images[0].complete")
    assert len([line for line in opened.said if "Content Security Policy" in line]) == 2


def test_it_prints_all_of_the_table(opened: t.Any, url: str) -> None:
    page = opened.page(url)
    page.emulate_media(media="print")
    assert not page.locator("form").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.matrix')).overflow") == "visible"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits(opened: t.Any, url: str, width: int, scheme: str) -> None:
    page = opened.page(url, width=width, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"report-{width}-{scheme}.png")
