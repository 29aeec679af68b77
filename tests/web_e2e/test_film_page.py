"""The static page of a film as a browser lays it out: nothing empty, nothing cut off, the film in sight."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.web_e2e.conftest import look

from konio.report import render_page


@pytest.fixture(scope="module")
def film_page(assessor: Any, chest: Any, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of the page of a drawn chest."""
    path: Path = tmp_path_factory.mktemp("film") / "film.html"
    path.write_text(render_page(assessor.examine_image(chest), about=assessor.about), "utf-8")
    return path.as_uri()


def _bottom(page: Page, selector: str) -> float:
    box = page.locator(selector).first.bounding_box()
    assert box is not None
    return box["y"] + box["height"]


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(("width", "height"), [(1400, 900), (1400, 2600), (800, 1100)])
def test_no_column_ends_in_an_empty_dark_area(
    page: Page, film_page: str, width: int, height: int, language: str
) -> None:
    page.set_viewport_size({"width": width, "height": height})
    page.goto(film_page)
    page.locator(f"button[data-language={language}]").click()
    assert _bottom(page, ".light-box") - _bottom(page, ".controls") < 40
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    look(page, f"film-page-{width}-{height}-{language}")


@pytest.mark.slow
def test_the_film_stays_in_sight_beside_its_answers(page: Page, film_page: str) -> None:
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(film_page)
    page.locator(".results > section").nth(1).scroll_into_view_if_needed()
    page.mouse.wheel(0, 500)
    page.wait_for_timeout(300)
    expect(page.locator("#viewer")).to_be_in_viewport(ratio=0.9)
