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


def _administrators_pages(page: Page, served: Served) -> Iterator[str]:
    """Opens each page and dialog of an administrator; by place and not by words, for both languages."""
    page.goto(f"{served.url}/accounts")
    expect(page.locator("tbody tr")).to_have_count(2)
    yield "accounts"
    page.get_by_test_id("add-account").click()
    dialog = page.get_by_role("dialog")
    expect(dialog.locator("input").first).to_be_visible()
    yield "accounts, adding one"
    dialog.locator("input").first.fill(READER)  # there is one of that name
    dialog.locator("button[type=submit]").click()
    expect(dialog.get_by_role("alert")).to_be_visible()
    yield "accounts, a name that is taken"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    reader = page.get_by_role("row").filter(has_text=READER)
    reader.get_by_role("button").click()
    expect(page.get_by_role("menuitem").first).to_be_visible()
    yield "accounts, what can be done to one"
    page.get_by_role("menuitem").last.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    yield "accounts, deleting one"
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.goto(f"{served.url}/audit")
    expect(page.locator("tbody tr").first).to_be_visible()
    page.get_by_test_id("verify").click()
    expect(page.locator("main").get_by_role("status")).to_be_visible()
    yield "audit"
    page.goto(served.url)
    page.locator(".films a").first.click()
    expect(page.get_by_test_id("film")).to_be_visible()
    page.get_by_role("tab").nth(3).click()
    yield "film, its readers"
    page.goto(f"{served.url}/account")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    yield "account"


def _in(page: Page, url: str, theme: str, language: str) -> None:
    page.goto(url)
    page.evaluate(
        "([theme, language]) => { localStorage.setItem('mantine-color-scheme-value', theme);"
        " localStorage.setItem('konio.language', language) }",
        [theme, language],
    )


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("theme", "language"), [("dark", "en"), ("light", "zh")])
def test_no_page_shuts_anybody_out(
    signed_in: BrowserContext, served: Served, theme: str, language: str
) -> None:
    assert AXE.exists(), "axe-core is missing; run python scripts/build_frontend.py test once"
    page = signed_in.new_page()
    _in(page, served.url, theme, language)
    found = {name: wrong for name in _pages(page, served) if (wrong := _violations(page))}
    page.close()
    assert found == {}


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(("theme", "language"), [("dark", "en"), ("light", "zh")])
def test_no_page_shuts_an_administrator_out(
    context: BrowserContext, served: Served, theme: str, language: str
) -> None:
    assert AXE.exists(), "axe-core is missing; run python scripts/build_frontend.py test once"
    page = context.new_page()
    steps.sign_in(page, served.url, "admin", steps.ADMIN_PASSWORD)
    expect(page.get_by_role("heading", name="Work list")).to_be_visible()
    _in(page, served.url, theme, language)
    seen, found = [], {}
    for name in _administrators_pages(page, served):
        seen.append(name)
        look(page, f"admin-{theme}-{len(seen)}")
        if wrong := _violations(page):
            found[name] = wrong
    assert found == {}
    assert len(seen) == 8


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
