"""Two readers and an administrator over eight small films: agreement as it is computed from real readings."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image as Picture
from playwright.sync_api import APIRequestContext, Page, expect
from tests.web_e2e import steps
from tests.web_e2e.conftest import Served, look

ZONES = ("ru", "rm", "rl", "lu", "lm", "ll")
#: What each reads on the eight films, the same profusion in all zones.
READ = {
    "reader-a": ("0/0", "0/1", "1/0", "1/1", "1/1", "2/1", "2/2", "3/3"),
    "reader-b": ("0/0", "1/0", "1/0", "1/0", "2/1", "2/2", "2/2", "3/2"),
}


class Person:
    """Somebody who uses the interface without the page."""

    def __init__(self, request: APIRequestContext, url: str, name: str, password: str) -> None:
        self.request, self.url, self.token = request, url, ""
        self.token = self("post", "/api/session", name=name, password=password)["csrf"]

    def __call__(self, method: str, path: str, **body: Any) -> Any:
        headers = {"X-CSRF-Token": self.token} if self.token else {}
        given = {"data": body} if method != "get" else {}
        answer = getattr(self.request, method)(self.url + path, headers=headers, **given)
        assert answer.ok, f"{method} {path}: {answer.status} {answer.text()[:300]}"
        return answer.json() if answer.status != 204 else None

    def change_password(self, given: str, chosen: str) -> None:
        """The first thing everybody does."""
        self.token = self("put", "/api/password", current=given, new=chosen)["csrf"]

    def upload(self, number: int) -> str:
        """A small drawn film; gives its id."""
        headers = {"X-CSRF-Token": self.token, "Content-Type": "application/octet-stream"}
        path = f"{self.url}/api/uploads?name=film-{number}.png"
        answer = self.request.post(path, headers=headers, data=_film(number))
        assert answer.status == 201
        return str(answer.json()["cases"][0]["id"])


def _film(seed: int) -> bytes:
    rows, columns = np.mgrid[:128, :128] / 128
    pixels = np.full((128, 128), 190.0)
    for centre in (0.31, 0.69):
        pixels[((rows - 0.5) / 0.36) ** 2 + ((columns - centre) / 0.15) ** 2 < 1] = 70
    noisy = pixels + np.random.default_rng(seed).normal(0, 5, pixels.shape)
    buffer = io.BytesIO()
    Picture.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("served", ["--workers=0"], indirect=True)
def test_agreement_shows_what_two_readers_have_signed(page: Page, served: Served) -> None:
    request = page.context.request
    admin = Person(request, served.url, "admin", served.password)
    admin.change_password(served.password, steps.ADMIN_PASSWORD)
    made = {
        name: admin(
            "post",
            "/api/accounts",
            name=name,
            display=name.title().replace("-", " "),
            role="reader",
        )
        for name in READ
    }
    cases: list[str] = []
    for name, grades in READ.items():
        reader = Person(request, served.url, name, made[name]["password"])
        reader.change_password(made[name]["password"], steps.READER_PASSWORD)
        if not cases:
            cases = [reader.upload(number) for number in range(len(grades))]
            _assign(Person(request, served.url, "admin", steps.ADMIN_PASSWORD), cases, made)
            reader = Person(request, served.url, name, steps.READER_PASSWORD)
        for case, grade in zip(cases, grades, strict=True):
            reader("post", f"/api/cases/{case}/readings", zones=dict.fromkeys(ZONES, grade))
    page.goto(served.url)
    page.get_by_role("link", name="Agreement").click()
    pair = page.get_by_text("Reader A – Reader B")
    expect(pair).to_be_visible()
    expect(page.get_by_role("table").filter(has_text="No pneumoconiosis").first).to_be_visible()
    look(page, "30-agreement-of-two")
    page.get_by_role("link", name="Work list").click()
    expect(page.locator(".films tbody tr")).to_have_count(8)
    page.get_by_label("My stage", exact=True).select_option("II")
    expect(page.locator(".films tbody tr")).to_have_count(
        4
    )  # 2/1, twice 2/2, and 3/2 without aggregation
    assert "my_stage=II" in page.url
    page.locator(".films a").first.click()
    page.get_by_role("tab", name="Readers").click()
    expect(page.get_by_role("heading", name="Agreement of the readers")).to_be_visible()
    look(page, "31-readers")


def _assign(admin: Person, cases: list[str], made: dict[str, Any]) -> None:
    readers = [account["account"]["id"] for account in made.values()]
    for case in cases:
        admin("put", f"/api/cases/{case}/readers", readers=readers)
