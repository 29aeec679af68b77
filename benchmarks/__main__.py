"""Runs the benchmarks one after another, so that none disturbs another: ``python -m benchmarks [NAME ...]``.

Without names the quick ones run; ``lungs`` (trains five networks), ``polarity`` (every real film) and
``phantom_gate`` (300 films) take longer and are named explicitly.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
QUICK = ("reading", "phantom_times", "network", "training", "assess")


def main(names: list[str]) -> int:
    """Exit status: 0 if every benchmark ran."""
    known = sorted(path.stem for path in HERE.glob("*.py") if not path.stem.startswith("_"))
    unknown = [name for name in names if name not in known]
    if unknown:
        sys.stderr.write(
            f"no benchmark is called {', '.join(unknown)}; there are {', '.join(known)}\n"
        )
        return 2
    failed = 0
    for name in names or QUICK:
        print(f"\n== {name}", flush=True)
        failed += (
            subprocess.run([sys.executable, str(HERE / f"{name}.py")], check=False).returncode != 0
        )
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
