"""WCAG AA by axe-core on every page, in both themes and languages; the keyboard alone; a tablet."""

from __future__ import annotations

import re
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


Place = tuple[float, float]


class Fingers:
    """Up to two fingers on the glass, as Chromium hears of them.

    Args:
        page: what they touch.
    """

    def __init__(self, page: Page) -> None:
        self._wire = page.context.new_cdp_session(page)

    def down(self, *points: Place) -> None:
        """They touch the glass; those that touched it already are named again."""
        self._say("touchStart", points)

    def move(self, *paths: tuple[Place, Place]) -> None:
        """From the first to the second point of each path."""
        for step in range(11):
            points = [
                tuple(a + (b - a) * step / 10 for a, b in zip(*path, strict=True)) for path in paths
            ]
            self._say("touchMove", points)

    def up(self) -> None:
        """All are lifted."""
        self._say("touchEnd", ())

    def _say(self, kind: str, points: Any) -> None:
        touched = [{"x": at[0], "y": at[1], "id": n} for n, at in enumerate(points)]
        self._wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touched})


def _ruler(page: Page) -> list[float]:
    """Both ends of the ruler on the screen."""
    page.wait_for_timeout(200)
    ends: list[float] = page.locator("line.ruler").first.evaluate(
        "line => ['1', '2'].flatMap((n) => {"
        " const at = new DOMPoint(line['x' + n].baseVal.value, line['y' + n].baseVal.value);"
        " const { x, y } = at.matrixTransform(line.getScreenCTM()); return [x, y] })"
    )
    return ends


def _readout(page: Page) -> dict[str, int]:
    """Window, centre and zoom as the viewer says them."""
    numbers = [int(n) for n in re.findall(r"\d+", page.locator(".film-readout").inner_text())]
    return dict(zip(("width", "center", "zoom"), numbers[:3], strict=True))


@pytest.fixture
def tablet(
    chromium: Browser, served: Served, signed_in: BrowserContext, request: pytest.FixtureRequest
) -> Iterator[Page]:
    """A film on a tablet with a glass to touch, for the reader who is signed in."""
    width, height = request.param
    kept = signed_in.storage_state()
    touched = chromium.new_context(
        viewport={"width": width, "height": height}, locale="en-GB", has_touch=True, is_mobile=True,
        storage_state=kept,
    )  # fmt: skip
    touched.set_default_timeout(60_000)
    page = touched.new_page()
    page.goto(served.url)
    page.evaluate("localStorage.setItem('konio.language', 'en')")
    page.reload()
    page.locator(".films a").first.tap()
    expect(page.locator("[data-testid=film][data-whole=true]")).to_be_visible()
    yield page
    touched.close()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("tablet", [(1024, 768), (800, 1180)], indirect=True)
def test_two_fingers_zoom_where_they_are(tablet: Page) -> None:
    page, fingers = tablet, Fingers(tablet)
    pane, width = page.locator(".film-pane").bounding_box(), page.evaluate("innerWidth")
    assert pane is not None
    x, y = pane["x"] + 0.4 * pane["width"], pane["y"] + 0.45 * pane["height"]

    # A ruler of one finger, that begins where two fingers will meet.
    page.get_by_role("button", name="Ruler in").tap()
    fingers.down((x, y))
    fingers.move(((x, y), (x + 60, y)))
    fingers.up()
    expect(page.get_by_test_id("ruler-length")).to_have_count(1)
    before, seen = _ruler(page), _readout(page)
    assert before == pytest.approx([x, y, x + 60, y], abs=1)

    left, right = (x - 30, y), (x + 30, y)
    fingers.down(left)
    fingers.down(left, right)
    fingers.move((left, (x - 75, y)), (right, (x + 75, y)))
    after = _ruler(page)
    assert _readout(page)["zoom"] == pytest.approx(2.5 * seen["zoom"], rel=0.03)
    assert after == pytest.approx([x, y, x + 150, y], abs=2)  # what lay between them still does
    look(page, f"tablet-{width}-pinched")

    # Moved together, they move the film, and no ruler comes of it.
    left, right = (x - 75, y), (x + 75, y)
    fingers.move((left, (x - 45, y + 40)), (right, (x + 105, y + 40)))
    fingers.up()
    assert _ruler(page) == pytest.approx([x + 30, y + 40, x + 180, y + 40], abs=2)
    expect(page.get_by_test_id("ruler-length")).to_have_count(1)

    # One that stays on the glass when the other is lifted changes neither window nor place. (Chromium lifts
    # fingers only together when it is told to, so that the one that stays is a mouse.)
    page.get_by_role("button", name="Window: drag").tap()
    apart, kept = _readout(page), _ruler(page)
    page.mouse.move(x + 40, y)
    page.mouse.down()
    fingers.down((x - 40, y))
    fingers.move(((x - 40, y), (x - 20, y)))
    page.wait_for_timeout(200)
    both, placed = _readout(page), _ruler(page)
    assert (both["width"], both["center"]) == (apart["width"], apart["center"])
    assert both["zoom"] < 0.9 * apart["zoom"]
    assert placed != pytest.approx(kept, abs=2)
    fingers.up()
    page.mouse.move(x + 140, y + 90, steps=10)
    page.mouse.up()
    page.wait_for_timeout(200)
    assert _readout(page) == both
    assert _ruler(page) == pytest.approx(placed, abs=0.01)

    # Afterwards one finger changes the window as before.
    fingers.down((x, y))
    fingers.move(((x, y), (x - 90, y - 60)))
    fingers.up()
    page.wait_for_timeout(200)
    changed = _readout(page)
    assert changed["width"] < both["width"] - 5
    assert changed["center"] > both["center"] + 2

    # The page itself has neither grown nor moved.
    assert page.evaluate("[visualViewport.scale, scrollX, scrollY]") == [1, 0, 0]


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_scripts_in_names_are_shown_and_not_run(
    signed_in: BrowserContext, served: Served, films: list[Path]
) -> None:
    """As the last of this file: it adds a film to the list."""
    script = "<img src=x onerror=alert(1)>"
    page = signed_in.new_page()
    ran: list[str] = []
    page.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    page.goto(served.url)
    page.evaluate("localStorage.setItem('konio.language', 'en')")
    page.reload()
    content = films[1].read_bytes()
    film = {"name": f"{script}.dcm", "mimeType": "application/dicom", "buffer": content}
    page.locator("input[type=file]").set_input_files([film])  # type: ignore[list-item]
    expect(page.get_by_text("1 of 1 uploaded")).to_be_visible()
    steps.open_film(page, f"{script}.dcm")
    page.get_by_role("tab", name="Film").click()
    page.get_by_role("button", name="Correct the person or date").click()
    page.get_by_label("Number").fill(f"{script}<script>alert(2)</script>")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name=script).first).to_be_visible()
    page.get_by_role("tab", name="My reading").click()
    page.get_by_role("button", name="Set the rest to 0/0").click()
    page.get_by_label("Remarks").fill(script)
    steps.sign(page)
    with signed_in.expect_page() as opened:
        page.get_by_test_id("report").click()
        page.get_by_test_id("report-en").click()
    report = opened.value
    report.on("dialog", lambda dialog: (ran.append(dialog.message), dialog.dismiss()))
    expect(report.get_by_text(script).first).to_be_visible()
    assert report.locator("img[src=x]").count() == 0
    report.close()
    page.get_by_role("link", name="Work list").click()
    expect(page.get_by_text(script).first).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    look(page, "script-in-a-name")
    page.close()
    assert ran == []
