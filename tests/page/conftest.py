# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The browser in which pages are looked at: Chromium without a window, that reaches nothing."""

from __future__ import annotations

import shutil
import typing as t

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run")


@pytest.fixture(scope="session")
def browser() -> t.Iterator[Browser]:
    program = next(filter(None, map(shutil.which, NAMES)), None)
    if program is None:
        pytest.skip(f"there is no browser here: one of {', '.join(NAMES)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


class Opened:
    """Opens pages, and keeps what they said and asked for."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self.said: t.List[str] = []
        self.asked: t.List[str] = []

    def page(self, url: str, width: int = 1280, **context: t.Any) -> Page:
        """Open a page in a context of its own."""
        page = self._browser.new_context(viewport={"width": width, "height": 800}, **context).new_page()
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: (self.said.append(f"dialog {dialog.message}"), dialog.dismiss()))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(url)
        return page


@pytest.fixture
def opened(browser: Browser) -> Opened:
    return Opened(browser)
