# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The directory page in a browser: read, searched, filtered, copied from, and with packs that mean harm."""

from __future__ import annotations

import json
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
from infrastructure.real_data import MISSING, REPOSITORY, real_data
from page.directory import ordinary, pack, write
from page.npm import tool

SHOTS = REPOSITORY / "tests" / "output" / "page"
POLICY = "Content Security Policy"
MARKUP = "\"'><script>alert(1)</script>\u202e<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("below") / "some path" / "index", *ordinary())


@pytest.fixture
def url(site: Path) -> str:
    return (site / "index.html").as_uri()


@pytest.fixture
def sensu(site: Path) -> str:
    return (site / "packs/sensu/index.html").as_uri()


def shown(page: t.Any) -> t.List[str]:
    """The packs that can be seen."""
    return [one.get_attribute("data-ref") for one in page.locator(".pack:visible").all()]


def search(page: t.Any, text: str) -> None:
    page.wait_for_function("() => document.documentElement.dataset.ready === 'yes'")
    page.locator("#q").fill(text)


def test_without_script_everything_is_there(opened: t.Any, site: Path, url: str) -> None:
    page = opened.page(url, java_script_enabled=False)
    assert shown(page) == ["core_lib", "kubernetes", "sensu"]
    assert not page.locator("form, .facets, .status, #actions").filter(visible=True).count()
    page.get_by_role("link", name="sensu", exact=True).click()
    assert page.locator("h1").inner_text() == "sensu 1.0.2"
    page.get_by_text("event_resolve", exact=True).click()
    rows = page.locator("details[open] tbody tr")
    assert [row.inner_text().split() for row in rows.all()] == [
        ["host", "required", "string", "Name", "of", "the", "host"],
        ["level", "string", "One", "of:", "ok,", "critical."],
        ["password", "secret", "string"],
        ["port", "integer", "4567", "Port", "of", "the", "API"],
    ]
    assert "hunter2" not in page.content()
    assert "SensuSensor starts after installation" in page.locator("main").inner_text()
    page.get_by_role("link", name="core_lib").click()
    assert page.locator(".facts").inner_text().splitlines()[-1] != "" and "sensu" in page.locator(".facts").inner_text()
    page.get_by_role("link", name="All packs").click()
    assert page.url == url
    assert all(asked.startswith(site.as_uri()) for asked in opened.asked) and opened.said == []


def test_words_find_packs_and_actions(opened: t.Any, url: str) -> None:
    page = opened.page(url)
    search(page, "sensuu")
    assert shown(page) == ["sensu"], "a typing error is none"
    page.keyboard.press("Escape")
    assert len(shown(page)) == 3 and page.locator(".status").inner_text() == "3 packs"
    search(page, "pod")
    page.wait_for_selector("#actions:not([hidden])")
    assert page.locator("#actions a").all_inner_texts() == ["kubernetes.createPod", "kubernetes.deletePod"]
    assert page.url.endswith("?q=pod")
    page.keyboard.press("Escape")
    search(page, "sensu clusters")
    assert "No pack has all of these words; these have some of them." in page.locator(".status").inner_text()
    assert sorted(shown(page)) == ["kubernetes", "sensu"]
    page.keyboard.press("Escape")
    search(page, "event_resolve")
    page.locator("#actions a").click()
    assert page.locator("details[open] summary .name").inner_text() == "event_resolve"
    assert opened.said == []


def test_facets_have_counts_and_are_in_the_address(opened: t.Any, url: str) -> None:
    page = opened.page(url)
    boxes = page.locator("#keywords label")
    assert [one.split() for one in boxes.all_inner_texts()] == [
        ["monitoring", "2"],
        ["alerting", "1"],
        ["containers", "1"],
    ]
    page.get_by_label("monitoring").check()
    assert sorted(shown(page)) == ["kubernetes", "sensu"] and page.url.endswith("?k=monitoring")
    assert page.locator("#kinds label", has_text="sensors").inner_text().split() == ["sensors", "1"]
    page.get_by_label("sensors").check()
    assert shown(page) == ["sensu"] and page.url.endswith("?kind=sensors&k=monitoring")
    again = opened.page(page.url)
    assert shown(again) == ["sensu"]
    again.get_by_role("link", name="alerting").click()
    assert again.get_by_label("alerting").is_checked()
    assert opened.said == []


def test_the_keyboard_is_enough(opened: t.Any, url: str) -> None:
    page = opened.page(url)
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "q"
    page.keyboard.type("kubernetes")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.get_by_role("checkbox", name="actions").is_checked()
    page.get_by_role("link", name="kubernetes").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/packs/kubernetes/index.html")
    page.go_back()
    assert page.locator("#q").input_value() == "kubernetes"


