"""One-time codes from setting them up to a lost telephone, in the real page, with codes reckoned here by RFC 6238."""

from __future__ import annotations

import base64
import hmac
import struct
import time

import pytest
from playwright.sync_api import Page, expect
from tests.web_e2e import steps
from tests.web_e2e.conftest import Served, look

STEP = 30


class Telephone:
    """An authenticator of its own: HMAC-SHA-1, six figures, thirty seconds.

    Args:
        key: as the page shows it, base32.
    """

    def __init__(self, key: str) -> None:
        self.key = base64.b32decode(key)
        self.last = 0

    def code(self, step: int) -> str:
        mac = hmac.digest(self.key, struct.pack(">Q", step), "sha1")
        start = mac[-1] & 15
        number = int.from_bytes(mac[start : start + 4], "big") & 0x7FFFFFFF
        return f"{number % 10**6:06d}"

    def fresh(self) -> str:
        """A code that has not been used; at most one step ahead of the clock, as a telephone's clock may be."""
        while self.last >= int(time.time() / STEP) + 1:
            time.sleep(0.5)
        self.last = max(self.last + 1, int(time.time() / STEP))
        return self.code(self.last)

    def wrong(self) -> str:
        """A code of none of the steps around now."""
        now = int(time.time() / STEP)
        right = {self.code(step) for step in range(now - 3, now + 4)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


def test_the_telephone_reckons_as_the_standard_says() -> None:
    """RFC 6238, appendix B, the last six of its eight figures."""
    telephone = Telephone(base64.b32encode(b"12345678901234567890").decode())
    found = [telephone.code(seconds // STEP) for seconds in (59, 1111111109, 20000000000)]
    assert found == ["287082", "081804", "353130"]


def _sign_in(page: Page, served: Served, code: str | None) -> None:
    page.goto(served.url)
    page.get_by_label("Name").fill("reader-c")
    page.get_by_label("Password", exact=True).fill(steps.READER_PASSWORD)
    if code is not None:
        page.get_by_label("I use one-time codes").check()
        page.get_by_role("textbox", name="One-time code").fill(code)
    page.get_by_role("button", name="Sign in").click()


def _refused(page: Page) -> str:
    alert = page.get_by_role("alert")
    expect(alert).to_be_visible()
    return alert.inner_text()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("served", ["--workers=0"], indirect=True)
def test_one_time_codes_from_the_first_to_a_lost_telephone(page: Page, served: Served) -> None:
    steps.sign_in(page, served.url, "admin", served.password)
    steps.first_password(page, served.password, steps.ADMIN_PASSWORD)
    given = steps.add_reader(page, "reader-c", "Reader C")
    steps.sign_out(page)
    steps.sign_in(page, served.url, "reader-c", given)
    steps.first_password(page, given, steps.READER_PASSWORD)

    telephone = _set_up(page)
    steps.sign_out(page)

    _sign_in(page, served, None)
    without = _refused(page)
    _sign_in(page, served, telephone.wrong())
    assert _refused(page) == without  # nothing tells which part was wrong
    look(page, "40-one-time-code-refused")
    used = telephone.fresh()
    _sign_in(page, served, used)
    expect(page.get_by_role("heading", name="Work list")).to_be_visible()
    steps.sign_out(page)
    _sign_in(page, served, used)
    assert _refused(page) == without  # each code counts once
    _lose(page, served)

    _sign_in(page, served, None)
    expect(page.get_by_role("heading", name="Work list")).to_be_visible()


def _set_up(page: Page) -> Telephone:
    """Switches codes on; a wrong first code leaves them off."""
    page.get_by_test_id("account-menu").click()
    page.get_by_role("menuitem", name="My account").click()
    page.get_by_role("button", name="Set up one-time codes").click()
    expect(page.get_by_alt_text("QR code with the key")).to_be_visible()
    telephone = Telephone(page.locator("code").inner_text())
    code = page.get_by_role("textbox", name="One-time code")
    code.fill(telephone.wrong())
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("alert")).to_be_visible()
    code.fill(telephone.fresh())
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_text("Signing in asks for a one-time code.")).to_be_visible()
    look(page, "41-one-time-codes-on")
    return telephone


def _lose(page: Page, served: Served) -> None:
    """The administrator switches the codes of a lost telephone off."""
    steps.sign_in(page, served.url, "admin", steps.ADMIN_PASSWORD)
    page.get_by_role("link", name="Accounts").click()
    reader = page.get_by_role("row").filter(has_text="reader-c")
    expect(reader.get_by_role("cell", name="yes", exact=True)).to_be_visible()
    reader.get_by_role("button").click()
    page.get_by_role("menuitem", name="Switch one-time codes off").click()
    expect(reader.get_by_role("cell", name="no", exact=True)).to_be_visible()
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("cell", name="account.totp")).to_have_count(2)  # on, off
    steps.sign_out(page)
