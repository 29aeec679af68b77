"""How soon the reading room is there: the first page, a film of 3000 x 3000 after a click, each picture while it is moved.

The real server, the Chromium of this machine, loopback. The film's pictures are made before (a worker does that when the film
comes in); the page itself is opened by a browser that knows nothing yet. The viewer shows a film first with as many pixels as
the screen has and fetches all of them after that: both times are measured, and whether the two pictures are the same.
"""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image as Picture
from playwright.sync_api import Browser, Page, sync_playwright

from _machine import machine

SIDE = 3000
ROUNDS = 9
ADMIN, READER = "a long word for the admin", "a long word for the reader"
BOOT = "import sys; from konio.cli import main; sys.exit(main(sys.argv[1:]))"
STATIC = Path(__file__).resolve().parents[1] / "src" / "konio" / "web" / "static"

#: Opens a film by a click and tells after how many milliseconds it is painted, and painted from all its pixels.
OPEN = """
(compare) => new Promise((done) => {
  const began = performance.now()
  const found = { seen: null, whole: null, longest: 0, same: null }
  let picture = null
  let last = began
  document.querySelector('.films a').click()
  const look = () => {
    const now = performance.now()
    const film = document.querySelector('.film-canvas')
    if (found.seen !== null) found.longest = Math.max(found.longest, now - last)
    last = now
    if (film && film.width > 300 && found.seen === null) {
      found.seen = now - began
      if (compare) picture = film.toDataURL()
    }
    if (found.seen === null || film.dataset.whole !== 'true') return requestAnimationFrame(look)
    requestAnimationFrame(() => requestAnimationFrame(() => {
      found.whole = performance.now() - began
      if (compare) found.same = picture === film.toDataURL()
      done(found)
    }))
  }
  look()
})
"""

#: Changes the window forty times and tells the milliseconds from picture to picture.
MOVE = """
() => new Promise((done) => {
  const times = []
  let last = performance.now()
  const step = () => {
    const now = performance.now()
    times.push(now - last)
    last = now
    if (times.length > 40) return done(times.slice(1))
    window.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', shiftKey: true }))
    requestAnimationFrame(step)
  }
  requestAnimationFrame(step)
})
"""

#: Milliseconds until the sign-in form stands, from the beginning of the navigation.
FIRST = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"


def film(path: Path) -> None:
    """A made-up film enlarged to the size of a real one, with noise in each pixel, as a 16-bit PNG."""
    import konio

    words = [
        "phantom",
        "radiograph",
        "--cases",
        "1",
        "--seed",
        "11",
        "--workers",
        "1",
        "--out",
        str(path.parent / "made"),
    ]
    subprocess.run([sys.executable, "-c", BOOT, *words], check=True, capture_output=True)
    small = konio.read(str(next((path.parent / "made" / "films").glob("*.dcm")))).pixels
    large = np.asarray(Picture.fromarray(small).resize((SIDE, SIDE), Picture.Resampling.BICUBIC))
    noisy = 65_535 * large + np.random.default_rng(1).normal(0, 400, large.shape)
    Picture.fromarray(np.clip(noisy, 0, 65_535).astype(np.uint16)).save(path)


def call(page: Page, method: str, path: str, body: object = None) -> dict[str, object]:
    """One request to the interface in the page's own session."""
    said = page.evaluate(
        "async ([method, path, body, token]) => { const answer = await fetch(path, {method, headers: {"
        "'Content-Type': 'application/json', 'X-CSRF-Token': token}, body: body && JSON.stringify(body)});"
        " const text = await answer.text(); return text ? JSON.parse(text) : {} }",
        [method, path, body, getattr(page, "konio_token", "")],
    )
    if "csrf" in said:
        page.konio_token = said["csrf"]  # type: ignore[attr-defined]
    return dict(said)


def prepare(page: Page, url: str, password: str, path: Path) -> None:
    """An administrator, a reader, one film with its pictures made."""
    page.goto(url)
    call(page, "POST", "/api/session", {"name": "admin", "password": password})
    call(page, "PUT", "/api/password", {"current": password, "new": ADMIN})
    given = call(
        page, "POST", "/api/accounts", {"name": "reader", "display": "Reader", "role": "reader"}
    )
    call(page, "POST", "/api/session", {"name": "reader", "password": given["password"]})
    call(page, "PUT", "/api/password", {"current": given["password"], "new": READER})
    page.goto(url)
    page.locator("input[type=file]").set_input_files(path)
    page.get_by_text("1 of 1 uploaded").wait_for()
    page.locator(".films a").first.click()
    page.locator(".film-canvas").wait_for(timeout=120_000)


def first_page(browser: Browser, url: str) -> float:
    """A browser that has never been here opens the sign-in page; milliseconds."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(url)
    page.get_by_role("heading", name="Sign in").wait_for()
    took = float(page.evaluate(FIRST))
    context.close()
    return took


def opened(page: Page, url: str, *, compare: bool = False) -> tuple[dict[str, float], list[float]]:
    """Opens the film once; milliseconds until it is painted, and from picture to picture after that."""
    page.goto(url)
    page.locator(".films a").first.wait_for()
    return dict(page.evaluate(OPEN, compare)), list(page.evaluate(MOVE))


def line(name: str, values: list[float], limit: str) -> None:
    """Median and range."""
    print(
        f"{name:44s} {statistics.median(values):7.0f} ms  ({min(values):.0f} - {max(values):.0f}), limit {limit}"
    )


def measure(url: str, password: str, folder: Path) -> None:
    """Prints all figures."""
    film(folder / "film.png")
    program = shutil.which("chromium") or "chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox", "--disable-gpu"]
        )
        context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
        page = context.new_page()
        page.set_default_timeout(120_000)
        prepare(page, url, password, folder / "film.png")
        line(
            "first page, empty cache", [first_page(browser, url) for _ in range(ROUNDS)], "1500 ms"
        )
        rounds = [opened(page, url) for _ in range(ROUNDS)]
        line(f"film of {SIDE} x {SIDE} after the click", [t["seen"] for t, _ in rounds], "1000 ms")
        line("all its pixels there", [took["whole"] for took, _ in rounds], "-")
        line("longest pause until then", [took["longest"] for took, _ in rounds], "-")
        same = opened(page, url, compare=True)[0]["same"]
        print(f"the picture before and after all pixels are there is the same: {bool(same)}")
        line(
            "picture to picture while the window moves",
            [statistics.median(times) for _, times in rounds],
            "-",
        )
        browser.close()


def main() -> int:
    """Starts a server of its own and measures."""
    print(f"{machine('playwright')}\n{ROUNDS} rounds each")
    sizes = {path.name: path.stat().st_size for path in STATIC.rglob("*.gz")}
    viewer = sum(size for name, size in sizes.items() if name.startswith("FilmPage"))
    print(
        f"gzipped: everything {sum(sizes.values()) / 1e3:.0f} kB, of it the viewer's page {viewer / 1e3:.0f} kB, limit 1000 kB without it"
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words = ["serve", "--data", str(folder / "data"), "--port", "0", "--workers", "0"]
        server = subprocess.Popen(
            [sys.executable, "-u", "-c", BOOT, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            said = ""
            for told in server.stdout or ():
                said += told
                if "konio is at" in said:
                    break
            password = re.search(r"'admin': (\S+)", said)
            address = re.search(r"konio is at (\S+)", said)
            if password is None or address is None:
                print(json.dumps(said))
                return 1
            measure(address[1], password[1], folder)
        finally:
            server.terminate()
            server.wait(60)
    return 0


if __name__ == "__main__":
    sys.exit(main())
