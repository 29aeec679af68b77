"""A whole morning: first start, accounts, three films, a blind-first reading, the machine's answer, the report, Chinese."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from tests.web_e2e import steps
from tests.web_e2e.conftest import Served, look


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_from_first_start_to_a_signed_report(
    page: Page, context: BrowserContext, served: Served, films: list[Path]
) -> None:
    given = _first_start(page, served)
    _first_sign_in_of_the_reader(page, served, given)
    _upload(page, films)
    _look_at_a_film(page)
    _read_blind_first(page)
    _see_the_machine(page)
    _report(page, context)
    _other_pages(page)
    _chinese(page)
    _administrator(page, served)


def _first_start(page: Page, served: Served) -> str:
    page.goto(served.url)
    expect(page.get_by_text(steps.NOTICE)).to_be_visible()
    look(page, "01-sign-in")
    page.get_by_label("Name").fill("admin")
    page.get_by_label("Password", exact=True).fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    look(page, "02-sign-in-failed")
    page.get_by_label("Password", exact=True).fill(served.password)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Choose your own password")).to_be_visible()
    look(page, "03-first-password")
    steps.first_password(page, served.password, steps.ADMIN_PASSWORD)
    given = steps.add_reader(page, "reader-a", "Reader A")
    look(page, "04-accounts")
    steps.sign_out(page)
    return given


def _first_sign_in_of_the_reader(page: Page, served: Served, given: str) -> None:
    steps.sign_in(page, served.url, "reader-a", given)
    steps.first_password(page, given, steps.READER_PASSWORD)
    look(page, "05-work-list-empty")


def _upload(page: Page, films: list[Path]) -> None:
    steps.upload(page, films)
    look(page, "06-uploaded")
    expect(page.get_by_role("row").filter(has=page.get_by_role("link", name="Open"))).to_have_count(
        3
    )
    # The server tells of each job by itself: nothing is loaded again here.
    expect(page.locator(".films").get_by_text("assessed", exact=True)).to_have_count(
        3, timeout=400_000
    )
    expect(page.locator(".films").get_by_text("hidden until you have signed")).to_have_count(3)
    look(page, "07-work-list")


def _look_at_a_film(page: Page) -> None:
    steps.open_film(page, "000001.dcm")
    look(page, "08-film")
    pane = page.locator(".film-pane").bounding_box()
    assert pane is not None
    middle = (pane["x"] + pane["width"] / 2, pane["y"] + pane["height"] / 2)
    readout = page.locator(".film-readout")
    before = readout.inner_text()
    _drag(page, middle, (middle[0] - 150, middle[1] - 60))
    assert readout.inner_text() != before
    page.keyboard.press("s")
    expect(readout).to_have_text(before)
    page.keyboard.press("i")
    expect(page.get_by_role("button", name="Invert black and white")).to_have_attribute(
        "aria-pressed", "true"
    )
    look(page, "09-inverted")
    page.keyboard.press("i")
    page.mouse.move(*middle)
    page.mouse.wheel(0, -600)
    page.keyboard.press("r")
    _drag(page, (middle[0] - 80, middle[1] + 40), (middle[0] + 70, middle[1] + 40))
    _drag(page, (middle[0] - 20, middle[1] - 20), (middle[0] - 20, middle[1] + 60))
    expect(page.get_by_test_id("ruler-length")).to_have_count(2)
    expect(page.get_by_test_id("ruler-length").first).to_contain_text("mm")
    page.keyboard.press("m")
    page.mouse.move(middle[0] + 120, middle[1] - 60)
    expect(page.get_by_test_id("lens")).to_be_visible()
    look(page, "10-ruler-and-magnifier")
    page.keyboard.press("0")
    page.keyboard.press("o")
    page.keyboard.press("l")
    page.keyboard.press("w")
    expect(page.locator(".outline-zone").first).to_be_visible()
    look(page, "11-zones")


def _drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def _read_blind_first(page: Page) -> None:
    page.get_by_role("tab", name="Machine").click()
    expect(page.get_by_test_id("machine-closed")).to_be_visible()
    look(page, "12-machine-closed")
    page.get_by_role("tab", name="My reading").click()
    expect(page.get_by_test_id("sign")).to_be_disabled()
    steps.grade(page, ru="2/2", lu="2/1", rm="2/2", lm="1/2", rl="1/1")
    page.get_by_role("button", name="Set the rest to 0/0").click()
    expect(page.get_by_test_id("stage")).to_contain_text("5.2a")
    page.get_by_label("Predominant").select_option("q")
    page.get_by_role("button", name="From the ruler").click()
    expect(page.get_by_label("Long, mm")).not_to_have_value("")
    expect(page.get_by_test_id("stage")).to_contain_text("5.3a")
    page.get_by_role("button", name="Remove large opacity 1").click()
    page.get_by_label("Quality of the film").select_option("1")
    page.get_by_label("Remarks").fill("Rounded opacities, mostly upper and middle zones.")
    expect(page.get_by_test_id("stage")).to_contain_text("5.2a")
    expect(page.get_by_text("draft kept")).to_be_visible()
    look(page, "13-reading")
    page.reload()
    expect(page.locator("select[name=zone-ru]")).to_have_value("2/2")
    page.get_by_test_id("sign").click()
    look(page, "14-sign")
    page.get_by_test_id("sign-do").click()


def _see_the_machine(page: Page) -> None:
    expect(page.get_by_test_id("machine")).to_be_visible()
    look(page, "15-machine")
    page.get_by_role("button", name="Show the heat map of").first.click()
    expect(page.get_by_test_id("heat")).to_be_visible()
    page.get_by_test_id("layers").click()
    page.get_by_role("checkbox", name="Boxes of evidence").check()
    page.get_by_role("slider", name="Opacity").press("ArrowLeft")
    look(page, "16-heat-map")
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="My reading").click()
    expect(page.get_by_text("before the machine’s answer was seen")).to_be_visible()
    look(page, "17-signed")
    page.get_by_role("button", name="Write a new version").click()
    page.get_by_label("Reason for the new version").fill("Left lower zone looked at again.")
    steps.grade(page, ll="0/1")
    steps.sign(page)
    page.get_by_role("tab", name="My reading").click()
    expect(page.get_by_text("Version 2, signed")).to_be_visible()
    expect(page.get_by_text("after the machine’s answer was seen")).to_be_visible()
    look(page, "18-second-version")


def _report(page: Page, context: BrowserContext) -> None:
    page.get_by_test_id("report").click()
    with context.expect_page() as opened:
        page.get_by_test_id("report-en").click()
    report = opened.value
    report.wait_for_load_state()
    expect(report.get_by_text("not for diagnosis").first).to_be_visible()
    expect(report.get_by_text("Reader A").first).to_be_visible()
    look(report, "19-report")
    report.close()


def _other_pages(page: Page) -> None:
    page.get_by_role("tab", name="Film").click()
    look(page, "20-film-facts")
    page.get_by_role("button", name="Correct the person or date").click()
    page.get_by_label("Number").fill("P-1")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("cell", name="P-1")).to_be_visible()
    page.get_by_role("link", name="Work list").click()
    steps.open_film(page, "000002.dcm")
    page.get_by_role("tab", name="Film").click()
    page.get_by_role("button", name="Correct the person or date").click()
    page.get_by_label("Number").fill("P-1")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Beside an earlier film").click()
    page.get_by_role("menuitem").first.click()
    expect(page.get_by_test_id("film")).to_have_count(2)
    page.get_by_role("button", name="Zoom in").click()
    look(page, "21-side-by-side")
    page.get_by_role("link", name="Agreement").click()
    expect(page.get_by_role("heading", name="Agreement of the readers")).to_be_visible()
    expect(page.get_by_text("Adjudication")).to_be_visible()
    look(page, "22-agreement")
    page.get_by_test_id("account-menu").click()
    page.get_by_role("menuitem", name="My account").click()
    page.get_by_role("button", name="Set up one-time codes").click()
    expect(page.get_by_alt_text("QR code with the key")).to_be_visible()
    look(page, "23-my-account")


def _chinese(page: Page) -> None:
    page.get_by_role("link", name="Work list").click()
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="工作列表")).to_be_visible()
    expect(page.get_by_text("研究软件，不用于诊断。结果须由医师审阅。")).to_be_visible()
    look(page, "24-work-list-zh")
    page.get_by_role("link", name="000001.dcm").click()
    page.get_by_role("tab", name="机器").click()
    expect(page.get_by_test_id("machine")).to_be_visible()
    page.get_by_role("button", name="显示热图").first.click()
    look(page, "25-machine-zh")
    page.get_by_role("tab", name="本人判读").click()
    look(page, "26-reading-zh")
    page.get_by_role("button", name="English").click()
    steps.sign_out(page)
    look(page, "27-signed-out")


def _administrator(page: Page, served: Served) -> None:
    steps.sign_in(page, served.url, "admin", steps.ADMIN_PASSWORD)
    page.get_by_role("link", name="Audit").click()
    page.get_by_test_id("verify").click()
    expect(page.get_by_text("The chain is intact")).to_be_visible()
    signed = page.get_by_role("row").filter(has_text="reading.signed")
    expect(signed).to_have_count(2)
    look(page, "28-audit")
    _signed_before_shown(page)
    steps.sign_out(page)


def _signed_before_shown(page: Page) -> None:
    """The log proves the order: the first signature stands before the first look at the machine's answer."""
    actions = page.locator("tbody tr td:nth-child(4)").all_inner_texts()  # newest first
    shown = len(actions) - 1 - actions[::-1].index("machine.shown")
    signed = len(actions) - 1 - actions[::-1].index("reading.signed")
    assert signed > shown
