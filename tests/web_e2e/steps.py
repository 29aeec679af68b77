"""What people do in the reading room, one function each."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

NOTICE = "Research software; not for diagnosis. A physician must review this result."
ADMIN_PASSWORD = "a long word for the admin"  # noqa: S105
READER_PASSWORD = "a long word for the reader"  # noqa: S105


def sign_in(page: Page, url: str, name: str, password: str) -> None:
    """Opens the room and signs in."""
    page.goto(url)
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in").click()


def first_password(page: Page, given: str, chosen: str) -> None:
    """Changes the password that was handed out."""
    page.get_by_label("Password you were given").fill(given)
    page.get_by_label("New password", exact=True).fill(chosen)
    page.get_by_label("New password again").fill(chosen)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("heading", name="Work list")).to_be_visible()


def sign_out(page: Page) -> None:
    """Leaves the room."""
    page.get_by_test_id("account-menu").click()
    page.get_by_test_id("sign-out").click()
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()


def add_reader(page: Page, name: str, display: str) -> str:
    """Adds a reader; gives the one-time password."""
    page.get_by_role("link", name="Accounts").click()
    page.get_by_test_id("add-account").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name to sign in with").fill(name)
    dialog.get_by_label("Name shown").fill(display)
    dialog.get_by_role("button", name="Add an account").click()
    given = page.get_by_test_id("given-password").inner_text()
    page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).last.click()
    return given


def upload(page: Page, films: list[Path]) -> None:
    """Chooses files and waits until the server has them."""
    page.locator("input[type=file]").set_input_files(films)
    expect(page.get_by_text(f"{len(films)} of {len(films)} uploaded")).to_be_visible()


def open_film(page: Page, name: str) -> None:
    """Opens a film from the work list and waits for its picture."""
    page.get_by_role("link", name=f"Open {name}").click()
    expect(page.get_by_test_id("film")).to_be_visible()


def grade(page: Page, **zones: str) -> None:
    """Fills in the profusion of zones."""
    for zone, profusion in zones.items():
        page.locator(f"select[name=zone-{zone}]").select_option(profusion)


def sign(page: Page) -> None:
    """Signs the reading as it is."""
    page.get_by_test_id("sign").click()
    page.get_by_test_id("sign-do").click()
