"""The real page in a real browser: `konio serve` in a folder of its own, headless Chromium from the machine's packages.

Pictures of every page are kept in ``out/web-screenshots`` (or in the folder that KONIO_SCREENSHOTS names), to be looked at.
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
SCREENSHOTS = Path(os.environ.get("KONIO_SCREENSHOTS", ROOT / "out" / "web-screenshots"))

#: Two processors shared with other tests: what takes long is judged by benchmarks.
PATIENCE_MS = 60_000
BOOT_SECONDS = 240
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session", autouse=True)
def pages() -> None:
    """The pages as the present sources say; built here where they are not."""
    path = ROOT / "scripts" / "build_frontend.py"
    spec = importlib.util.spec_from_file_location("build_frontend", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.build()


@dataclass(frozen=True)
class Served:
    """A running reading room.

    Args:
        url: where it is.
        password: one-time password of the first administrator.
    """

    url: str
    password: str


def _konio(*words: str | Path) -> list[str]:
    boot = "import sys; from konio.cli import main; sys.exit(main(sys.argv[1:]))"
    return [sys.executable, "-c", boot, *map(str, words)]


@pytest.fixture(scope="module")
def served(
    tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[Served]:
    """`konio serve` with one worker (or what the parameter says), an empty SQLite database and the shipped model."""
    folder = tmp_path_factory.mktemp("room")
    workers = getattr(request, "param", "--workers=1")
    with (folder / "server.log").open("w") as log:
        server = subprocess.Popen(
            _konio("serve", "--data", folder / "data", "--port", "0", workers),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        )
        killer = threading.Timer(BOOT_SECONDS, server.kill)
        killer.start()
        try:
            announced = _announced(server, folder / "server.log")
            killer.cancel()
            yield announced
        finally:
            killer.cancel()
            server.terminate()
            try:
                server.wait(40)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
            assert server.stdout is not None
            server.stdout.close()


def _announced(server: subprocess.Popen[str], log: Path) -> Served:
    """Reads the two lines that a first start prints."""
    assert server.stdout is not None
    said = ""
    for line in server.stdout:
        said += line
        password = re.search(r"One-time password of account 'admin': (\S+)", said)
        address = re.search(r"konio is at (http://\S+)", said)
        if password and address:
            return Served(address[1], password[1])
    raise AssertionError(f"konio serve ended: {said}\n{log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three DICOM films of made-up patients."""
    folder = tmp_path_factory.mktemp("films")
    command = ("phantom", "radiograph", "--cases", "3", "--seed", "11", "--workers", "1")
    subprocess.run(_konio(*command, "--out", folder), check=True, capture_output=True)
    return sorted((folder / "films").glob("*.dcm"))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Headless Chromium from the machine's own packages."""
    program = (
        shutil.which("chromium")
        or shutil.which("chromium-browser")
        or shutil.which("google-chrome")
    )
    assert program, "these tests drive a real browser; install one (Debian: apt install chromium)"
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(_QUIET))
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser nobody has used yet, 1280 x 800, English."""
    fresh = chromium.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    fresh.set_default_timeout(PATIENCE_MS)
    yield fresh
    fresh.close()


class Errors(list[str]):
    """What the page complained about in the browser's console."""


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; an error in its console fails the test."""
    complaints = Errors()
    fresh = context.new_page()
    fresh.on("pageerror", lambda error: complaints.append(str(error)))
    fresh.on("console", lambda said: _note(complaints, said.type, said.text))
    yield fresh
    assert complaints == []


def _note(complaints: Errors, kind: str, text: str) -> None:
    # A refused request (signed out, blind) is an answer of the server that the page shows in words.
    if kind == "error" and "Failed to load resource" not in text:
        complaints.append(text)


def look(page: Page, name: str) -> None:
    """Keeps a picture of the page as it is now."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.wait_for_timeout(350)  # menus and dialogs glide in
    page.screenshot(path=SCREENSHOTS / f"{name}.png")
