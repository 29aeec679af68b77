"""WCAG AA by axe-core on every page, in both themes and languages; the keyboard alone; a tablet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from tests.web_e2e import steps
from tests.web_e2e.conftest import ROOT, Served, look

AXE = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
READER = "reader-b"


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, served: Served, films: list[Path]) -> Iterator[BrowserContext]:
    """A reader with one film, signed in; the machine may still be at work."""
    context = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.set_default_timeout(60_000)
    page = context.new_page()
    steps.sign_in(page, served.url, "admin", served.password)
    steps.first_password(page, served.password, steps.ADMIN_PASSWORD)
    given = steps.add_reader(page, READER, "Reader B")
    steps.sign_out(page)
    steps.sign_in(page, served.url, READER, given)
    steps.first_password(page, given, steps.READER_PASSWORD)
    steps.upload(page, films[:1])
    page.close()
    yield context
    context.close()


def _violations(page: Page) -> list[Any]:
    page.wait_for_timeout(400)
    page.evaluate(AXE.read_text("utf-8"))
    found = page.evaluate("rules => axe.run({runOnly: {type: 'tag', values: rules}})", RULES)
    return [
        (
            rule["id"],
            [node["html"][:160] + " | " + node["failureSummary"][:220] for node in rule["nodes"]][
                :3
            ],
        )
        for rule in found["violations"]
    ]


def _pages(page: Page, served: Served) -> Iterator[str]:
    """Opens each page of a reader."""
    page.goto(served.url)
    expect(page.locator(".films a").first).to_be_visible()
    yield "work list"
    page.locator(".films a").first.click()
    expect(page.get_by_test_id("film")).to_be_visible()
    yield "film, reading"
    for tab in (1, 2, 3):
        page.get_by_role("tab").nth(tab).click()
        yield f"film, tab {tab}"
    page.get_by_role("tab").first.click()
    page.get_by_test_id("layers").click()
    yield "layers"
    page.goto(f"{served.url}/agreement")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    yield "agreement"
    page.goto(f"{served.url}/account")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    yield "account"


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("theme", "language"), [("dark", "en"), ("light", "zh")])
def test_no_page_shuts_anybody_out(
    signed_in: BrowserContext, served: Served, theme: str, language: str
) -> None:
    assert AXE.exists(), "axe-core is missing; run python scripts/build_frontend.py test once"
    page = signed_in.new_page()
    page.goto(served.url)
    page.evaluate(
        "([theme, language]) => { localStorage.setItem('mantine-color-scheme-value', theme);"
        " localStorage.setItem('konio.language', language) }",
        [theme, language],
    )
    found = {name: wrong for name in _pages(page, served) if (wrong := _violations(page))}
    page.close()
    assert found == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_keyboard_is_enough(signed_in: BrowserContext, served: Served) -> None:
    page = signed_in.new_page()
    page.goto(served.url)
    page.evaluate("localStorage.setItem('konio.language', 'en')")
    page.reload()
    expect(page.locator(".films a").first).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.locator(".films a").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("film")).to_be_visible()
    readout = page.locator(".film-readout")
    before = readout.inner_text()
    page.keyboard.press("Shift+ArrowLeft")
    expect(readout).not_to_have_text(before)
    page.locator("select[name=zone-ru]").focus()
    page.keyboard.type("1/0")
    expect(page.locator("select[name=zone-ru]")).to_have_value("1/0")
    # Letters typed into the form are text and not tools of the viewer.
    page.get_by_label("Remarks").focus()
    page.keyboard.type("irregular")
    expect(page.get_by_label("Remarks")).to_have_value("irregular")
    expect(page.get_by_role("button", name="Invert black and white")).to_have_attribute(
        "aria-pressed", "false"
    )
    page.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("width", "height"), [(1024, 768), (800, 1180)])
def test_a_tablet_is_large_enough(
    signed_in: BrowserContext, served: Served, width: int, height: int
) -> None:
    page = signed_in.new_page()
    page.set_viewport_size({"width": width, "height": height})
    page.goto(served.url)
    expect(page.locator(".films a").first).to_be_visible()
    look(page, f"tablet-{width}-work-list")
    page.locator(".films a").first.click()
    expect(page.get_by_test_id("film")).to_be_visible()
    look(page, f"tablet-{width}-film")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    pane = page.locator(".film-pane").bounding_box()
    assert pane is not None
    assert pane["width"] > 400
    assert pane["height"] > 280
    page.close()