def test_what_is_copied_is_what_is_shown(opened: t.Any, sensu: str) -> None:
    page = opened.page(sensu, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy: On a StackStorm host").click()
    page.get_by_text("Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "st2 pack install sensu=1.0.2\n"
    page.get_by_role("button", name="Copy: Example of sensu.yaml").click()
    assert "host: null" in page.evaluate("navigator.clipboard.readText()")
    page.keyboard.press("/")
    page.keyboard.type("stash")
    assert page.locator("#actions > li:visible").count() == 3
    assert page.locator(".status").inner_text() == "3 of 9 actions"
    assert opened.said == []


def test_packs_that_mean_harm_are_shown_as_they_are(opened: t.Any, tmp_path: Path) -> None:
    action = {"name": MARKUP, "description": MARKUP, "parameters": {MARKUP: {"description": MARKUP, "default": MARKUP}}}
    more = dict.fromkeys(("name", "version", "description", "author", "repo_url"), MARKUP)
    lists = {key: [MARKUP, "constructor"] for key in ("keywords", "versions", "dependencies")}
    schema = {MARKUP: {"type": "string", "default": MARKUP, "description": MARKUP}}
    packs = [pack(ref, actions=[action], schema=schema, **more, **lists) for ref in ("__proto__", "constructor")]
    page = opened.page((write(tmp_path, *packs) / "index.html").as_uri())
    shown_markup = MARKUP.replace("\u202e", "\\u202e")
    assert page.locator(".description").all_inner_texts() == [shown_markup] * 2
    search(page, "__proto__")
    assert shown(page) == ["__proto__"]
    page.wait_for_selector("#actions:not([hidden])")
    assert page.locator("#actions a").all_inner_texts() == [f"__proto__.{shown_markup}"]
    page.get_by_label("constructor").check()
    assert page.url.endswith("?q=__proto__&k=constructor")
    page.get_by_label(shown_markup).check()
    assert shown(opened.page(page.url)) == ["__proto__"]
    page.locator("#actions a").click()
    assert page.locator("details[open] tbody th").inner_text() == shown_markup
    assert page.locator("#copy-st2").inner_text() == "st2 pack install __proto__\n"
    assert shown_markup in page.locator(".facts").inner_text() and page.locator(".facts a").all_inner_texts() == [
        "constructor"
    ]
    assert page.locator("main script, main img, [onerror]").count() == 0
    assert opened.said == [] and all(asked.startswith(tmp_path.as_uri()) for asked in opened.asked)


def test_the_real_exchange(opened: t.Any, tmp_path: Path) -> None:
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    entries = json.loads((data / "exchange" / "index.json").read_text(encoding="utf-8"))["packs"]
    listed = [entry.get("content", {}).get("actions", {}).get("resources", []) for entry in entries.values()]
    names = sum(len(set(resources)) for resources in listed)
    page = opened.page(
        (write(tmp_path, *(({"ref": ref, **entry}, None) for ref, entry in entries.items())) / "index.html").as_uri()
    )
    assert len(shown(page)) == len(entries) == 169
    assert page.locator(".lead").inner_text() == f"169 packs with {names:,} actions"
    search(page, "kubernets")
    assert shown(page)[0] == "kubernetes"
    search(page, "ec2 run instances")
    page.wait_for_selector("#actions:not([hidden])")
    assert "aws.ec2_run_instances" in page.locator("#actions a").all_inner_texts()
    search(page, "")
    page.get_by_label("Find a keyword").fill("syslog")
    page.get_by_role("checkbox", name="syslog").first.check()
    assert 0 < len(shown(page)) < 9
    assert opened.said == []


def test_nothing_else_is_allowed(opened: t.Any, url: str) -> None:
    page = opened.page(url)
    page.evaluate(
        "const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.body.append(s)"
    )
    assert page.evaluate("window.ran") is None
    page.evaluate("const i = document.createElement('img'); i.src = 'http://127.0.0.1:9/'; document.body.append(i)")
    page.wait_for_function("() => document.images[document.images.length - 1].complete")
    assert len([line for line in opened.said if POLICY in line]) == 2


def test_it_prints_what_is_read(opened: t.Any, url: str, sensu: str) -> None:
    page = opened.page(url)
    page.emulate_media(media="print")
    assert not page.locator("form, .facets").filter(visible=True).count() and len(shown(page)) == 3
    page = opened.page(sensu)
    page.pdf()
    assert page.locator("details[open]").count() == 0, "as it was before"


def test_nothing_moves_for_those_who_want_that(opened: t.Any, sensu: str) -> None:
    behavior = "getComputedStyle(document.documentElement).scrollBehavior"
    assert opened.page(sensu, reduced_motion="reduce").evaluate(behavior) == "auto"
    assert opened.page(sensu).evaluate(behavior) == "smooth"


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_fits_and_everybody_can_use_it(opened: t.Any, url: str, sensu: str, width: int, scheme: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    for name, address in (("list", f"{url}?q=sensu"), ("pack", f"{sensu}#action-client_delete")):
        page = opened.page(address, width=width, color_scheme=scheme)
        page.wait_for_load_state()
        assert page.evaluate("document.documentElement.scrollWidth") == width
        page.screenshot(path=SHOTS / f"directory-{name}-{width}-{scheme}.png")
        if (width == 360) != (scheme == "light"):
            continue  # Both widths and both schemes are looked at once.
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true; })")
        page.evaluate(tool("axe-core/axe.min.js").read_text(encoding="utf-8"))
        found = page.evaluate("axe.run().then(result => result.violations)")
        serious = [one for one in found if one["impact"] in ("serious", "critical")]
        assert [(one["id"], node["html"]) for one in serious for node in one["nodes"]] == []


def test_its_html_is_valid(site: Path, tmp_path: Path) -> None:
    program = tool("html-validate/bin/html-validate.mjs")
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node here")
    rules = tmp_path / "rules.json"
    # The form has no button, as it filters while somebody types.
    rules.write_text(
        '{"root": true, "extends": ["html-validate:standard", "html-validate:a11y"], "rules": {"wcag/h32": "off"}}'
    )
    pages = [site / "index.html", *site.glob("packs/*/index.html")]
    command = [node, str(program), "--config", str(rules), *map(str, pages)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
